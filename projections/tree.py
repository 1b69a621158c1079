"""The Merkle tree over the log, as the tiles of C2SP's `tlog-tiles`: what proofs are made of.

A tile holds up to 256 hashes: on level 0 of leaves, on level n of full tiles of level n - 1. A tile that is full never
changes, and what one held when it was narrower is its beginning. Source: docs/sources.md#S21.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import count, repeat
from struct import pack, unpack
from uuid import UUID

import orjson
from psycopg import Connection, Cursor, sql
from psycopg_pool import ConnectionPool

from domain import merkle
from domain.merkle import SIZE, Subtree, leaf_hash, node_hash
from projections.read_model import Fact, ReadModel

HEIGHT = 8
WIDTH = 1 << HEIGHT  # hashes in a full tile
POSITION = 8  # bytes
LEVELS = 8  # of tiles: more leaves than a log can have
LAST_OF_EACH_LEVEL = f"""
    SELECT t.* FROM generate_series(0, {LEVELS - 1}) AS known (level) CROSS JOIN LATERAL (
        SELECT level, index, hashes, positions FROM {{table}} AS t
        WHERE t.level = known.level ORDER BY index DESC LIMIT 1) AS t
"""
PUT = """
    INSERT INTO {table} (level, index, hashes, first_position, positions) VALUES (%s, %s, %b, %s, %b)
    ON CONFLICT (level, index) DO UPDATE SET hashes = excluded.hashes, positions = excluded.positions
"""
SIZE_NOW = """
    SELECT index * 256 + length(hashes) / 32 FROM tree WHERE level = 0 ORDER BY index DESC LIMIT 1
"""
TILES = """
    SELECT t.level, t.index, t.hashes FROM {table} AS t
    JOIN unnest(%s::int[], %s::bigint[]) AS wanted (level, index) USING (level, index)
"""
TILES_WITH = """
    SELECT found.index, found.positions FROM unnest(%s::bigint[]) AS wanted (position) CROSS JOIN LATERAL (
        SELECT index, positions FROM tree WHERE level = 0 AND first_position <= wanted.position
        ORDER BY first_position DESC LIMIT 1) AS found
    GROUP BY 1, 2
"""
LAST_PUBLISHED = "SELECT size, root FROM checkpoints WHERE day IS NOT NULL ORDER BY size DESC LIMIT 1"
POSITIONS = "SELECT positions FROM tree WHERE level = 0 AND index BETWEEN %s AND %s ORDER BY index"


def leaf_bytes(
    index: int,
    position: int,
    stream: UUID,
    version: int,
    topic: str,
    account: UUID | None,
    recorded_at: datetime,
    state: bytes,
) -> bytes:
    """What leaf number `index` is the hash of: an event, as JSON in the form of RFC 8785.

    account: whose key seals it. state: the stored bytes, which hold the event's own instant and actor.
    """
    instant = recorded_at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return orjson.dumps(  # in the order of the names; numbers stay below 2**53
        {
            "account": account,
            "leaf_index": index,
            "position": position,
            "recorded_at": f"{instant}Z",
            "state": b64encode(state).decode("ascii"),
            "stream": stream,
            "topic": topic,
            "version": version,
        }
    )


class TreeDisagrees(Exception):
    """The tree does not continue the checkpoint of this size (args): the log was changed, or it is another log."""


class TreeModel(ReadModel):
    """Every event is a leaf, in the order of the log and without a gap: nothing is parked here."""

    complete = True

    def __init__(self) -> None:
        super().__init__(
            "tree",
            version=1,
            columns={
                "level": "int",
                "index": "bigint",
                "hashes": "bytea",  # of 32 bytes each
                "first_position": "bigint",  # on level 0
                "positions": "bytea",  # on level 0: where the leaves' events stand in the log, of 8 bytes each
            },
            key=("level", "index"),
            indices=["(first_position) WHERE level = 0"],
        )

    def create(self, cursor: Cursor, table: str) -> None:
        super().create(cursor, table)
        name = sql.Identifier(table)
        for column in ("hashes", "positions"):  # hashes cannot be compressed
            cursor.execute(sql.SQL(f"ALTER TABLE {{}} ALTER {column} SET STORAGE EXTERNAL").format(name))

    def write(self, cursor: Cursor, table: str, changes: Iterable[Fact]) -> int:
        """Add leaves; how many."""
        facts = list(changes)
        if not facts:
            return 0
        rows = cursor.execute(LAST_OF_EACH_LEVEL.format(table=table), binary=True).fetchall()
        ends = {level: (index, hashes) for level, index, hashes, _ in rows}
        index, hashes = _open(*ends.get(0, (0, b"")))
        positions = next((stored for level, _, _, stored in rows if level == 0 and hashes), b"")
        first = index * WIDTH + len(hashes) // SIZE
        leaves = [_leaf(first + place, fact) for place, fact in enumerate(facts)]
        positions += pack(f">{len(facts)}q", *(fact.position for fact in facts))
        for level, index, hashes in grown(ends, leaves):
            here = None
            if level == 0:
                here, positions = positions[: POSITION * WIDTH], positions[POSITION * WIDTH :]
            self.put(cursor, table, level, index, hashes, here)
        return len(facts)

    def put(
        self, cursor: Cursor, table: str, level: int, index: int, hashes: bytes, positions: bytes | None
    ) -> None:
        """A tile as it is now. positions: on level 0."""
        first = positions and unpack(">q", positions[:POSITION])[0]
        cursor.execute(PUT.format(table=table), (level, index, hashes, first, positions))

    def check(self, cursor: Cursor, table: str) -> None:
        """Raises TreeDisagrees where the tree is not the one that the last published checkpoint was signed for."""
        published = cursor.execute(LAST_PUBLISHED, binary=True).fetchone()
        if published:
            size, root = published
            try:
                found = _roots(cursor, table, [range(size)])[0]
            except LookupError:
                found = None
            if found != root:
                raise TreeDisagrees(size)


def _open(index: int, hashes: bytes) -> tuple[int, bytes]:
    """The tile that grows next, after the last one."""
    return (index + 1, b"") if len(hashes) == WIDTH * SIZE else (index, hashes)


def _leaf(index: int, fact: Fact) -> bytes:
    return leaf_hash(
        leaf_bytes(
            index,
            fact.position,
            fact.originator_id,
            fact.originator_version,
            fact.topic,
            fact.account_id,
            fact.recorded_at,
            fact.stored,
        )
    )


def grown(ends: dict[int, tuple[int, bytes]], added: list[bytes]) -> Iterable[tuple[int, int, bytes]]:
    """The tiles that change when leaves are added: level, index, hashes. ends: the last tile of each level."""
    for level in count():
        if not added:
            return
        index, hashes = _open(*ends.get(level, (0, b"")))
        hashes += b"".join(added)
        tiles = [hashes[start : start + WIDTH * SIZE] for start in range(0, len(hashes), WIDTH * SIZE)]
        yield from zip(repeat(level), count(index), tiles, strict=False)
        added = [_joined(tile) for tile in tiles if len(tile) == WIDTH * SIZE]


def _joined(hashes: bytes) -> bytes:
    """The hash of the complete subtree over a power of two of them."""
    row = [hashes[start : start + SIZE] for start in range(0, len(hashes), SIZE)]
    while len(row) > 1:
        row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
    return row[0]


tree = TreeModel()


def place_of(subtree: Subtree) -> tuple[tuple[int, int], slice]:
    """The tile that a complete subtree is computed from, and the bytes of its hashes there."""
    level, index = subtree
    tile_level, depth = divmod(level, HEIGHT)
    tile, place = divmod(index, WIDTH >> depth)
    return (tile_level, tile), slice((place << depth) * SIZE, ((place + 1) << depth) * SIZE)


class Tree:
    """Raises LookupError for a size that it never had."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def size(self) -> int:
        """How many leaves it has."""
        with self._pool.connection() as connection:
            row = connection.execute(SIZE_NOW, prepare=True).fetchone()
        return row[0] if row else 0

    def root(self, size: int) -> bytes:
        return self.hashes([range(size)])[0]

    def hashes(self, wanted: Sequence[range]) -> list[bytes]:
        """Of leaves that a proof names, or of all: `range(size)`."""
        with self._pool.connection() as connection:
            return _roots(connection, "tree", wanted)

    def tile(self, level: int, index: int, width: int) -> bytes:
        """The first `width` hashes of a tile."""
        with self._pool.connection() as connection:
            hashes = _tiles(connection, "tree", {(level, index)})[level, index][: width * SIZE]
        if len(hashes) != width * SIZE:
            raise LookupError(f"no tile of {width} hashes at {level}, {index}")
        return hashes

    def leaf_indices(self, positions: Sequence[int]) -> list[int | None]:
        """The numbers of the leaves of events; None for what is not in the tree (yet)."""
        with self._pool.connection() as connection:
            tiles = connection.execute(TILES_WITH, (list(positions),), prepare=True, binary=True).fetchall()
        known = {
            position: index * WIDTH + place
            for index, stored in tiles
            for place, position in enumerate(positions_in(stored))
        }
        return [known.get(position) for position in positions]

    def positions(self, first: int, count: int) -> list[int]:
        """Where the events of leaves stand in the log; as many as there are."""
        if count < 1:
            return []
        tiles = (first // WIDTH, (first + count - 1) // WIDTH)
        with self._pool.connection() as connection:
            rows = connection.execute(POSITIONS, tiles, prepare=True, binary=True).fetchall()
        found = [position for (stored,) in rows for position in positions_in(stored)]
        return found[first % WIDTH :][:count]


def _roots(connection: Connection | Cursor, table: str, wanted: Sequence[range]) -> list[bytes]:
    places = {each: place_of(each) for leaves in wanted for each in merkle.subtrees(leaves)}
    tiles = _tiles(connection, table, {tile for tile, _ in places.values()})
    known = {each: _hashed(tiles[tile][part], part) for each, (tile, part) in places.items()}
    return [merkle.hash_of(leaves, known) for leaves in wanted]


def _tiles(
    connection: Connection | Cursor, table: str, wanted: set[tuple[int, int]]
) -> dict[tuple[int, int], bytes]:
    if not wanted:
        return {}
    levels, indices = map(list, zip(*wanted, strict=True))
    rows = connection.execute(TILES.format(table=table), (levels, indices), binary=True)
    found = {(level, index): hashes for level, index, hashes in rows}
    if missing := wanted - found.keys():
        raise LookupError(f"no tile at {min(missing)}")
    return found


def _hashed(hashes: bytes, part: slice) -> bytes:
    if len(hashes) != part.stop - part.start:
        raise LookupError("no such leaves")
    return _joined(hashes)


def positions_in(stored: bytes) -> tuple[int, ...]:
    return unpack(f">{len(stored) // POSITION}q", stored)
