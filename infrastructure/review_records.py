"""The role that looks again at what rests on records that have changed, whoever changed them."""

import logging
import threading
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

from psycopg_pool import ConnectionPool

from application.reviews import Reviews
from domain.errors import AccountErased, Conflict, ProfileMissing
from infrastructure.lookup import DigestLookup
from projections.directory import Directory

log = logging.getLogger(__name__)

T = TypeVar("T")
POLL: Final = 2.0  # s
BATCH: Final = 20_000  # records at once; for each batch all who wait are looked at
AT_ONCE: Final = 1_000  # rows in a statement

SOME = (
    "SELECT record_number, identity, noted_at FROM changed_records ORDER BY noted_at, record_number LIMIT %s"
)
END = "SELECT coalesce(max(position), 0) FROM events"
REACHED = "SELECT EXISTS (SELECT FROM projections WHERE name = 'directory' AND position >= %s)"
# One that has changed again since is looked at again.
DONE = """
    DELETE FROM changed_records WHERE record_number = ANY(ARRAY(
        SELECT record_number FROM changed_records
          JOIN unnest(%s::text[], %s::timestamptz[]) AS seen (record_number, noted_at) USING (record_number, noted_at)
           FOR UPDATE OF changed_records SKIP LOCKED))
"""


class Changed(NamedTuple):
    """identity: what a link is decided on, or the record is gone."""

    record_number: str
    identity: bool
    noted_at: datetime


class ReviewRecords:
    """Any number may run: what two look at is decided once."""

    name = "review"

    def __init__(
        self, pool: ConnectionPool, reviews: Reviews, lookup: DigestLookup, directory: Directory
    ) -> None:
        self._pool = pool
        self._reviews = reviews
        self._lookup = lookup
        self._directory = directory
        self._batch: list[Changed] = []
        self._end = 0  # of the log, when the batch was read

    def run(self, stop: threading.Event) -> None:
        """Work until `stop`. Raises psycopg's errors: whoever runs it begins again, and nothing is lost."""
        while not stop.is_set():
            if not self.step(stop):
                stop.wait(POLL)

    def step(self, stop: threading.Event | None = None) -> int:
        """How many changes were dealt with: none before the directory knows all who were there when they were read."""
        if not self._batch:
            self._read()
        if not self._batch or not self._is_known():
            return 0
        changed = self._batch
        changes = {each.record_number: each.identity for each in changed}
        concerned = {*self._holders(changes), *self._directory.without_record()}
        for account_id in concerned:
            if stop and stop.is_set():
                return 0
            self._look_again(account_id, changes)
        for some in _in_parts(changed):
            with self._pool.connection() as connection:
                numbers, _, moments = map(list, zip(*some, strict=True))
                connection.execute(DONE, (numbers, moments))
        self._batch = []
        return len(changed)

    def _read(self) -> None:
        with self._pool.connection() as connection:
            self._batch = [Changed(*row) for row in connection.execute(SOME, (BATCH,))]
            # After them: who comes later is matched with the register as it is by now.
            (self._end,) = connection.execute(END).fetchone()

    def _is_known(self) -> bool:
        with self._pool.connection() as connection:
            (known,) = connection.execute(REACHED, (self._end,)).fetchone()
        return known

    def _holders(self, changes: dict[str, bool]) -> Iterable[UUID]:
        """Whoever is linked to one of them."""
        identities = [number for number, identity in changes.items() if identity]
        for numbers in _in_parts(identities):
            yield from self._lookup.find_many("record", numbers).values()

    def _look_again(self, account_id: UUID, changes: dict[str, bool]) -> None:
        try:
            self._reviews.look_again(account_id, changes)
        except (AccountErased, ProfileMissing):
            return
        except Conflict:
            # Somebody decides on this account again and again at this moment, seeing the register as it is.
            log.warning("a review was overtaken", extra={"account": str(account_id)})


def _in_parts(items: list[T]) -> Iterable[list[T]]:
    for first in range(0, len(items), AT_ONCE):
        yield items[first : first + AT_ONCE]
