"""Who was shown whose data: what auditors ask, and what they are told."""

from typing import Any, Final

from marshmallow import Schema, fields

from api.schemas import answers
from api.schemas.fields import Choice, Code, Id, Input, Instant
from api.schemas.staff import Page
from domain.policies import ROLES
from projections.accesses import KINDS


class Purpose(Input):
    """What a whole AHV number is wanted for."""

    purpose = Code("purposes")


class AccessFilter(Page):
    account = Id()
    reader = Id()
    kind = Choice(KINDS, load_default=KINDS[0])
    since = Instant(data_key="from")
    until = Instant(data_key="to", ends=True)


class Access(Schema):
    """`account`: where it is one person's data. `count`: how many entries were shown, or attempts made."""

    position = fields.Integer(required=True)
    at = answers.moment()
    reader = fields.UUID(required=True)
    by = answers.text()
    role = answers.maybe(metadata={"enum": [*ROLES, None]})
    what = answers.text()
    account = answers.maybe(fields.UUID)
    accounts = fields.List(fields.UUID(), required=True)
    purpose = answers.maybe()
    count = fields.Integer(required=True)
    filters = fields.Dict(required=True)


class AccessPage(answers.Page):
    items = answers.many(Access)


ACCESS_PAGE: Final[dict[str, Any]] = {
    "items": [
        {
            "position": 3141592653,
            "at": "2025-09-01T08:20:00Z",
            "reader": "0f6a3c1e-5c1b-4c53-8f5e-0a3f7c5f2b90",
            "by": "Kim Frei (kim.frei@secretariat.example)",
            "role": "secretariat",
            "what": "account",
            "account": "6f1f2c35-6c1f-4f8e-9a39-0c4a5a4c8a11",
            "accounts": ["6f1f2c35-6c1f-4f8e-9a39-0c4a5a4c8a11"],
            "purpose": "linking",
            "count": 1,
            "filters": {},
        }
    ],
    "next_cursor": None,
}
