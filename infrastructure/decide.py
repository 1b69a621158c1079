"""The role that decides on what was asked for at the public doors."""

import logging
import threading

import psycopg

from application.accounts import Accounts
from domain.errors import Conflict
from infrastructure.doorbell import Doorbell
from infrastructure.intake import DecidedElsewhere, SealedIntake

log = logging.getLogger(__name__)

POLL = 1.0  # s; the safety net under the doorbell
BATCH = 100


class Decide:
    """Any number may run: of two that decide on one request, the second is undone."""

    name = "decide"

    def __init__(self, intake: SealedIntake, accounts: Accounts, doorbell: Doorbell) -> None:
        self._intake = intake
        self._accounts = accounts
        self._doorbell = doorbell

    def run(self, stop: threading.Event) -> None:
        """Work until `stop`. Raises psycopg's errors: whoever runs it begins again, and nothing is lost."""
        seen = -1
        while not stop.is_set():
            decided = self.decide_waiting()
            if not decided:
                seen = self._doorbell.wait("intake", seen, POLL)

    def decide_waiting(self) -> int:
        """Decide on a batch, oldest first; how many were decided."""
        decided = 0
        for number, wanted in self._intake.waiting(BATCH):
            try:
                self._accounts.decide_request(wanted, self._intake.taken(number))
                decided += 1
            except (DecidedElsewhere, Conflict):
                continue
            except psycopg.DataError as fault:  # one request that cannot be stored must not stop the others
                log.error("request left undecided", extra={"error": type(fault).__name__})
        return decided
