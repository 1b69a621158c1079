"""What staff does to an account, each time with a reason: lock, unlock, close, merge, correct, bring it back."""

from typing import Any
from uuid import UUID

from flask import Response

from api.answers import after, answer, nothing
from api.arguments import Blueprint
from api.context import service
from api.described import tells
from api.idempotency import idempotent
from api.identity import me, staff
from api.schemas import answers, examples
from api.schemas.staff import (
    Closing,
    Correction,
    Locking,
    Merge,
    NotingDown,
    RecoveryProposal,
    Resending,
    Separation,
    Unlocking,
)

blueprint = Blueprint("interventions", __name__, url_prefix="/api/v1")


@blueprint.post("/accounts/<uuid:account_id>/lock")
@staff("secretariat")
@blueprint.arguments(Locking, example=examples.LOCKING)
@idempotent()
@blueprint.response(204)
@tells("not-found", "own-account", "conflict", command=True)
def lock(typed: dict[str, Any], account_id: UUID) -> Response:
    """Let nobody into an account. All its sessions end; the holder is told."""
    return after(service().standings.lock(account_id, **typed, actor=me().account_id), nothing())


@blueprint.post("/accounts/<uuid:account_id>/unlock")
@staff("secretariat")
@blueprint.arguments(Unlocking, example=examples.UNLOCKING)
@idempotent()
@blueprint.response(204)
@tells("not-found", "own-account", "conflict", command=True)
def unlock(typed: dict[str, Any], account_id: UUID) -> Response:
    """Let the holder in again."""
    return after(service().standings.unlock(account_id, **typed, actor=me().account_id), nothing())


@blueprint.post("/accounts/<uuid:account_id>/close")
@staff("secretariat")
@blueprint.arguments(Closing, example=examples.CLOSING)
@idempotent()
@blueprint.response(204)
@tells("not-found", "own-account", "conflict", command=True)
def close(typed: dict[str, Any], account_id: UUID) -> Response:
    """Close an account. Its address stays reserved; the holder is told. Nothing opens it again."""
    return after(service().standings.close(account_id, **typed, actor=me().account_id), nothing())


@blueprint.post("/accounts/<uuid:account_id>/merge")
@staff("secretariat")
@blueprint.arguments(Merge, example=examples.MERGE)
@idempotent()
@blueprint.response(204)
@tells(
    "not-found",
    "own-account",
    "same-account",
    "already-merged",
    "already-decided",
    "data-in-other",
    "account-erased",
    "account-locked",
    "account-closed",
    "conflict",
    command=True,
)
def merge(typed: dict[str, Any], account_id: UUID) -> Response:
    """Merge another account of the same person into this one, which goes on.

    The other one is closed, and its sessions end. Its link comes along where this one has none; where both have one,
    this one's stays. The holder is told at both addresses. An erasure of this one reaches the other, too.
    """
    saved = service().merges.merge(account_id, typed.pop("account"), **typed, actor=me().account_id)
    return after(saved, nothing())


@blueprint.post("/accounts/<uuid:account_id>/unmerge")
@staff("secretariat")
@blueprint.arguments(Separation, example=examples.SEPARATION)
@idempotent()
@blueprint.response(204)
@tells(
    "not-found", "own-account", "not-merged", "already-decided", "account-erased", "conflict", command=True
)
def separate(typed: dict[str, Any], account_id: UUID) -> Response:
    """Undo the merging of this account into another. It may be used again, and gets its link back where it is free."""
    saved = service().merges.separate(account_id, **typed, actor=me().account_id)
    return after(saved, nothing())


@blueprint.post("/accounts/<uuid:account_id>/resend")
@staff("secretariat")
@blueprint.arguments(Resending, example=examples.RESENDING)
@idempotent()
@blueprint.response(204)
@tells(
    "not-found",
    "own-account",
    "signed-in-already",
    "not-invited",
    "account-locked",
    "account-closed",
    "conflict",
    command=True,
)
def resend(typed: dict[str, Any], account_id: UUID) -> Response:
    """Mail another initial password to an account that nobody has entered yet."""
    return after(service().assistance.resend(account_id, **typed, actor=me().account_id), nothing())


@blueprint.post("/accounts/<uuid:account_id>/note")
@staff("secretariat")
@blueprint.arguments(NotingDown, example=examples.NOTE)
@idempotent()
@blueprint.response(204)
@tells("not-found", "own-account", "conflict", command=True)
def note(typed: dict[str, Any], account_id: UUID) -> Response:
    """Write something down about an account; it stands in its timeline, and in what its holder may take along."""
    return after(service().assistance.note(account_id, **typed, actor=me().account_id), nothing())


@blueprint.post("/accounts/<uuid:account_id>/correct")
@staff("secretariat")
@blueprint.arguments(Correction, example=examples.CORRECTION)
@idempotent()
@blueprint.response(204)
@tells("not-found", "own-account", "email-taken", "account-closed", "conflict", command=True)
def correct(typed: dict[str, Any], account_id: UUID) -> Response:
    """Correct the address of an account. Both mailboxes are told; the former one may take it back for 7 days."""
    saved = service().address_changes.correct(account_id, **typed, actor=me().account_id)
    return after(saved, nothing())


@blueprint.post("/accounts/<uuid:account_id>/recovery")
@staff("secretariat")
@blueprint.arguments(RecoveryProposal, example=examples.RECOVERY_PROPOSAL)
@idempotent()
@blueprint.response(201, answers.Proposal, example=examples.PROPOSAL)
@tells("not-found", "own-account", "email-taken", "account-closed", "conflict", command=True)
def propose_recovery(typed: dict[str, Any], account_id: UUID) -> Response:
    """Bring back a holder whose mailbox is lost, once her identity is checked.

    Another clerk must approve within 7 days. A newer proposal takes its place; a password that the holder chooses
    meanwhile ends it.
    """
    recovery_id, saved = service().recovery.propose(account_id, **typed, actor=me().account_id)
    return after(saved, answer({"id": recovery_id, "state": "proposed"}, 201))


@blueprint.post("/recoveries/<uuid:recovery_id>/approve")
@staff("secretariat")
@idempotent()
@blueprint.response(204)
@tells(
    "not-found",
    "own-account",
    "same-person",
    "recovery-lapsed",
    "email-taken",
    "account-closed",
    "conflict",
    command=True,
)
def approve_recovery(recovery_id: UUID) -> Response:
    """Approve it: the new address becomes the account's and gets a link for a new password; the old one is told."""
    saved = service().recovery.approve(recovery_id, actor=me().account_id)
    return after(saved, nothing())
