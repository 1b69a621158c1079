"""The table `erasures`: how far each one is, and which are due."""

from datetime import datetime, timedelta
from uuid import UUID

from psycopg import Cursor
from psycopg_pool import ConnectionPool

from application.ports import Effect, ErasureEntry
from domain.erasure import Erased
from domain.errors import Conflict

LAST_MESSAGE = "erased"  # its kind
STRAGGLERS = timedelta(minutes=1)  # as long a request may still be under way that began before the erasure

DUE = """
    SELECT e.account_id FROM erasures AS e
    WHERE e.state = 'approved' AND (
        e.due_at <= %s OR EXISTS (
            SELECT FROM outbox AS o
            WHERE o.account_id = e.account_id AND o.kind = %s AND o.state NOT IN ('waiting', 'parked')))
    ORDER BY e.due_at
"""
UNSWEPT = """
    SELECT account_id FROM erasures WHERE state = 'done' AND swept_at IS NULL AND done_at <= %s ORDER BY done_at
"""


class StoredErasures:
    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def get(self, erasure_id: UUID) -> ErasureEntry | None:
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT id, account_id, state, done_at FROM erasures WHERE id = %s", (erasure_id,)
            ).fetchone()
        return row and ErasureEntry(*row)

    def due(self, now: datetime) -> list[UUID]:
        """Accounts whose last message has gone, or has been waited for long enough."""
        with self._pool.connection() as connection:
            return [account_id for (account_id,) in connection.execute(DUE, (now, LAST_MESSAGE))]

    def unswept(self, now: datetime) -> list[UUID]:
        """Accounts erased so long ago that nothing which began before is under way any more."""
        with self._pool.connection() as connection:
            return [account_id for (account_id,) in connection.execute(UNSWEPT, (now - STRAGGLERS,))]

    def proposed(self, erasure_id: UUID, account_id: UUID) -> Effect:
        def insert(cursor: Cursor) -> None:
            cursor.execute(
                "INSERT INTO erasures (id, account_id) VALUES (%s, %s)"
                " ON CONFLICT (account_id) DO UPDATE SET id = excluded.id WHERE erasures.state = 'proposed'",
                (erasure_id, account_id),
            )
            _one(cursor)

        return insert

    def approved(self, erasure_id: UUID, due: datetime) -> Effect:
        def update(cursor: Cursor) -> None:
            cursor.execute(
                "UPDATE erasures SET state = 'approved', due_at = %s WHERE id = %s AND state = 'proposed'",
                (due, erasure_id),
            )
            _one(cursor)

        return update

    def done(self, erased: Erased) -> Effect:
        def upsert(cursor: Cursor) -> None:
            cursor.execute(
                "INSERT INTO erasures (id, account_id, state, due_at, done_at)"
                " VALUES (%(id)s, %(account)s, 'done', %(at)s, %(at)s)"
                " ON CONFLICT (account_id) DO UPDATE SET id = excluded.id, state = 'done',"
                " due_at = coalesce(erasures.due_at, excluded.due_at), done_at = excluded.done_at",
                {"id": erased.erasure_id, "account": erased.account_id, "at": erased.at},
            )

        return upsert

    def swept(self, account_id: UUID) -> Effect:
        def update(cursor: Cursor) -> None:
            cursor.execute(
                "UPDATE erasures SET swept_at = clock_timestamp() WHERE account_id = %s", (account_id,)
            )

        return update


def _one(cursor: Cursor) -> None:
    if cursor.rowcount == 0:
        raise Conflict
