"""Does what outbox rows ask for, one at a time a worker, and writes down how it ended.

Work is done at least once: a worker that dies leaves a lease behind, and after it the row is due again. Work
inside the database is done exactly once when its handler commits `outbox.settled` with it.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from random import Random
from typing import Literal, TypeVar
from uuid import UUID

import psycopg

from infrastructure.broker import Broker
from infrastructure.observability import Metrics, place_of
from infrastructure.outbox import AlreadySettled, OutboxItem, OutboxQueue, SettledState

log = logging.getLogger(__name__)

T = TypeVar("T")
Handler = Callable[[OutboxItem], None]

# Longer than a handler may take: mail gives up after 20 s. Only then somebody else may try.
LEASE_SECONDS = 30.0
# 2 s, 8 s, 32 s … at most an hour: eight attempts outlast a mail server's bad hour.
FIRST_DELAY_SECONDS = 2.0
DELAY_FACTOR = 4
LONGEST_DELAY_SECONDS = 3600.0
DATABASE_RETRY_SECONDS = 0.2


class Retry(Exception):
    """Raised by a handler: not now, but later. delay: seconds, by default longer after each attempt."""

    def __init__(self, error_code: str, delay: float | None = None) -> None:
        super().__init__(error_code)
        self.error_code = error_code
        self.delay = delay


class GiveUp(Exception):
    """Raised by a handler: no further attempt would help."""

    def __init__(self, error_code: str, state: Literal["bounced", "failed", "parked"] = "failed") -> None:
        super().__init__(error_code)
        self.error_code = error_code
        self.state = state


class Worker:
    """Receives ids, claims their rows and calls the handler for the row's kind."""

    def __init__(
        self,
        name: str,
        queue: OutboxQueue,
        broker: Broker,
        handlers: Mapping[str, Handler],
        random: Random,
        metrics: Metrics,
        *,
        lease: float = LEASE_SECONDS,
        max_attempts: int = 8,
    ) -> None:
        """handlers: by kind. Each returns (done) or raises Retry or GiveUp; after any other error: again."""
        self.name = name
        self._queue = queue
        self._broker = broker
        self._handlers = handlers
        self._random = random
        self._metrics = metrics
        self._lease = lease
        self._max_attempts = max_attempts

    def run(self, stop: threading.Event) -> None:
        """Work until `stop`; what is in hand is finished first. Raises BrokerUnavailable."""
        self._broker.consume(lambda item_id: self.work(item_id, stop), stop)

    def work(self, item_id: UUID, stop: threading.Event) -> None:
        """Make one attempt, unless the row is settled, resting or in other hands. Waits for the database."""
        item = _patiently(lambda: self._queue.claim(item_id, self._lease), stop)
        if item is not None:
            _patiently(self._attempt(item), stop)

    def _attempt(self, item: OutboxItem) -> Callable[[], object]:
        """Call the handler; what is to be written down then."""
        if item.attempts > self._max_attempts:  # each attempt before took its worker down
            return self._parked(item, "worker-died")
        try:
            self._handlers[item.kind](item)
        except AlreadySettled:
            log.info("outbox item settled by another worker", extra=_about(item))
            return lambda: None
        except GiveUp as end:
            if end.state == "parked":
                return self._parked(item, end.error_code)
            return self._settled(item, end.state, end.error_code)
        except Retry as again:
            return self._resting(item, again.error_code, again.delay)
        except Exception as error:  # noqa: BLE001 - a fault in one item must not stop the others
            log.error("outbox item failed unexpectedly", extra=_about(item) | place_of(error))
            return self._resting(item, f"unexpected-{type(error).__name__}", None)
        return self._settled(item, "done" if item.recipient == "system" else "sent", None)

    def _settled(self, item: OutboxItem, state: SettledState, code: str | None) -> Callable[[], object]:
        log.info("outbox item settled", extra=_about(item) | {"state": state, "code": code})
        self._metrics.outbox_settled.labels(item.kind, state).inc()
        return lambda: self._queue.settle(item.id, state, code)

    def _resting(self, item: OutboxItem, code: str, delay: float | None) -> Callable[[], object]:
        if item.attempts >= self._max_attempts:
            return self._parked(item, code)
        seconds = self._delay(item.attempts) if delay is None else delay
        log.warning(
            "outbox item will be tried again", extra=_about(item) | {"code": code, "seconds": seconds}
        )
        return lambda: self._queue.retry(item, seconds, code)

    def _parked(self, item: OutboxItem, code: str) -> Callable[[], object]:
        log.error("outbox item parked", extra=_about(item) | {"code": code})
        self._metrics.outbox_settled.labels(item.kind, "parked").inc()
        return lambda: self._queue.park(item, code)

    def _delay(self, attempts: int) -> float:
        longest = min(FIRST_DELAY_SECONDS * DELAY_FACTOR ** (attempts - 1), LONGEST_DELAY_SECONDS)
        return longest * self._random.uniform(
            0.5, 1.0
        )  # spread, so that a fault's victims do not return as one


def _patiently(step: Callable[[], T], stop: threading.Event) -> T:
    """Repeat until the database answers: a mail that went out is not forgotten when PostgreSQL restarts."""
    while True:
        try:
            return step()
        except psycopg.OperationalError:
            if stop.wait(DATABASE_RETRY_SECONDS):
                raise


def _about(item: OutboxItem) -> dict[str, object]:
    return {"item": str(item.id), "kind": item.kind, "attempt": item.attempts}
