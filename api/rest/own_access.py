"""One's own way in: the address, who is signed in, the history, closing the account."""

from typing import Any
from uuid import UUID

from flask import Response

from api import pagination, representations
from api.answers import after, answer, nothing
from api.archive import archive
from api.arguments import Blueprint
from api.context import locale, service
from api.described import REAUTHENTICATED, tells
from api.idempotency import idempotent
from api.identity import forget_cookie, me, signed_in
from api.positions import waits_for
from api.schemas import answers, examples
from api.schemas.accounts import EmailChange, Reauthentication
from api.schemas.archive import Archive
from api.schemas.staff import Page
from api.whence import whence

blueprint = Blueprint("own_access", __name__, url_prefix="/api/v1/me")


@blueprint.post("/reauthentication/options")
@signed_in
@idempotent(secret=True)
@blueprint.response(201, answers.PasskeyQuestion, example=examples.PASSKEY_QUESTION)
@tells("no-passkey")
def ask_for_passkey() -> Response:
    """What a passkey is to answer where the password is asked for again.

    The answer stands in the place of the password, as `passkey` with `attempt` and `credential`: within 5 minutes,
    once, in this session, by a passkey of this account.
    """
    asking = me()
    attempt, options = service().reauthentication.ask_for_passkey(asking.account_id, asking.session_id)
    return answer({"attempt": attempt, "options": options}, 201)


@blueprint.post("/email-changes")
@signed_in
@blueprint.arguments(EmailChange, example=examples.EMAIL_CHANGE)
@idempotent()
@blueprint.response(202, answers.Accepted, example=examples.ACCEPTED)
@tells(*REAUTHENTICATED, "email-unchanged", "conflict", command=True)
def change_email(typed: dict[str, Any]) -> Response:
    """Ask for another e-mail address.

    The answer is the same for every address. A confirmation link goes to the new one, a notice with a link to object to
    the present one; only the confirmation changes anything.
    """
    asking = me()
    saved = service().address_changes.ask(
        asking.account_id,
        typed["new_email"],
        typed["evidence"],
        session_id=asking.session_id,
        whence=whence(),
    )
    return after(saved, answer({"status": "accepted"}, 202))


@blueprint.get("/sessions")
@signed_in
@blueprint.arguments(Page, location="query")
@blueprint.response(200, answers.OpenSessions, example=examples.OPEN_SESSIONS)
@tells("bad-cursor")
def list_sessions(wanted: dict[str, Any]) -> Response:
    """Where one is signed in, by cookie or bearer token, the last used first."""
    asking = me()
    found = service().sessions.of(asking.account_id, service().clock.now())
    shown, following = pagination.of_few(
        f"sessions {asking.account_id}",
        wanted,
        found,
        lambda each: (-each.last_seen_at.timestamp(), str(each.id)),
    )
    items = [representations.session(each, asking.session_id) for each in shown]
    return answer({"items": items, "next_cursor": following})


@blueprint.delete("/sessions")
@signed_in
@blueprint.response(204)
@tells("conflict", command=True)
def end_other_sessions() -> Response:
    """Sign out everywhere else."""
    asking = me()
    saved = service().standings.end_other_sessions(asking.account_id, kept=asking.session_id, whence=whence())
    return after(saved, nothing())


@blueprint.delete("/sessions/<uuid:session_id>")
@signed_in
@blueprint.response(204)
@tells("not-found", "conflict", command=True)
def end_session(session_id: UUID) -> Response:
    """Sign out elsewhere. An address that was asked for from there is forgotten."""
    asking = me()
    saved = service().standings.end_session(
        asking.account_id, session_id, kept=asking.session_id, whence=whence()
    )
    return after(saved, nothing())


@blueprint.post("/closure")
@signed_in
@blueprint.arguments(Reauthentication, example=examples.REAUTHENTICATION)
@idempotent()
@blueprint.response(202, answers.Accepted, example=examples.ACCEPTED)
@tells(*REAUTHENTICATED, "conflict")
def close(typed: dict[str, Any]) -> Response:
    """Close the account. All sessions end; for 30 days a mailed link opens it again."""
    asking = me()
    service().standings.close_own(
        asking.account_id, typed["evidence"], session_id=asking.session_id, whence=whence()
    )
    return forget_cookie(answer({"status": "accepted"}, 202))


@blueprint.post("/export")
@signed_in
@blueprint.arguments(Reauthentication, example=examples.REAUTHENTICATION)
@idempotent(secret=True)
@waits_for("directory", "timeline", "account_accesses")
@blueprint.response(200, Archive, example=examples.ARCHIVE)
@tells(*REAUTHENTICATED)
def export(typed: dict[str, Any]) -> Response:
    """All that is held about oneself, as one JSON archive: clerks' notes too, and the linked record."""
    asking = me()
    service().reauthentication.confirm(asking.account_id, typed["evidence"], asking.session_id)
    response = answer(archive(asking))
    response.headers["Content-Disposition"] = 'attachment; filename="matricule.json"'
    return response


@blueprint.get("/history")
@signed_in
@blueprint.arguments(Page, location="query")
@waits_for("timeline", "account_accesses")
@blueprint.response(200, answers.OwnHistory, example=examples.OWN_HISTORY)
@tells("bad-cursor")
def show_history(wanted: dict[str, Any]) -> Response:
    """What happened to the account, oldest first: what, when, from where, by whom; and who was shown its data."""
    my_id = me().account_id
    moments, following = pagination.by_position(
        f"history {my_id}",
        wanted,
        lambda last, limit: service().history.with_accesses(my_id, locale(), after=last, limit=limit),
    )
    return answer({"items": list(map(representations.own_moment, moments)), "next_cursor": following})
