"""«ma HEP-BEJUNE»: signing in, its second step, and signing out."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from flask import Response, g, redirect, request, url_for

from api.context import service
from api.identity import caller, cookie_token, forget_cookie, my_token, set_cookie, set_device
from api.schemas.accounts import SignIn
from api.schemas.fields import Input
from api.schemas.second_factors import OneTimeCode
from api.web import cookies, visitors
from api.web.feature import Feature
from api.web.forms import Form
from api.web.mailed_tokens import moved_out_of_sight, token_of
from api.web.page import go, page
from api.web.seals import seals
from api.whence import whence
from application.accounts import SignedIn
from application.ports import Verified
from domain.errors import SecondFactorNeeded, WrongCredentials

SECOND_STEP_TIME: Final = timedelta(minutes=5)
LINK: Final = "sign-in"  # the kind of mailed link: that of the password message

pages = Feature("sign_in")


class Code(Input):
    code = OneTimeCode(required=True)


@pages.route("/", methods=["GET", "POST"])
def show() -> Response:
    """The start: e-mail and password."""
    if "token" in request.args:
        return moved_out_of_sight(LINK)
    if g.identity:
        return redirect(visitors.wanted_page() or url_for("welcome.show"), 303)
    form = Form(SignIn, {"email": _address_of_link()})
    if typed := form.read():
        with form.refusals():
            try:
                return enter(
                    service().accounts.sign_in(**typed, kind="cookie", whence=whence(), caller=caller())
                )
            except SecondFactorNeeded as needed:
                _note_second_step(typed["email"], needed.proved)
                return go("sign_in.second_step", next=visitors.wanted_page())
    return page("sign-in/sign-in.html", form=form, interrupted=visitors.wanted_page() is not None)


@pages.route("/second-step", methods=["GET", "POST"])
def second_step() -> Response:
    """The code, once the password was right."""
    noted = seals().open(cookies.SECOND_STEP, cookies.read(cookies.SECOND_STEP))
    if not noted or datetime.fromisoformat(noted["until"]) < service().clock.now():
        return go("sign_in.show", next=visitors.wanted_page())
    form = Form(Code)
    if typed := form.read():
        with form.refusals():
            try:
                opened = service().accounts.sign_in_with_code(
                    noted["email"],
                    _verified(noted["proved"]),
                    typed["code"],
                    kind="cookie",
                    whence=whence(),
                    caller=caller(),
                )
                cookies.forget(cookies.SECOND_STEP)
                return enter(opened)
            except WrongCredentials:
                form.wrong_field("code", "wrong-code")
    return page("sign-in/second-step.html", form=form, factors=noted["proved"]["factors"])


@pages.route("/sign-out", methods=["GET", "POST"])
def sign_out() -> Response:
    if request.method != "POST":
        return page("sign-in/sign-out.html") if g.identity else go("sign_in.show")
    if g.identity:
        service().accounts.sign_out(my_token())
    return forget_cookie(go("sign_in.show"))


def enter(opened: SignedIn) -> Response:
    """A new session, in the place of the one that the browser had, and the way to the page that was wanted."""
    if earlier := cookie_token():
        service().accounts.sign_out(earlier)
    visitors.note_position(opened.saved)
    needs_factor = opened.roles and not opened.second_factor
    wanted = visitors.ENROLMENT if needs_factor else visitors.wanted_page() or url_for("welcome.show")
    return set_device(set_cookie(redirect(wanted, 303), opened.token), opened.device)


def _address_of_link() -> str | None:
    """What the link of the password message fills in, as long as nobody has signed in."""
    account_id = service().sign_in_links.account_id(token_of(LINK) or "")
    entry = account_id and service().directory.get(account_id)
    return entry.email if entry and entry.state == "requested" else None


def _note_second_step(email: str, proved: Verified) -> None:
    until = service().clock.now() + SECOND_STEP_TIME
    noted = {"email": email, "proved": asdict(proved), "until": until}
    cookies.note(cookies.SECOND_STEP, seals().seal(cookies.SECOND_STEP, noted), SECOND_STEP_TIME)


def _verified(noted: dict[str, Any]) -> Verified:
    ids = {name: UUID(noted[name]) for name in ("account_id", "credential_id")}
    return Verified(**noted | ids)
