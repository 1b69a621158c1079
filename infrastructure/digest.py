"""The secretariat's mail of each working morning: what is late, what is due, which messages did not arrive.

It leaves the house, so it names nobody: a case is its deadline and a link to the console, where a clerk signs in.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from application.ports import Clock, Roles
from domain.calendar import ZURICH, WorkingDays, swiss_day
from infrastructure.doorbell import Doorbell
from infrastructure.outbox import OutboxQueue
from projections.cases import CaseRow, Cases

DIGEST: Final = "digest"  # its kind; no event causes it
READERS: Final = "secretariat"
EVERY: Final = 30.0  # s; how often the clock is looked at
PATIENCE: Final = timedelta(hours=5)  # a service that is down for longer leaves that day out
LISTED: Final = 10  # cases with a link of their own


class Digest:
    """Asks for one digest a clerk and working day. Any number may run: one cause is told once for ever."""

    name = "digest"

    def __init__(
        self,
        *,
        outbox: OutboxQueue,
        roles: Roles,
        doorbell: Doorbell,
        clock: Clock,
        calendar: WorkingDays,
        at: time,
    ) -> None:
        """at: in Switzerland."""
        self._outbox = outbox
        self._roles = roles
        self._doorbell = doorbell
        self._clock = clock
        self._calendar = calendar
        self._at = at
        self._asked_on: date | None = None

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.step()
            stop.wait(EVERY)

    def step(self) -> None:
        """Ask for today's, once its hour has come; whether there is something to say, its worker sees."""
        now = self._clock.now()
        today = swiss_day(now)
        since = datetime.combine(today, self._at, ZURICH)
        if today == self._asked_on or not since <= now < since + PATIENCE:
            return
        if self._calendar.is_working_day(today):
            for clerk in self._roles.having(READERS, now):
                self._outbox.put(f"{DIGEST}:{today}:{clerk}", DIGEST, clerk)
            self._doorbell.ring("outbox")
        self._asked_on = today


@dataclass(frozen=True)
class DigestContents:
    """What a digest says, as things stand when it is sent."""

    cases: Cases
    outbox: OutboxQueue
    calendar: WorkingDays
    public_url: str
    at: time

    def values(self, day: date, now: datetime) -> Mapping[str, Any] | None:
        """What stands in the digest of a day (infrastructure/messages.py); None: that day is over, or all is well."""
        if day != swiss_day(now):
            return None
        next_day = self.calendar.after(day, 1)
        backlog = self.cases.backlog(day, next_day)
        since = datetime.combine(self.calendar.before(day), self.at, ZURICH)  # the digest before
        undelivered, parked = self.outbox.undelivered(since), self.outbox.counts()["parked"]
        heading = _heading(backlog.late, backlog.due_today, backlog.due_next, undelivered + parked)
        if heading is None:
            return None
        urgent = [
            case for case in self.cases.page(state="open", today=day, limit=LISTED) if case.due <= next_day
        ]
        further = backlog.late + backlog.due_today + backlog.due_next - len(urgent)
        return {
            "heading": heading,
            "late": backlog.late or None,
            "today": backlog.due_today or None,
            "next": backlog.due_next or None,
            "next_day": next_day,
            "open": backlog.open or None,
            "oldest": backlog.oldest and swiss_day(backlog.oldest),
            "late_cases": [self._entry(case) for case in urgent if case.due < day],
            "due_cases": [self._entry(case) for case in urgent if case.due >= day],
            "further": further or None,
            "undelivered": undelivered or None,
            "parked": parked or None,
            "console": f"{self.public_url}/console",
        }

    def _entry(self, case: CaseRow) -> dict[str, Any]:
        return {
            "due": case.due,
            "opened_on": swiss_day(case.opened_at),
            "case_link": f"{self.public_url}/console/cases/{case.case_id}",
        }


def _heading(late: int, today: int, next_day: int, mails: int) -> str | None:
    """What comes first, as a code of the messages' catalogue; None where there is nothing to say."""
    if late:
        return "late-and-today" if today else "late"
    if today:
        return "today"
    if next_day:
        return "next"
    return "mails" if mails else None
