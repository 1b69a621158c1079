"""The pages that mailed links lead to: each has one form with one main button, which uses the link up."""

from flask import Response, request

from api.context import service
from api.identity import set_device
from api.schemas.accounts import MailedToken, PasswordReset
from api.web.feature import Feature
from api.web.forms import Form
from api.web.mailed_tokens import moved_out_of_sight, token_of, unseen, used_up
from api.web.page import go, page
from api.whence import whence
from domain.errors import LinkDead, SecondFactorNeeded, WrongCredentials

RESET, CHANGE, OBJECTION, REOPENING = "password-reset", "email-change", "email-change-object", "reopen"

pages = Feature("links")


@pages.route("/password-reset", methods=["GET", "POST"])
def choose_password() -> Response:
    """A new password, by the link of the message."""
    if "token" in request.args:
        return moved_out_of_sight(RESET)
    form = _form(RESET, PasswordReset)
    form.said |= {"code": True} if "code" in request.form else {}
    service().recovery.check_link(token_of(RESET))
    if wanted := form.read():
        with form.refusals(but=(LinkDead,)):
            try:
                _, device = service().recovery.complete_reset(**wanted, whence=whence())
                used_up(RESET)
                return set_device(go("links.password_chosen"), device)
            except SecondFactorNeeded as needed:
                form.refused(needed)
                form.said["code"] = True
            except WrongCredentials:
                form.wrong_field("code", "wrong-code")
    return unseen(page("links/password-reset.html", form=form))


@pages.get("/password-reset/done")
def password_chosen() -> Response:
    return page("links/done.html", done="password-chosen")


@pages.route("/email-change", methods=["GET", "POST"])
def confirm_address() -> Response:
    """The new mailbox is the holder's: now its address is the account's."""
    if "token" in request.args:
        return moved_out_of_sight(CHANGE)
    form = _form(CHANGE, MailedToken)
    if wanted := form.read():
        saved = service().address_changes.confirm(wanted["token"], whence())
        used_up(CHANGE)
        return go("links.address_changed", after=saved)
    return unseen(page("links/link.html", form=form, link=CHANGE))


@pages.get("/email-change/done")
def address_changed() -> Response:
    return page("links/done.html", done="address-changed")


@pages.route("/email-change/object", methods=["GET", "POST"])
def object_to_change() -> Response:
    """From the old mailbox: the change is not made, or is taken back and the account locked."""
    if "token" in request.args:
        return moved_out_of_sight(OBJECTION)
    form = _form(OBJECTION, MailedToken)
    if wanted := form.read():
        state, saved = service().address_changes.object(wanted["token"], whence())
        used_up(OBJECTION)
        return go("links.change_objected_to", state=state, after=saved)
    return unseen(page("links/link.html", form=form, link=OBJECTION))


@pages.get("/email-change/object/<any(cancelled, 'taken-back'):state>")
def change_objected_to(state: str) -> Response:
    return page("links/done.html", done=f"change-{state}")


@pages.route("/reopen", methods=["GET", "POST"])
def reopen() -> Response:
    """The account that its holder closed is open again."""
    if "token" in request.args:
        return moved_out_of_sight(REOPENING)
    form = _form(REOPENING, MailedToken)
    if wanted := form.read():
        saved = service().standings.reopen(wanted["token"], whence())
        used_up(REOPENING)
        return go("links.reopened", after=saved)
    return unseen(page("links/link.html", form=form, link=REOPENING))


@pages.get("/reopen/done")
def reopened() -> Response:
    return page("links/done.html", done="reopened")


def _form(kind: str, schema: type) -> Form:
    """A form that brings the link's token along. Raises LinkDead where the browser has none."""
    token = token_of(kind)
    if not token:
        raise LinkDead
    return Form(schema, adapt=lambda sent: {**sent, "token": token})
