"""The role that keeps the mirror of the institution's records up to date."""

import logging
import threading
from datetime import timedelta
from typing import Final

from application.ports import Clock
from domain.calendar import ZURICH
from infrastructure.records_mirror import Mirror, RefreshedElsewhere
from infrastructure.records_source import Source, SourceFault

log = logging.getLogger(__name__)

POLL: Final = 2.0  # s
AFTER_A_FAULT: Final = timedelta(minutes=1)
PASSING: Final = ("down", "slow", "status", "broken-off", "changed")  # faults that may be over in a minute


class Stopping(Exception):
    """In the middle of a reading."""


class RefreshRecords:
    """Any number may run: one reads, the others find it done."""

    name = "records"

    def __init__(self, mirror: Mirror, source: Source | None, every: timedelta, clock: Clock) -> None:
        """source: None where the register comes from files."""
        self._mirror = mirror
        self._source = source
        self._every = every
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        """Work until `stop`. Raises psycopg's errors: whoever runs it begins again."""
        while not stop.is_set():
            if self._source and self._is_due(self._source):
                self._refresh(self._source, stop)
            stop.wait(POLL)

    def _is_due(self, source: Source) -> bool:
        state = self._mirror.state()
        if not state or state.source != source.name:
            return True
        pause = min(self._every, AFTER_A_FAULT) if state.fault in PASSING else self._every
        return self._clock.now() - state.tried_at >= pause

    def _refresh(self, source: Source, stop: threading.Event) -> None:
        def go_on(_what: str, _count: int) -> None:
            if stop.is_set():
                raise Stopping

        now = self._clock.now()
        try:
            done = self._mirror.refresh(source, now=now, today=now.astimezone(ZURICH).date(), progress=go_on)
        except (RefreshedElsewhere, Stopping):
            return
        except SourceFault as fault:
            log.error("the records could not be read; the older ones stay", extra={"code": fault.code})
            return
        if not done.same:
            count = done.added + done.changed + done.gone + done.merged
            log.info("the records were read", extra={"count": count})
