"""The past: what is asked of it, what it was, what changed since, and what happened."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Literal

from marshmallow import Schema, ValidationError, fields, validates_schema

from api.context import today
from api.faults import Fault, Faulty
from api.schemas.accesses import Purpose
from api.schemas.answers import Page, many, maybe, moment, nested, one_of, text
from api.schemas.fields import Choice, Count, Flag, Id, Instant, Text
from api.schemas.staff import ACCOUNT_STATES, CASE_STATES, LINK_STATES, PAGE_MOST
from domain.profile import PERSONAL_DATA
from domain.values import LOCALES
from infrastructure.event_catalogue import event_classes

POSITION = re.compile("[0-9]{1,18}")
BARE_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
INSTANT = timedelta(microseconds=1)  # the shortest that the log tells apart


class Point(Instant):
    """Where in the log: an instant, or a day in Switzerland, up to its last instant. None is now, and so is today.

    before: the point before that instant, or before the day, so that what happens then comes after it; `"day"`: only
    before days. positions: a position will do, too.
    """

    def __init__(
        self,
        *,
        before: bool | Literal["day"] = False,
        positions: bool = False,
        today: Callable[[], date] = today,
        **options: Any,
    ) -> None:
        self.before, self.positions, self.today = before, positions, today
        super().__init__(ends=not before, **options)
        self.metadata["description"] = "RFC 3339, or a date" + (", or a position." if positions else ".")

    def understood(self, typed: str) -> datetime | int | None:
        if self.positions and POSITION.fullmatch(typed):
            return int(typed) - (self.before is True)
        is_day = bool(BARE_DATE.fullmatch(typed))
        if is_day and self.ends and typed == self.today().isoformat():
            return None
        try:
            return super().understood(typed) - INSTANT * (is_day or self.before is True)
        except (Faulty, OverflowError):
            raise Faulty("invalid-point" if self.positions else "invalid-instant") from None


class Position(Text):
    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"description": "A position of the log."}, **options)

    def understood(self, typed: str) -> int:
        if not POSITION.fullmatch(typed):
            raise Faulty("invalid-position")
        return int(typed)


class AsOf(Purpose):
    """Neither `as_of` nor `at_position` is now."""

    as_of = Point()
    at_position = Position()

    @validates_schema
    def one(self, typed: dict[str, Any], **_options: Any) -> None:
        if {"as_of", "at_position"} <= typed.keys():
            raise ValidationError({"at_position": [Fault("one-point")]})


class Between(Purpose):
    since = Point(before="day", positions=True, data_key="from", required=True)
    until = Point(positions=True, data_key="to", load_default=None)


class EventFilter(Purpose):
    account = Id()
    type = Choice([each.TOPIC for each in event_classes()])
    actor = Id()
    since = Point(before=True, positions=True, data_key="from")
    until = Point(positions=True, data_key="to")
    cursor = Text(limit=1000)
    limit = Count(least=1, most=PAGE_MOST)
    bom = Flag()


class Event(Schema):
    """`erased`: fields of `data` that are null because the person was erased; `broken`: for they were tampered with."""

    position = fields.Integer(required=True)
    leaf_index = maybe(fields.Integer)
    type = text()
    name = text()
    account = maybe(fields.UUID)
    actor = maybe()
    recorded_at = moment()
    stream = fields.UUID(required=True)
    version = fields.Integer(required=True)
    data = fields.Dict(required=True)
    erased = fields.List(fields.String(), required=True)
    broken = fields.List(fields.String(), required=True)


class Events(Page):
    items = many(Event)


class Export(Schema):
    """`manifest`: a signed note over all of this, once the file is `done`. `sha256`: of its bytes, hexadecimal.

    `broken`: it was not sent to its end (the reader left, or the service stopped), and what arrived proves nothing: ask
    for it again. A service that was killed is noticed after a quarter of an hour; until then its file is `running`.
    """

    id = fields.UUID(required=True)
    state = one_of(["running", "done", "broken"])
    format = one_of(["csv", "jsonl"])
    by = fields.UUID(required=True)
    filter = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    count = fields.Integer(required=True)
    sha256 = maybe()
    first_position = maybe(fields.Integer)
    last_position = maybe(fields.Integer)
    size = fields.Integer(required=True)
    checkpoint = text()
    started_at = moment()
    finished_at = maybe(fields.AwareDateTime)
    manifest = maybe()


class PastAccount(Schema):
    id = fields.UUID(required=True)
    email = maybe()
    given_name = maybe()
    family_name = maybe()
    locale = one_of(LOCALES)
    state = one_of(ACCOUNT_STATES)
    roles = fields.List(fields.String(), required=True)
    profile_state = one_of(["missing", "submitted"])
    link_state = one_of(LINK_STATES)
    link_due = maybe(fields.Date)


PastProfile = Schema.from_dict(
    {name: maybe(fields.Date if name == "birth_date" else fields.String) for name in PERSONAL_DATA},
    name="PastProfile",
)


class PastLink(Schema):
    record_number = maybe()
    linked_at = moment()
    by = text()


class PastCase(Schema):
    id = fields.UUID(required=True)
    state = one_of(CASE_STATES)
    due = fields.Date(required=True)


class Pending(Schema):
    kind = one_of(["email-change", "closure", "recovery", "erasure"])
    since = moment()


class LastEvent(Schema):
    position = fields.Integer(required=True)
    type = text()
    recorded_at = moment()


class PastState(Schema):
    """`erased`: what is null because the person was erased since, by its path."""

    position = fields.Integer(required=True)
    as_of = moment()
    account = nested(PastAccount)
    profile = nested(PastProfile, allow_none=True)
    link = nested(PastLink, allow_none=True)
    case = nested(PastCase, allow_none=True)
    pending = many(Pending)
    last_event = nested(LastEvent)
    erased = fields.List(fields.String(), required=True)


class PastChange(Schema):
    """`old` and `new` are null where the person was erased since: the field was set, whether it differed or not."""

    field = text()
    old = fields.Raw(required=True, allow_none=True)
    new = fields.Raw(required=True, allow_none=True)
    position = fields.Integer(required=True)
    type = text()
    actor = fields.UUID(required=True)
    by = text()
    at = moment()


class PastChanges(Schema):
    """`erased`: the fields whose values are gone."""

    changes = many(PastChange)
    erased = fields.List(fields.String(), required=True)
