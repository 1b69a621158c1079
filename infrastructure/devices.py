"""Browsers that an account knows: who signed in from one before is told from who attacks the address from elsewhere."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg import Cursor
from psycopg_pool import ConnectionPool

from application.ports import Effect
from infrastructure import tokens
from infrastructure.lookup import DigestLookup
from infrastructure.prepared import Prepared

DEVICES = 20  # of one account; a client that keeps no cookies is a new one each time

KNOWN = Prepared("""
    SELECT true FROM devices AS d JOIN lookup AS l USING (account_id)
    WHERE d.digest = $1 AND d.last_seen_at > $2::timestamptz - interval '1 year'
      AND l.kind = $3 AND l.generation = $4 AND l.digest = $5
""")
_SEEN = """
    INSERT INTO devices AS d (digest, account_id, created_at, last_seen_at)
    VALUES ($1::bytea, $2::uuid, $3::timestamptz, $3)
    ON CONFLICT (digest) DO UPDATE SET last_seen_at = excluded.last_seen_at WHERE d.account_id = excluded.account_id
"""
SEEN = Prepared(_SEEN)
SEEN_FIRST = Prepared(f"""
    WITH let_go AS (
        DELETE FROM devices WHERE digest IN (
            SELECT digest FROM devices WHERE account_id = $2 ORDER BY last_seen_at DESC OFFSET {DEVICES - 1}
        )
    ) {_SEEN}
""")


LIST = Prepared("""
    SELECT created_at, last_seen_at FROM devices
    WHERE account_id = $1 AND last_seen_at > $2::timestamptz - interval '1 year' ORDER BY last_seen_at DESC, digest
""")


class KnownDevice(NamedTuple):
    created_at: datetime
    last_seen_at: datetime


class KnownDevices:
    """The table holds digests of the secrets. A device is forgotten a year after its last sign-in."""

    def __init__(self, pool: ConnectionPool, lookup: DigestLookup) -> None:
        self._pool = pool
        self._lookup = lookup

    def knows(self, email: str, secret: str, now: datetime) -> bool:
        return bool(KNOWN.all(self._pool, (tokens.digest(secret), now, *self._lookup.place("email", email))))

    def remember(self, account_id: UUID, known: str | None, now: datetime) -> tuple[str, Effect]:
        secret = known or tokens.fresh()

        def store(cursor: Cursor) -> None:
            seen = SEEN if known else SEEN_FIRST
            seen.on(cursor.connection, (tokens.digest(secret), account_id, now))

        return secret, store

    def of(self, account_id: UUID, now: datetime) -> list[KnownDevice]:
        """The last used first."""
        return [KnownDevice(*row) for row in LIST.all(self._pool, (account_id, now))]

    def forget(self, account_id: UUID, *, but: str | None = None) -> Effect:
        kept = tokens.digest(but) if but else b""

        def delete(cursor: Cursor) -> None:
            cursor.execute("DELETE FROM devices WHERE account_id = %s AND digest <> %s", (account_id, kept))

        return delete
