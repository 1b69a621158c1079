"""The role that lets go of what has had its time (sessions, initial passwords …); sets marks, makes records' keys."""

import threading

from psycopg_pool import ConnectionPool

from application.ports import Clock
from infrastructure import exports, records_index
from infrastructure.instants import Instants

EVERY = 60.0  # s
BATCH = 1000  # rows a transaction: an open one holds all readers of the log back

EXPIRED = {
    "sessions": "expires_at <= %(now)s",
    "links": "expires_at <= %(now)s",
    "lookup": "reserved_until <= %(now)s",
    "credentials": "expires_at <= %(now)s",
    "totp_factors": "expires_at <= %(now)s",
    "passkey_challenges": "expires_at <= %(now)s",
    "passkey_answers": "expires_at <= %(now)s",
    "idempotency": "made_at <= %(now)s - interval '24 hours'",
    "buckets": "full_at <= %(now)s",
    "import_pieces": "import_id IN (SELECT id FROM imports WHERE finished_at <= %(now)s - interval '1 hour')",
    "imports": "finished_at <= %(now)s - interval '30 days'"
    " OR state = 'arriving' AND created_at <= %(now)s - interval '1 hour'",
    "kept_forms": "expires_at <= %(now)s",
    "devices": "last_seen_at <= %(now)s - interval '1 year'",
}


class Tick:
    """Any number may run: each deletes what it finds."""

    name = "tick"

    def __init__(self, pool: ConnectionPool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._instants = Instants(pool)

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.tidy()
            exports.give_up_silent(self._pool, self._clock.now())
            self._instants.keep_up()
            records_index.keep_up(self._pool)
            stop.wait(EVERY)

    def tidy(self) -> int:
        """Delete all that has expired; how many rows."""
        deleted = 0
        for table, expired in EXPIRED.items():
            statement = (
                f"DELETE FROM {table} WHERE ctid = ANY(ARRAY("
                f"SELECT ctid FROM {table} WHERE {expired} LIMIT {BATCH} FOR UPDATE SKIP LOCKED))"
            )
            while True:
                with self._pool.connection() as connection:
                    count = connection.execute(statement, {"now": self._clock.now()}).rowcount
                deleted += count
                if count < BATCH:
                    break
        return deleted
