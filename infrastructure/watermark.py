"""Reading one's own writes: a position as an opaque token, and waiting until a read model has reached it."""

import base64
import binascii
import time
from collections.abc import Collection
from threading import Semaphore

from psycopg_pool import ConnectionPool

from domain.errors import NotVisibleYet
from infrastructure.doorbell import Doorbell
from infrastructure.keys import Box

PATIENCE = 2.0  # s
WAITERS = 4  # at once; more are told to come back soon, so that waiting never takes all threads
POLL = 0.02  # s; the safety net under the doorbell

POSITIONS = """
    SELECT min(coalesce(p.position, 0)) FROM unnest(%s::text[]) AS n (name) LEFT JOIN projections AS p USING (name)
"""


class Watermark:
    def __init__(self, pool: ConnectionPool, doorbell: Doorbell, box: Box) -> None:
        self._pool = pool
        self._doorbell = doorbell
        self._box = box
        self._places = Semaphore(WAITERS)

    def seal(self, position: int) -> str:
        """A token: a bare number would tell how much the whole server writes."""
        return (
            base64.urlsafe_b64encode(self._box.seal(position.to_bytes(8, "big"))).decode("ascii").rstrip("=")
        )

    def open(self, token: str) -> int:
        """Raises ValueError for what was not sealed here."""
        try:
            sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            raise ValueError("not a position") from None
        return int.from_bytes(self._box.open(sealed), "big")

    def wait(self, names: Collection[str], position: int, patience: float = PATIENCE) -> None:
        """Return once all these read models have reached the position. Raises domain.errors.NotVisibleYet."""
        if self._reached(names, position):
            return
        if not self._places.acquire(blocking=False):
            raise NotVisibleYet
        try:
            deadline, seen = time.monotonic() + patience, -1
            while not self._reached(names, position):
                if time.monotonic() > deadline:
                    raise NotVisibleYet
                seen = self._doorbell.wait("projected", seen, POLL)
        finally:
            self._places.release()

    def _reached(self, names: Collection[str], position: int) -> bool:
        with self._pool.connection() as connection:
            (least,) = connection.execute(POSITIONS, (list(names),), prepare=True).fetchone()
        return least >= position
