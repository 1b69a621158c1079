"""Proofs that an event stands in the log, and that one checkpoint's log is the beginning of another's."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg_pool import ConnectionPool

from domain import merkle
from infrastructure.checkpoints import Checkpoints
from projections.tree import WIDTH, Tree, leaf_bytes

ENTRIES = """
    SELECT position, originator_id, originator_version, topic, account_id, recorded_at, state
    FROM events WHERE position = ANY(%s) ORDER BY position
"""


class NotInTree(Exception):
    """There is no event at this position, or it has just been written."""


class NeverThatLarge(Exception):
    """The tree has not had this size. args: the size that it has."""


@dataclass(frozen=True)
class Inclusion:
    """The event at `position` is leaf `leaf_index` of the tree of `size` leaves. Hashes of 32 bytes (RFC 9162)."""

    position: int
    leaf_index: int
    leaf_hash: bytes
    size: int
    hashes: Sequence[bytes]


class Proofs:
    def __init__(self, pool: ConnectionPool, tree: Tree, checkpoints: Checkpoints) -> None:
        self._pool = pool
        self._tree = tree
        self._checkpoints = checkpoints

    def inclusion(self, position: int, size: int | None = None) -> Inclusion:
        """size: of any tree that holds it; None: of the last signed one, which is signed now where it is older.

        Raises NotInTree, NeverThatLarge.
        """
        (index,) = self._tree.leaf_indices([position])
        if index is None:
            raise NotInTree(position)
        if size is None:
            last = self._checkpoints.latest()
            signed = last if last and last.size > index else self._checkpoints.sign_now()
            size = signed.size
        self._must_have_had(size)
        if not index < size:
            raise NotInTree(position)
        tile, place = divmod(index, WIDTH)
        leaf = self._tree.tile(0, tile, place + 1)[-merkle.SIZE :]
        hashes = self._tree.hashes(merkle.inclusion(index, size))
        return Inclusion(position, index, leaf, size, hashes)

    def consistency(self, first: int, second: int) -> list[bytes]:
        """Raises NeverThatLarge; ValueError unless 0 < first <= second."""
        ways = merkle.consistency(first, second)
        self._must_have_had(second)
        return self._tree.hashes(ways)

    def entries(self, index: int, width: int) -> bytes:
        """The leaves of a tile themselves, each with its length before it (2 bytes). Source: docs/sources.md#S21.

        Raises LookupError.
        """
        first = index * WIDTH
        positions = self._tree.positions(first, width)
        if len(positions) != width:
            raise LookupError(f"no {width} leaves from {first}")
        leaves = self._leaves(first, positions)
        return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)

    def leaf(self, found: Inclusion) -> bytes:
        """What the log commits itself to for this event; what is personal in it is sealed."""
        (leaf,) = self._leaves(found.leaf_index, [found.position])
        return leaf

    def _leaves(self, first: int, positions: Sequence[int]) -> list[bytes]:
        with self._pool.connection() as connection:
            rows = connection.execute(ENTRIES, (list(positions),), binary=True).fetchall()
        return [leaf_bytes(first + place, *row) for place, row in enumerate(rows)]

    def _must_have_had(self, size: int) -> None:
        now = self._tree.size()
        if not 0 < size <= now:
            raise NeverThatLarge(now)
