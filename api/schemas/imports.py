"""What the secretariat sends to have taken over, and how far it is."""

from typing import Any, Final

from marshmallow import Schema, fields, post_load
from werkzeug.datastructures import FileStorage

from api.faults import Faulty
from api.schemas.answers import many, maybe, moment, one_of, text
from api.schemas.fields import Choice, Flag, Input, Text
from infrastructure.import_file import MOST_COLUMNS, MOST_REFUSALS
from infrastructure.import_jobs import KINDS

STATES: Final = ("waiting", "running", "done", "failed")
MAP_LIMIT: Final = 5_000
NAME_LIMIT: Final = 100  # characters of a column's name


class ColumnNames(Text):
    """How a file calls columns of ours: a line each, `theirs=ours`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(limit=MAP_LIMIT, lines=True, **options)

    def understood(self, typed: str) -> dict[str, str]:
        names = {}
        for line in filter(None, map(str.strip, typed.splitlines())):
            theirs, _, ours = (part.strip() for part in line.rpartition("="))
            if not theirs or not ours:
                raise Faulty("invalid-map")
            if max(len(theirs), len(ours)) > NAME_LIMIT:
                raise Faulty("too-long", max=NAME_LIMIT)
            names[theirs] = ours
        if len(names) > MOST_COLUMNS:
            raise Faulty("invalid-map")
        return names


class Upload(fields.Field):
    """A file, not empty."""

    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"type": "string", "format": "binary"}, **options)

    default_error_messages = {"required": "missing", "null": "null"}  # noqa: RUF012 - marshmallow's own form

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> FileStorage:
        if not isinstance(value, FileStorage) or not value.filename:
            raise Faulty("missing")
        return value


class ImportForm(Input):
    file = Upload(required=True)
    kind = Choice(KINDS, required=True)
    dry_run = Flag()
    map = ColumnNames()

    @post_load
    def as_wanted(self, typed: dict, **_options: object) -> dict[str, Any]:
        names = typed.pop("map", None) or {}
        return {**typed, "dry_run": bool(typed.get("dry_run")), "names": names}


class ImportBegun(Schema):
    id = fields.UUID(required=True)
    state = one_of(STATES)


class RefusedLine(Schema):
    line = fields.Integer(required=True, metadata={"description": "As an editor counts; the header is 1."})
    field = maybe()
    code = text()
    why = text()


class ImportProgress(ImportBegun):
    kind = one_of(KINDS)
    dry_run = fields.Boolean(required=True)
    by = text()
    created_at = moment()
    finished_at = maybe(fields.AwareDateTime)
    line = fields.Integer(required=True, metadata={"description": "The last one done."})
    lines = fields.Integer(required=True)
    read = fields.Integer(required=True)
    added = fields.Integer(required=True)
    changed = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    refused = many(RefusedLine)
    refused_count = fields.Integer(
        required=True, metadata={"description": f"All; as CSV the first {MOST_REFUSALS:,} are told."}
    )


ID: Final = "0b0f2b57-6a43-4a6b-8b5e-3c3b8d6f9a11"
FORM: Final[dict[str, Any]] = {
    "kind": "accounts",
    "dry_run": "true",
    "file": "email;given_name;family_name;locale",
}
BEGUN: Final[dict[str, Any]] = {"id": ID, "state": "waiting"}
PROGRESS: Final[dict[str, Any]] = {
    "id": ID,
    "state": "running",
    "kind": "accounts",
    "dry_run": False,
    "by": "Nadine Frossard (nadine.frossard@school.example)",
    "created_at": "2025-09-01T08:21:09.330121Z",
    "finished_at": None,
    "line": 4001,
    "lines": 12408,
    "read": 4000,
    "added": 3998,
    "changed": 0,
    "unchanged": 1,
    "refused": [
        {
            "line": 17,
            "field": "email",
            "code": "invalid-email",
            "why": "This e-mail address is incomplete or holds a mistake.",
        }
    ],
    "refused_count": 1,
}
