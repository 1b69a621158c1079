"""Attempts counted where all processes see them: buckets in PostgreSQL, and one statement for all those of an attempt.

An attempt is taken before it is known how it ends, so that a thousand at once are a thousand; what turns out to be no
guess is given back. A refused attempt writes nothing: whoever goes on neither prolongs a wait nor fills the table.
"""

import math
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

import psycopg
from psycopg_pool import ConnectionPool

from application.ports import Bucket
from domain.errors import TooManyRequests
from infrastructure.keys import Keyring
from infrastructure.prepared import Prepared

RACES = 5  # lost ones, after which an attempt is refused; each was won by another attempt at the same bucket


@cache
def _take(count: int) -> Prepared:
    """One attempt from each of so many buckets, or from none; when it is refused: until when."""
    types = ("bytea", "int", "interval", "boolean")
    asked = ", ".join(
        "("
        + ", ".join(f"${2 + len(types) * place + number}::{kind}" for number, kind in enumerate(types))
        + ")"
        for place in range(count)
    )
    # Of two attempts at once, one may find a bucket closed only as it writes: then nothing of it stays; it asks anew.
    return Prepared(f"""
        WITH asked (key, size, refill, growing) AS (VALUES {asked}),
        closed AS (
            SELECT max(b.open_at) AS until FROM buckets AS b JOIN asked USING (key) WHERE b.open_at > $1::timestamptz
        ),
        taken AS (
            INSERT INTO buckets AS b (key, size, refill, growing, open_at, full_at)
            SELECT key, size, refill, growing, opens_at($1, $1, size, refill, growing), $1 + refill
            FROM asked WHERE (SELECT until FROM closed) IS NULL ORDER BY key
            ON CONFLICT (key) DO UPDATE
            SET (size, refill, growing) = (excluded.size, excluded.refill, excluded.growing),
                open_at = opens_at($1, b.full_at, excluded.size, excluded.refill, excluded.growing),
                full_at = greatest(b.full_at, $1) + excluded.refill
            WHERE b.open_at <= $1
            RETURNING key, open_at
        )
        SELECT until, open_ats, CASE WHEN until IS NULL AND number < {count} THEN refuse('closed-meanwhile') END
        FROM closed, (SELECT count(*) AS number, array_agg(open_at ORDER BY key) AS open_ats FROM taken) AS t
    """)


GIVE_BACK = Prepared("""
    UPDATE buckets AS b
    SET full_at = b.full_at - b.refill,
        open_at = CASE WHEN NOT b.growing THEN b.open_at - b.refill
                       WHEN b.open_at = taken.until THEN $3::timestamptz - b.refill
                       ELSE b.open_at END
    FROM unnest($1::bytea[], $2::timestamptz[]) AS taken (key, until) WHERE b.key = taken.key
""")
EMPTY = Prepared("DELETE FROM buckets WHERE key = $1")


class Taken(NamedTuple):
    """What an attempt took. until: to when each bucket was closed by it, unless another attempt came after."""

    at: datetime
    keys: list[bytes]
    until: list[datetime]


class StoredThrottle:
    def __init__(self, pool: ConnectionPool, keyring: Keyring) -> None:
        self._pool = pool
        self._keyring = keyring

    def take(self, buckets: Sequence[Bucket], now: datetime) -> Taken:
        rows = sorted((self._key(each), each.size, each.refill, each.growing) for each in buckets)
        values = [now, *(value for row in rows for value in row)]
        for _ in range(RACES):
            try:
                ((until, open_ats, _),) = _take(len(rows)).all(self._pool, values)
            except psycopg.Error as fault:
                if fault.sqlstate != "MT001":
                    raise
                continue
            if until is None:
                return Taken(now, [key for key, *_ in rows], open_ats)
            raise TooManyRequests(retry_after=math.ceil((until - now).total_seconds()))
        raise TooManyRequests(retry_after=1)

    def give_back(self, taken: Taken) -> None:
        GIVE_BACK.all(self._pool, (taken.keys, taken.until, taken.at))

    def forgive(self, taken: Taken) -> None:
        for key in taken.keys:
            EMPTY.all(self._pool, (key,))

    def _key(self, bucket: Bucket) -> bytes:
        return self._keyring.current.digest(f"throttle {bucket.kind}", bucket.whose)
