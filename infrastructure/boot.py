"""What is made sure of before any role starts: the log's positions go on, and a restored dump harms nobody."""

import logging
from dataclasses import dataclass

import psycopg

from infrastructure.import_jobs import ABANDON

log = logging.getLogger(__name__)

AHEAD = """(SELECT max(position) FROM events)
    >= ((pg_snapshot_xmax(pg_current_snapshot())::text::bigint + shift) << 12)"""
RAISE_OFFSET = f"""
    UPDATE log_offset SET shift = (SELECT max(position) >> 12 FROM events) + 1
        - pg_snapshot_xmax(pg_current_snapshot())::text::bigint
    WHERE {AHEAD} RETURNING shift
"""
HERE = """
    SELECT (SELECT system_identifier FROM pg_control_system()), oid::bigint
    FROM pg_database WHERE datname = current_database()
"""
# What opens something, and may have been used or ended in the original since. Not `passkey_answers`: what was answered
# there stays answered here.
ENDED = ("sessions", "links", "passkey_challenges")


@dataclass(frozen=True)
class Found:
    """shift: the new offset where it had to be raised. restored: this is a copy of another database."""

    shift: int | None
    restored: bool


def prepare(conninfo: str) -> Found:
    """Run once by every process before its roles, on a migrated database; safe to run at the same time."""
    with psycopg.connect(conninfo, autocommit=True, application_name="matricule boot") as connection:
        found = Found(raise_offset(connection), note_identity(connection))
    if found.shift is not None:
        log.warning("positions were moved on, for this database is younger than its log")
    if found.restored:
        log.warning(
            "this is a restored copy: waiting mails are parked; sessions, mailed links and imports have ended"
        )
    return found


def raise_offset(connection: psycopg.Connection) -> int | None:
    """Let the next position follow the last one, where transaction ids start anew (a dump in a younger cluster).

    The lock lets no append run meanwhile; the first snapshot is taken after it. Returns the new offset, or None.
    """
    (needed,) = connection.execute(f"SELECT {AHEAD} FROM log_offset").fetchone()
    if not needed:
        return None
    with connection.transaction():
        connection.execute("LOCK TABLE log_offset IN ACCESS EXCLUSIVE MODE")
        row = connection.execute(RAISE_OFFSET).fetchone()
    return row and row[0]


def note_identity(connection: psycopg.Connection) -> bool:
    """Whether this database is a copy of the one noted; then mails wait, and sessions, links, imports end."""
    with connection.transaction():
        here = connection.execute(HERE).fetchone()
        known = connection.execute(
            "SELECT system_identifier, database_oid FROM database_identity FOR UPDATE"
        ).fetchone()
        if known == here:
            return False
        connection.execute(
            "INSERT INTO database_identity (system_identifier, database_oid) VALUES (%s, %s)"
            " ON CONFLICT (single) DO UPDATE SET system_identifier = excluded.system_identifier,"
            " database_oid = excluded.database_oid",
            here,
        )
        if not known:
            return False
        for table in ENDED:
            connection.execute(f"DELETE FROM {table}")
        for statement in ABANDON:
            connection.execute(statement)
        connection.execute(
            "UPDATE outbox SET state = 'parked', parked_for = 'restored', leased_until = NULL WHERE state = 'waiting'"
        )
        # What the dump caught on its way there: requests not decided on, events not projected.
        connection.execute(
            "UPDATE database_identity SET held_request = (SELECT max(id) FROM intake),"
            " held_position = (SELECT max(position) FROM events)"
        )
        return True
