"""The role that carries out erasures that are due."""

import logging
import threading
from collections.abc import Callable
from uuid import UUID

import psycopg

from application.erasures import Erasures
from application.ports import Clock
from domain.errors import Refused
from infrastructure.erasure_book import StoredErasures
from infrastructure.erasure_register import ErasureRegister, RegisterFault
from infrastructure.forgetting import MessageUnderWay
from infrastructure.observability import place_of

log = logging.getLogger(__name__)

EVERY = 2.0  # s


class Erase:
    """Any number may run: of two at one account, the second finds it erased."""

    name = "erase"

    def __init__(self, erasures: Erasures, book: StoredErasures, clock: Clock) -> None:
        self._erasures = erasures
        self._book = book
        self._clock = clock
        self._failed: set[UUID] = set()

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.carry_out_due()
            stop.wait(EVERY)

    def carry_out_due(self) -> int:
        """How many were erased. One that cannot be carried out now is tried again, and does not stop the others."""
        now = self._clock.now()
        for account_id in self._book.unswept(now):
            self._attempt(account_id, self._erasures.sweep)
        return sum(self._attempt(account_id, self._erasures.carry_out) for account_id in self._book.due(now))

    def _attempt(self, account_id: UUID, step: Callable[[UUID], object]) -> bool:
        try:
            step(account_id)
        except MessageUnderWay:
            return False
        except (Refused, RegisterFault, OSError, psycopg.DataError) as fault:
            if account_id not in self._failed:  # told of once, tried again each time
                log.error("erasure could not be carried out", extra=place_of(fault))
            self._failed.add(account_id)
            return False
        self._failed.discard(account_id)
        return True


def apply_register(erasures: Erasures, register: ErasureRegister) -> int:
    """Before anything else is done with a database: nobody is there who was erased. How many had come back.

    Raises RegisterFault.
    """
    again = erasures.erase_again(register.entries())
    if again:
        log.warning("people came back with a backup, and were erased again", extra={"people": len(again)})
    return len(again)
