"""What auditors ask for of the log as a whole, and what they are answered."""

from typing import Any, Final

from marshmallow import Schema, fields

from api.schemas.answers import many, maybe, moment, text
from api.schemas.fields import Count, Input

GREATEST: Final = 2**53 - 1  # that every client's numbers hold

CHECKPOINT: Final = """\
account.school.example/log
4096
7MnYbbjOqQ4VVlVFkMyn9Lf0ZyNYXXdTgFrIVUDTUmI=

— account.school.example/log 9fGpxZ5zVb6p2fgHSpO5pBzL0Ap0hHjUUUZtRkY8sTE7M0bJSmgXGyp9K9HzoZ8mUdCdWvbr
"""
KEY: Final = "account.school.example/log+f5f1a9c5+AQg2ZPFvb2VMEu7Z5UcnFYKOV2gg5OE3mJVSCbhxNbSj"
HASH: Final = "7MnYbbjOqQ4VVlVFkMyn9Lf0ZyNYXXdTgFrIVUDTUmI="


class InclusionQuery(Input):
    position = Count(least=1, most=GREATEST, required=True)
    size = Count(least=1, most=GREATEST)


class ConsistencyQuery(Input):
    first = Count(least=1, most=GREATEST, required=True)
    second = Count(least=1, most=GREATEST, required=True)


class KeptCheckpoint(Schema):
    size = fields.Integer(required=True)
    signed_at = moment()
    checkpoint = text(metadata={"description": "The signed note."})


class CheckpointPage(Schema):
    items = many(KeptCheckpoint)
    next_cursor = maybe()


class Inclusion(Schema):
    """Hashes in base64, the lowest first (RFC 9162)."""

    position = fields.Integer(required=True)
    leaf_index = fields.Integer(required=True)
    leaf_hash = text()
    size = fields.Integer(required=True)
    hashes = fields.List(fields.String(), required=True)


class Consistency(Schema):
    first = fields.Integer(required=True)
    second = fields.Integer(required=True)
    hashes = fields.List(fields.String(), required=True)


CHECKPOINT_PAGE: Final[dict[str, Any]] = {
    "items": [{"size": 4096, "signed_at": "2025-09-01T22:00:00Z", "checkpoint": CHECKPOINT}],
    "next_cursor": None,
}
INCLUSION: Final[dict[str, Any]] = {
    "position": 3063808,
    "leaf_index": 2,
    "leaf_hash": HASH,
    "size": 4,
    "hashes": [HASH, HASH],
}
CONSISTENCY: Final[dict[str, Any]] = {"first": 4, "second": 8, "hashes": [HASH]}
