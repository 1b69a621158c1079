"""«Mon profil»: password, e-mail address, and where one is signed in."""

from typing import Final
from uuid import UUID

from flask import Response, redirect, url_for

from api import representations
from api.context import service
from api.identity import caller, me, my_entry, set_cookie
from api.schemas.accounts import EmailChange, PasswordChange
from api.schemas.fields import Input
from api.web.feature import Feature
from api.web.forms import Form
from api.web.page import go, page
from api.web.reauthentication import GuardedForm, has_passkey, passkey_offered
from api.web.told_once import done, what_was_done
from api.web.visitors import for_holders
from api.whence import whence
from domain.errors import SessionUnknown
from domain.passwords import least_length

DONE: Final = ("session-ended", "others-ended")

pages = Feature("profile_access")


@pages.route("/profile/password", methods=["GET", "POST"])
@for_holders
def change_password() -> Response:
    asking = me()
    form = GuardedForm(PasswordChange)
    if wanted := form.read():
        with form.refusals():
            saved, session = service().accounts.change_password(
                asking.account_id,
                **wanted,
                session_id=asking.session_id,
                kind=asking.kind,
                second_factor=asking.second_factor,
                device=caller().device,
                whence=whence(),
            )
            done("password")
            return set_cookie(go("profile.show", after=saved), session.token)
    held, _ = service().factors.of(asking.account_id)
    return page(
        "profile/password.html",
        form=form,
        least=least_length(with_second_factor=bool(held)),
        own_words=_own_words(),
        passkey=has_passkey(held),
    )


def _own_words() -> str:
    """What a password must not hold."""
    entry = my_entry()
    names = (entry.given_name, entry.family_name, entry.email) if entry else ()
    return " ".join(filter(None, (*names, service().institution.name)))


@pages.route("/profile/email", methods=["GET", "POST"])
@for_holders
def change_address() -> Response:
    """Asked for here; only the new mailbox makes it so."""
    asking, changes = me(), service().address_changes
    form = GuardedForm(EmailChange)
    if wanted := form.read():
        with form.refusals():
            saved = changes.ask(
                asking.account_id,
                wanted["new_email"],
                wanted["evidence"],
                session_id=asking.session_id,
                whence=whence(),
            )
            done("email-asked")
            return go("profile.show", after=saved)
    pending = changes.pending(asking.account_id)
    return page(
        "profile/email.html",
        form=form,
        pending=pending,
        until=pending and pending.since + changes.confirmation_lifetime,
        hours=int(changes.confirmation_lifetime.total_seconds() // 3600),
        passkey=passkey_offered(),
    )


@pages.route("/profile/email/withdraw", methods=["GET", "POST"])
@for_holders
def withdraw_address() -> Response:
    """A change that is only pending is called off."""
    form = Form(Input)
    pending = service().address_changes.pending(me().account_id)
    if form.is_sent or not pending:
        saved = service().address_changes.withdraw(me().account_id, whence()) if form.is_sent else None
        if saved and pending:
            done("email-withdrawn")
        return go("profile.show", after=saved)
    return page("profile/withdraw.html", form=form, pending=pending)


@pages.get("/profile/sessions")
@for_holders
def show_sessions() -> Response:
    asking = me()
    found = service().sessions.of(asking.account_id, service().clock.now())
    shown = [representations.session(each, asking.session_id) for each in found]
    shown.sort(key=lambda each: not each["current"])  # the others stay as they are: last used first
    return page("profile/sessions.html", told=what_was_done(DONE), sessions=shown)


@pages.route("/profile/sessions/<uuid:session_id>", methods=["GET", "POST"])
@for_holders
def end_session(session_id: UUID) -> Response:
    """One that has ended already stays so."""
    asking, form = me(), Form(Input)
    if session_id == asking.session_id:
        return redirect(url_for("sign_in.sign_out"), 303)
    if form.is_sent:
        try:
            saved = service().standings.end_session(
                asking.account_id, session_id, kept=asking.session_id, whence=whence()
            )
        except SessionUnknown:
            return go("profile_access.show_sessions")
        done("session-ended")
        return go("profile_access.show_sessions", after=saved)
    found = service().sessions.of(asking.account_id, service().clock.now())
    ended = next((each for each in found if each.id == session_id), None)
    if ended is None:
        return go("profile_access.show_sessions")
    shown = representations.session(ended, asking.session_id)
    return page("profile/end-session.html", form=form, session=shown)


@pages.route("/profile/sessions/others", methods=["GET", "POST"])
@for_holders
def end_others() -> Response:
    """Sign out everywhere else."""
    asking, form = me(), Form(Input)
    if form.is_sent:
        saved = service().standings.end_other_sessions(
            asking.account_id, kept=asking.session_id, whence=whence()
        )
        done("others-ended")
        return go("profile_access.show_sessions", after=saved)
    return page("profile/end-others.html", form=form)
