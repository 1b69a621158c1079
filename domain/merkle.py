"""A Merkle tree over the log, as RFC 9162, section 2.1, makes it, with SHA-256.

What is complete never changes: the complete subtree (level, index) covers the leaves from `index << level` up to, and
without, `(index + 1) << level`. Roots and proofs are made of such subtrees, so that a store of them answers for every
size that the tree ever had; which ones they are is known before any is read (`subtrees`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import count, repeat

Subtree = tuple[int, int]  # level, index
SIZE = 32  # bytes of a hash
EMPTY = sha256().digest()  # the root of no leaves


def leaf_hash(leaf: bytes) -> bytes:
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class Edge:
    """The right edge of a tree: all that its growth needs, and its root."""

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """hashes: of `subtrees(range(size))`, in their order. Raises ValueError when they are not as many."""
        self.size = size
        levels = [level for level, _ in subtrees(range(size))]
        self._hashes = dict(
            zip(levels, hashes, strict=True)
        )  # level → the one that waits for its right sibling

    def grow(self, leaves: Iterable[bytes]) -> list[tuple[int, int, bytes]]:
        """Add leaf hashes. Returns (level, index, hash) of each subtree that they completed, themselves included."""
        row, level, index = list(leaves), 0, self.size
        self.size += len(row)
        completed: list[tuple[int, int, bytes]] = []
        while row:
            completed += zip(repeat(level), count(index), row, strict=False)
            if index & 1:
                row.insert(0, self._hashes.pop(level))
            if len(row) & 1:
                self._hashes[level] = row[-1]
            row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=False)]
            level, index = level + 1, index >> 1
        return completed

    def root(self) -> bytes:
        return _joined([self._hashes[level] for level, _ in subtrees(range(self.size))])


def subtrees(leaves: range) -> list[Subtree]:
    """The complete subtrees that make up leaves which `range(size)`, or a proof, names. The largest first."""
    found, start = [], leaves.start
    while start < leaves.stop:
        level = (leaves.stop - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


def inclusion(index: int, size: int) -> list[range]:
    """The leaves whose hashes, in this order, show that leaf `index` stands in the tree of `size` leaves.

    Raises ValueError where it does not. Source: RFC 9162, section 2.1.3.1.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    _, beside = _descent(index, size, lambda here: len(here) == 1)
    return beside


def consistency(first: int, second: int) -> list[range]:
    """The same for: the tree of `first` leaves is the beginning of that of `second`.

    Raises ValueError unless 0 < first <= second. Source: RFC 9162, section 2.1.4.1.
    """
    if not 0 < first <= second:
        raise ValueError(f"no tree of {first} leaves at the beginning of one of {second}")
    here, beside = _descent(first - 1, second, lambda here: here.stop == first)
    # Where it begins at 0 it is the first tree itself, whose root is known.
    return [here, *beside] if here.start else beside


def hash_of(leaves: range, hashes: Mapping[Subtree, bytes]) -> bytes:
    """The hash of leaves which a proof names, or the root: of `range(size)`. hashes: of their `subtrees`."""
    return _joined([hashes[subtree] for subtree in subtrees(leaves)])


def includes(root: bytes, size: int, leaf: bytes, index: int, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that the leaf of this hash is number `index`. Source: RFC 9162, section 2.1.3.2."""
    if not 0 <= index < size or len(leaf) != SIZE:
        return False
    _, found = _ascent(index, size - 1, leaf, proof)
    return found == root


def extends(first_root: bytes, first: int, second_root: bytes, second: int, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that the first tree is the beginning of the second. Source: RFC 9162, section 2.1.4.2.

    That it is the whole of it takes no proof; of the empty tree, with which every one begins, nothing is shown.
    """
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    if not proof:
        return False
    known = [first_root] if first & (first - 1) == 0 else []  # a complete subtree of the second one
    start, *rest = [*known, *proof]
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    return _ascent(place, last, start, rest) == (first_root, second_root)


def _half(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _descent(index: int, size: int, arrived: Callable[[range], bool]) -> tuple[range, list[range]]:
    """From all leaves towards leaf `index`: where it ends, and what was left aside, the lowest first."""
    here, beside = range(size), []
    while not arrived(here):
        middle = here.start + _half(len(here))
        left, right = range(here.start, middle), range(middle, here.stop)
        here, other = (left, right) if index < middle else (right, left)
        beside.append(other)
    return here, beside[::-1]


def _ascent(place: int, last: int, start: bytes, proof: Sequence[bytes]) -> tuple[bytes | None, bytes | None]:
    """The roots of the tree that ends with `start`, at `place`, and of the whole; None where a proof is no way to them.

    last: the place at the right edge of the whole, on the level of `start`.
    """
    ending = whole = start
    for other in proof:
        if not last:
            return None, None
        if place & 1 or place == last:
            ending, whole = node_hash(other, ending), node_hash(other, whole)
            while place and not place & 1:  # at the right edge, without a sibling
                place, last = place >> 1, last >> 1
        else:
            whole = node_hash(whole, other)
        place, last = place >> 1, last >> 1
    return (None, None) if last else (ending, whole)


def _joined(hashes: list[bytes]) -> bytes:
    if not hashes:
        return EMPTY
    joined = hashes[-1]
    for left in reversed(hashes[:-1]):
        joined = node_hash(left, joined)
    return joined
