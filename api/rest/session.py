"""Signing in and out: by cookie for pages, by bearer token for clients without cookies."""

from typing import Any
from uuid import UUID

from flask import Response

from api import identity
from api.answers import after, answer, nothing
from api.arguments import Blueprint
from api.context import service
from api.described import UNUSABLE, tells
from api.idempotency import idempotent
from api.identity import me, signed_in
from api.rest.me import my_account
from api.schemas import answers, examples
from api.schemas.accounts import SignIn
from api.schemas.second_factors import PasskeyAnswered
from api.whence import whence
from application.accounts import SignedIn
from infrastructure.sessions import Identity

blueprint = Blueprint("session", __name__, url_prefix="/api/v1")


@blueprint.post("/session")
@identity.same_site
@blueprint.arguments(SignIn, example=examples.SIGN_IN)
@idempotent(secret=True)
@blueprint.response(201, answers.Session, example=examples.SESSION)
@tells(
    "wrong-credentials",
    "second-factor-needed",
    *UNUSABLE,
    "too-many-requests",
    "too-busy",
    "conflict",
    command=True,
)
def sign_in(typed: dict[str, Any]) -> Response:
    """Sign in by cookie.

    The cookie is `HttpOnly`. Unsafe methods ask for its `csrf_token` in `X-CSRF-Token` besides. Clients
    without cookies use `POST /tokens`. `code` is asked for where a second factor is on: of the app, or a
    recovery code. Staff whose answer says `second_factor: "required"` enrols one first.
    """
    return _opened(
        service().accounts.sign_in(**typed, kind="cookie", whence=whence(), caller=identity.caller())
    )


@blueprint.post("/session/passkey/options")
@idempotent(secret=True)
@blueprint.response(201, answers.PasskeyQuestion, example=examples.PASSKEY_QUESTION)
def ask_for_passkey() -> Response:
    """What a passkey is to answer, within 5 minutes and once, for `POST /session/passkey`."""
    attempt, options = service().factors.ask_for_passkey()
    return answer({"attempt": attempt, "options": options}, 201)


@blueprint.post("/session/passkey")
@identity.same_site
@blueprint.arguments(PasskeyAnswered, example=examples.PASSKEY_SIGN_IN)
@idempotent(secret=True)
@blueprint.response(201, answers.Session, example=examples.SESSION)
@tells("wrong-credentials", "passkey-refused", *UNUSABLE, "conflict", command=True)
def sign_in_by_passkey(typed: dict[str, Any]) -> Response:
    """Sign in by passkey, which stands for password and second factor."""
    return _opened(service().accounts.sign_in_by_passkey(**typed, kind="cookie", whence=whence()))


@blueprint.get("/session")
@signed_in
@blueprint.response(200, answers.Session, example=examples.SESSION)
def show_session() -> Response:
    """Who is signed in, and the session's CSRF token."""
    return answer(_session(me().account_id, me()))


@blueprint.delete("/session")
@signed_in
@blueprint.response(204)
def sign_out() -> Response:
    """Sign out."""
    service().accounts.sign_out(identity.my_token())
    return identity.forget_cookie(nothing())


@blueprint.post("/tokens")
@blueprint.arguments(SignIn, example=examples.SIGN_IN)
@idempotent(secret=True)
@blueprint.response(201, answers.Token, example=examples.TOKEN)
@tells(
    "wrong-credentials",
    "second-factor-needed",
    *UNUSABLE,
    "too-many-requests",
    "too-busy",
    "conflict",
    command=True,
)
def make_token(typed: dict[str, Any]) -> Response:
    """Sign in by bearer token, for clients without cookies; `code` as for `POST /session`."""
    opened = service().accounts.sign_in(**typed, kind="bearer", whence=whence(), caller=identity.caller())
    members = {
        "token": opened.token,
        "second_factor": _second_factor(opened),
        "expires_at": opened.expires_at,
    }
    return after(opened.saved, answer(members, 201))


@blueprint.delete("/tokens/current")
@signed_in
@blueprint.response(204)
def end_token() -> Response:
    """End the token that this request came with."""
    service().accounts.sign_out(identity.my_token())
    return nothing()


def _opened(opened: SignedIn) -> Response:
    """A new session, in the place of the one that the browser had."""
    if earlier := identity.cookie_token():
        service().accounts.sign_out(earlier)
    response = answer(_session(opened.account_id, opened), 201)
    identity.set_cookie(after(opened.saved, response), opened.token)
    return identity.set_device(response, opened.device)


def _session(account_id: UUID, opened: SignedIn | Identity) -> dict[str, Any]:
    return {
        "account": my_account(service().directory.get(account_id), opened.roles),
        "roles": opened.roles,
        "csrf_token": opened.csrf_token,
        "initial_password": opened.initial_password,
        "second_factor": _second_factor(opened),
        "expires_at": opened.expires_at,
    }


def _second_factor(opened: SignedIn | Identity) -> str:
    if opened.second_factor:
        return "used"
    return "required" if opened.roles else "none"
