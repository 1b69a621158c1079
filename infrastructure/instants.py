"""Which events count at an instant: all up to a position, whatever order they were recorded in.

Transactions that run at once may be stamped in another order than they stand in the log, and a clock may be set back.
So the instant that counts for an event is the latest at which it or any earlier one was recorded: it only grows with
the position, and what was true at an instant stays so. An event recorded at an instant belongs to it.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, repeat

from psycopg_pool import ConnectionPool

from domain.errors import NotVisibleYet
from infrastructure.event_store import HORIZON
from infrastructure.prepared import Prepared

BLOCK = 1024  # events from one mark to the next: what an answer may have to read
PATIENCE = 2.0  # s
WAITS = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032)  # s; then the last again and again

_MARK_BEFORE = "LEFT JOIN LATERAL (SELECT position, instant FROM log_marks WHERE {} LIMIT 1) AS m ON true"
AT_INSTANT = Prepared(f"""
    SELECT $1::timestamptz <= clock_timestamp(), later.position, coalesce(last.position, 0)
    FROM log_offset AS o
    {_MARK_BEFORE.format("instant <= $1::timestamptz ORDER BY instant DESC, position DESC")}
    LEFT JOIN LATERAL (
        SELECT e.position FROM events AS e
        WHERE e.position > coalesce(m.position, 0) AND e.position < {HORIZON} AND e.recorded_at > $1::timestamptz
        ORDER BY e.position LIMIT 1) AS later ON true
    LEFT JOIN LATERAL (
        SELECT e.position FROM events AS e WHERE e.position < coalesce(later.position, {HORIZON})
        ORDER BY e.position DESC LIMIT 1) AS last ON true
""")
AT_POSITION = Prepared(f"""
    SELECT coalesce(last.position, 0),
           greatest(m.instant, (SELECT max(e.recorded_at) FROM events AS e
                                WHERE e.position > coalesce(m.position, 0) AND e.position <= $1::bigint))
    FROM log_offset AS o
    {_MARK_BEFORE.format("position <= $1::bigint ORDER BY position DESC")}
    LEFT JOIN LATERAL (
        SELECT e.position FROM events AS e WHERE e.position < {HORIZON}
        ORDER BY e.position DESC LIMIT 1) AS last ON true
""")
# It takes a transaction's id, which is younger than that of every append begun before, and writes nothing.
NOW = Prepared("SELECT clock_timestamp(), pg_current_xact_id()::text::bigint")
OLDEST = Prepared("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
LAST_MARK = Prepared("SELECT position, instant FROM log_marks ORDER BY position DESC LIMIT 1")
NEXT_BLOCK = Prepared(f"""
    SELECT count(*), max(b.position), max(b.recorded_at) FROM (
        SELECT e.position, e.recorded_at FROM events AS e CROSS JOIN log_offset AS o
        WHERE e.position > $1::bigint AND e.position < {HORIZON} ORDER BY e.position LIMIT $2::bigint) AS b
""")
SET_MARK = Prepared("INSERT INTO log_marks (position, instant) VALUES ($1, $2) ON CONFLICT DO NOTHING")


class Unreachable(Exception):
    """A moment that the log knows nothing of. fault: in-future | beyond-end."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True)
class Cut:
    """All events up to `position`, 0 where there are none: what counts at `instant`."""

    position: int
    instant: datetime | None


class Instants:
    def __init__(self, pool: ConnectionPool, *, patience: float = PATIENCE) -> None:
        """patience: seconds that a reader waits for writers."""
        self._pool = pool
        self._patience = patience

    def cut(self, moment: datetime | int | None) -> Cut:
        """What counts at an instant, at a position, or now (None). No later append changes it.

        Raises Unreachable, and domain.errors.NotVisibleYet while an append that may belong to it is under way for long.
        """
        if moment is None:
            now = self._wait()
            return self._at_instant(now)
        return self._at_instant(moment) if isinstance(moment, datetime) else self._at_position(moment)

    def _at_instant(self, instant: datetime) -> Cut:
        past, later, last = AT_INSTANT.one(self._pool, (instant,))
        if not past:
            raise Unreachable("in-future")
        if later is None:  # an append under way may have been recorded before
            self._wait()
            _, _, last = AT_INSTANT.one(self._pool, (instant,))
        return Cut(last, instant)

    def _at_position(self, position: int) -> Cut:
        last, instant = AT_POSITION.one(self._pool, (position,))
        if position > last:
            self._wait()
            last, instant = AT_POSITION.one(self._pool, (position,))
            if position > last:
                raise Unreachable("beyond-end")
        return Cut(position, instant)

    def _wait(self) -> datetime:
        """Until readers see all that was recorded up to now; that instant."""
        now, ours = NOW.one(self._pool)
        deadline = time.monotonic() + self._patience
        for wait in chain(WAITS, repeat(WAITS[-1])):
            (oldest,) = OLDEST.one(self._pool)
            if oldest > ours:
                return now
            if time.monotonic() > deadline:
                raise NotVisibleYet
            time.sleep(wait)

    def keep_up(self, block: int = BLOCK) -> int:
        """Set the marks that are missing; how many. Whoever does it at the same time sets the same ones."""
        position, instant = LAST_MARK.one(self._pool) or (0, None)
        done = 0
        while True:
            count, last, latest = NEXT_BLOCK.one(self._pool, (position, block))
            if count < block:
                return done
            position, instant, done = last, max(latest, instant or latest), done + 1
            SET_MARK.all(self._pool, (position, instant))
