"""Who is signed in, and what they may do: read by every request, never from a read model."""

import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from psycopg import Cursor
from psycopg_pool import ConnectionPool

from application.ports import Effect, NewSession, Verified
from domain.calendar import ZURICH
from domain.errors import SessionEnded, SessionUnknown, WrongCredentials
from domain.fact import Whence
from infrastructure import tokens
from infrastructure.prepared import Prepared
from projections.directory import Entry

SEEN_EVERY = timedelta(minutes=1)  # how exactly `last_seen_at` is kept

_OPEN = """
    INSERT INTO sessions (digest, account_id, kind, csrf_token, initial_password, created_at, last_seen_at, expires_at,
                          second_factor, device, network)
    SELECT $1::bytea, account_id, $2::text, $3::text, $4::boolean, $5::timestamptz, $5, $6::timestamptz,
           $7::boolean, $9::text, $10::text
    FROM {proved_by} WHERE id = $8 AND barred IS NULL FOR SHARE
    RETURNING id
"""
OPEN, OPEN_BY_PASSKEY = (Prepared(_OPEN.format(proved_by=table)) for table in ("credentials", "passkeys"))
_FIND = """
    SELECT {more} s.id, s.account_id, s.kind, s.csrf_token, s.initial_password, s.expires_at, s.last_seen_at,
           s.second_factor, ARRAY(SELECT r.role FROM roles AS r
                 WHERE r.account_id = s.account_id AND (r.until IS NULL OR r.until >= $1) ORDER BY r.role)
    FROM sessions AS s {joined} WHERE s.digest = $2 AND s.expires_at > $3 AND s.last_seen_at > $4
"""
FIND = Prepared(_FIND.format(more="", joined=""))
# One statement for the question that every page asks; who it is and what they may do is read from `sessions` alone.
FIND_WITH_ENTRY = Prepared(
    _FIND.format(
        more="".join(f"d.{column}, " for column in Entry._fields),
        joined="LEFT JOIN directory AS d ON d.account_id = s.account_id",
    )
)
UNTIL = Prepared("SELECT until FROM roles WHERE account_id = $1 AND role = $2")
HAVING = "SELECT account_id FROM roles WHERE role = %s AND (until IS NULL OR until >= %s)"
ROLES = Prepared(
    "SELECT role FROM roles WHERE account_id = $1 AND (until IS NULL OR until >= $2) ORDER BY role"
)


LIST = Prepared("""
    SELECT id, kind, device, network, created_at, last_seen_at FROM sessions
    WHERE account_id = $1 AND expires_at > $2 AND last_seen_at > $3 ORDER BY last_seen_at DESC, id
""")


@dataclass(frozen=True)
class OpenSession:
    """network: an IP address."""

    id: UUID
    kind: str  # cookie | bearer
    device: str | None
    network: str | None
    created_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True)
class Identity:
    """Who a request comes from. second_factor: it was asked for. roles: those valid today."""

    session_id: UUID
    account_id: UUID
    kind: str  # cookie | bearer
    csrf_token: str | None
    initial_password: bool
    expires_at: datetime
    second_factor: bool
    roles: list[str]


class StoredSessions:
    """Sessions by cookie and tokens for clients without cookies; the table holds digests of the secrets."""

    def __init__(self, pool: ConnectionPool, *, lifetime: timedelta, idle: timedelta) -> None:
        """lifetime: after which one signs in again in any case. idle: without any request."""
        self._pool = pool
        self._lifetime = lifetime
        self._idle = idle

    def open(
        self, verified: Verified, kind: str, whence: Whence, now: datetime, *, second_factor: bool = False
    ) -> NewSession:
        token, csrf_token = tokens.fresh(), secrets.token_urlsafe(24) if kind == "cookie" else None
        expires_at = now + self._lifetime

        def store(cursor: Cursor) -> None:
            values = (
                tokens.digest(token),
                kind,
                csrf_token,
                verified.initial,
                now,
                expires_at,
                second_factor,
                verified.credential_id,
                whence.device,
                whence.network,
            )
            opened = OPEN_BY_PASSKEY if verified.by_passkey else OPEN
            if not opened.on(cursor.connection, values):
                raise WrongCredentials

        return NewSession(token, csrf_token, expires_at, store)

    def find(self, token: str, now: datetime) -> Identity | None:
        """Whose secret it is, and a mark that it was used."""
        return self._find(FIND, token, now)[1]

    def find_with_entry(self, token: str, now: datetime) -> tuple[Entry | None, Identity | None]:
        """The same, and the account as the directory shows it; None while it does not know it."""
        return self._find(FIND_WITH_ENTRY, token, now)

    def _find(self, statement: Prepared, token: str, now: datetime) -> tuple[Entry | None, Identity | None]:
        digest = tokens.digest(token)
        row = statement.one(self._pool, (_day(now), digest, now, now - self._idle))
        if not row:
            return None, None
        *entry, session_id, account_id, kind, csrf_token, initial, expires_at, last_seen_at, proved, roles = (
            row
        )
        if now - last_seen_at > SEEN_EVERY:
            with self._pool.connection() as connection:
                connection.execute("UPDATE sessions SET last_seen_at = %s WHERE digest = %s", (now, digest))
        identity = Identity(session_id, account_id, kind, csrf_token, initial, expires_at, proved, roles)
        return Entry(*entry) if entry and entry[0] else None, identity

    def of(self, account_id: UUID, now: datetime) -> list[OpenSession]:
        """The sessions and tokens of an account that are good today, the last used first."""
        return [OpenSession(*row) for row in LIST.all(self._pool, (account_id, now, now - self._idle))]

    def end_one(self, account_id: UUID, session_id: UUID) -> Effect:
        def delete(cursor: Cursor) -> None:
            ended = cursor.execute(
                "DELETE FROM sessions WHERE account_id = %s AND id = %s", (account_id, session_id)
            )
            if ended.rowcount == 0:
                raise SessionUnknown

        return delete

    def end(self, token: str) -> None:
        with self._pool.connection() as connection:
            connection.execute("DELETE FROM sessions WHERE digest = %s", (tokens.digest(token),))

    def end_all(self, account_id: UUID) -> Effect:
        def delete(cursor: Cursor) -> None:
            cursor.execute("DELETE FROM sessions WHERE account_id = %s", (account_id,))

        return delete

    def end_others(self, account_id: UUID, session_id: UUID) -> Effect:
        def delete(cursor: Cursor) -> None:
            cursor.execute(
                "DELETE FROM sessions WHERE account_id = %s AND id <> %s", (account_id, session_id)
            )

        return delete

    def still_open(self, session_id: UUID) -> Effect:
        def check(cursor: Cursor) -> None:
            cursor.execute("SELECT FROM sessions WHERE id = %s FOR KEY SHARE", (session_id,))
            if cursor.rowcount == 0:
                raise SessionEnded

        return check

    def no_longer_initial(self, session_id: UUID) -> Effect:
        def update(cursor: Cursor) -> None:
            cursor.execute("UPDATE sessions SET initial_password = false WHERE id = %s", (session_id,))

        return update

    def prove(self, account_id: UUID, session_id: UUID) -> Effect:
        def mark(cursor: Cursor) -> None:
            cursor.execute("UPDATE sessions SET second_factor = true WHERE id = %s", (session_id,))
            if cursor.rowcount == 0:
                raise SessionEnded
            cursor.execute("DELETE FROM sessions WHERE account_id = %s AND NOT second_factor", (account_id,))

        return mark

    def prove_nothing(self, account_id: UUID) -> Effect:
        def unmark(cursor: Cursor) -> None:
            cursor.execute("UPDATE sessions SET second_factor = false WHERE account_id = %s", (account_id,))

        return unmark


class StoredRoles:
    """What staff and auditors may do; a mandate ends with its last day in Switzerland."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def of(self, account_id: UUID, now: datetime) -> list[str]:
        return [role for (role,) in ROLES.all(self._pool, (account_id, _day(now)))]

    def until(self, account_id: UUID, role: str) -> date | None:
        """The last day of a mandate; None where it has none."""
        (last,) = UNTIL.one(self._pool, (account_id, role)) or (None,)
        return last

    def having(self, role: str, now: datetime) -> list[UUID]:
        with self._pool.connection() as connection:
            rows = connection.execute(HAVING, (role, _day(now)))
            return [account_id for (account_id,) in rows]

    def set(self, account_id: UUID, role: str, until: date | None) -> Effect:
        def upsert(cursor: Cursor) -> None:
            cursor.execute(
                "INSERT INTO roles (account_id, role, until) VALUES (%s, %s, %s)"
                " ON CONFLICT (account_id, role) DO UPDATE SET until = excluded.until",
                (account_id, role, until),
            )

        return upsert

    def remove(self, account_id: UUID, role: str) -> Effect:
        def delete(cursor: Cursor) -> None:
            cursor.execute("DELETE FROM roles WHERE account_id = %s AND role = %s", (account_id, role))

        return delete


def _day(now: datetime) -> date:
    return now.astimezone(ZURICH).date()
