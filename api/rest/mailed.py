"""What is asked for at a public door and answered by mail, and what the mailed links lead to."""

from typing import Any

from flask import Response

from api.answers import answer, nothing
from api.arguments import Blueprint
from api.context import service
from api.described import UNUSABLE, tells
from api.idempotency import idempotent
from api.identity import caller, set_device
from api.schemas import answers, examples
from api.schemas.accounts import MailedToken, PasswordReset, ResetRequest
from api.whence import whence

blueprint = Blueprint("mailed", __name__, url_prefix="/api/v1")


@blueprint.post("/password-resets")
@blueprint.arguments(ResetRequest, example=examples.RESET_REQUEST)
@idempotent()
@blueprint.response(202, answers.Accepted, example=examples.ACCEPTED)
@tells("too-many-requests")
def ask_for_reset(typed: dict[str, Any]) -> Response:
    """Ask for a link by which a new password is chosen.

    The answer is the same for every address. The link goes to the account's stored address, works once, and a newer
    one takes its place.
    """
    service().recovery.request_reset(typed["email"], whence(), caller())
    return answer({"status": "accepted"}, 202)


@blueprint.post("/password-resets/complete")
@blueprint.arguments(PasswordReset, example=examples.PASSWORD_RESET)
@idempotent(secret=True)
@blueprint.response(204)
@tells(
    "token-dead",
    *UNUSABLE,
    "second-factor-needed",
    "wrong-credentials",
    "password-too-short",
    "password-too-long",
    "password-common",
    "password-holds-name",
    "too-many-requests",
    "too-busy",
    "conflict",
)
def complete_reset(typed: dict[str, Any]) -> Response:
    """Choose a new password by a mailed link; `code` where a second factor is on. Every session and token ends."""
    _, device = service().recovery.complete_reset(**typed, whence=whence())
    return set_device(nothing(), device)


@blueprint.post("/email-changes/confirm")
@blueprint.arguments(MailedToken, example=examples.MAILED_TOKEN)
@idempotent(secret=True)
@blueprint.response(200, answers.AddressOutcome, example=examples.EMAIL_CHANGED)
@tells("token-dead", "email-taken", *UNUSABLE, "conflict")
def confirm_email_change(typed: dict[str, Any]) -> Response:
    """Confirm a change of address, by the link in the new mailbox: only now it is made."""
    service().address_changes.confirm(typed["token"], whence())
    return answer({"state": "changed"})


@blueprint.post("/email-changes/object")
@blueprint.arguments(MailedToken, example=examples.MAILED_TOKEN)
@idempotent(secret=True)
@blueprint.response(200, answers.AddressOutcome, example=examples.EMAIL_CHANGE_CANCELLED)
@tells("token-dead", "conflict")
def object_to_email_change(typed: dict[str, Any]) -> Response:
    """Object to a change of address, by the link in the old mailbox.

    `cancelled`: it was not made yet, and will not be. `taken-back`: up to 7 days after it was made; the account has its
    old address again, is locked, and all its sessions have ended.
    """
    state, _ = service().address_changes.object(typed["token"], whence())
    return answer({"state": state})


@blueprint.post("/closures/reopen")
@blueprint.arguments(MailedToken, example=examples.MAILED_TOKEN)
@idempotent(secret=True)
@blueprint.response(204)
@tells("token-dead", "conflict")
def reopen(typed: dict[str, Any]) -> Response:
    """Open an account again that its holder closed at most 30 days ago."""
    service().standings.reopen(typed["token"], whence())
    return nothing()
