"""Brings due outbox rows to the broker. Any number may run: a row published twice is claimed once."""

import threading

from infrastructure.broker import EXPIRY_SECONDS, Broker
from infrastructure.doorbell import Doorbell
from infrastructure.outbox import OutboxQueue


class Relay:
    """Publishes ids when the doorbell rings, and every `poll` seconds what has become due without a ring."""

    name = "relay"

    def __init__(
        self,
        queue: OutboxQueue,
        broker: Broker,
        doorbell: Doorbell,
        *,
        batch: int = 100,
        postpone: float = EXPIRY_SECONDS,
        poll: float = 1.0,
    ) -> None:
        """postpone: seconds after which an id that nobody claimed is published again."""
        self._queue = queue
        self._broker = broker
        self._doorbell = doorbell
        self._batch = batch
        self._postpone = postpone
        self._poll = poll

    def run(self, stop: threading.Event) -> None:
        """Work until `stop`. Raises BrokerUnavailable and psycopg's errors: whoever runs it begins again."""
        seen = self._doorbell.wait("outbox", seen=-1, timeout=0)
        while not stop.is_set():
            while self.publish_due() == self._batch and not stop.is_set():
                pass
            seen = self._doorbell.wait("outbox", seen, self._poll)

    def publish_due(self) -> int:
        """Publish one batch, then let it rest; how many ids. Dying in between only repeats them."""
        ids = self._queue.due(self._batch)
        if ids:
            self._broker.publish(ids)
            self._queue.postpone(ids, self._postpone)
        return len(ids)
