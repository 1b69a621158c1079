"""What is sent and answered when somebody's data are erased."""

from typing import Any, Final

from marshmallow import Schema, fields

from api.schemas.answers import maybe, one_of, text
from api.schemas.fields import Code, Input

ERASURE_STATES: Final = ("proposed", "approved", "done")


class ErasureProposal(Input):
    """No note: it would go with the key."""

    reason = Code("reasons.erasure", required=True)


class ErasureState(Schema):
    id = fields.UUID(required=True)
    state = one_of(ERASURE_STATES)


class ErasureSheet(ErasureState):
    """What was decided is null where the log does not tell it: it was restored from a backup of before."""

    account = fields.UUID(required=True)
    reason = maybe()
    proposed_by = maybe()
    proposed_at = maybe(fields.AwareDateTime)
    approved_by = maybe()
    approved_at = maybe(fields.AwareDateTime)
    done_at = maybe(fields.AwareDateTime)
    backups_until = maybe(fields.Date)
    law = text()


ID: Final = "7d0c1f36-55c1-4d4e-9a0f-0a8a0a3f6a52"
PROPOSAL: Final[dict[str, Any]] = {"reason": "request-of-holder"}
PROPOSED: Final[dict[str, Any]] = {"id": ID, "state": "proposed"}
APPROVED: Final[dict[str, Any]] = {"id": ID, "state": "approved"}
SHEET: Final[dict[str, Any]] = {
    **APPROVED,
    "account": "3f1d6a52-8f0e-4b1a-9d57-6a1f0c2b7e11",
    "reason": "request-of-holder",
    "proposed_by": "Nadine Frossard (nadine.frossard@school.example)",
    "proposed_at": "2025-09-01T08:21:09.330121Z",
    "approved_by": "Luc Berberat (luc.berberat@school.example)",
    "approved_at": "2025-09-01T09:02:44.018227Z",
    "done_at": None,
    "backups_until": "2025-12-01",
    "law": "CPDT-JUNE, art. 35 (destruction) and 52 (archives)",
}
