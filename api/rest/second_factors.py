"""One's own second factors, and their reset by staff for whoever lost them."""

from typing import Any
from uuid import UUID

from flask import Response

from api import pagination
from api.answers import after, answer, nothing
from api.arguments import Blueprint
from api.context import service
from api.described import REAUTHENTICATED, UNUSABLE, tells
from api.idempotency import idempotent
from api.identity import me, signed_in, staff
from api.schemas import answers, examples
from api.schemas.accounts import Reauthentication
from api.schemas.second_factors import Confirmation, SecondFactorReset
from api.schemas.staff import Page
from api.whence import whence

blueprint = Blueprint("second-factors", __name__, url_prefix="/api/v1")

OWN = "/me/second-factors"


@blueprint.get(OWN)
@signed_in
@blueprint.arguments(Page, location="query")
@blueprint.response(200, answers.SecondFactors, example=examples.SECOND_FACTORS)
@tells("bad-cursor")
def list_second_factors(wanted: dict[str, Any]) -> Response:
    """What is asked for besides the password, oldest first; `recovery_codes` says how many codes are left."""
    my_id = me().account_id
    held, left = service().factors.of(my_id)
    shown, following = pagination.of_few(
        f"second-factors {my_id}", wanted, held, lambda each: (each.created_at.timestamp(), str(each.id))
    )
    items = [factor._asdict() for factor in shown]
    return answer({"items": items, "recovery_codes": left, "next_cursor": following})


@blueprint.post(f"{OWN}/totp")
@signed_in
@blueprint.arguments(Reauthentication, example=examples.REAUTHENTICATION)
@idempotent(secret=True)
@blueprint.response(201, answers.TotpEnrolment, example=examples.TOTP_ENROLMENT)
@tells(*REAUTHENTICATED)
def begin_totp(typed: dict[str, Any]) -> Response:
    """A secret for an authenticator app, as text, address and QR code.

    It counts once a code of the app has confirmed it, within 10 minutes.
    """
    begun = service().factors.begin_totp(me().account_id, typed["evidence"], session_id=me().session_id)
    return answer(
        {
            "id": begun.factor_id,
            "secret": begun.secret,
            "otpauth_uri": begun.otpauth_uri,
            "qr_svg": begun.qr_svg,
        },
        201,
    )


@blueprint.post(f"{OWN}/passkeys")
@signed_in
@blueprint.arguments(Reauthentication, example=examples.REAUTHENTICATION)
@idempotent(secret=True)
@blueprint.response(201, answers.PasskeyEnrolment, example=examples.PASSKEY_ENROLMENT)
@tells(*REAUTHENTICATED)
def begin_passkey(typed: dict[str, Any]) -> Response:
    """What `navigator.credentials.create()` makes a passkey with (`parseCreationOptionsFromJSON`).

    It counts once its credential has confirmed it in this session, within 5 minutes.
    """
    asking = me()
    factor_id, options = service().factors.begin_passkey(
        asking.account_id, typed["evidence"], session_id=asking.session_id
    )
    return answer({"id": factor_id, "options": options}, 201)


@blueprint.post(f"{OWN}/<uuid:factor_id>/confirm")
@signed_in
@blueprint.arguments(Confirmation, example=examples.CONFIRMATION)
@idempotent(secret=True)
@blueprint.response(200, answers.RecoveryCodes, example=examples.RECOVERY_CODES)
@tells(
    "not-found",
    "wrong-code",
    "passkey-refused",
    "second-factors-exhausted",
    *UNUSABLE,
    "conflict",
    command=True,
)
def confirm_second_factor(typed: dict[str, Any], factor_id: UUID) -> Response:
    """Show that a new factor works: by a `code` of the app, or the `credential` that the browser made.

    From now on sign-in asks for it, and sessions that were opened without end, but for this one. With the first
    factor come recovery codes, shown this once.
    """
    asking, factors = me(), service().factors
    confirm, shown = (
        (factors.confirm_totp, typed["code"])
        if typed.get("code")
        else (factors.confirm_passkey, typed["credential"])
    )
    saved, codes = confirm(
        asking.account_id, factor_id, shown, typed["label"], session_id=asking.session_id, whence=whence()
    )
    return after(saved, answer({"recovery_codes": codes}))


@blueprint.post(f"{OWN}/recovery-codes")
@signed_in
@blueprint.arguments(Reauthentication, example=examples.REAUTHENTICATION)
@idempotent(secret=True)
@blueprint.response(201, answers.RecoveryCodes, example=examples.RECOVERY_CODES)
@tells(*REAUTHENTICATED, "no-second-factor", *UNUSABLE, "conflict", command=True)
def renew_recovery_codes(typed: dict[str, Any]) -> Response:
    """Ten new recovery codes, shown this once; earlier ones are void."""
    saved, codes = service().factors.renew_recovery_codes(
        me().account_id, typed["evidence"], session_id=me().session_id, whence=whence()
    )
    return after(saved, answer({"recovery_codes": codes}, 201))


@blueprint.delete(f"{OWN}/<uuid:factor_id>")
@signed_in
@blueprint.arguments(Reauthentication, example=examples.REAUTHENTICATION)
@blueprint.response(204)
@tells(*REAUTHENTICATED, "not-found", "password-too-short-alone", *UNUSABLE, "conflict", command=True)
def remove_second_factor(typed: dict[str, Any], factor_id: UUID) -> Response:
    """Remove a factor; with the last one the recovery codes go too.

    A password of fewer than 15 characters is not enough alone: the last factor stays until a longer one is chosen.
    """
    removed = service().factors.remove(
        me().account_id, factor_id, typed["evidence"], session_id=me().session_id, whence=whence()
    )
    return after(removed, nothing())


@blueprint.post("/accounts/<uuid:account_id>/second-factor-reset")
@staff("secretariat")
@blueprint.arguments(SecondFactorReset, example=examples.SECOND_FACTOR_RESET)
@idempotent()
@blueprint.response(204)
@tells("not-found", "own-account", "no-second-factor", "account-erased", "conflict", command=True)
def reset_second_factors(typed: dict[str, Any], account_id: UUID) -> Response:
    """Remove all second factors of somebody who lost them and proved who they are. All their sessions end.

    A password of fewer than 15 characters ends too: its holder chooses a new one by «J'ai perdu mon mot de passe».
    """
    return after(service().factors.reset(account_id, **typed, actor=me().account_id), nothing())
