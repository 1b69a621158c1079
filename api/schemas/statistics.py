"""Figures of a period: what is asked for, and what is answered."""

from datetime import date, timedelta
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validates_schema

from api.context import today
from api.faults import Fault, Faulty
from api.schemas.answers import day, many, maybe, nested
from api.schemas.fields import Day, Input
from infrastructure.statistics import LONGEST

USUAL: Final = timedelta(days=29)  # before the last day


class PastDay(Day):
    """Not after today, in Switzerland."""

    def understood(self, typed: str) -> date:
        chosen = super().understood(typed)
        if chosen > today():
            raise Faulty("future-date")
        return chosen


class Period(Input):
    """Without `to`: up to today. Without `from`: thirty days."""

    since = PastDay(data_key="from")
    until = PastDay(data_key="to")

    @validates_schema
    def in_order(self, typed: dict[str, Any], **_options: Any) -> None:
        since, until = bounds(typed)
        if since > until:
            raise ValidationError({"from": [Fault("from-after-to")]})
        if (until - since).days >= LONGEST:
            raise ValidationError({"from": [Fault("period-too-long", days=LONGEST)]})


def bounds(typed: dict[str, Any]) -> tuple[date, date]:
    """First and last day. typed: as `Period` loads it."""
    until = typed.get("until") or today()
    return typed.get("since") or until - min(USUAL, until - date.min), until


def _count() -> fields.Integer:
    return fields.Integer(required=True, metadata={"minimum": 0})


class DayFigures(Schema):
    """`linked_automatically`: without a clerk. `open` and `late`: cases at the end of the day."""

    day = day()
    requests = _count()
    submissions = _count()
    linked_automatically = _count()
    linked_by_hand = _count()
    rejected = _count()
    open = _count()
    late = _count()
    mails_sent = _count()
    mails_undelivered = _count()


class Totals(Schema):
    requests = _count()
    submissions = _count()
    linked_automatically = _count()
    linked_by_hand = _count()
    rejected = _count()
    mails_sent = _count()
    mails_undelivered = _count()


class Duration(Schema):
    working_days = _count()
    linked_automatically = _count()
    linked_by_hand = _count()
    rejected = _count()


class LinkingTime(Schema):
    """In the secretariat's working days, without the time of open questions. `median`: null where there is none."""

    promised = _count()
    decided = _count()
    on_time = _count()
    median = maybe(fields.Integer)
    durations = many(Duration)


class Present(Schema):
    """As things stand now, whatever the period. `asked`: cases that wait for their holder."""

    open = _count()
    asked = _count()
    late = _count()
    due_today = _count()
    oldest_since = maybe(fields.AwareDateTime)
    mails_parked = _count()


class Figures(Schema):
    since = day(data_key="from")
    until = day(data_key="to")
    totals = nested(Totals)
    linking_time = nested(LinkingTime)
    now = nested(Present)
    days = many(DayFigures)


_TOTALS: Final = {
    "requests": 14,
    "submissions": 11,
    "linked_automatically": 7,
    "linked_by_hand": 3,
    "rejected": 1,
    "mails_sent": 31,
    "mails_undelivered": 1,
}
FIGURES: Final[dict[str, Any]] = {
    "from": "2025-09-01",
    "to": "2025-09-01",
    "totals": _TOTALS,
    "linking_time": {
        "promised": 3,
        "decided": 11,
        "on_time": 10,
        "median": 0,
        "durations": [
            {"working_days": 0, "linked_automatically": 7, "linked_by_hand": 0, "rejected": 0},
            {"working_days": 1, "linked_automatically": 0, "linked_by_hand": 2, "rejected": 1},
            {"working_days": 2, "linked_automatically": 0, "linked_by_hand": 0, "rejected": 0},
            {"working_days": 3, "linked_automatically": 0, "linked_by_hand": 0, "rejected": 0},
            {"working_days": 4, "linked_automatically": 0, "linked_by_hand": 1, "rejected": 0},
        ],
    },
    "now": {
        "open": 4,
        "asked": 1,
        "late": 1,
        "due_today": 2,
        "oldest_since": "2025-08-27T08:10:00.004511Z",
        "mails_parked": 0,
    },
    "days": [{"day": "2025-09-01", **_TOTALS, "open": 4, "late": 1}],
}
