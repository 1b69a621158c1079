"""The role that decides on what was asked for at the public doors."""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

import psycopg

from application.ports import Effect, Saved
from domain.errors import Conflict, Refused
from infrastructure.doorbell import Doorbell
from infrastructure.intake import Asked, DecidedElsewhere, SealedIntake

log = logging.getLogger(__name__)

Decisions = Mapping[type[Asked], Callable[[Any, Effect], Saved]]

POLL = 1.0  # s; the safety net under the doorbell
BATCH = 100


class Decide:
    """Any number may run: of two that decide on one request, the second is undone."""

    name = "decide"

    def __init__(self, intake: SealedIntake, decisions: Decisions, doorbell: Doorbell) -> None:
        """decisions: for each kind of request, who decides; with what removes it from the intake."""
        self._intake = intake
        self._decisions = decisions
        self._doorbell = doorbell
        self._left: set[int] = set()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop`. Raises psycopg's errors: whoever runs it begins again, and nothing is lost."""
        seen = -1
        while not stop.is_set():
            decided = self.decide_waiting()
            if not decided:
                seen = self._doorbell.wait("intake", seen, POLL)

    def decide_waiting(self) -> int:
        """Decide on all that wait, oldest first; how many were decided.

        One that cannot be decided stays, and does not stop the others.
        """
        decided = last = 0
        while batch := self._intake.waiting(BATCH, after=last):
            for last, sealed in batch:
                try:
                    asked = self._intake.open(sealed)
                    self._decisions[type(asked)](asked, self._intake.taken(last))
                    decided += 1
                except (DecidedElsewhere, Conflict):
                    continue
                except (ValueError, Refused, psycopg.DataError) as fault:
                    if last not in self._left:  # it is tried again each time, and told of once
                        log.error("request left undecided", extra={"error": type(fault).__name__})
                    self._left.add(last)
        return decided
