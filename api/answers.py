"""JSON answers, and what a command's answer carries besides."""

from datetime import UTC, datetime
from typing import Any, Final

import orjson
from flask import Response

from api.context import service
from application.ports import Saved

_OPTIONS: Final = orjson.OPT_UTC_Z


def answer(content: Any, status: int = 200) -> Response:
    """JSON of dicts, lists, UUIDs, dates and aware instants."""
    return Response(orjson.dumps(content, option=_OPTIONS), status, content_type="application/json")


def nothing() -> Response:
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def after(saved: Saved, response: Response) -> Response:
    """Mark an answer with how far the log has come with it; 0 where nothing was written, and nothing to wait for."""
    response.headers["Log-Position"] = service().watermark.seal(saved.position)
    if saved.recorded_at:
        response.headers["Recorded-At"] = instant(saved.recorded_at)
    return response


def versioned(version: int, response: Response) -> Response:
    response.headers["ETag"] = f'"{version}"'
    return response


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC, always with microseconds."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
