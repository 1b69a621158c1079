"""Password hashes: one run for each check, at most as many runs at once as there are cores."""

import hmac
import logging
import os
import secrets
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from threading import Lock
from typing import NamedTuple, TypeVar
from uuid import UUID, uuid4

from psycopg import Cursor
from psycopg_pool import ConnectionPool

from application.ports import Effect, Verified
from domain import errors, policies
from infrastructure.keys import Keyring
from infrastructure.lookup import DigestLookup
from infrastructure.observability import place_of
from infrastructure.password_hash import COSTS, Costs, Hasher, Recipe
from infrastructure.prepared import Prepared

log = logging.getLogger(__name__)

T = TypeVar("T")

SYLLABLES = "bcdfghjkmnpqrstvwxz", "aeiou"  # no l, no y: nothing that is read as something else
WAITING = 32  # checks that may wait for a core
RESERVED = 16  # further ones, of whoever is known by session or device: strangers cannot fill all places

FACTORS = """
    ARRAY(
        SELECT 'passkey' FROM passkeys AS p WHERE p.account_id = c.account_id
        UNION SELECT 'totp' FROM totp_factors AS t WHERE t.account_id = c.account_id AND t.expires_at IS NULL
        ORDER BY 1
    )
"""
BY_ADDRESS = Prepared(f"""
    SELECT c.account_id, c.id, c.kind, c.hash, c.pepper, c.expires_at, c.used_at, c.barred, c.long, {FACTORS}
    FROM lookup AS l JOIN credentials AS c USING (account_id)
    WHERE l.kind = $1 AND l.generation = $2 AND l.digest = $3 AND l.reserved_until IS NULL
""")
BY_ACCOUNT = Prepared(f"""
    SELECT c.account_id, c.id, c.kind, c.hash, c.pepper, c.expires_at, c.used_at, c.barred, c.long, {FACTORS}
    FROM credentials AS c WHERE c.account_id = $1
""")
RENEW = Prepared("UPDATE credentials SET hash = $1, pepper = $2 WHERE id = $3")


class Row(NamedTuple):
    account_id: UUID
    id: UUID
    kind: str
    hash: str
    pepper: int | None
    expires_at: datetime | None
    used_at: datetime | None
    barred: str | None
    long: bool
    factors: list[str]

    @property
    def recipe(self) -> Recipe:
        return Recipe.of(self.hash, self.pepper)


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
        return self.begin(hash_once, known=known).result()

    def begin(self, work: Callable[[], T], *, known: bool = False) -> "Future[T]":
        """The same, for whoever does not wait for it."""
        with self._counting:
            if self._inside >= self._most + (RESERVED if known else 0):
                raise errors.TooBusy
            self._inside += 1
        return self._threads.submit(self._counted, work)

    def _counted(self, work: Callable[[], T]) -> T:
        try:
            return work()
        finally:
            with self._counting:
                self._inside -= 1


class HashedCredentials:
    def __init__(
        self,
        pool: ConnectionPool,
        lookup: DigestLookup,
        queue: HashQueue,
        keyring: Keyring,
        costs: Costs = COSTS,
    ) -> None:
        self._pool = pool
        self._lookup = lookup
        self._queue = queue
        self._hasher = Hasher(keyring, costs)

    def verify(self, email: str, password: str, now: datetime, *, known: bool = False) -> Verified | None:
        """Whose password it is. email: as `domain.values.address_key` gives it. Raises TooBusy."""
        rows = self._rows(BY_ADDRESS, self._lookup.place("email", email))
        verified = self._check(rows, password, now, known=known)
        if verified:
            self._renew(next(row for row in rows if row.id == verified.credential_id), password)
        return verified

    def verify_holder(self, account_id: UUID, password: str, now: datetime) -> Verified | None:
        return self._check(self._rows(BY_ACCOUNT, (account_id,)), password, now, known=True)

    def has(self, account_id: UUID, password: str) -> bool:
        return bool(self._matching(self._rows(BY_ACCOUNT, (account_id,)), password, known=True))

    def issue_initial(self, account_id: UUID, expires_at: datetime) -> tuple[str, Effect]:
        copies = [row for row in self._rows(BY_ACCOUNT, (account_id,)) if row.kind == "initial"]
        password, recipe = initial_password(), copies[0].recipe if copies else self._hasher.fresh()
        hashed = self._hash(password, recipe)

        def store(cursor: Cursor) -> None:
            cursor.execute(
                "INSERT INTO credentials (account_id, kind, hash, pepper, long, expires_at)"
                " VALUES (%s, 'initial', %s, %s, true, %s)",
                (account_id, hashed, recipe.pepper, expires_at),
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
        credential_id, recipe = uuid4(), self._hasher.fresh()
        hashed = self._hash(password, recipe, known=True)
        long = len(password) >= policies.PASSWORD_MIN_LENGTH

        def store(cursor: Cursor) -> None:
            cursor.execute("DELETE FROM credentials WHERE account_id = %s", (account_id,))
            cursor.execute(
                "INSERT INTO credentials (id, account_id, kind, hash, pepper, long, used_at)"
                " VALUES (%s, %s, 'chosen', %s, %s, %s, %s)",
                (credential_id, account_id, hashed, recipe.pepper, long, used_at),
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
        row = self._matching(rows, password, known=known)
        if not row or (row.expires_at and row.expires_at <= now):
            return None
        return Verified(
            row.account_id,
            row.id,
            row.kind == "initial",
            row.used_at is None,
            row.barred,
            row.long,
            factors=row.factors,
        )

    def _matching(self, rows: list[Row], password: str, *, known: bool) -> Row | None:
        """One run, whatever was found; what it means is judged afterwards. What nobody can have chosen costs none."""
        if len(password) > policies.PASSWORD_MAX_LENGTH:
            return None
        computed = self._hash(password, rows[0].recipe if rows else self._hasher.fresh(), known=known)
        return next((row for row in rows if hmac.compare_digest(row.hash, computed)), None)

    def _hash(self, password: str, recipe: Recipe, *, known: bool = False) -> str:
        return self._queue.run(lambda: self._hasher.hash(password, recipe), known=known)

    def _renew(self, row: Row, password: str) -> None:
        """Begin a hash of today's kind in the place of one of another pepper or other costs.

        Only after a password was right, which the answer tells in any case, and nobody waits for it: an unknown
        address and a wrong password take one run as before. Costs are part of that run: were they changed, a stored
        hash would take another time than an unknown address until it is renewed, as a new pepper does not.
        An initial password keeps the salt that it shares with its copies, and is dead within days.
        """
        if row.kind == "initial" or self._hasher.is_of_today(row.recipe):
            return
        with suppress(errors.TooBusy):  # then the next sign-in will
            self._queue.begin(lambda: self._put_in_place(row, password))

    def _put_in_place(self, row: Row, password: str) -> None:
        recipe = self._hasher.fresh()
        try:
            hashed = self._hasher.hash(password, recipe)
            RENEW.all(self._pool, (hashed, recipe.pepper, row.id))  # unless it was replaced meanwhile
        except Exception as error:  # noqa: BLE001 - the hash that is there still lets its holder in
            log.warning("a password hash could not be renewed", extra=place_of(error))


def initial_password() -> str:
    """Five groups of four letters, easy to type on a phone: 65 bits and more."""
    consonants, vowels = SYLLABLES
    syllable = lambda: secrets.choice(consonants) + secrets.choice(vowels)  # noqa: E731
    return "-".join(syllable() + syllable() for _ in range(5))
