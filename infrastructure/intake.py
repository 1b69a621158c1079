"""What was asked for at a public door, until a worker decides: one sealed row, alike for every address and door."""

from collections.abc import Callable
from datetime import datetime

import orjson
from psycopg import Cursor
from psycopg_pool import ConnectionPool

from application.ports import AccountRequest, Effect, ResetRequest
from infrastructure.keys import Box

Asked = AccountRequest | ResetRequest

BLOCK = 1024  # rows are padded to a multiple: their size tells nothing
CONTEXT = b"request"
KINDS: dict[str, type[Asked]] = {"account": AccountRequest, "password-reset": ResetRequest}
NAMES = {kind: name for name, kind in KINDS.items()}
WAITING = """
    SELECT id, sealed FROM intake
    WHERE id > greatest(%s, (SELECT held_request FROM database_identity)) ORDER BY id LIMIT %s
"""


class DecidedElsewhere(Exception):
    """Another worker has decided on this request; what was about to be committed must not be."""


class SealedIntake:
    def __init__(self, pool: ConnectionPool, box: Box, *, after_put: Callable[[], None]) -> None:
        """after_put: rings the workers' doorbell; must not block."""
        self._pool = pool
        self._box = box
        self._after_put = after_put

    def put(self, request: Asked) -> None:
        plain = orjson.dumps({"kind": NAMES[type(request)], **vars(request)})
        sealed = self._box.seal(plain + b" " * (-len(plain) % BLOCK), CONTEXT)
        with self._pool.connection() as connection:
            connection.execute("INSERT INTO intake (sealed) VALUES (%s)", (sealed,), prepare=True)
        self._after_put()

    def waiting(self, limit: int, *, after: int = 0) -> list[tuple[int, bytes]]:
        """The oldest requests, each with its number, sealed; in a restored copy, none from before its release.

        after: the last number seen.
        """
        with self._pool.connection() as connection:
            return connection.execute(WAITING, (after, limit)).fetchall()

    def taken(self, number: int) -> Effect:
        """Removes a request with the decision on it. Raises DecidedElsewhere."""

        def delete(cursor: Cursor) -> None:
            if cursor.execute("DELETE FROM intake WHERE id = %s", (number,)).rowcount == 0:
                raise DecidedElsewhere

        return delete

    def open(self, sealed: bytes) -> Asked:
        """Raises ValueError for what was not sealed here."""
        values = orjson.loads(self._box.open(sealed, CONTEXT))
        kind = KINDS[values.pop("kind")]
        return kind(**values | {"asked_at": datetime.fromisoformat(values["asked_at"])})
