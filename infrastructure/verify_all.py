"""Recomputes the whole tree from the log's first event, and compares it with the one kept and with every checkpoint."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest

from psycopg import Connection

from domain.merkle import SIZE, Edge, leaf_hash
from infrastructure.signed_notes import Checkpoint, NoteRefused, Verifier, opened
from projections.tree import WIDTH, grown, leaf_bytes, positions_in

BATCH = 4 * WIDTH  # whole tiles
EVENTS = """
    SELECT position, originator_id, originator_version, topic, account_id, recorded_at, state
    FROM events WHERE position > %s AND position <= %s ORDER BY position LIMIT %s
"""
LEAVES = "SELECT hashes, positions FROM tree WHERE level = 0 AND index BETWEEN %s AND %s ORDER BY index"
UPPER = "SELECT hashes FROM tree WHERE level = %s AND index = %s"
SIZE_AND_END = """
    SELECT coalesce(sum(length(hashes)) / 32, 0)::bigint,
           coalesce((SELECT position FROM projections WHERE name = 'tree'), 0)
    FROM tree WHERE level = 0
"""
KEPT = "SELECT size, note FROM checkpoints ORDER BY size"
POSITION_OF = "SELECT positions FROM tree WHERE level = 0 AND index = %s"

Progress = Callable[[int, int], None]  # leaves recomputed, leaves in the tree


@dataclass(frozen=True)
class Finding:
    """problem: None where all agrees, else one of PROBLEMS. position: of the first event where it does not."""

    ok: bool
    position: int | None
    problem: str | None
    size: int  # of the tree; of the checkpoint where that is what fails
    checkpoints: int  # that were compared


PROBLEMS = (
    "event-differs",  # an event and its leaf: one of them was changed
    "event-missing",
    "event-inserted",
    "tile-changed",
    "checkpoint-not-signed",
    "checkpoint-differs",
)


def verify_all(
    connection: Connection,
    verifier: Verifier,
    outside: Sequence[str] = (),
    progress: Progress = lambda done, total: None,
) -> Finding:
    """Beside the running service: what the tree has when it begins is compared.

    connection: one of its own; it stays in one snapshot. outside: checkpoints that left the house, signed notes.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return _Verification(connection, verifier, progress).run(outside)


class _Wrong(Exception):
    """args: problem, position, size"""


class _Verification:
    def __init__(self, connection: Connection, verifier: Verifier, progress: Progress) -> None:
        self._connection = connection
        self._verifier = verifier
        self._progress = progress
        self._size, self._end = connection.execute(SIZE_AND_END).fetchone()
        self._edge = Edge()
        self._compared = 0

    def run(self, outside: Sequence[str]) -> Finding:
        try:
            checkpoints = self._checkpoints(outside)
            self._recompute([size for size, _ in checkpoints if size <= self._size], dict(checkpoints))
            for size, _ in checkpoints:
                if size > self._size:  # the log has become shorter
                    raise _Wrong("checkpoint-differs", self._last_position(self._size), size)
        except _Wrong as wrong:
            problem, position, size = wrong.args
            return Finding(False, position, problem, size, self._compared)
        return Finding(True, None, None, self._size, self._compared)

    def _checkpoints(self, outside: Sequence[str]) -> list[tuple[int, set[bytes]]]:
        """By size, the roots that were signed for it."""
        found: dict[int, set[bytes]] = {}
        kept = [(note, size) for size, note in self._connection.execute(KEPT)]
        for note, size in [*((note, None) for note in outside), *kept]:
            try:
                text, _ = opened(note, [self._verifier])
                checkpoint = Checkpoint.read(text)
            except NoteRefused:
                raise _Wrong(
                    "checkpoint-not-signed", self._last_position(size or 0), size or self._size
                ) from None
            if size not in (None, checkpoint.size) or checkpoint.origin != self._verifier.name:
                raise _Wrong("checkpoint-not-signed", self._last_position(size or 0), size)
            found.setdefault(checkpoint.size, set()).add(checkpoint.root)
        return sorted(found.items())

    def _recompute(self, sizes: list[int], roots: dict[int, set[bytes]]) -> None:
        done = position = 0
        ends: dict[int, tuple[int, bytes]] = {}
        while True:
            events = self._connection.execute(EVENTS, (position, self._end, BATCH), binary=True).fetchall()
            kept = self._kept(done, len(events))
            leaves = [leaf_hash(leaf_bytes(done + place, *event)) for place, event in enumerate(events)]
            self._compare(done, leaves, [event[0] for event in events], kept)
            if not leaves:
                return self._compare_ends(ends)
            for level, index, hashes in grown(ends, leaves):
                if level and not (self._tile(level, index) or b"").startswith(hashes):
                    raise _Wrong("tile-changed", self._first_position(level, index), self._size)
                ends[level] = (index, hashes)
            self._compare_roots(
                done, leaves, [size for size in sizes if done < size <= done + len(leaves)], roots
            )
            done, position = done + len(leaves), events[-1][0]
            self._progress(done, self._size)

    def _kept(self, first: int, count: int) -> list[tuple[bytes, int]]:
        """Leaf hashes and positions as the tree has them, from leaf `first`; where no event is left, the next one."""
        tiles = (first // WIDTH, (first + count) // WIDTH)
        rows = self._connection.execute(LEAVES, tiles, binary=True).fetchall()
        found = [
            pair
            for hashes, positions in rows
            for pair in zip_longest(_split(hashes), positions_in(positions), fillvalue=None)
        ]
        return found[first % WIDTH :][: max(count, 1)]

    def _compare(
        self, first: int, leaves: list[bytes], positions: list[int], kept: list[tuple[bytes, int]]
    ) -> None:
        for place, (leaf, position) in enumerate(zip(leaves, positions, strict=True)):
            if place >= len(kept):
                raise _Wrong("event-inserted", position, self._size)
            kept_leaf, kept_position = kept[place]
            if kept_position is None:
                raise _Wrong("tile-changed", position, self._size)
            if position != kept_position:
                problem = "event-missing" if kept_position < position else "event-inserted"
                raise _Wrong(problem, min(position, kept_position), self._size)
            if leaf != kept_leaf:
                raise _Wrong("event-differs", position, self._size)
        if not leaves and kept:
            raise _Wrong("event-missing", kept[0][1], self._size)

    def _compare_ends(self, ends: dict[int, tuple[int, bytes]]) -> None:
        for level, (index, hashes) in ends.items():
            if level and self._tile(level, index) != hashes:
                raise _Wrong("tile-changed", self._first_position(level, index), self._size)

    def _compare_roots(
        self, first: int, leaves: list[bytes], sizes: list[int], roots: dict[int, set[bytes]]
    ) -> None:
        for start, size in pairwise([first, *sizes]):
            self._edge.grow(leaves[start - first : size - first])
            self._compared += 1
            if roots[size] != {self._edge.root()}:
                raise _Wrong("checkpoint-differs", self._last_position(size), size)
        self._edge.grow(leaves[self._edge.size - first :])

    def _tile(self, level: int, index: int) -> bytes | None:
        row = self._connection.execute(UPPER, (level, index), binary=True, prepare=True).fetchone()
        return row and row[0]

    def _first_position(self, level: int, index: int) -> int | None:
        """Of the first event below a tile."""
        row = self._connection.execute(POSITION_OF, (index << 8 * level,), binary=True).fetchone()
        return positions_in(row[0])[0] if row else None

    def _last_position(self, size: int) -> int | None:
        if size < 1:
            return None
        row = self._connection.execute(POSITION_OF, ((size - 1) // WIDTH,), binary=True).fetchone()
        numbers = positions_in(row[0]) if row else ()
        place = (size - 1) % WIDTH
        return numbers[place] if place < len(numbers) else (numbers[-1] if numbers else None)


def _split(hashes: bytes) -> Iterator[bytes]:
    return (hashes[start : start + SIZE] for start in range(0, len(hashes), SIZE))
