"""What `POST /me/export` answers: all that is held about a person."""

from marshmallow import Schema, fields

from api.schemas.answers import (
    OpenSession,
    OwnAccount,
    OwnMoment,
    Profile,
    SecondFactor,
    many,
    maybe,
    moment,
    nested,
    one_of,
    text,
)
from api.schemas.portfolio import PortfolioItem


class ArchivedMoment(OwnMoment):
    """Clerks' notes stand in it, which the history leaves out."""

    network = maybe()


class ArchivedSession(OpenSession):
    network = maybe()


class KnownDevice(Schema):
    """A browser that may sign in while others guess at the address."""

    created_at = moment()
    last_seen_at = moment()


class Record(Schema):
    """What the institution's register says of the person, where the account is linked to it."""

    record_number = text()
    ahv_number = maybe()
    family_name = maybe()
    given_name = maybe()
    birth_name = maybe()
    birth_date = maybe(fields.Date)
    sex = maybe()
    street = maybe()
    postal_code = maybe()
    city = maybe()
    canton = maybe()
    email = maybe()
    phone = maybe()


class Message(Schema):
    id = fields.UUID(required=True)
    kind = text()
    created_at = moment()
    state = one_of(["waiting", "sent", "done", "bounced", "failed", "parked"])
    attempts = fields.Integer(required=True)


class Archive(Schema):
    made_at = moment()
    account = nested(OwnAccount)
    profile = nested(Profile, allow_none=True)
    record = nested(Record, allow_none=True)
    portfolio = many(PortfolioItem)
    history = many(ArchivedMoment)
    accesses = many(ArchivedMoment)
    sessions = many(ArchivedSession)
    second_factors = many(SecondFactor)
    recovery_codes = fields.Integer(required=True)
    devices = many(KnownDevice)
    messages = many(Message)
