"""Keyed digests of what must be found or be unique: addresses, AHV numbers, records linked."""

from uuid import UUID

from psycopg import Cursor
from psycopg_pool import ConnectionPool

from application.ports import Effect
from domain import errors
from infrastructure.keys import Keyring

TAKEN = {
    "email": errors.EmailTaken,
    "record": errors.RecordTaken,
}  # the kinds that one account alone may hold


class DigestLookup:
    """`lookup(kind, generation, digest) → account`: one row for each generation of the master key."""

    def __init__(self, pool: ConnectionPool, keyring: Keyring) -> None:
        self._pool = pool
        self._keyring = keyring

    def find(self, kind: str, value: str) -> list[UUID]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT account_id FROM lookup WHERE kind = %s AND generation = %s AND digest = %s",
                self.place(kind, value),
                prepare=True,
            )
            return [account_id for (account_id,) in rows]

    def place(self, kind: str, value: str) -> tuple[str, int, bytes]:
        """Kind, generation and digest: where the value stands under the newest key, whose rows are complete."""
        return kind, self._keyring.current.generation, self._keyring.current.digest(kind, value)

    def claim(self, kind: str, value: str, account_id: UUID) -> Effect:
        def insert(cursor: Cursor) -> None:
            for key in self._keyring:
                place = (kind, key.generation, key.digest(kind, value))
                made = cursor.execute(
                    "INSERT INTO lookup (kind, generation, digest, account_id) VALUES (%s, %s, %s, %s)"
                    " ON CONFLICT DO NOTHING",
                    (*place, account_id),
                )
                if made.rowcount == 0:
                    (holder,) = cursor.execute(
                        "SELECT account_id FROM lookup WHERE kind = %s AND generation = %s AND digest = %s",
                        place,
                    ).fetchone() or (None,)
                    if holder != account_id:
                        raise TAKEN[kind]

        return insert

    def release(self, kind: str, account_id: UUID) -> Effect:
        def delete(cursor: Cursor) -> None:
            cursor.execute("DELETE FROM lookup WHERE account_id = %s AND kind = %s", (account_id, kind))

        return delete
