"""Checkpoints: what the log commits itself to, signed, kept, and once a day published.

Whoever holds database and key could rewrite the log and sign it anew; so checkpoints leave the house
(infrastructure/publish.py), and none is signed that does not continue the last one and the newest that left for a file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from psycopg.rows import class_row
from psycopg_pool import ConnectionPool

from application.ports import Clock
from domain.calendar import ZURICH
from infrastructure.signed_notes import Checkpoint, NoteRefused, Signer, Verifier, opened
from projections.tree import Tree, TreeDisagrees

COLUMNS = "size, root, note, signed_at, day"
LATEST = f"SELECT {COLUMNS} FROM checkpoints ORDER BY size DESC LIMIT 1"
DAILY = f"SELECT {COLUMNS} FROM checkpoints WHERE day IS NOT NULL ORDER BY day DESC LIMIT 1"
OF_DAY = f"SELECT {COLUMNS} FROM checkpoints WHERE day = %s"
OF_SIZE = f"SELECT {COLUMNS} FROM checkpoints WHERE size = %s"
PAGE = f"SELECT {COLUMNS} FROM checkpoints WHERE size > %s ORDER BY size LIMIT %s"
PUBLISHED = f"SELECT {COLUMNS} FROM checkpoints WHERE day IS NOT NULL ORDER BY day DESC LIMIT %s"
KEEP = """
    INSERT INTO checkpoints (size, root, note, signed_at) VALUES (%s, %s, %s, %s) ON CONFLICT (size) DO NOTHING
"""
PUBLISH = (
    "UPDATE checkpoints SET day = %s WHERE size = %s AND NOT EXISTS (SELECT FROM checkpoints WHERE day = %s)"
)
TO_LEAVE = f"SELECT {COLUMNS} FROM checkpoints WHERE day IS NOT NULL AND left_at IS NULL ORDER BY day"
LAST_LEFT = f"""
    SELECT {COLUMNS}, left_at FROM checkpoints WHERE left_at IS NOT NULL ORDER BY left_at DESC LIMIT 1
"""
LEFT = "UPDATE checkpoints SET left_at = %s WHERE size = %s"


@dataclass(frozen=True)
class Signed:
    """A checkpoint as it was signed. note: the whole signed note. day: as whose it was published, else None."""

    size: int
    root: bytes
    note: str
    signed_at: datetime
    day: date | None


class Checkpoints:
    def __init__(
        self, pool: ConnectionPool, tree: Tree, signer: Signer, clock: Clock, folder: Path | None = None
    ) -> None:
        """folder: where those of each day lie that left the house; None: nowhere."""
        self._pool = pool
        self._tree = tree
        self._signer = signer
        self._clock = clock
        self._folder = folder

    @property
    def verifier(self) -> Verifier:
        return self._signer.verifier

    @property
    def origin(self) -> str:
        return self._signer.name

    def sign(self, text: str) -> str:
        """Another text of the log's own, such as an export's manifest, as a signed note."""
        return self._signer.sign(text)

    def sign_now(self) -> Signed | None:
        """Commit to the log as the tree has it; the last one again where it has not grown, None while it is empty.

        Raises TreeDisagrees.
        """
        last = self.latest()
        size = self._must_continue(last)
        if not size or (last and last.size == size):
            return last
        root, now = self._tree.root(size), self._clock.now()
        note = self._signer.sign(str(Checkpoint(self.origin, size, root)))
        with self._pool.connection() as connection:
            connection.execute(KEEP, (size, root, note, now))
        return self._one(OF_SIZE, size)

    def publish(self) -> Signed | None:
        """Today's, signed now where there is none yet; None while the log is empty. Raises TreeDisagrees."""
        today = self._clock.now().astimezone(ZURICH).date()
        found = self._one(OF_DAY, today)
        if found:
            return found
        signed = self.sign_now()
        if signed is None or signed.day:  # nothing new since that day
            return signed
        with self._pool.connection() as connection:
            connection.execute(PUBLISH, (today, signed.size, today))
        return self._one(OF_DAY, today)

    def latest(self) -> Signed | None:
        return self._one(LATEST)

    def daily(self) -> Signed | None:
        """The newest that everybody may fetch: a fresher size would tell whether somebody's request wrote an event."""
        return self._one(DAILY)

    def published(self, most: int) -> Sequence[Signed]:
        """The daily ones, the newest first."""
        return self._many(PUBLISHED, most)

    def page(self, after: int, limit: int) -> Sequence[Signed]:
        """All that were kept, the smallest first. after: the last size seen."""
        return self._many(PAGE, after, limit)

    def of_day(self, day: date) -> Signed | None:
        return self._one(OF_DAY, day)

    def of_size(self, size: int) -> Signed | None:
        return self._one(OF_SIZE, size)

    def to_leave(self) -> Sequence[Signed]:
        """Published ones that have not left the house in every way yet."""
        return self._many(TO_LEAVE)

    def last_left(self) -> tuple[Signed, datetime] | None:
        """The one that left the house last, and when it had done so in every way."""
        with self._pool.connection() as connection:
            row = connection.execute(LAST_LEFT).fetchone()
        return row and (Signed(*row[:-1]), row[-1])

    def holds(self) -> bool:
        """Whether the log, as the tree has it now, continues the one that was signed last."""
        try:
            self._must_continue(self.latest())
        except TreeDisagrees:
            return False
        return True

    def has_left(self, signed: Signed) -> None:
        with self._pool.connection() as connection:
            connection.execute(LEFT, (self._clock.now(), signed.size))

    def _must_continue(self, last: Signed | None) -> int:
        """The size of the tree, which is read last: meanwhile another process may sign, and file it.

        Whoever owns the database can delete what is kept there, but not what left the house. Raises TreeDisagrees.
        """
        known = [each for each in (last, self._filed()) if each]
        size = self._tree.size()
        for each in known:
            if size < each.size or self._tree.root(each.size) != each.root:
                raise TreeDisagrees(each.size)
        return size

    def _filed(self) -> Checkpoint | None:
        """The newest file that our key signed; others are passed over, for verify-all names them."""
        files = self._folder.glob("*.checkpoint") if self._folder else ()
        for file in sorted(files, reverse=True):
            try:
                text, _ = opened(file.read_text("utf-8", errors="replace"), [self.verifier])
                return Checkpoint.read(text)
            except (NoteRefused, OSError):
                continue
        return None

    def _one(self, statement: str, *values: object) -> Signed | None:
        return next(iter(self._many(statement, *values)), None)

    def _many(self, statement: str, *values: object) -> Sequence[Signed]:
        with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(Signed)) as cursor,
        ):
            return cursor.execute(statement, values).fetchall()
