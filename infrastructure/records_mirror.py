"""The register as a copy of the institution's own, and how it stands.

While the other side is down, slow or answers rubbish, the copy stays as it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import psycopg
from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from infrastructure.records_refresh import RULES, Progress, Refresh, Refreshed
from infrastructure.records_source import Source, SourceFault

TURN: Final = 0x4D617472_0003  # the advisory lock of whoever refreshes

HOW_MANY = "SELECT count(*) FROM records"
STATE = "SELECT source, mark, tried_at, read_at, records, refused, fault, detail, since FROM records_mirror"
NOTE_READ = """
    INSERT INTO records_mirror AS m (source, mark, tried_at, read_at, records, refused)
    VALUES (%(source)s, %(mark)s, %(now)s, %(now)s, %(records)s, coalesce(%(refused)s::jsonb, '{}'))
    ON CONFLICT (single) DO UPDATE SET source = excluded.source, mark = excluded.mark, tried_at = excluded.tried_at,
        read_at = excluded.read_at, records = excluded.records,
        refused = coalesce(%(refused)s::jsonb, m.refused), fault = NULL, detail = NULL, since = NULL
"""
NOTE_FAULT = """
    INSERT INTO records_mirror AS m (source, tried_at, fault, detail, since)
    VALUES (%(source)s, %(now)s, %(fault)s, %(detail)s, %(now)s)
    ON CONFLICT (single) DO UPDATE SET source = excluded.source, tried_at = excluded.tried_at, fault = excluded.fault,
        detail = excluded.detail, since = coalesce(m.since, excluded.since),
        mark = CASE WHEN m.source = excluded.source THEN m.mark END,
        read_at = CASE WHEN m.source = excluded.source THEN m.read_at END
"""


@dataclass(frozen=True)
class MirrorState:
    """How the mirror stands. read_at: when all was read last, or nothing had changed. refused: by "field reason".

    fault: a code of records_source.FAULTS, of the last try. since: when the tries began to fail.
    """

    source: str
    mark: str | None
    tried_at: datetime
    read_at: datetime | None
    records: int | None
    refused: dict[str, int]
    fault: str | None
    detail: str | None
    since: datetime | None


class RefreshedElsewhere(Exception):
    """Another process is at it."""


class Mirror:
    """Any number may refresh: one does, the others are told so."""

    def __init__(self, pool: ConnectionPool, conninfo: str) -> None:
        self._pool = pool
        self._conninfo = conninfo

    def state(self) -> MirrorState | None:
        """None: nothing was ever read."""
        with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(MirrorState)) as cursor,
        ):
            return cursor.execute(STATE).fetchone()

    def refresh(
        self,
        source: Source,
        *,
        now: datetime,
        today: date,
        accept_losses: bool = False,
        whole: bool = False,
        progress: Progress = lambda what, count: None,
    ) -> Refreshed:
        """Read the source and take over what differs; what goes wrong is noted. Raises SourceFault, RefreshedElsewhere.

        today: where the future begins. accept_losses: also where more records are gone, or somebody else's, than that
        happens to by itself. progress: may raise, which ends it; what was taken over stays, and the next one goes on.
        whole: also where the source would say that nothing has changed.
        """
        with self._turn() as connection:
            try:
                report, mark = Refresh(self._pool, connection, today, progress).run(
                    source, None if whole else self._mark(source), accept_losses=accept_losses
                )
            except SourceFault as fault:
                self._note(NOTE_FAULT, source, now, fault=fault.code, detail=fault.detail)
                raise
            refused = None if report.same else Jsonb(dict(report.refusals))
            (records,) = connection.execute(HOW_MANY).fetchone()
            mark = mark and f"{RULES} {mark}"
            self._note(NOTE_READ, source, now, mark=mark, records=records, refused=refused)
            return report

    def _mark(self, source: Source) -> str | None:
        """None where records were parsed in another way then, too."""
        known = self.state()
        rules, _, mark = (
            (known.mark or "").partition(" ") if known and known.source == source.name else ("",) * 3
        )
        return mark if rules == RULES else None

    def _note(self, statement: str, source: Source, now: datetime, **values: Any) -> None:
        with self._pool.connection() as connection:
            connection.execute(statement, {"source": source.name, "now": now, **values})

    @contextmanager
    def _turn(self) -> Iterator[Connection]:
        with psycopg.connect(
            self._conninfo,
            autocommit=True,
            application_name="matricule mirror",
            options="-c TimeZone=UTC",
        ) as connection:
            (mine,) = connection.execute("SELECT pg_try_advisory_lock(%s)", (TURN,)).fetchone()
            if not mine:
                raise RefreshedElsewhere
            try:
                yield connection
            finally:  # at once: the server takes its time to see that a connection has ended
                with suppress(psycopg.OperationalError):
                    connection.execute("SELECT pg_advisory_unlock(%s)", (TURN,))
