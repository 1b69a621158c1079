"""What somebody had typed when the session had ended: kept sealed for half an hour, for that browser and account."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from psycopg_pool import ConnectionPool

from infrastructure import tokens
from infrastructure.keys import Box
from infrastructure.prepared import Prepared

KEPT_FOR = timedelta(minutes=30)

FIND = Prepared(
    "SELECT sealed FROM kept_forms WHERE account_id = $1 AND browser = $2 AND path = $3 AND expires_at > $4"
)
KEEP = """
    INSERT INTO kept_forms (account_id, browser, path, sealed, expires_at) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (account_id, browser, path) DO UPDATE SET sealed = excluded.sealed, expires_at = excluded.expires_at
"""
FORGET = "DELETE FROM kept_forms WHERE account_id = %s AND browser = %s AND path = %s"


class KeptForms:
    """browser: the secret of its cookie. path: of the form's page. content: in JSON's own kinds."""

    def __init__(self, pool: ConnectionPool, box: Box) -> None:
        self._pool = pool
        self._box = box

    def keep(
        self, browser: str, account_id: UUID, path: str, content: Mapping[str, Any], now: datetime
    ) -> None:
        sealed = self._box.seal(orjson.dumps(dict(content)), _context(browser, account_id, path))
        values = (account_id, tokens.digest(browser), path, sealed, now + KEPT_FOR)
        with self._pool.connection() as connection:
            connection.execute(KEEP, values)

    def find(self, browser: str, account_id: UUID, path: str, now: datetime) -> dict[str, Any] | None:
        row = FIND.one(self._pool, (account_id, tokens.digest(browser), path, now))
        return orjson.loads(self._box.open(row[0], _context(browser, account_id, path))) if row else None

    def forget(self, browser: str, account_id: UUID, path: str) -> None:
        with self._pool.connection() as connection:
            connection.execute(FORGET, (account_id, tokens.digest(browser), path))


def _context(browser: str, account_id: UUID, path: str) -> bytes:
    return tokens.digest(browser) + account_id.bytes + path.encode()
