"""Bodies by which people come in, stay in and leave."""

from api.schemas.fields import Accepted, Choice, Email, Input, Secret, Text
from api.schemas.second_factors import OneTimeCode
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


class ResetRequest(Input):
    email = Email(required=True)


class MailedToken(Input):
    token = Secret(limit=TOKEN_LIMIT, required=True)


class PasswordReset(MailedToken):
    new_password = Secret(required=True)
    code = OneTimeCode(load_default=None, allow_none=True)


class EmailChange(Input):
    new_email = Email(required=True)
    password = Secret(required=True)


class Reauthentication(Input):
    password = Secret(required=True)


class PasswordChange(Input):
    current_password = Secret(required=True)
    new_password = Secret(required=True)
