"""Signing in and out: by cookie for pages, by bearer token for clients without cookies."""

from typing import Any
from uuid import UUID

from flask import Response

from api import identity
from api.answers import after, answer, nothing
from api.arguments import Blueprint
from api.context import service
from api.described import tells
from api.idempotency import idempotent
from api.identity import me, signed_in
from api.rest.me import my_account
from api.schemas import answers, examples
from api.schemas.accounts import SignIn
from api.whence import whence
from application.accounts import SignedIn
from infrastructure.sessions import Identity

blueprint = Blueprint("session", __name__, url_prefix="/api/v1")


@blueprint.post("/session")
@identity.same_site
@blueprint.arguments(SignIn, example=examples.SIGN_IN)
@idempotent(secret=True)
@blueprint.response(201, answers.Session, example=examples.SESSION)
@tells("wrong-credentials", "account-locked", "account-closed", "too-many-requests", "too-busy", command=True)
def sign_in(typed: dict[str, Any]) -> Response:
    """Sign in by cookie.

    The cookie is `HttpOnly`. Unsafe methods ask for its `csrf_token` in `X-CSRF-Token` besides. Clients
    without cookies use `POST /tokens`.
    """
    opened = service().accounts.sign_in(
        typed["email"], typed["password"], "cookie", whence(), identity.caller()
    )
    if earlier := identity.cookie_token():
        service().accounts.sign_out(earlier)
    response = answer(_session(opened.account_id, opened), 201)
    identity.set_cookie(after(opened.saved, response), opened.token)
    return identity.set_device(response, opened.device)


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
@tells("wrong-credentials", "account-locked", "account-closed", "too-many-requests", "too-busy", command=True)
def make_token(typed: dict[str, Any]) -> Response:
    """Sign in by bearer token, for clients without cookies."""
    opened = service().accounts.sign_in(
        typed["email"], typed["password"], "bearer", whence(), identity.caller()
    )
    response = answer({"token": opened.token, "expires_at": opened.expires_at}, 201)
    return after(opened.saved, response)


@blueprint.delete("/tokens/current")
@signed_in
@blueprint.response(204)
def end_token() -> Response:
    """End the token that this request came with."""
    service().accounts.sign_out(identity.my_token())
    return nothing()


def _session(account_id: UUID, opened: SignedIn | Identity) -> dict[str, Any]:
    return {
        "account": my_account(service().directory.get(account_id), opened.roles),
        "roles": opened.roles,
        "csrf_token": opened.csrf_token,
        "initial_password": opened.initial_password,
        "expires_at": opened.expires_at,
    }
