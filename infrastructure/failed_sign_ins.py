"""Sign-ins that failed, until a worker makes facts of them: one sealed row each, alike for every address."""

from collections.abc import Sequence
from datetime import datetime

import orjson
from psycopg import Cursor
from psycopg_pool import ConnectionPool

from application.ports import Effect, FailedSignIn
from infrastructure.intake import DecidedElsewhere
from infrastructure.keys import Box
from infrastructure.prepared import Prepared

BLOCK = 512  # rows are padded to a multiple: their size tells nothing
CONTEXT = b"failed-sign-in"
PUT = Prepared("INSERT INTO failed_sign_ins (sealed) VALUES ($1::bytea)")
WAITING = "SELECT id, sealed FROM failed_sign_ins WHERE id > %s ORDER BY id LIMIT %s"


class SealedFailedSignIns:
    def __init__(self, pool: ConnectionPool, box: Box) -> None:
        self._pool = pool
        self._box = box

    def put(self, failed: FailedSignIn) -> None:
        plain = orjson.dumps(vars(failed))
        PUT.all(self._pool, (self._box.seal(plain + b" " * (-len(plain) % BLOCK), CONTEXT),))

    def waiting(self, limit: int, *, after: int = 0) -> list[tuple[int, bytes]]:
        """The oldest, each with its number, sealed. after: the last number seen."""
        with self._pool.connection() as connection:
            return connection.execute(WAITING, (after, limit)).fetchall()

    def taken(self, numbers: Sequence[int]) -> Effect:
        """Removes them with the facts made of them. Raises DecidedElsewhere."""

        def delete(cursor: Cursor) -> None:
            cursor.execute("DELETE FROM failed_sign_ins WHERE id = ANY(%s)", (list(numbers),))
            if cursor.rowcount != len(numbers):
                raise DecidedElsewhere

        return delete

    def open(self, sealed: bytes) -> FailedSignIn:
        """Raises ValueError for what was not sealed here."""
        values = orjson.loads(self._box.open(sealed, CONTEXT))
        return FailedSignIn(**values | {"at": datetime.fromisoformat(values["at"])})
