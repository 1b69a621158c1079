"""Password hashes: argon2id, one run for each check, at most as many runs at once as there are cores."""

import hmac
import os
import secrets
from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Lock
from typing import NamedTuple, TypeVar
from uuid import UUID, uuid4

from argon2 import Type, extract_parameters
from argon2.low_level import hash_secret
from psycopg import Cursor
from psycopg_pool import ConnectionPool

from application.ports import Effect, Verified
from domain import errors, policies
from infrastructure.lookup import DigestLookup
from infrastructure.prepared import Prepared

T = TypeVar("T")

# OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, 2 iterations, 1 lane (docs/sources.md#S9).
TIME_COST, MEMORY_KIB, LANES, HASH_BYTES, SALT_BYTES = 2, 19_456, 1, 32, 16
SYLLABLES = "bcdfghjkmnpqrstvwxz", "aeiou"  # no l, no y: nothing that is read as something else
WAITING = 32  # checks that may wait for a core
RESERVED = 16  # further ones, of whoever is known by session or device: strangers cannot fill all places

BY_ADDRESS = Prepared("""
    SELECT c.account_id, c.id, c.kind, c.hash, c.expires_at, c.used_at, c.barred, c.long
    FROM lookup AS l JOIN credentials AS c USING (account_id)
    WHERE l.kind = $1 AND l.generation = $2 AND l.digest = $3 AND l.reserved_until IS NULL
""")
BY_ACCOUNT = Prepared("""
    SELECT c.account_id, c.id, c.kind, c.hash, c.expires_at, c.used_at, c.barred, c.long
    FROM credentials AS c WHERE c.account_id = $1
""")


class Row(NamedTuple):
    account_id: UUID
    id: UUID
    kind: str
    hash: str
    expires_at: datetime | None
    used_at: datetime | None
    barred: str | None
    long: bool


class Recipe(NamedTuple):
    """What a hash was made with, but for the password."""

    salt: bytes
    time_cost: int
    memory_kib: int
    lanes: int

    @classmethod
    def fresh(cls) -> "Recipe":
        return cls(os.urandom(SALT_BYTES), TIME_COST, MEMORY_KIB, LANES)

    @classmethod
    def of(cls, hashed: str) -> "Recipe":
        """hashed: in the PHC string format, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`."""
        used, salt = extract_parameters(hashed), hashed.split("$")[4]
        return cls(
            b64decode(salt + "=" * (-len(salt) % 4)), used.time_cost, used.memory_cost, used.parallelism
        )


class HashQueue:
    """As many threads as there are cores do all the hashing, and a bounded number of checks wait for them.

    The threads are always the same: each works in memory that it has worked in before, which its core still holds.
    """

    def __init__(self, at_once: int = os.cpu_count() or 1, waiting: int = WAITING) -> None:
        self._at_once = at_once
        self._most = at_once + waiting
        self._inside = 0
        self._counting = Lock()
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="hash")

    @property
    def waiting(self) -> int:
        return max(0, self._inside - self._at_once)

    def run(self, hash_once: Callable[[], T], *, known: bool = False) -> T:
        """known: whoever asks. Raises domain.errors.TooBusy when too many wait already."""
        with self._counting:
            if self._inside >= self._most + (RESERVED if known else 0):
                raise errors.TooBusy
            self._inside += 1
        try:
            return self._threads.submit(hash_once).result()
        finally:
            with self._counting:
                self._inside -= 1


class HashedCredentials:
    def __init__(self, pool: ConnectionPool, lookup: DigestLookup, queue: HashQueue) -> None:
        self._pool = pool
        self._lookup = lookup
        self._queue = queue

    def verify(self, email: str, password: str, now: datetime, *, known: bool = False) -> Verified | None:
        """Whose password it is. email: as `domain.values.address_key` gives it. Raises TooBusy."""
        rows = self._rows(BY_ADDRESS, self._lookup.place("email", email))
        return self._check(rows, password, now, known=known)

    def verify_holder(self, account_id: UUID, password: str, now: datetime) -> Verified | None:
        return self._check(self._rows(BY_ACCOUNT, (account_id,)), password, now, known=True)

    def issue_initial(self, account_id: UUID, expires_at: datetime) -> tuple[str, Effect]:
        copies = [row for row in self._rows(BY_ACCOUNT, (account_id,)) if row.kind == "initial"]
        password = initial_password()
        hashed = self._hash(password, Recipe.of(copies[0].hash) if copies else Recipe.fresh())

        def store(cursor: Cursor) -> None:
            cursor.execute(
                "INSERT INTO credentials (account_id, kind, hash, expires_at, long)"
                " VALUES (%s, 'initial', %s, %s, true)",
                (account_id, hashed, expires_at),
            )

        return password, store

    def keep_only(self, verified: Verified, now: datetime) -> Effect:
        def keep(cursor: Cursor) -> None:
            cursor.execute(
                "DELETE FROM credentials WHERE account_id = %s AND id <> %s",
                (verified.account_id, verified.credential_id),
            )
            cursor.execute("UPDATE credentials SET used_at = %s WHERE id = %s", (now, verified.credential_id))

        return keep

    def choose(self, account_id: UUID, password: str, used_at: datetime | None) -> tuple[UUID, Effect]:
        credential_id, hashed = uuid4(), self._hash(password, Recipe.fresh(), known=True)
        long = len(password) >= policies.PASSWORD_MIN_LENGTH

        def store(cursor: Cursor) -> None:
            cursor.execute("DELETE FROM credentials WHERE account_id = %s", (account_id,))
            cursor.execute(
                "INSERT INTO credentials (id, account_id, kind, hash, used_at, long)"
                " VALUES (%s, %s, 'chosen', %s, %s, %s)",
                (credential_id, account_id, hashed, used_at, long),
            )

        return credential_id, store

    def bar(self, account_id: UUID, barred: str | None) -> Effect:
        def update(cursor: Cursor) -> None:
            for table in ("credentials", "passkeys"):
                cursor.execute(f"UPDATE {table} SET barred = %s WHERE account_id = %s", (barred, account_id))

        return update

    def drop_short(self, account_id: UUID) -> Effect:
        def delete(cursor: Cursor) -> None:
            cursor.execute("DELETE FROM credentials WHERE account_id = %s AND NOT long", (account_id,))

        return delete

    def _rows(self, statement: Prepared, values: tuple) -> list[Row]:
        return [Row(*row) for row in statement.all(self._pool, values)]

    def _check(self, rows: list[Row], password: str, now: datetime, *, known: bool) -> Verified | None:
        """One run, whatever was found; what it means is judged afterwards."""
        recipe = Recipe.of(rows[0].hash) if rows else Recipe.fresh()
        computed = self._hash(password, recipe, known=known)
        for row in rows:
            if hmac.compare_digest(row.hash, computed):
                if row.expires_at and row.expires_at <= now:
                    return None
                return Verified(
                    row.account_id,
                    row.id,
                    row.kind == "initial",
                    row.used_at is None,
                    row.barred,
                    row.long,
                )
        return None

    def _hash(self, password: str, recipe: Recipe, *, known: bool = False) -> str:
        secret = password.encode("utf-8", "surrogatepass")
        return self._queue.run(
            lambda: hash_secret(secret, *recipe, HASH_BYTES, Type.ID).decode("ascii"), known=known
        )


def initial_password() -> str:
    """Five groups of four letters, easy to type on a phone: 65 bits and more."""
    consonants, vowels = SYLLABLES
    syllable = lambda: secrets.choice(consonants) + secrets.choice(vowels)  # noqa: E731
    return "-".join(syllable() + syllable() for _ in range(5))
