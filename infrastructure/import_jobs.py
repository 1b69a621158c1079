"""Files that the secretariat brings, kept sealed until a worker has taken them over; how far each is.

A row is claimed for a while, and longer with each batch that is done: who dies leaves it to the next one, who goes on
behind the last line that was written down. Each statement is a short transaction of its own.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Final
from uuid import UUID, uuid4

from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from infrastructure.import_file import Refusal, Report
from infrastructure.keys import Box

KINDS: Final = ("accounts", "records", "portfolio")
PIECE: Final = 1 << 20  # bytes
LEASE: Final = 60  # s: longer than a batch, or opening a large workbook
MOST_ATTEMPTS: Final = 5
# Nobody can search the files for somebody who was erased: none outlives an erasure, or comes back in a copy.
ABANDON: Final = (
    """
    WITH ended AS (
        UPDATE imports SET state = 'failed', finished_at = now(), leased_until = NULL, names = '{}'
        WHERE state IN ('waiting', 'running') RETURNING id, line
    ) INSERT INTO import_refusals (import_id, number, line, code, details)
    SELECT id, (SELECT coalesce(max(number) + 1, 0) FROM import_refusals WHERE import_id = id), line, 'abandoned', '{}'
    FROM ended
    """,
    "DELETE FROM import_pieces",
)


class LeaseLost(Exception):
    """Somebody else has the import by now."""


@dataclass(frozen=True)
class ImportJob:
    """line, lines: done and in all, as an editor counts. state: waiting | running | done | failed.

    refused: all of them; unlisted: those of which it is not kept why.
    """

    id: UUID
    kind: str
    dry_run: bool
    names: dict[str, str]
    actor: UUID
    state: str
    attempts: int
    line: int
    lines: int
    read: int
    added: int
    changed: int
    unchanged: int
    unlisted: int
    refused: int
    created_at: datetime
    finished_at: datetime | None

    @property
    def is_over(self) -> bool:
        return self.state in ("done", "failed")


class ImportJobs:
    def __init__(self, pool: ConnectionPool, box: Box, *, after_put: Callable[[], None]) -> None:
        """after_put: wakes a worker; must not block."""
        self._pool = pool
        self._box = box
        self._after_put = after_put

    def put(
        self,
        file: IO[bytes],
        kind: str,
        *,
        dry_run: bool,
        actor: UUID,
        names: Mapping[str, str] | None = None,
    ) -> UUID:
        with self._pool.connection() as connection:
            (job_id,) = connection.execute(_PREPARE, (kind, dry_run, Jsonb(names or {}), actor)).fetchone()
            for number, piece in enumerate(iter(lambda: file.read(PIECE), b"")):
                piece_id = uuid4()
                sealed = self._box.seal(piece, piece_id.bytes)
                connection.execute(_PUT_PIECE, (piece_id, job_id, number, sealed))
            connection.execute(_READY, (job_id,))
        self._after_put()
        return job_id

    def run_rehearsed(self, job_id: UUID, actor: UUID) -> UUID | None:
        """The same file, taken over in earnest; None where it is gone, or this was no rehearsal that is done."""
        with self._pool.connection() as connection, connection.transaction():
            row = connection.execute(_RUN_REHEARSED, {"id": job_id, "actor": actor}).fetchone()
            if row is None:
                return None
            connection.execute(
                "UPDATE import_pieces SET import_id = %s WHERE import_id = %s", (row[0], job_id)
            )
        self._after_put()
        return row[0]

    def has_file(self, job_id: UUID) -> bool:
        with self._pool.connection() as connection:
            return connection.execute(_PIECE, (job_id, 0)).fetchone() is not None

    def get(self, job_id: UUID) -> ImportJob | None:
        return next(iter(self._jobs("WHERE i.id = %s AND i.state <> 'arriving'", job_id)), None)

    def recent(self, limit: int) -> list[ImportJob]:
        """Newest first."""
        return self._jobs("WHERE i.state <> 'arriving' ORDER BY i.created_at DESC LIMIT %s", limit)

    def refusals(self, job_id: UUID, *, after: int = -1, limit: int) -> list[tuple[int, Refusal]]:
        """In the order of their lines, each with its number. after: the last number seen."""
        with self._pool.connection() as connection:
            rows = connection.execute(_REFUSALS, (job_id, after, limit)).fetchall()
        return [(number, Refusal(*refusal)) for number, *refusal in rows]

    def claim(self) -> ImportJob | None:
        """The oldest that nobody has; one whose workers died again and again fails."""
        with self._pool.connection() as connection:
            connection.execute(_GIVE_UP, (MOST_ATTEMPTS,))
            found = connection.execute(_CLAIM, (LEASE,)).fetchone()
        return self.get(found[0]) if found else None

    def pieces(self, job: ImportJob) -> Iterator[bytes]:
        """Raises ValueError where one cannot be opened."""
        number = 0
        while True:
            with self._pool.connection() as connection:
                found = connection.execute(_PIECE, (job.id, number)).fetchone()
            if not found:
                return
            yield self._box.open(found[1], found[0].bytes)
            number += 1

    def note(self, job: ImportJob, report: Report, lines: int, noted: int) -> None:
        """How far it is. noted: refusals that were written down already. Raises LeaseLost."""
        new = [
            (job.id, number, each.line, each.field, each.code, Jsonb(dict(each.details)))
            for number, each in enumerate(report.refused[noted:], start=noted)
        ]
        counts = (
            report.line,
            lines,
            report.read,
            report.added,
            report.changed,
            report.unchanged,
            report.unlisted,
        )
        with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            if cursor.execute(_NOTE, (*counts, LEASE, job.id, job.attempts)).rowcount == 0:
                raise LeaseLost
            cursor.executemany(_REFUSE, new)

    def finish(self, job: ImportJob, state: str) -> None:
        """done or failed; the file goes, but for that of a rehearsal."""
        self._execute(_FINISH, state, job.id, job.attempts)

    def hand_back(self, job: ImportJob) -> None:
        """To whoever comes next, at once."""
        self._execute(_HAND_BACK, job.id, job.attempts)

    def _execute(self, statement: str, *values: object) -> None:
        with self._pool.connection() as connection:
            connection.execute(statement, values)

    def _jobs(self, which: str, value: object) -> list[ImportJob]:
        with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(ImportJob)) as cursor,
        ):
            return cursor.execute(f"{_JOBS} {which}", [value]).fetchall()


_JOBS = """
    SELECT i.id, i.kind, i.dry_run, i.names, i.actor, i.state, i.attempts, i.line, i.lines, i.read, i.added, i.changed,
           i.unchanged, i.unlisted, i.created_at, i.finished_at,
           i.unlisted + (SELECT count(*) FROM import_refusals AS r WHERE r.import_id = i.id) AS refused
    FROM imports AS i
"""
# Nobody claims it before its last piece is there; tick lets go of what never arrived.
_PREPARE = "INSERT INTO imports (kind, dry_run, names, actor) VALUES (%s, %s, %s, %s) RETURNING id"
_PUT_PIECE = "INSERT INTO import_pieces (id, import_id, number, sealed) VALUES (%s, %s, %s, %s)"
_READY = "UPDATE imports SET state = 'waiting' WHERE id = %s"
_RUN_REHEARSED = """
    INSERT INTO imports (kind, dry_run, names, actor, state)
    SELECT kind, false, names, %(actor)s, 'waiting' FROM imports AS i WHERE id = %(id)s AND dry_run AND state = 'done'
       AND EXISTS (SELECT FROM import_pieces AS p WHERE p.import_id = i.id FOR UPDATE)
    RETURNING id
"""
_PIECE = "SELECT id, sealed FROM import_pieces WHERE import_id = %s AND number = %s"
_REFUSALS = """
    SELECT number, line, field, code, details FROM import_refusals
    WHERE import_id = %s AND number > %s ORDER BY number LIMIT %s
"""
_CLAIM = """
    UPDATE imports SET state = 'running', attempts = attempts + 1, leased_until = now() + make_interval(secs => %s)
    WHERE id = (SELECT id FROM imports WHERE state IN ('waiting', 'running')
                   AND (leased_until IS NULL OR leased_until <= now())
                ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id
"""
_GIVE_UP = """
    WITH failed AS (
        UPDATE imports SET state = 'failed', finished_at = now()
        WHERE state = 'running' AND leased_until <= now() AND attempts >= %s RETURNING id
    ) DELETE FROM import_pieces WHERE import_id IN (SELECT id FROM failed)
"""
_NOTE = """
    UPDATE imports SET line = %s, lines = %s, read = %s, added = %s, changed = %s, unchanged = %s, unlisted = %s,
           leased_until = now() + make_interval(secs => %s)
    WHERE id = %s AND attempts = %s AND state = 'running'
"""
_REFUSE = """
    INSERT INTO import_refusals (import_id, number, line, field, code, details) VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT DO NOTHING
"""
# Of a rehearsal the file stays for a while (infrastructure/tick.py), to be taken over in earnest.
_FINISH = """
    WITH ended AS (
        UPDATE imports SET state = %s, finished_at = now(), leased_until = NULL
        WHERE id = %s AND attempts = %s AND state = 'running' RETURNING id, dry_run AND state = 'done' AS stays
    ) DELETE FROM import_pieces WHERE import_id IN (SELECT id FROM ended WHERE NOT stays)
"""
_HAND_BACK = "UPDATE imports SET leased_until = NULL, attempts = attempts - 1 WHERE id = %s AND attempts = %s"
