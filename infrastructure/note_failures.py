"""The role that makes facts of sign-ins that failed, many at once."""

import logging
import threading

from application.accesses import Accesses
from application.ports import FailedSignIn
from domain.errors import AccountErased, Conflict
from infrastructure.failed_sign_ins import SealedFailedSignIns
from infrastructure.intake import DecidedElsewhere

log = logging.getLogger(__name__)

EVERY = 2.0  # s
BATCH = 1000


class NoteFailures:
    """Any number may run: of two that note the same, the second is undone."""

    name = "note-failures"

    def __init__(self, failed: SealedFailedSignIns, accesses: Accesses) -> None:
        self._failed = failed
        self._accesses = accesses
        self._left: set[int] = set()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop`. Raises psycopg's errors: whoever runs it begins again, and nothing is lost."""
        while not stop.is_set():
            self.note_waiting()
            stop.wait(EVERY)

    def note_waiting(self) -> int:
        """Make facts of all that wait; of how many. What cannot be noted now stays until the next time."""
        noted = last = 0
        while batch := self._failed.waiting(BATCH, after=last):
            last = batch[-1][0]
            opened = dict(self._opened(batch))
            try:
                if opened:
                    self._accesses.note_failures(list(opened.values()), self._failed.taken(list(opened)))
                    noted += len(opened)
            except (DecidedElsewhere, Conflict, AccountErased):
                continue
        return noted

    def _opened(self, batch: list[tuple[int, bytes]]) -> list[tuple[int, FailedSignIn]]:
        opened = []
        for number, sealed in batch:
            try:
                opened.append((number, self._failed.open(sealed)))
            except ValueError as fault:
                if number not in self._left:  # it is tried again each time, and told of once
                    log.error("failed sign-in left unnoted", extra={"error": type(fault).__name__})
                self._left.add(number)
        return opened
