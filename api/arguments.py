"""Reads bodies and queries: JSON only, strictly, and every refusal as one `InvalidInput`."""

import json
from collections.abc import Callable
from typing import Any, Final, NoReturn

import flask_smorest
from flask import Request
from marshmallow import RAISE, Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import MultiDict

from api.described import View, described
from api.errors import Problem
from api.faults import InvalidInput, gathered

MEDIA_TYPE: Final = "application/json"
FORM: Final = "multipart/form-data"


class Parser(FlaskParser):
    """A schema's answer to a request; unknown names are refused in a query too, for a filter that is
    mistyped would show everything."""

    DEFAULT_UNKNOWN_BY_LOCATION: Final = {
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": RAISE,
        "files": RAISE,
    }

    def load_json(self, req: Request, schema: Schema) -> Any:
        if req.mimetype != MEDIA_TYPE:
            raise Problem("unsupported-media-type")
        return parse(req.get_data())

    def load_files(self, req: Request, schema: Schema) -> Any:
        """A form with a file."""
        if req.mimetype != FORM:
            raise Problem("unsupported-media-type")
        sent = MultiDict([*req.form.items(multi=True), *req.files.items(multi=True)])
        return self._makeproxy(sent, schema)

    def handle_error(self, error: ValidationError, req: Request, schema: Schema, **_options: Any) -> NoReturn:
        (found,) = error.normalized_messages().values()  # under the location's name
        raise InvalidInput(gathered(found))


def parse(body: bytes) -> Any:
    """JSON in UTF-8 (RFC 8259). Raises Problem `not-json`."""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Problem("not-json") from None


def _no_number(name: str) -> NoReturn:
    """`NaN` and its like are Python's, not JSON's."""
    raise ValueError(name)


class Blueprint(flask_smorest.Blueprint):
    """Routes with their arguments and answers described; see `api.documentation`."""

    ARGUMENTS_PARSER = Parser()

    def arguments(self, schema: Any, *, location: str = "json", **options: Any) -> Callable[[View], View]:
        """Notes besides that a view reads its query: others take none (api/headers.py)."""
        reads = super().arguments(schema, location=location, **options)
        if location != "query":
            return reads
        return lambda view: described(reads(view), query=True)
