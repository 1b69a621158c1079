"""The outbox as a queue: which rows are due, who works on one, and how it ended.

The row is the truth; a message in the broker only says "look at this id". A row rests until `next_attempt_at`
after publishing (so that it is not published every second), while leased, and before a further attempt.
Nobody may claim it before `leased_until`. Each statement is its own short transaction.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import class_row
from psycopg_pool import ConnectionPool

from domain.calendar import ZURICH

SettledState = Literal["sent", "done", "bounced", "failed"]


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """One thing to do for one recipient because of one cause."""

    id: UUID
    cause: str
    kind: str
    recipient: str
    account_id: UUID | None
    position: int | None
    attempts: int  # this one included
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """A message, or the attempt at one."""

    id: UUID
    kind: str
    recipient: str
    created_at: datetime
    state: str
    attempts: int


class AlreadySettled(Exception):
    """Somebody else finished the item; whatever was about to be committed with it must not be."""


def settled(item_id: UUID, state: SettledState = "done") -> Callable[[Cursor], None]:
    """What settles the item inside the caller's own transaction, so that its effect happens exactly once.

    The function wants a cursor of that transaction, and raises AlreadySettled, which must roll it back.
    """

    def settle(cursor: Cursor) -> None:
        if cursor.execute(_SETTLE, {"id": item_id, "state": state, "error": None}).rowcount == 0:
            raise AlreadySettled(item_id)

    return settle


class OutboxQueue:
    """The rows of table `outbox`, as relay, workers and operator see them."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def put(self, cause: str, kind: str, account_id: UUID) -> None:
        """A message to an account that no event causes; one cause is told once for ever."""
        with self._pool.connection() as connection:
            connection.execute(_PUT, (cause, kind, account_id))

    def due(self, limit: int) -> list[UUID]:
        """Waiting ids whose rest is over, the longest due first."""
        with self._pool.connection() as connection:
            return [id for (id,) in connection.execute(_DUE, {"limit": limit})]

    def postpone(self, ids: Sequence[UUID], seconds: float) -> None:
        """Let published ids rest, but for those that somebody claimed since."""
        with self._pool.connection() as connection:
            connection.execute(_POSTPONE, {"ids": list(ids), "seconds": seconds})

    def claim(self, item_id: UUID, lease: float) -> OutboxItem | None:
        """Take the item for `lease` seconds and count the attempt; None if settled, resting or taken."""
        with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(OutboxItem)) as cursor,
        ):
            return cursor.execute(_CLAIM, {"id": item_id, "lease": lease}).fetchone()

    def settle(self, item_id: UUID, state: SettledState, error: str | None = None) -> bool:
        """Finish the item, whoever holds it; False when it was not waiting any more. error: a code."""
        return self._changes(_SETTLE, {"id": item_id, "state": state, "error": error})

    def retry(self, item: OutboxItem, delay: float, error: str) -> bool:
        """Let the item rest for `delay` seconds; False if another attempt has it by now. error: a code."""
        return self._changes(
            _RETRY, {"id": item.id, "attempts": item.attempts, "delay": delay, "error": error}
        )

    def park(self, item: OutboxItem, error: str) -> bool:
        """Set the item aside for a human; False if another attempt has it by now. error: a code."""
        return self._changes(_PARK, {"id": item.id, "attempts": item.attempts, "error": error})

    def has_left(self, item_id: UUID) -> bool:
        """Whether it was tried to send this message."""
        with self._pool.connection() as connection:
            return connection.execute(_LEFT, {"id": item_id}).fetchone() is not None

    def bounce(self, item_id: UUID, error: str) -> bool:
        """Note that a message came back, so that it is not sent again; False where that is noted. error: a code."""
        return self._changes(_BOUNCE, {"id": item_id, "error": error})

    def release(self) -> int:
        """Let all parked items wait again, with all their attempts, and requests be decided on; how many."""
        with self._pool.connection() as connection, connection.transaction():
            (requests,) = connection.execute(_HELD_REQUESTS).fetchone()
            connection.execute(_HOLD_NOTHING)
            return requests + connection.execute(_RELEASE).rowcount

    def held_requests(self) -> int:
        """How many requests a restored copy does not decide on before its release."""
        with self._pool.connection() as connection:
            (requests,) = connection.execute(_HELD_REQUESTS).fetchone()
        return requests

    def clear_leases(self) -> None:
        """Make all that waits due at once; for whoever knows that no other relay or worker is running."""
        with self._pool.connection() as connection:
            connection.execute(_CLEAR_LEASES)

    def of(
        self, account_id: UUID, *, after: tuple[datetime, UUID] | None = None, limit: int | None = None
    ) -> list[Sent]:
        """What was written to an account or because of it, the oldest first; not the service's own errands.

        after: `created_at` and id of the last one seen.
        """
        after_at, after_id = after or (None, None)
        values = {"account": account_id, "after_at": after_at, "after_id": after_id, "limit": limit}
        with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(Sent)) as cursor,
        ):
            return cursor.execute(_OF, values).fetchall()

    def counts(self) -> dict[str, int]:
        """How many items are in each state but `sent` and `done`, which only grow and concern nobody."""
        with self._pool.connection() as connection:
            return {"waiting": 0, "parked": 0, "bounced": 0, "failed": 0} | dict(connection.execute(_COUNTS))

    def undelivered(self, since: datetime) -> int:
        """How many mails were refused for good or failed since an instant."""
        with self._pool.connection() as connection:
            (count,) = connection.execute(_UNDELIVERED, (since,)).fetchone()
        return count

    def settled_by_day(self, since: datetime, until: datetime) -> Counter[tuple[date, bool]]:
        """How many mails left (True), were refused for good or failed (False), by Swiss day. until: not included."""
        with self._pool.connection() as connection:
            rows = connection.execute(_SETTLED_BY_DAY, (ZURICH.key, since, until)).fetchall()
        return Counter({(day, left): count for day, left, count in rows})

    def is_late(self) -> bool:
        """Whether mails that have waited for minutes have not left yet."""
        with self._pool.connection() as connection:
            (late,) = connection.execute(_LATE, prepare=True).fetchone()
        return late

    def _changes(self, statement: str, parameters: dict[str, object]) -> bool:
        with self._pool.connection() as connection:
            return connection.execute(statement, parameters).rowcount == 1


_OF = """
    SELECT id, kind, recipient, created_at, state, attempts FROM outbox
    WHERE account_id = %(account)s AND recipient <> 'system'
      AND (%(after_at)s::timestamptz IS NULL OR (created_at, id) > (%(after_at)s, %(after_id)s::uuid))
    ORDER BY created_at, id LIMIT %(limit)s
"""
_PUT = """
    INSERT INTO outbox (cause, kind, recipient, account_id) VALUES (%s, %s, 'holder', %s) ON CONFLICT DO NOTHING
"""
_DUE = """
    SELECT id FROM outbox
    WHERE state = 'waiting' AND next_attempt_at <= now()
    ORDER BY next_attempt_at
    LIMIT %(limit)s
"""
_POSTPONE = """
    UPDATE outbox SET next_attempt_at = now() + make_interval(secs => %(seconds)s)
    WHERE id = ANY(%(ids)s) AND state = 'waiting' AND next_attempt_at <= now()
"""
_CLAIM = """
    UPDATE outbox
    SET attempts = attempts + 1,
        leased_until = now() + make_interval(secs => %(lease)s),
        next_attempt_at = now() + make_interval(secs => %(lease)s)
    WHERE id = %(id)s AND state = 'waiting' AND (leased_until IS NULL OR leased_until <= now())
    RETURNING id, cause, kind, recipient, account_id, position, attempts, created_at
"""
_LATE = """
    SELECT EXISTS (SELECT FROM outbox WHERE state = 'waiting' AND recipient <> 'system'
                   AND created_at < now() - interval '5 minutes')
"""
_UNDELIVERED = """
    SELECT count(*) FROM outbox
    WHERE state IN ('bounced', 'failed') AND recipient <> 'system' AND settled_at >= %s
"""
_SETTLED_BY_DAY = """
    SELECT (settled_at AT TIME ZONE %s)::date, state = 'sent', count(*) FROM outbox
    WHERE state IN ('sent', 'bounced', 'failed') AND recipient <> 'system' AND settled_at >= %s AND settled_at < %s
    GROUP BY 1, 2
"""
_SETTLE = """
    UPDATE outbox SET state = %(state)s, last_error = %(error)s, settled_at = now()
    WHERE id = %(id)s AND state = 'waiting'
"""
_RETRY = """
    UPDATE outbox
    SET last_error = %(error)s,
        leased_until = now() + make_interval(secs => %(delay)s),
        next_attempt_at = now() + make_interval(secs => %(delay)s)
    WHERE id = %(id)s AND state = 'waiting' AND attempts = %(attempts)s
"""
_PARK = """
    UPDATE outbox SET state = 'parked', parked_for = 'exhausted', last_error = %(error)s
    WHERE id = %(id)s AND state = 'waiting' AND attempts = %(attempts)s
"""
_LEFT = """
    SELECT FROM outbox WHERE id = %(id)s AND recipient <> 'system' AND (attempts > 0 OR state = 'sent')
"""
_BOUNCE = """
    UPDATE outbox SET state = 'bounced', last_error = %(error)s, settled_at = now(), parked_for = NULL
    WHERE id = %(id)s AND recipient <> 'system' AND state IN ('waiting', 'sent', 'parked')
"""
_RELEASE = """
    UPDATE outbox
    SET state = 'waiting', parked_for = NULL, attempts = 0, leased_until = NULL, next_attempt_at = now()
    WHERE state = 'parked'
"""
_HELD_REQUESTS = "SELECT count(*) FROM intake WHERE id <= (SELECT held_request FROM database_identity)"
_HOLD_NOTHING = "UPDATE database_identity SET held_request = NULL, held_position = NULL"
_CLEAR_LEASES = """
    UPDATE outbox SET leased_until = NULL, next_attempt_at = now()
    WHERE state = 'waiting' AND next_attempt_at > now()
"""
_COUNTS = "SELECT state, count(*) FROM outbox WHERE state NOT IN ('sent', 'done') GROUP BY state"
