"""Which second factors an account has, of whatever kind: read by every sign-in, never from a read model."""

from datetime import datetime
from uuid import UUID

from psycopg import Cursor
from psycopg_pool import ConnectionPool

from application.ports import Effect
from infrastructure.prepared import Prepared

LAST_USED = Prepared("""
    SELECT id, last_used_at FROM passkeys WHERE account_id = $1 AND last_used_at IS NOT NULL
    UNION ALL SELECT id, last_used_at FROM totp_factors WHERE account_id = $1 AND last_used_at IS NOT NULL
""")
OF_AN_ACCOUNT = ("totp_factors", "passkeys", "passkey_challenges", "recovery_codes")


class StoredSecondFactors:
    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def last_used(self, account_id: UUID) -> dict[UUID, datetime]:
        return dict(LAST_USED.all(self._pool, (account_id,)))

    def remove(self, factor_id: UUID) -> Effect:
        def delete(cursor: Cursor) -> None:
            cursor.execute("DELETE FROM totp_factors WHERE id = %s", (factor_id,))
            cursor.execute("DELETE FROM passkeys WHERE id = %s", (factor_id,))

        return delete

    def remove_all(self, account_id: UUID) -> Effect:
        """Recovery codes too, and what was about to be enrolled."""

        def delete(cursor: Cursor) -> None:
            for table in OF_AN_ACCOUNT:
                cursor.execute(f"DELETE FROM {table} WHERE account_id = %s", (account_id,))

        return delete
