"""Which days a dashboard shows, and how they are summed up for a page: by day, or by week where there are many."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Final

from babel.dates import format_date

from api.context import locale, today
from api.web.words import DATES, short_day
from domain.calendar import WorkingDays
from infrastructure.statistics import Report

# By code: how many days before the last one, at least.
LENGTHS: Final = {"week": 6, "month": 29, "quarter": 89, "year": 358}
USUAL: Final = "month"
SINGLE_DAYS: Final = 62  # more are shown by week


@dataclass(frozen=True)
class Span:
    """A day or a week of a period. open, late: at its end."""

    first: date
    last: date
    requests: int
    automatic: int
    linked: int
    rejected: int
    open: int
    late: int
    sent: int
    undelivered: int

    @property
    def label(self) -> str:
        return (
            short_day(self.first)
            if self.first == self.last
            else f"{short_day(self.first)} – {short_day(self.last)}"
        )


def bounds_of(code: str) -> tuple[date, date]:
    """First and last day of a period that ends today; of one that is shown by week, from a Monday on."""
    since = today() - timedelta(days=LENGTHS[code])
    if LENGTHS[code] >= SINGLE_DAYS:
        since -= timedelta(days=since.weekday())
    return since, today()


def code_of(since: date, until: date) -> str | None:
    """The code of these days; None for any others."""
    return next((code for code in LENGTHS if bounds_of(code) == (since, until)), None)


def spans(report: Report) -> list[Span]:
    days = list(zip(report.days, report.mails, strict=True))
    if len(days) <= SINGLE_DAYS:
        return [_span([each]) for each in days]
    weeks = groupby(days, key=lambda each: each[0].day.isocalendar()[:2])
    return [_span(list(week)) for _, week in weeks]


def _span(days: Sequence) -> Span:
    counts, mails = zip(*days, strict=True)
    return Span(
        first=counts[0].day,
        last=counts[-1].day,
        requests=sum(each.requests for each in counts),
        automatic=sum(each.automatic for each in counts),
        linked=sum(each.linked for each in counts),
        rejected=sum(each.rejected for each in counts),
        open=counts[-1].open,
        late=counts[-1].late,
        sent=sum(each.sent for each in mails),
        undelivered=sum(each.undelivered for each in mails),
    )


def days_off(shown: Sequence[Span], calendar: WorkingDays) -> list[int]:
    """Places of single days on which the secretariat does not work."""
    return [
        place
        for place, span in enumerate(shown)
        if span.first == span.last and not calendar.is_working_day(span.first)
    ]


def partial(shown: Sequence[Span]) -> list[int]:
    """Places of weeks of which the period holds some days only."""
    if not by_week(shown):
        return []
    return [place for place, span in enumerate(shown) if (span.last - span.first).days < 6]


def by_week(shown: Sequence[Span]) -> bool:
    return any(span.first != span.last for span in shown)


def labels(shown: Sequence[Span], most: int) -> Mapping[int, str]:
    """What stands below some of the places, so many at most: Mondays of a short period, months of a long one."""
    by_month = by_week(shown)
    marked = list(_new_months(shown) if by_month else _mondays(shown))
    pattern = "MMM" if by_month else "d MMM"
    apart = -(-len(marked) // most)
    return {
        place: format_date(
            shown[place].last if by_month else shown[place].first, pattern, locale=DATES[locale()]
        )
        for place in marked[::apart]
    }


def _mondays(shown: Sequence[Span]) -> Iterator[int]:
    few = len(shown) <= 10
    return (place for place, span in enumerate(shown) if few or span.first.weekday() == 0)


def _new_months(shown: Sequence[Span]) -> Iterator[int]:
    """Weeks in which a month begins; the first one only where it has most of its month."""
    return (
        place
        for place, span in enumerate(shown)
        if (place and span.last.month != shown[place - 1].last.month) or (not place and span.last.day <= 14)
    )
