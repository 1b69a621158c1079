"""What holders ask for of their portfolio, and what they are shown."""

from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validates_schema

from api.faults import Fault
from api.schemas import answers
from api.schemas.fields import Choice, Day
from api.schemas.staff import Page
from domain.portfolio import KINDS, STATES
from infrastructure.documents import MEDIA_TYPES


class PortfolioFilter(Page):
    """`from`, `to`: what was going on at least one day of these."""

    kind = Choice(KINDS)
    state = Choice(STATES)
    since = Day(data_key="from")
    until = Day(data_key="to")

    @validates_schema
    def in_order(self, wanted: dict[str, Any], **_options: Any) -> None:
        since, until = wanted.get("since"), wanted.get("until")
        if since and until and since > until:
            raise ValidationError({"from": [Fault("after-the-other", other="to")]})


class DocumentFile(Schema):
    name = answers.text()
    media_type = answers.one_of(MEDIA_TYPES)
    size = fields.Integer(required=True, metadata={"description": "In bytes."})
    sha256 = answers.text(metadata={"pattern": "^[0-9a-f]{64}$"})


class PortfolioItem(Schema):
    """`new`: not seen yet, or changed since. `document`: to be fetched at `/me/documents/<id>`, by the item's id."""

    id = fields.UUID(required=True)
    kind = answers.one_of(KINDS)
    number = answers.text()
    title = answers.maybe()
    state = answers.maybe(metadata={"enum": [*STATES, None]})
    starts = answers.maybe(fields.Date, data_key="from")
    ends = answers.maybe(fields.Date, data_key="to")
    ects = answers.maybe(fields.Float)
    document = answers.nested(DocumentFile, allow_none=True)
    new = fields.Boolean(required=True)


class PortfolioPage(answers.Page):
    items = answers.many(PortfolioItem)


SHA256: Final = "6ae8a75555209fd6c44157c0aed8016e763ff435a19cf186f76863140143ff72"
DOCUMENT: Final[dict[str, Any]] = {
    "id": "9d1b0c9e-5a51-4f0c-a6a2-3c6b7c1f0d7e",
    "kind": "document",
    "number": "A-2025-0117",
    "title": "Attestation de formation continue",
    "state": None,
    "from": "2025-06-30",
    "to": None,
    "ects": None,
    "document": {
        "name": "attestation-2025-0117.pdf",
        "media_type": "application/pdf",
        "size": 48213,
        "sha256": SHA256,
    },
    "new": True,
}
COURSE: Final[dict[str, Any]] = {
    "id": "3a7c8de4-8f86-4bb4-9a3e-5f6b5d0a9c21",
    "kind": "course",
    "number": "FC-2025-114",
    "title": "Enseigner avec les albums de jeunesse",
    "state": "followed",
    "from": "2025-02-05",
    "to": "2025-03-26",
    "ects": 1.5,
    "document": None,
    "new": False,
}
PORTFOLIO_PAGE: Final[dict[str, Any]] = {"items": [DOCUMENT, COURSE], "next_cursor": None}
DOCUMENT_PAGE: Final[dict[str, Any]] = {"items": [DOCUMENT], "next_cursor": None}
