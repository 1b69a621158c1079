"""Keyed digests of what must be found or be unique: addresses, AHV numbers, records linked."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from psycopg import Cursor
from psycopg.errors import UniqueViolation
from psycopg_pool import ConnectionPool

from application.ports import Effect
from domain import errors
from infrastructure.keys import Keyring
from infrastructure.prepared import Prepared

TAKEN = {
    "email": errors.EmailTaken,
    "record": errors.RecordTaken,
}  # the kinds that one account alone may hold


FIND = Prepared("""
    SELECT account_id FROM lookup
    WHERE kind = $1 AND generation = $2 AND digest = $3 AND reserved_until IS NULL
""")
HOLDERS = Prepared("SELECT account_id FROM lookup WHERE kind = $1 AND generation = $2 AND digest = $3")
HOLDERS_OF = Prepared("""
    SELECT digest, account_id, reserved_until IS NOT NULL FROM lookup
    WHERE kind = $1 AND generation = $2 AND digest = ANY($3::bytea[])
""")
# In the order of an index, so that two that claim much do not lock each other out.
CLAIM_ALL = """
    INSERT INTO lookup (kind, generation, digest, account_id)
    SELECT * FROM unnest(%s::text[], %s::smallint[], %s::bytea[], %s::uuid[]) AS c (k, g, d, a) ORDER BY k, g, d
"""
# A row of another account stays as it is, and is not returned.
CLAIM = """
    INSERT INTO lookup AS held (kind, generation, digest, account_id) VALUES (%s, %s, %s, %s)
    ON CONFLICT (kind, generation, digest) WHERE kind IN ('email', 'record')
    DO UPDATE SET reserved_until = NULL WHERE held.account_id = excluded.account_id
    RETURNING account_id
"""


class DigestLookup:
    """`lookup(kind, generation, digest) → account`: one row for each generation of the master key."""

    def __init__(self, pool: ConnectionPool, keyring: Keyring) -> None:
        self._pool = pool
        self._keyring = keyring

    def find(self, kind: str, value: str) -> list[UUID]:
        """Who has it now; nobody where it is only reserved."""
        return [account_id for (account_id,) in FIND.all(self._pool, self.place(kind, value))]

    def find_many(self, kind: str, values: Sequence[str]) -> dict[str, UUID]:
        """By value, for a kind that one account alone may hold; those that nobody has are left out."""
        digests = {self.place(kind, value)[2]: value for value in values}
        with self._pool.connection() as connection:
            found = connection.execute(
                "SELECT digest, account_id FROM lookup WHERE kind = %s AND generation = %s AND digest = ANY(%s)"
                " AND reserved_until IS NULL",
                (kind, self._keyring.current.generation, list(digests)),
            )
            return {digests[digest]: account_id for digest, account_id in found}

    def place(self, kind: str, value: str) -> tuple[str, int, bytes]:
        """Kind, generation and digest: where the value stands under the newest key, whose rows are complete."""
        return kind, self._keyring.current.generation, self._keyring.current.digest(kind, value)

    def holders_of(self, kind: str, values: Collection[str]) -> dict[str, tuple[UUID, bool]]:
        by_digest = {self.place(kind, value)[2]: value for value in values}
        if not by_digest:
            return {}
        found = HOLDERS_OF.all(self._pool, (*self.place(kind, "")[:2], list(by_digest)))
        return {by_digest[digest]: (account_id, reserved) for digest, account_id, reserved in found}

    def claim_all(self, claims: Sequence[tuple[str, str, UUID]]) -> Effect:
        rows = [
            (kind, key.generation, key.digest(kind, value), account_id)
            for key in self._keyring
            for kind, value, account_id in claims
        ]

        def insert(cursor: Cursor) -> None:
            if rows:
                try:
                    cursor.execute(
                        CLAIM_ALL, [list(column) for column in zip(*rows, strict=True)], binary=True
                    )
                except UniqueViolation:
                    raise errors.EmailTaken from None

        return insert

    def release_all(self, kinds: Sequence[str], account_ids: Collection[UUID]) -> Effect:
        def delete(cursor: Cursor) -> None:
            if account_ids:
                cursor.execute(
                    "DELETE FROM lookup WHERE account_id = ANY(%s) AND kind = ANY(%s)",
                    (list(account_ids), list(kinds)),
                )

        return delete

    def claim(self, kind: str, value: str, account_id: UUID) -> Effect:
        """For an account that has it already, reserved or not, it goes on."""

        def insert(cursor: Cursor) -> None:
            for key in self._keyring:
                place = (kind, key.generation, key.digest(kind, value))
                (holder,) = cursor.execute(CLAIM, (*place, account_id)).fetchone() or (None,)
                if holder != account_id:
                    raise TAKEN[kind]

        return insert

    def reserve(self, kind: str, value: str, account_id: UUID, until: datetime) -> Effect:
        """Nobody is found by it any more, and nobody else may have it before then."""

        def update(cursor: Cursor) -> None:
            for key in self._keyring:
                cursor.execute(
                    "UPDATE lookup SET reserved_until = %s"
                    " WHERE kind = %s AND generation = %s AND digest = %s AND account_id = %s",
                    (until, kind, key.generation, key.digest(kind, value), account_id),
                )

        return update

    def holders(self, kind: str, value: str) -> list[UUID]:
        """Who has it now, or may take it back."""
        return [account_id for (account_id,) in HOLDERS.all(self._pool, self.place(kind, value))]

    def release(self, kind: str, account_id: UUID) -> Effect:
        def delete(cursor: Cursor) -> None:
            cursor.execute("DELETE FROM lookup WHERE account_id = %s AND kind = %s", (account_id, kind))

        return delete
