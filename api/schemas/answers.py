"""What is answered, for the OpenAPI document; `representations` makes it, tests hold each answer to it."""

from collections.abc import Iterable
from typing import Any

from marshmallow import Schema, fields

from api.schemas.staff import ACCOUNT_STATES, CASE_STATES, LINK_STATES
from domain.values import LOCALES

SECOND_FACTOR = ("none", "used", "required")  # required: a role asks for one


def text(**options: Any) -> fields.String:
    return fields.String(required=True, **options)


def maybe(kind: type[fields.Field] = fields.String, **options: Any) -> fields.Field:
    """A value or null, always there."""
    return kind(required=True, allow_none=True, **options)


def one_of(words: Iterable[str]) -> fields.String:
    return text(metadata={"enum": list(words)})


def day(**options: Any) -> fields.Date:
    return fields.Date(required=True, **options)


def moment() -> fields.AwareDateTime:
    return fields.AwareDateTime(required=True)


def nested(schema: type[Schema], **options: Any) -> fields.Nested:
    return fields.Nested(schema, required=True, **options)


def many(schema: type[Schema]) -> fields.List:
    return fields.List(fields.Nested(schema), required=True)


class Problem(Schema):
    """RFC 9457. `type` leads to a page that explains the code."""

    type = text(metadata={"format": "uri-reference"})
    title = text()
    status = fields.Integer(required=True)
    detail = fields.String()
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "What is wrong, by field."},
    )
    by = fields.String(metadata={"description": "Who was first."})
    at = fields.AwareDateTime(metadata={"description": "When somebody was first."})
    state = fields.String(metadata={"description": "What became of it."})
    into = fields.UUID(metadata={"description": "The account that goes on instead."})
    instead_of = fields.UUID(metadata={"description": "Who has it: to be sent for taking it over."})
    factors = fields.List(
        fields.String(), metadata={"description": "Kinds of second factors to choose from."}
    )


class Page(Schema):
    next_cursor = maybe()


class Accepted(Schema):
    status = one_of(["accepted"])


class OwnAccount(Schema):
    id = fields.UUID(required=True)
    email = text()
    given_name = maybe()
    family_name = maybe()
    locale = one_of(LOCALES)
    state = one_of(ACCOUNT_STATES)
    roles = fields.List(fields.String(), required=True)
    profile_state = one_of(["missing", "submitted"])
    link_state = one_of(LINK_STATES)
    link_due = maybe(fields.Date)


class Session(Schema):
    account = nested(OwnAccount)
    roles = fields.List(fields.String(), required=True)
    csrf_token = maybe()
    initial_password = fields.Boolean(required=True)
    second_factor = one_of(SECOND_FACTOR)
    expires_at = moment()


class Token(Schema):
    token = text()
    second_factor = one_of(SECOND_FACTOR)
    expires_at = moment()


class PasskeyQuestion(Schema):
    """`options`: for `navigator.credentials.get()`, see `parseRequestOptionsFromJSON`."""

    attempt = fields.UUID(required=True)
    options = fields.Dict(required=True)


class SecondFactor(Schema):
    id = fields.UUID(required=True)
    kind = one_of(["totp", "passkey"])
    label = maybe()
    created_at = moment()
    last_used_at = maybe(fields.AwareDateTime)


class SecondFactors(Page):
    items = many(SecondFactor)
    recovery_codes = fields.Integer(required=True)


class TotpEnrolment(Schema):
    id = fields.UUID(required=True)
    secret = text()
    otpauth_uri = text(metadata={"format": "uri"})
    qr_svg = text()


class PasskeyEnrolment(Schema):
    """`options`: for `navigator.credentials.create()`, see `parseCreationOptionsFromJSON`."""

    id = fields.UUID(required=True)
    options = fields.Dict(required=True)


class RecoveryCodes(Schema):
    recovery_codes = fields.List(fields.String(), required=True)


class Profile(Schema):
    ahv_number = maybe()
    given_name = text()
    family_name = text()
    birth_name = maybe()
    birth_date = day()
    sex = text()
    nationality = text()
    street = text()
    postal_code = text()
    city = text()
    country = text()
    phone = maybe()
    function = maybe()
    school = maybe()
    canton = text()


class Label(Schema):
    fr = text()
    de = text()
    en = text()


class Code(Schema):
    code = text()
    label = nested(Label)


class Codes(Schema):
    """Lists of codes; the codes never change, their labels may."""

    sexes = many(Code)
    functions = many(Code)
    schools = many(Code)
    cantons = many(Code)
    countries = many(Code)
    locales = many(Code)
    purposes = many(Code)
    causes = many(Code)
    factors = many(Code)
    reasons = fields.Dict(keys=fields.String(), values=fields.List(fields.Nested(Code)), required=True)


class About(Schema):
    name = text()
    contact = text()
    guides = text(metadata={"format": "uri"})


class Offered(Schema):
    code = text()
    label = nested(Label)
    action = nested(Label)
    address = text(metadata={"format": "uri"})
    icon = text()
    needs_link = fields.Boolean(required=True)


class Services(Page):
    institution = nested(About)
    items = many(Offered)


class AccountItem(Schema):
    id = fields.UUID(required=True)
    email = maybe()
    given_name = maybe()
    family_name = maybe()
    locale = one_of(LOCALES)
    canton = maybe()
    state = one_of(ACCOUNT_STATES)
    link_state = one_of(LINK_STATES)
    created_at = moment()


class Link(Schema):
    record_number = text()
    linked_at = moment()
    by = text()


class AccountSheet(AccountItem):
    profile_state = one_of(["missing", "submitted"])
    link_due = maybe(fields.Date)
    link = nested(Link, allow_none=True)
    profile = nested(Profile, allow_none=True)
    merged_into = maybe(fields.UUID)
    merged = fields.List(fields.UUID(), required=True)


class AccountPage(Page):
    items = many(AccountItem)


class Change(Schema):
    field = text()
    old = fields.Raw(required=True, allow_none=True)
    new = fields.Raw(required=True, allow_none=True)


class OwnMoment(Schema):
    type = text()
    name = text()
    at = moment()
    by = text()
    device = maybe()
    place = maybe()
    sentence = text()
    changes = many(Change)


class Moment(OwnMoment):
    position = fields.Integer(required=True)


class Timeline(Page):
    items = many(Moment)


class OwnHistory(Page):
    items = many(OwnMoment)


class AddressOutcome(Schema):
    state = one_of(["changed", "cancelled", "taken-back"])


class OpenSession(Schema):
    id = fields.UUID(required=True)
    kind = one_of(["cookie", "bearer"])
    current = fields.Boolean(required=True)
    device = maybe()
    place = maybe()
    created_at = moment()
    last_seen_at = moment()


class OpenSessions(Page):
    items = many(OpenSession)


class SentMessage(Schema):
    id = fields.UUID(required=True)
    kind = text()
    recipient = text()
    created_at = moment()
    state = one_of(["waiting", "sent", "done", "bounced", "failed", "parked"])
    attempts = fields.Integer(required=True)


class Messages(Page):
    items = many(SentMessage)


class Proposal(Schema):
    id = fields.UUID(required=True)
    state = one_of(["proposed"])


class Holder(Schema):
    id = fields.UUID(required=True)
    email = maybe()
    given_name = maybe()
    family_name = maybe()


class CaseItem(Schema):
    id = fields.UUID(required=True)
    account = nested(Holder)
    state = one_of(CASE_STATES)
    cause = text()
    due = day()
    late = fields.Boolean(required=True)
    taken_by = maybe()
    created_at = moment()


class CasePage(Page):
    items = many(CaseItem)


class Comparison(Schema):
    name = text()
    verdict = one_of(["equal", "similar", "different", "missing"])
    weight = fields.Float(required=True)


class Candidate(Schema):
    record_number = text()
    score = fields.Float(required=True)
    probability = fields.Float(required=True)
    fields = many(Comparison)


class Asked(Schema):
    """`answer`: null while the question is open, and where the case was settled without."""

    case = fields.UUID(required=True)
    by = text()
    asked_at = moment()
    text = text()
    answer = maybe()
    answered_at = maybe(fields.AwareDateTime)


class OwnQuestion(Schema):
    asked_at = moment()
    text = text()


class OwnCase(Schema):
    """All null where the secretariat never had anything to decide. `question`: the open one."""

    id = maybe(fields.UUID)
    state = maybe(metadata={"enum": [*CASE_STATES, None]})
    due = maybe(fields.Date)
    question = nested(OwnQuestion, allow_none=True)


class CaseSheet(CaseItem):
    taken_at = maybe(fields.AwareDateTime)
    decided_by = maybe()
    decided_at = maybe(fields.AwareDateTime)
    link = nested(Link, allow_none=True)
    profile = nested(Profile)
    candidates = many(Candidate)
    questions = many(Asked)
