"""«Mon profil»: what is asked for besides the password. Added in steps, each of which stands a reload."""

import json
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from flask import Response, current_app, request
from markupsafe import Markup

from api.context import service
from api.identity import me
from api.schemas.fields import Input, Text
from api.schemas.second_factors import Credential, Identifier, OneTimeCode
from api.web.feature import Feature
from api.web.forms import Form
from api.web.page import go, page
from api.web.reauthentication import ANSWER, GuardedForm, has_passkey, passkey_offered
from api.web.told_once import done, forget, keep, kept, what_was_done
from api.web.visitors import for_holders
from api.whence import whence
from application.ports import Saved
from domain.errors import NoSecondFactor, SecondFactorUnknown
from infrastructure.totp import TO_CONFIRM, picture

APP: Final = "matricule_app"  # an app that is being added
NEW: Final = "new"  # asks for another secret than the one that is being added
CODES: Final = "matricule_codes"  # recovery codes that are shown this once
CODES_KEPT: Final = timedelta(minutes=10)
DONE: Final = ("factor-added", "factor-removed", "codes-kept")

pages = Feature("profile_factors")


class AppConfirmation(Input):
    code = OneTimeCode(required=True)
    label = Text(load_default=None, allow_none=True)


class PasskeyMade(Input):
    id = Identifier(required=True)
    credential = Credential(required=True)
    label = Text(load_default=None, allow_none=True)


@pages.get("/profile/second-factors")
@for_holders
def show() -> Response:
    """Staff is led here until it has one."""
    held, codes_left = service().factors.of(me().account_id)
    return page(
        "profile/factors.html",
        told=what_was_done(DONE),
        factors=held,
        codes_left=codes_left,
        wanted=bool(me().roles) and not me().second_factor,
        console=bool(me().roles) and "console" in current_app.extensions["features"],
    )


@pages.route("/profile/second-factors/app", methods=["GET", "POST"])
@for_holders
def add_app() -> Response:
    """First who it is, then the app's code for the secret that it was shown."""
    begun = kept(APP)
    if not begun or NEW in request.args:
        return _begin_app()
    form = Form(AppConfirmation, adapt=_unless_empty)
    if wanted := form.read():
        with form.refusals(but=(SecondFactorUnknown,)):
            try:
                saved, codes = service().factors.confirm_totp(
                    me().account_id,
                    UUID(begun["id"]),
                    wanted["code"],
                    wanted["label"],
                    session_id=me().session_id,
                    whence=whence(),
                )
                forget(APP)
                return _added(saved, codes)
            except SecondFactorUnknown:  # added by the click before, or too late
                forget(APP)
                return go("profile_factors.show" if _holds(begun["id"]) else "profile_factors.add_app")
    return page("profile/app.html", form=form, begun=begun, picture=Markup(picture(begun["uri"])))


def _begin_app() -> Response:
    form = GuardedForm()
    if shown := form.read():
        with form.refusals():
            made = service().factors.begin_totp(
                me().account_id, shown["evidence"], session_id=me().session_id
            )
            begun = {"id": made.factor_id, "secret": made.secret, "uri": made.otpauth_uri}
            keep(APP, begun, TO_CONFIRM)
            return go("profile_factors.add_app")
    return page("profile/begin-app.html", form=form, passkey=passkey_offered())


@pages.route("/profile/second-factors/passkey", methods=["GET", "POST"])
@for_holders
def add_passkey() -> Response:
    """The browser asks for the password and makes the key (enrolment.js); it sends here what was made."""
    form = Form(PasskeyMade, adapt=_made)
    if wanted := form.read():
        with form.refusals(but=(SecondFactorUnknown,)):
            try:
                saved, codes = service().factors.confirm_passkey(
                    me().account_id,
                    wanted["id"],
                    wanted["credential"],
                    wanted["label"],
                    session_id=me().session_id,
                    whence=whence(),
                )
                return _added(saved, codes)
            except SecondFactorUnknown:
                if _holds(str(wanted["id"])):
                    return go("profile_factors.show")
                form.wrong_field(ANSWER, "passkey-refused")
    return page("profile/passkey.html", form=form, passkey=passkey_offered())


@pages.route("/profile/second-factors/codes", methods=["GET", "POST"])
@for_holders
def show_codes() -> Response:
    """The new recovery codes, until their holder says that they are kept safe."""
    codes = kept(CODES)
    if codes and request.method != "POST":
        return page("profile/codes.html", codes=codes)
    if codes:
        forget(CODES)
        done("codes-kept")
    return go("profile_factors.show")


@pages.route("/profile/second-factors/recovery-codes", methods=["GET", "POST"])
@for_holders
def renew_codes() -> Response:
    form = GuardedForm()
    if shown := form.read():
        with form.refusals():
            try:
                saved, codes = service().factors.renew_recovery_codes(
                    me().account_id, shown["evidence"], session_id=me().session_id, whence=whence()
                )
            except NoSecondFactor:
                return go("profile_factors.show")
            keep(CODES, codes, CODES_KEPT)
            return go("profile_factors.show_codes", after=saved)
    return page("profile/renew-codes.html", form=form, passkey=passkey_offered())


@pages.route("/profile/second-factors/<uuid:factor_id>/remove", methods=["GET", "POST"])
@for_holders
def remove(factor_id: UUID) -> Response:
    form = GuardedForm()
    if shown := form.read():
        with form.refusals(but=(SecondFactorUnknown,)):
            try:
                saved = service().factors.remove(
                    me().account_id,
                    factor_id,
                    shown["evidence"],
                    session_id=me().session_id,
                    whence=whence(),
                )
            except SecondFactorUnknown:
                return go("profile_factors.show")
            done("factor-removed")
            return go("profile_factors.show", after=saved)
    held, _ = service().factors.of(me().account_id)
    removed = next((each for each in held if each.id == factor_id), None)
    if removed is None:
        return go("profile_factors.show")
    return page(
        "profile/remove-factor.html",
        form=form,
        factor=removed,
        last=len(held) == 1,
        passkey=has_passkey(held),
    )


def _added(saved: Saved, codes: list[str]) -> Response:
    """The first factor brings recovery codes."""
    if codes:
        keep(CODES, codes, CODES_KEPT)
        return go("profile_factors.show_codes", after=saved)
    done("factor-added")
    return go("profile_factors.show", after=saved)


def _holds(factor_id: str) -> bool:
    held, _ = service().factors.of(me().account_id)
    return any(str(each.id) == factor_id for each in held)


def _unless_empty(sent: dict[str, Any]) -> dict[str, Any]:
    """A factor needs no name."""
    return {name: text for name, text in sent.items() if name != "label" or text.strip()}


def _made(sent: dict[str, Any]) -> dict[str, Any]:
    try:
        credential = json.loads(sent.get(ANSWER) or "null")
    except ValueError:
        credential = None
    return _unless_empty({**sent, ANSWER: credential})
