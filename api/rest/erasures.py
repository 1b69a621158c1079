"""Erasing a person's data: one person who answers for data protection proposes it, another one approves."""

from typing import Any
from uuid import UUID

from flask import Response

from api.answers import after, answer
from api.arguments import Blueprint
from api.context import locale, service
from api.described import tells
from api.idempotency import idempotent
from api.identity import me, staff
from api.schemas import erasures as schemas
from api.traces import traced

blueprint = Blueprint("erasures", __name__, url_prefix="/api/v1")


@blueprint.post("/accounts/<uuid:account_id>/erasure")
@staff("data-protection")
@blueprint.arguments(schemas.ErasureProposal, example=schemas.PROPOSAL)
@idempotent()
@blueprint.response(201, schemas.ErasureState, example=schemas.PROPOSED)
@tells(
    "not-found",
    "own-account",
    "account-erased",
    "already-merged",
    "already-decided",
    "conflict",
    command=True,
)
def propose_erasure(typed: dict[str, Any], account_id: UUID) -> Response:
    """Propose to erase all personal data of an account. Nothing happens before another person has approved."""
    erasure_id, saved = service().erasures.propose(account_id, **typed, actor=me().account_id)
    return after(saved, answer({"id": erasure_id, "state": "proposed"}, 201))


@blueprint.post("/erasures/<uuid:erasure_id>/approve")
@staff("data-protection")
@idempotent()
@blueprint.response(202, schemas.ErasureState, example=schemas.APPROVED)
@tells(
    "not-found",
    "own-account",
    "same-person",
    "account-erased",
    "already-merged",
    "already-decided",
    "conflict",
    command=True,
)
def approve_erasure(erasure_id: UUID) -> Response:
    """Approve it, as another person than who proposed it. The holder gets a last message, then the data are erased.

    They cannot be restored. The institution's own record and the course of events stay; see `GET /erasures/<id>`.
    """
    saved = service().erasures.approve(erasure_id, actor=me().account_id)
    return after(saved, answer({"id": erasure_id, "state": "approved"}, 202))


@blueprint.get("/erasures/<uuid:erasure_id>")
@staff("data-protection")
@blueprint.response(200, schemas.ErasureSheet, example=schemas.SHEET)
@tells("not-found")
def show_erasure(erasure_id: UUID) -> Response:
    """How far an erasure is, by whom, why and under which law; until when older backups can still be read."""
    entry, decided = service().erasures.get(erasure_id)
    traced("erasure", accounts=[entry.account_id])

    def name(actor: UUID | None) -> str | None:
        return actor and service().history.label(actor, entry.account_id, locale())

    ends = entry.done_at or (decided and decided.due)
    return answer(
        {
            "id": entry.id,
            "state": entry.state,
            "account": entry.account_id,
            "reason": decided and decided.reason,
            "proposed_by": name(decided and decided.proposed_by),
            "proposed_at": decided and decided.proposed_at,
            "approved_by": name(decided and decided.approved_by),
            "approved_at": decided and decided.approved_at,
            "done_at": entry.done_at,
            "backups_until": ends and (ends + service().settings.backups_kept).date(),
            "law": service().institution.erasure_law[locale()],
        }
    )
