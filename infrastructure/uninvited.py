"""Who was imported, and neither invited nor here yet: found in the log, which alone says who may be written to."""

from uuid import UUID

from psycopg_pool import ConnectionPool

from domain.account import Account

ENDED = [
    event.TOPIC
    for event in (
        Account.AccountInvited,
        Account.AccountActivated,
        Account.AccountClosed,
        Account.AccountErased,
    )
]
# The index is of migration 0020.
AWAITING = """
    FROM events AS first WHERE first.topic = 'account.imported' AND first.position > %s
     AND NOT EXISTS (SELECT FROM events AS later
                     WHERE later.originator_id = first.originator_id AND later.topic = ANY(%s))
"""


class Uninvited:
    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def count(self) -> int:
        with self._pool.connection() as connection:
            (number,) = connection.execute(f"SELECT count(*) {AWAITING}", (0, ENDED)).fetchone()
        return number

    def after(self, position: int, limit: int) -> list[tuple[UUID, int]]:
        """Accounts and the positions of their first events, the oldest first."""
        statement = f"SELECT first.originator_id, first.position {AWAITING} ORDER BY first.position LIMIT %s"
        with self._pool.connection() as connection:
            return connection.execute(statement, (position, ENDED, limit)).fetchall()
