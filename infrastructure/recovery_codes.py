"""Codes on paper for whoever lost the second factor. Each lets its holder in once.

120 bits each: as nobody can try them all, a keyed digest is as good as a slow hash (OWASP ASVS 5.0, 6.5.2).
"""

import secrets
from uuid import UUID

from psycopg import Cursor
from psycopg_pool import ConnectionPool

from application.ports import Effect
from domain import errors, policies
from infrastructure.keys import Keyring, MasterKey
from infrastructure.prepared import Prepared

LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: nothing that is read as something else
GROUPS, GROUP = 6, 4
READ_AS = str.maketrans("ilo", "110", " -")

MATCH = Prepared("SELECT digest FROM recovery_codes WHERE account_id = $1 AND digest = $2")


class StoredRecoveryCodes:
    def __init__(self, pool: ConnectionPool, keyring: Keyring) -> None:
        self._pool = pool
        self._keyring = keyring

    def issue(self, account_id: UUID) -> tuple[list[str], Effect]:
        """Fresh codes, to be shown once, and what stores their digests in the place of all others."""
        codes = [_new_code() for _ in range(policies.RECOVERY_CODES)]
        key = self._keyring.current

        def store(cursor: Cursor) -> None:
            cursor.execute("DELETE FROM recovery_codes WHERE account_id = %s", (account_id,))
            cursor.executemany(
                "INSERT INTO recovery_codes (account_id, generation, digest) VALUES (%s, %s, %s)",
                [(account_id, key.generation, _digest(key, account_id, code)) for code in codes],
            )

        return codes, store

    def match(self, account_id: UUID, code: str) -> Effect | None:
        """What uses the code up, where it is one; it raises WrongCredentials where somebody was quicker."""
        if not code.isascii():
            return None
        digests = [_digest(key, account_id, code) for key in self._keyring]
        found = next((digest for digest in digests if MATCH.one(self._pool, (account_id, digest))), None)
        if found is None:
            return None

        def use(cursor: Cursor) -> None:
            used = cursor.execute(
                "DELETE FROM recovery_codes WHERE account_id = %s AND digest = %s", (account_id, found)
            )
            if used.rowcount == 0:
                raise errors.WrongCredentials

        return use


def _new_code() -> str:
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(GROUP)) for _ in range(GROUPS))


def _digest(key: MasterKey, account_id: UUID, code: str) -> bytes:
    """Of what the code says, however it was typed."""
    return key.digest("recovery-code", f"{account_id} {code.lower().translate(READ_AS)}")
