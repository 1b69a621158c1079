"""«Créer un compte» and «J'ai perdu mon mot de passe»: what is asked for without an account, and answered by mail."""

from typing import Any, Final

from flask import Response, request

from api.context import locale, service
from api.identity import caller
from api.schemas.accounts import AccountRequest, ResetRequest
from api.web.feature import Feature
from api.web.forms import Form
from api.web.likely_addresses import meant
from api.web.page import go, page
from api.whence import whence

CHOICE: Final = "meant"  # which address, where the typed one looks mistyped
TYPED, SUGGESTED = "typed", "suggested"

pages = Feature("sign_up")


@pages.route("/sign-up", methods=["GET", "POST"])
def ask_for_account() -> Response:
    form = Form(AccountRequest, {"locale": locale()}, adapt=_as_meant)
    if wanted := form.read():
        suggestion = meant(wanted["email"])
        if suggestion and request.form.get(CHOICE) != TYPED:
            form.ask(meant=suggestion)
            return page("sign-up/sign-up.html", form=form)
        with form.refusals():
            service().accounts.request(
                **{name: wanted[name] for name in ("email", "given_name", "family_name", "locale")},
                privacy_policy=service().institution.privacy_policy,
                caller=caller(),
            )
            return go("sign_up.account_asked_for")
    return page("sign-up/sign-up.html", form=form)


@pages.get("/sign-up/sent")
def account_asked_for() -> Response:
    """The same for every address."""
    return page("sign-up/sent.html", mails_late=service().outbox_queue.is_late())


@pages.route("/lost-password", methods=["GET", "POST"])
def ask_for_password() -> Response:
    form = Form(ResetRequest)
    if wanted := form.read():
        with form.refusals():
            service().recovery.request_reset(wanted["email"], whence(), caller())
            return go("sign_up.password_asked_for")
    return page("sign-up/lost-password.html", form=form)


@pages.get("/lost-password/sent")
def password_asked_for() -> Response:
    """The same for every address."""
    minutes = int(service().settings.reset_lifetime.total_seconds() // 60)
    return page(
        "sign-up/lost-password-sent.html", minutes=minutes, mails_late=service().outbox_queue.is_late()
    )


def _as_meant(sent: dict[str, Any]) -> dict[str, Any]:
    if request.form.get(CHOICE) != SUGGESTED:
        return sent
    return {**sent, "email": meant(sent.get("email", "")) or sent.get("email", "")}
