"""What the secretariat and operators want to know of a period: how much, how fast, what is left, what got lost."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from domain.calendar import LINKING_TIME, ZURICH, WorkingDays, working_days_taken
from infrastructure.outbox import OutboxQueue
from projections.cases import Backlog, Cases
from projections.statistics import DayCounts, Decided, Statistics

LONGEST: Final = 366  # days of a period


@dataclass(frozen=True)
class MailCounts:
    """What came of mails on a day. undelivered: refused for good, or failed."""

    sent: int
    undelivered: int


@dataclass(frozen=True)
class Duration:
    """How many links took so many working days, the time of open questions left out."""

    working_days: int
    automatic: int
    linked: int
    rejected: int

    @property
    def count(self) -> int:
        return self.automatic + self.linked + self.rejected


@dataclass(frozen=True)
class Report:
    """A period, whose last day is in it. durations: from 0 on without gaps; empty where nothing was decided.

    backlog, parked: as things stand now.
    """

    days: Sequence[DayCounts]
    mails: Sequence[MailCounts]  # of the same days
    durations: Sequence[Duration]
    backlog: Backlog
    parked: int

    @property
    def decided(self) -> int:
        return sum(each.count for each in self.durations)

    @property
    def on_time(self) -> int:
        return sum(each.count for each in self.durations if each.working_days <= LINKING_TIME)

    @property
    def median(self) -> int | None:
        """Working days within which at least half of all links were decided."""
        reached = 0
        for each in self.durations:
            reached += each.count
            if 2 * reached >= self.decided:
                return each.working_days
        return None


@dataclass(frozen=True)
class Reports:
    statistics: Statistics
    cases: Cases
    outbox: OutboxQueue
    calendar: WorkingDays

    def of(self, since: date, until: date, today: date) -> Report:
        """until: not after `today`."""
        settled = self.outbox.settled_by_day(_midnight(since), _midnight(until + timedelta(days=1)))
        days = self.statistics.days(since, until)
        return Report(
            days=days,
            mails=[MailCounts(settled[day.day, True], settled[day.day, False]) for day in days],
            durations=_durations(self.statistics.decided(since, until), self.calendar),
            backlog=self.cases.backlog(today, self.calendar.after(today, 1)),
            parked=self.outbox.counts()["parked"],
        )


def _durations(decided: Sequence[Decided], calendar: WorkingDays) -> list[Duration]:
    counts: Counter[tuple[int, str]] = Counter()
    for each in decided:
        counts[working_days_taken(each.due, each.done, calendar), each.how] += each.count
    longest = max((taken for taken, _ in counts), default=-1)
    return [
        Duration(taken, counts[taken, "automatic"], counts[taken, "linked"], counts[taken, "rejected"])
        for taken in range(longest + 1)
    ]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZURICH)
