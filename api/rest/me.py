"""One's own account, personal data and password."""

from typing import Any

from flask import Response

from api import identity, representations
from api.answers import after, answer, nothing, versioned
from api.arguments import Blueprint
from api.context import service
from api.described import REAUTHENTICATED, UNUSABLE, tells
from api.idempotency import idempotent
from api.identity import me, my_entry, signed_in, signed_in_with_entry
from api.positions import expected_version, waits_for
from api.schemas import answers, examples
from api.schemas.accounts import LocaleChange, PasswordChange
from api.schemas.profile import Answering, ProfileBody
from api.whence import whence
from domain.errors import NotVisibleYet
from domain.profile import PersonalData
from projections.directory import Entry

blueprint = Blueprint("me", __name__, url_prefix="/api/v1/me")


def my_account(entry: Entry | None, roles: list[str]) -> dict[str, Any]:
    """Raises NotVisibleYet while the directory does not know the account."""
    if entry is None:
        raise NotVisibleYet
    return representations.own_account(entry, roles)


@blueprint.get("")
@waits_for("directory")  # first: who it is and how the account stands are asked at once
@signed_in_with_entry
@blueprint.response(200, answers.OwnAccount, example=examples.OWN_ACCOUNT)
def show_me() -> Response:
    """The own account: what is known, what is missing, how the link to the record stands.

    `link_due` is the last day on which linking is on time.
    """
    return answer(my_account(my_entry(), me().roles))


@blueprint.patch("")
@signed_in_with_entry
@blueprint.arguments(LocaleChange, example=examples.LOCALE_CHANGE)
@blueprint.response(200, answers.OwnAccount, example=examples.OWN_ACCOUNT)
@tells(*UNUSABLE, "conflict", "soon", command=True)
def change_locale(typed: dict[str, Any]) -> Response:
    """Choose the language of pages and messages."""
    shown = my_account(my_entry(), me().roles)  # first: what cannot be shown yet is not changed either
    saved = service().accounts.change_locale(me().account_id, **typed, whence=whence())
    return after(saved, answer({**shown, **typed}))


@blueprint.get("/profile")
@signed_in
@blueprint.response(200, answers.Profile, example=examples.PROFILE)
@tells("profile-missing", versioned=True)
def show_profile() -> Response:
    """The personal data as sent last; 404 until they were sent once."""
    return _profile()


@blueprint.put("/profile")
@signed_in
@blueprint.arguments(ProfileBody, example=examples.PROFILE)
@blueprint.response(200, answers.Profile, example=examples.PROFILE)
@tells("conflict", command=True, versioned=True, conditional=True)
def send_profile(typed: PersonalData) -> Response:
    """Send the personal data, or correct them.

    Afterwards the account is linked to the institution's record: at once where that is certain, else by the
    secretariat, at most 3 working days later. `birth_name phone function school` may be null or missing;
    `ahv_number` is null for whoever has none yet.
    """
    my_id = me().account_id
    saved = service().profiles.submit(my_id, typed, actor=my_id, expected_version=expected_version())
    return after(saved, _profile())


@blueprint.put("/password")
@signed_in
@blueprint.arguments(PasswordChange, example=examples.PASSWORD_CHANGE)
@blueprint.response(204)
@tells(
    *REAUTHENTICATED,
    *UNUSABLE,
    "password-unchanged",
    "password-too-short",
    "password-too-long",
    "password-common",
    "password-holds-name",
    "conflict",
    command=True,
)
def change_password(typed: dict[str, Any]) -> Response:
    """Choose a new password.

    All other sessions and tokens end, and no other browser is known any more. This one goes on: by cookie under a new
    one, whose `csrf_token` is in `GET /session`; a bearer token stays as it is.
    """
    asking = me()
    saved, session = service().accounts.change_password(
        asking.account_id,
        **typed,
        session_id=asking.session_id,
        kind=asking.kind,
        second_factor=asking.second_factor,
        device=identity.caller().device,
        whence=whence(),
    )
    response = after(saved, nothing())
    return identity.set_cookie(response, session.token) if session else response


@blueprint.get("/case")
@signed_in
@blueprint.response(200, answers.OwnCase, example=examples.OWN_CASE)
def show_case() -> Response:
    """The secretariat's work on the link to the record, and its open question, if any."""
    return answer(representations.own_case(service().linking.case_of(me().account_id)))


@blueprint.post("/case/answer")
@signed_in
@blueprint.arguments(Answering, example=examples.ANSWER)
@idempotent()
@blueprint.response(200, answers.OwnCase, example=examples.OWN_CASE)
@tells("nothing-asked", "conflict", command=True)
def answer_question(typed: dict[str, Any]) -> Response:
    """Answer the secretariat's question. The deadline is later by the working days for which it was open."""
    my_id = me().account_id
    saved = service().linking.answer(my_id, **typed)
    return after(saved, answer(representations.own_case(service().linking.case_of(my_id))))


def _profile() -> Response:
    data, version = service().profiles.of(me().account_id)
    return versioned(version, answer(representations.personal_data(data)))
