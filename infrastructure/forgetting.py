"""What the write side holds about a person besides the log, and how it is let go of.

Every table is named here, with what an erasure does to it: one that nobody has decided about fails a test. The log
keeps its bytes, which nobody can open without the data key.
"""

from collections.abc import Callable, Collection
from typing import Any, Final
from uuid import UUID

from psycopg import Cursor

from application.ports import Effect
from domain.values import address_key
from infrastructure.failed_sign_ins import SealedFailedSignIns
from infrastructure.import_jobs import ABANDON
from infrastructure.intake import SealedIntake

# In this order. The key first: whatever else is held is nothing without it.
OF_A_PERSON: Final = {
    "data_keys": "person",
    "credentials": "account_id",
    "passkeys": "account_id",
    "passkey_users": "account_id",
    "passkey_challenges": "account_id",
    "totp_factors": "account_id",
    "recovery_codes": "account_id",
    "sessions": "account_id",
    "devices": "account_id",
    "kept_forms": "account_id",
    "links": "account_id",
    "roles": "account_id",
    "lookup": "account_id",
    "idempotency": "account_id",
    "seen_items": "account_id",
}
IN_ITS_OWN_WAY: Final = {
    "outbox": "deleted, unless a message is on its way out at this very moment: then the erasure comes later",
    "intake": "sealed; what somebody asked for with an address of the person is deleted",
    "failed_sign_ins": "sealed; attempts with an address of the person are deleted",
    "idempotency": "kept answers to others may speak of the person: all are emptied, and a repeat is refused",
    "kept_forms": "what staff typed at the console may speak of the person: all of that is deleted",
    "buckets": "keyed digests of addresses and devices: all counts begin anew",
    "imports": "those under way fail, for the person may be in their files; else counts",
    "import_pieces": "sealed files: all are deleted",
    "erasures": "that the person was erased, without anything personal",
}
STAYS: Final = {
    "events": "sealed, and without the key unreadable for ever",
    "records": "the institution's own register",
    "records_mirror": "about no person",
    "merged_records": "which numbers of that register stand for which",
    "changed_records": "numbers of that register, for as long as nobody has looked at them",
    "name_counts": "how many people of that register bear a name",
    "portfolio": "the institution's own, by record",
    "import_refusals": "lines and reasons, never what a cell held",
    "exports": "which events left the house, by ids and codes",
    "passkey_answers": "random, for minutes",
    "log_marks": "about no person",
    "key_generations": "about no person",
    "migrations": "about no person",
    "checkpoints": "about no person",
    "shipped": "about no person",
    "log_offset": "about no person",
    "database_identity": "about no person",
    "projections": "about no person",
    "parked_streams": "positions and class names",
}

UNATTRIBUTED: Final = (
    "UPDATE idempotency SET body = NULL, request = '' WHERE digest = ANY(ARRAY("
    "SELECT digest FROM idempotency WHERE body IS NOT NULL OR request <> '' FOR UPDATE SKIP LOCKED))",
    "DELETE FROM kept_forms WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM kept_forms WHERE starts_with(path, '/console') FOR UPDATE SKIP LOCKED))",
    "DELETE FROM buckets WHERE key = ANY(ARRAY(SELECT key FROM buckets FOR UPDATE SKIP LOCKED))",
)
OUTBOX: Final = (
    "DELETE FROM outbox WHERE account_id = %s"
    " RETURNING state = 'waiting' AND coalesce(leased_until > now(), false)"
)


class MessageUnderWay(Exception):
    """A worker has a message to the person in hand: nothing was erased yet."""


class WriteSideTraces:
    """What `application.erasures` has deleted, in the transaction of the event that says so, and once more after it."""

    def __init__(self, intake: SealedIntake, failed: SealedFailedSignIns) -> None:
        self._typed: dict[str, Callable[[bytes], Any]] = {
            "intake": intake.open,
            "failed_sign_ins": failed.open,
        }

    def of(self, account_id: UUID, addresses: Collection[str]) -> Effect:
        """addresses: all that the person ever had. Raises MessageUnderWay."""
        keys = {address_key(address) for address in addresses}

        def delete(cursor: Cursor) -> None:
            for table, column in OF_A_PERSON.items():
                cursor.execute(f"DELETE FROM {table} WHERE {column} = %s", (account_id,))
            if any(under_way for (under_way,) in cursor.execute(OUTBOX, (account_id,)).fetchall()):
                raise MessageUnderWay
            for table, opened in self._typed.items() if keys else ():
                _delete_typed(cursor, table, opened, keys)
            # The second time, a minute later, files are others that were brought since.
            for statement in (*UNATTRIBUTED, *(ABANDON if keys else ())):
                cursor.execute(statement)

        return delete


def _delete_typed(cursor: Cursor, table: str, opened: Callable[[bytes], Any], keys: set[str]) -> None:
    """Rows that hold an address which somebody typed."""

    def is_theirs(sealed: bytes) -> bool:
        try:
            email = opened(sealed).email
        except (ValueError, KeyError):  # no worker can open it, either
            return False
        return email is not None and address_key(email) in keys

    rows = cursor.execute(f"SELECT id, sealed FROM {table}").fetchall()
    theirs = [number for number, sealed in rows if is_theirs(sealed)]
    cursor.execute(f"DELETE FROM {table} WHERE id = ANY(%s)", (theirs,))
