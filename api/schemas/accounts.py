"""Bodies by which people come in, stay in and leave."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validates_schema

from api.faults import Fault
from api.schemas.fields import Accepted, Choice, Email, Input, Secret, Text
from api.schemas.second_factors import OneTimeCode, PasskeyAnswered
from application.reauthentication import PasskeyAnswer
from domain.values import LOCALES

TOKEN_LIMIT = 200


class AccountRequest(Input):
    email = Email(required=True)
    given_name = Text(required=True)
    family_name = Text(required=True)
    locale = Choice(LOCALES, required=True)
    accept_privacy_policy = Accepted(required=True)


class SignIn(Input):
    email = Email(required=True)
    password = Secret(required=True)
    code = OneTimeCode(load_default=None, allow_none=True)


class LocaleChange(Input):
    locale = Choice(LOCALES, required=True)


class ResetRequest(Input):
    email = Email(required=True)


class MailedToken(Input):
    token = Secret(limit=TOKEN_LIMIT, required=True)


class PasswordReset(MailedToken):
    new_password = Secret(required=True)
    code = OneTimeCode(load_default=None, allow_none=True)


class Reauthentication(Input):
    """Who is signed in shows once more who it is: by the password, or by `passkey` in its place.

    Read as `evidence`, a password or `PasskeyAnswer`.
    """

    password = Secret()
    passkey = fields.Nested(
        PasskeyAnswered,
        error_messages={"null": "null"},
        metadata={
            "description": "In the password's place: the answer to `POST /me/reauthentication/options`."
        },
    )

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def holds_one(self, _data: Any, sent: Any, **_options: Any) -> None:
        password, passkey = either_of(self)
        if isinstance(sent, dict) and password in sent and passkey in sent:
            raise ValidationError({passkey: [Fault("not-both")]})
        if isinstance(sent, dict) and not sent.keys() & {password, passkey}:
            raise ValidationError({password: [Fault("missing")]})

    @post_load
    def as_evidence(self, data: dict[str, Any], **_options: Any) -> dict[str, Any]:
        evidence = data.pop("password", None) or PasskeyAnswer(**data.pop("passkey"))
        return {**data, "evidence": evidence}


def either_of(schema: Reauthentication) -> tuple[str, str]:
    """The names of which a body holds one."""
    return schema.fields["password"].data_key or "password", "passkey"


class EmailChange(Reauthentication):
    new_email = Email(required=True)


class PasswordChange(Reauthentication):
    password = Secret(data_key="current_password")
    new_password = Secret(required=True)
