"""Links in mails: a token that works once, for a while, for one purpose; the table holds digests only."""

from datetime import datetime
from uuid import UUID

from psycopg_pool import ConnectionPool

from application.ports import Linked
from domain.errors import LinkDead
from infrastructure import tokens
from infrastructure.prepared import Prepared

FIND = Prepared(
    "SELECT account_id, request FROM links WHERE digest = $1 AND kind = $2 AND expires_at > $3::timestamptz"
)


class MailedLinks:
    """Whether a link was used, or a newer one was asked for, the account's own history says."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def make(self, kind: str, account_id: UUID, request: int, expires_at: datetime) -> str:
        token = tokens.fresh()
        with self._pool.connection() as connection:
            connection.execute(
                "INSERT INTO links (digest, kind, account_id, request, expires_at) VALUES (%s, %s, %s, %s, %s)",
                (tokens.digest(token), kind, account_id, request, expires_at),
            )
        return token

    def find(self, kind: str, token: str, now: datetime) -> Linked:
        found = FIND.one(self._pool, (tokens.digest(token), kind, now))
        if not found:
            raise LinkDead
        return Linked(*found)
