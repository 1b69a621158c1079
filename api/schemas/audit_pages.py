"""What auditors type on the console's pages, and what these pages are asked by in an address."""

import re
from datetime import time
from typing import Any

from marshmallow import ValidationError, validates_schema

from api.faults import Fault, Faulty
from api.schemas.accesses import Purpose
from api.schemas.audit_history import Position
from api.schemas.fields import Choice, Day, Input, Text
from domain.policies import EMAIL_LIMIT
from domain.values import OPERATOR, SYSTEM
from infrastructure.event_catalogue import event_classes
from projections.accesses import KINDS

CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?")
TOPICS = tuple(each.TOPIC for each in event_classes())
NAMED = {"system": SYSTEM, "operator": OPERATOR}  # who acts without an account


class Clock(Text):
    """A time of day, `14:03` or `14:03:20`."""

    def understood(self, typed: str) -> time:
        if not CLOCK.fullmatch(typed):
            raise Faulty("invalid-time")
        return time.fromisoformat(typed)


class AccountSearch(Input):
    """An address, or an id: it is never part of an address of a page."""

    account = Text(limit=EMAIL_LIMIT, required=True)


class HistorySearch(Input):
    account = Text(limit=EMAIL_LIMIT)
    type = Choice(TOPICS)
    actor = Text(limit=EMAIL_LIMIT)
    since = Day(data_key="from")
    until = Day(data_key="to")


class AccessSearch(Input):
    account = Text(limit=EMAIL_LIMIT)
    reader = Text(limit=EMAIL_LIMIT)
    kind = Choice(KINDS, load_default=KINDS[0])
    since = Day(data_key="from")
    until = Day(data_key="to")


class Standing(Purpose):
    """At the end of a day, at a time of it in Switzerland, or at a position of the log; now where nothing is given."""

    day = Day()
    time = Clock()
    at_position = Position()

    @validates_schema
    def one(self, asked: dict[str, Any], **_options: Any) -> None:
        if asked.get("time") and not asked.get("day"):
            raise ValidationError({"day": [Fault("missing")]})


class Period(Purpose):
    """From the beginning of a day, or a time of it, to the end of another one, or a time of that."""

    from_day = Day(required=True)
    from_time = Clock()
    to_day = Day()
    to_time = Clock()

    @validates_schema
    def days(self, asked: dict[str, Any], **_options: Any) -> None:
        if asked.get("to_time") and not asked.get("to_day"):
            raise ValidationError({"to_day": [Fault("missing")]})
