"""The log, or what a filter leaves of it, as a file that is sent while it is read."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from api import audit_events
from api.context import locale, service
from api.identity import me
from api.traces import tracer
from infrastructure.audit_log import Wanted


def sent(which: Wanted, asked: Mapping[str, Any], content_type: str) -> Response:
    """The file, whose `Export-Id` names the manifest. asked: the filter, as it was asked for; for views under a role.

    content_type: of audit_events.FORMATS.
    """
    format_ = audit_events.FORMATS[content_type]
    sending = audit_events.export(
        service(),
        asked,
        which,
        format_=format_,
        by=me().account_id,
        language=locale(),
        trace=tracer(
            "export",
            purpose=asked.get("purpose"),
            filters={**audit_events.filters(asked), "format": format_},
        ),
        bom=asked.get("bom", False),
        most=asked.get("limit"),
    )
    charset = "; charset=utf-8" if content_type == audit_events.CSV else ""
    response = Response(sending, content_type=content_type + charset)
    response.headers["Export-Id"] = str(sending.id)
    response.headers["Content-Disposition"] = f'attachment; filename="events-{sending.id}.{format_}"'
    return response
