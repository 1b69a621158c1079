"""An evidence file: docs/evidence.md says what each member holds."""

from typing import Any, Final

from marshmallow import Schema, fields

from api.schemas.answers import many, maybe, moment, nested, text

KEYS = fields.String(metadata={"format": "byte"})


def number() -> fields.Integer:
    return fields.Integer(required=True)


def hashes() -> fields.List:
    return fields.List(fields.String(metadata={"format": "byte"}), required=True)


def names() -> fields.List:
    return fields.List(fields.String(), required=True)


def by_name(**values: Any) -> fields.Dict:
    return fields.Dict(keys=fields.String(), required=True, **values)


class EvidenceEvent(Schema):
    leaf_index = number()
    position = number()
    recorded_at = moment()
    stream = fields.UUID(required=True)
    version = number()
    topic = text()
    account = maybe(fields.UUID)
    state = text(metadata={"format": "byte", "description": "The stored bytes."})
    keys = by_name(values=KEYS)
    values = by_name()
    erased = names()
    withheld = names()
    inclusion = hashes()


class EvidenceLink(Schema):
    record_number = maybe()
    linked_at = moment()
    by = fields.UUID(required=True)


class EvidenceState(Schema):
    position = number()
    as_of = moment()
    account = by_name()
    profile = maybe(fields.Dict)
    link = fields.Nested(EvidenceLink, required=True, allow_none=True)
    case = maybe(fields.Dict)
    pending = fields.List(fields.Dict(), required=True)


class EvidenceCheckpoint(Schema):
    size = number()
    signed_at = moment()
    note = text(metadata={"description": "A C2SP signed note."})


class EarlierCheckpoint(EvidenceCheckpoint):
    consistency = hashes()


class EvidenceFile(Schema):
    format = text(metadata={"enum": ["matricule-evidence/1"]})
    origin = text()
    made_at = moment()
    account = fields.UUID(required=True)
    as_of = nested(EvidenceState)
    events = many(EvidenceEvent)
    checkpoint = nested(EvidenceCheckpoint)
    earlier = many(EarlierCheckpoint)
    key = text(metadata={"description": "The verifier key."})
    actors = by_name(values=fields.Dict(keys=fields.String(), values=fields.String()))
    words = by_name(values=fields.Dict(keys=fields.String(), values=fields.String()))
    signature = text(metadata={"description": "A C2SP signed note over everything else."})


_ACCOUNT, _STAFF = "9b2c8f5e-9a53-4d0f-8a57-5d0c6a0e2b11", "3f1d7c55-6d0e-4a43-9f0a-2b8f5b6c7d22"
_LOG, _ROOT = "account.school.example/log", "HUiMH7Gho3PIRiJV8PxYhYxPhrIqwc2Yp6OqEUH1MdA="

EVIDENCE: Final[dict[str, Any]] = {
    "format": "matricule-evidence/1",
    "origin": _LOG,
    "made_at": "2026-03-03T13:30:00.000000Z",
    "account": _ACCOUNT,
    "as_of": {
        "position": 3145728,
        "as_of": "2026-03-03T13:30:00.000000Z",
        "account": {
            "id": _ACCOUNT,
            "email": "ada@school.example",
            "given_name": None,
            "family_name": None,
            "locale": "fr",
            "state": "requested",
            "roles": [],
            "profile_state": "missing",
            "link_state": "none",
            "link_due": None,
        },
        "profile": None,
        "link": None,
        "case": None,
        "pending": [],
    },
    "events": [
        {
            "leaf_index": 0,
            "position": 3145728,
            "recorded_at": "2026-03-03T13:05:09.123456Z",
            "stream": _ACCOUNT,
            "version": 1,
            "topic": "account.requested",
            "account": _ACCOUNT,
            "state": "eyJ0aW1lc3RhbXAiOiIyMDI2LTAzLTAzVDEzOjA1OjA5WiIsInNlYWxlZCI6e319",
            "keys": {"email": _ROOT},
            "values": {
                "timestamp": "2026-03-03T13:05:09Z",
                "actor": _STAFF,
                "email": "ada@school.example",
            },
            "erased": [],
            "withheld": [],
            "inclusion": [],
        }
    ],
    "checkpoint": {
        "size": 1,
        "signed_at": "2026-03-03T13:30:00.000000Z",
        "note": f"{_LOG}\n1\n{_ROOT}\n\n— {_LOG} …\n",
    },
    "earlier": [],
    "key": f"{_LOG}+915bc7d3+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
    "actors": {_STAFF: {"fr": "Marc Voirol", "de": "Marc Voirol", "en": "Marc Voirol"}},
    "words": {"en": {"account.requested": "Account requested", "email": "E-mail address"}},
    "signature": f"matricule-evidence/1\n…\n\n— {_LOG} …\n",
}
