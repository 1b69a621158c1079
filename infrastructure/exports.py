"""Files for auditors: what they hold is of one checkpointed beginning of the log, and is vouched for when all is sent.

The manifest is a signed note whose text is one line: JSON in the form of RFC 8785, with the SHA-256 of the bytes.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid4

import orjson
from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from application.ports import Clock
from infrastructure.audit_log import AuditLog, Wanted
from infrastructure.checkpoints import Checkpoints
from infrastructure.instants import Instants
from infrastructure.watermark import Watermark
from projections.read_model import Fact
from projections.tree import Tree

BATCH = 500  # events in memory
HEARD = timedelta(minutes=1)  # how often a file that is being sent says so
SILENCE = timedelta(minutes=15)  # then nobody sends it any more; slow readers take batches faster
BEGIN = """
    INSERT INTO exports (id, by, format, filter, size, checkpoint, started_at, heard_at)
    VALUES (%(id)s, %(by)s, %(format)s, %(filter)s, %(size)s, %(checkpoint)s, %(now)s, %(now)s)
"""
SENT_ON = "UPDATE exports SET heard_at = %s WHERE id = %s"
GIVE_UP = """
    UPDATE exports SET state = 'broken', finished_at = %(now)s WHERE state = 'running' AND heard_at <= %(silent_since)s
"""
END = """
    UPDATE exports SET state = %(state)s, finished_at = %(finished_at)s, count = %(count)s, sha256 = %(sha256)s,
        first_position = %(first_position)s, last_position = %(last_position)s, manifest = %(manifest)s
    WHERE id = %(id)s
"""
COLUMNS = """
    id, by, format, filter, size, checkpoint, state, started_at, finished_at, count, sha256, first_position,
    last_position, manifest
"""
OF = f"SELECT {COLUMNS} FROM exports WHERE by = %s ORDER BY started_at DESC LIMIT %s"
FIND = f"SELECT {COLUMNS} FROM exports WHERE id = %s"

Numbered = tuple[Fact, int | None]  # an event and the number of its leaf
Render = Callable[[Sequence[Numbered]], bytes]


class NothingSigned(Exception):
    """The log is empty: there is nothing to export and nothing to vouch for."""


@dataclass(frozen=True)
class Export:
    """by: an actor. filter: as it was asked for. sha256: of all bytes, hexadecimal. manifest: signed, if done."""

    id: UUID
    by: UUID
    format: str
    filter: dict[str, Any]
    size: int
    checkpoint: str
    state: str
    started_at: datetime
    finished_at: datetime | None
    count: int
    sha256: str | None
    first_position: int | None
    last_position: int | None
    manifest: str | None


class Exports:
    def __init__(
        self,
        pool: ConnectionPool,
        log: AuditLog,
        instants: Instants,
        watermark: Watermark,
        tree: Tree,
        checkpoints: Checkpoints,
        clock: Clock,
    ) -> None:
        self._pool = pool
        self._log = log
        self._instants = instants
        self._watermark = watermark
        self._tree = tree
        self._checkpoints = checkpoints
        self._clock = clock

    def get(self, export_id: UUID) -> Export | None:
        with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(Export)) as cursor,
        ):
            return cursor.execute(FIND, (export_id,)).fetchone()

    def of(self, reader: UUID, limit: int) -> list[Export]:
        """Those that somebody has asked for, the last first."""
        with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(Export)) as cursor,
        ):
            return cursor.execute(OF, (reader, limit)).fetchall()

    def begin(
        self,
        wanted: Wanted,
        *,
        by: UUID,
        format_: str,
        filter_: dict[str, Any],
        head: bytes,
        render: Render,
        most: int | None = None,
        ended: Callable[[int], object] = lambda count: None,
    ) -> "Sending":
        """Fix what will be sent: all up to now. head: what comes before the events. most: events.

        ended: told how many events were sent, when no more will be; a file of which that cannot be noted is not done.

        Raises domain.errors.NotVisibleYet while the tree has not come so far, projections.tree.TreeDisagrees.
        """
        self._watermark.wait(("tree",), self._instants.cut(None).position)
        signed = self._checkpoints.sign_now()
        if signed is None:
            raise NothingSigned
        (last,) = self._tree.positions(signed.size - 1, 1)
        export_id, now = uuid4(), self._clock.now()
        with self._pool.connection() as connection:
            connection.execute(
                BEGIN,
                {
                    "id": export_id,
                    "by": by,
                    "format": format_,
                    "filter": Jsonb(filter_),
                    "size": signed.size,
                    "checkpoint": signed.note,
                    "now": now,
                },
            )
        up_to = min(wanted.up_to, last)
        batches = self._heard(export_id, now, self._batches(wanted, up_to, most))

        def end(sent: Sending, state: str) -> None:
            ended(sent.count)
            self._end(sent, state)

        return Sending(export_id, signed.size, batches, head, render, end)

    def _batches(self, wanted: Wanted, up_to: int, most: int | None) -> Iterator[tuple[list[Numbered], int]]:
        """Events with their leaves, and the position up to which was looked."""
        bounded, after, left = (
            Wanted(wanted.account, wanted.topic, wanted.actor, wanted.after, up_to),
            wanted.after,
            most,
        )
        while left is None or left > 0:
            found = self._log.batch(bounded, after, BATCH if left is None else min(BATCH, left))
            leaves = self._tree.leaf_indices([fact.position for fact in found.facts])
            yield list(zip(found.facts, leaves, strict=True)), found.reached or up_to
            if found.reached is None:
                return
            after, left = found.reached, None if left is None else left - len(found.facts)

    def _heard(self, export_id: UUID, heard_at: datetime, batches: Iterator[Any]) -> Iterator[Any]:
        """The same, with a sign of life now and then."""
        for batch in batches:
            if (now := self._clock.now()) - heard_at >= HEARD:
                heard_at = now
                with self._pool.connection() as connection:
                    connection.execute(SENT_ON, (now, export_id))
            yield batch

    def _end(self, sent: "Sending", state: str) -> None:
        export = self.get(sent.id)
        told = {
            "id": sent.id,
            "count": sent.count,
            "sha256": sent.sha256,
            "first_position": sent.first_position,
            "last_position": sent.last_position,
            "finished_at": self._clock.now(),
        }
        manifest = self._checkpoints.sign(_manifest(export, told)) if state == "done" else None
        with self._pool.connection() as connection:
            connection.execute(END, {**told, "state": state, "manifest": manifest})


def _manifest(export: Export, told: dict[str, Any]) -> str:
    fixed = {
        name: getattr(export, name) for name in ("by", "format", "filter", "size", "checkpoint", "started_at")
    }
    line = orjson.dumps(fixed | told, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)
    return line.decode() + "\n"


def give_up_silent(pool: ConnectionPool, now: datetime) -> int:
    """Call broken what nobody sends any more, for its process was killed; how many. Sent to its end, it is done yet."""
    with pool.connection() as connection:
        return connection.execute(GIVE_UP, {"now": now, "silent_since": now - SILENCE}).rowcount


class Sending:
    """The bytes of an export, batch by batch. Read to the end, it is done; closed before, broken.

    reached: the position up to which was looked. size: events that the log had at the beginning.
    """

    def __init__(
        self,
        export_id: UUID,
        size: int,
        batches: Iterator[tuple[list[Numbered], int]],
        head: bytes,
        render: Render,
        end: Callable[["Sending", str], None],
    ) -> None:
        self.id = export_id
        self.size = size
        self.reached = 0
        self.count = 0
        self.first_position: int | None = None
        self.last_position: int | None = None
        self._batches = batches
        self._head: bytes | None = head
        self._render = render
        self._end = end
        self._hash = hashlib.sha256()
        self._ended = False

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        sent = b""
        if self._head is not None:
            sent, self._head = self._head, None
        while not sent:
            try:
                numbered, self.reached = next(self._batches)
            except StopIteration:
                self._ends("done")
                raise
            if numbered:
                self.count += len(numbered)
                self.last_position = numbered[-1][0].position
                self.first_position = self.first_position or numbered[0][0].position
                sent = self._render(numbered)
        self._hash.update(sent)
        return sent

    def close(self) -> None:
        """The reader has gone, or has everything."""
        self._ends("broken")

    def _ends(self, state: str) -> None:
        if not self._ended:
            self._ended = True
            self._end(self, state)
