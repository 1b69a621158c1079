"""Working days of the secretariat and the deadlines that are counted in them.

Source of every holiday: docs/sources.md#S2.
"""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

ZURICH: Final = ZoneInfo("Europe/Zurich")
LINKING_TIME: Final = 3  # working days; docs/sources.md#S1

# Days from Easter Sunday.
GOOD_FRIDAY, EASTER_MONDAY, ASCENSION, WHIT_MONDAY, CORPUS_CHRISTI = -2, 1, 39, 50, 60

_MOVABLE: Final = MappingProxyType(
    {
        "BE": (GOOD_FRIDAY, EASTER_MONDAY, ASCENSION, WHIT_MONDAY),
        "JU": (GOOD_FRIDAY, EASTER_MONDAY, ASCENSION, WHIT_MONDAY, CORPUS_CHRISTI),
        "NE": (GOOD_FRIDAY, ASCENSION),
    }
)
_FIXED: Final = MappingProxyType(  # (month, day)
    {
        "BE": ((1, 1), (1, 2), (8, 1), (12, 25), (12, 26)),
        "JU": ((1, 1), (1, 2), (5, 1), (6, 23), (8, 1), (8, 15), (11, 1), (12, 25)),
        "NE": ((1, 1), (3, 1), (5, 1), (8, 1), (12, 25)),
    }
)
# Holidays only in years in which the day before is a Sunday.
_AFTER_A_SUNDAY: Final = MappingProxyType({"BE": (), "JU": (), "NE": ((1, 2), (12, 26))})

CANTONS: Final = tuple(_FIXED)


class WorkingDays:
    """Monday to Friday, but for the legal holidays of one canton and the secretariat's own closing days."""

    def __init__(self, canton: str = "BE", closing_days: Collection[date] = ()) -> None:
        """canton: `BE`, `JU` or `NE`; another raises ValueError."""
        if canton not in CANTONS:
            raise ValueError(f"no holidays are known for canton {canton!r}, only for {', '.join(CANTONS)}")
        self.canton = canton
        self.closing_days = frozenset(closing_days)

    def is_working_day(self, day: date) -> bool:
        return (
            day.weekday() < 5
            and day not in legal_holidays(self.canton, day.year)
            and day not in self.closing_days
        )

    def after(self, day: date, count: int) -> date:
        """The working day that comes `count` working days after `day`; `day` itself never counts."""
        while count > 0:
            day += timedelta(days=1)
            count -= self.is_working_day(day)
        return day

    def before(self, day: date) -> date:
        """The last working day before `day`."""
        day -= timedelta(days=1)
        while not self.is_working_day(day):
            day -= timedelta(days=1)
        return day

    def passed(self, since: date, until: date) -> int:
        """How many working days came after `since`, up to `until` and with it; negative where `until` is earlier."""
        if until < since:
            return -self.passed(until, since)
        days = (since + timedelta(days=number) for number in range(1, (until - since).days + 1))
        return sum(map(self.is_working_day, days))


def linking_deadline(submitted: datetime, calendar: WorkingDays) -> date:
    """The last day on which linking is on time: 3 working days after `submitted`.

    submitted: an aware instant (a naive one raises ValueError); the day counts in Europe/Zurich.
    calendar: the secretariat's, its closing days included.
    Source: docs/sources.md#S1; holidays: docs/sources.md#S2.
    """
    return calendar.after(swiss_day(submitted), LINKING_TIME)


def after_a_pause(due: date, since: datetime, until: datetime, calendar: WorkingDays) -> date:
    """A deadline, moved by the working days for which its clock stood still: while the holder was asked something.

    Where it was not over yet when the clock stopped, the secretariat has the working day after the answer at least.
    since, until: aware instants (naive ones raise ValueError), whose days count in Europe/Zurich.
    """
    began, ended = swiss_day(since), swiss_day(until)
    moved = calendar.after(due, calendar.passed(began, ended))
    return moved if began > due else max(moved, calendar.after(ended, 1))


def working_days_taken(due: date, done: date, calendar: WorkingDays) -> int:
    """How many working days linking took, reckoned from its deadline, so that pauses do not count; 0 or more."""
    return max(LINKING_TIME + calendar.passed(due, done), 0)


def swiss_day(instant: datetime) -> date:
    """The day in Switzerland. instant: aware, or ValueError."""
    if instant.tzinfo is None:
        raise ValueError("an instant without a time zone has no day")
    return instant.astimezone(ZURICH).date()


@lru_cache(maxsize=128)
def legal_holidays(canton: str, year: int) -> frozenset[date]:
    """The days that the canton's law puts level with Sundays, on whatever weekday they fall."""
    easter = easter_sunday(year)
    movable = {easter + timedelta(days=offset) for offset in _MOVABLE[canton]}
    fixed = {date(year, month, day) for month, day in _FIXED[canton]}
    conditional = {date(year, month, day) for month, day in _AFTER_A_SUNDAY[canton]}
    return frozenset(movable | fixed | {day for day in conditional if day.weekday() == 0})


def easter_sunday(year: int) -> date:
    """Easter in the Gregorian calendar, after Meeus, Jones and Butcher."""
    golden = year % 19
    century, in_century = divmod(year, 100)
    leap_centuries, century_rest = divmod(century, 4)
    moon_shift = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - moon_shift + 15) % 30
    leaps, leap_rest = divmod(in_century, 4)
    to_sunday = (32 + 2 * century_rest + 2 * leaps - epact - leap_rest) % 7
    late = (golden + 11 * epact + 22 * to_sunday) // 451
    month, day = divmod(epact + to_sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)
