"""Reads the log in batches and folds them into the read models: rows and positions in one transaction.

Models that stand at the same position are folded together, so the log is read and opened once. An event that one model
cannot fold parks its stream in that model, with a row that health and metrics show; the rest goes on.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from uuid import UUID

import psycopg
from psycopg import Connection, Cursor

from projections.read_model import Fact, ReadModel, Unseal

log = logging.getLogger("matricule.projector")

BATCH = 1000
SELECT_BATCH = """
    SELECT e.originator_id, e.originator_version, e.topic, e.state, e.account_id, e.position, e.recorded_at,
           k.generation, k.wrapped
    FROM events AS e
    CROSS JOIN log_offset AS o
    LEFT JOIN data_keys AS k ON k.person = e.account_id
    WHERE e.position > %s AND e.position <= %s
      AND e.position < ((pg_snapshot_xmin(pg_current_snapshot())::text::bigint + o.shift) << 12)
    ORDER BY e.position LIMIT %s
"""
PERSON = "coalesce(e.account_id, e.originator_id)"
SELECT_PERSON = SELECT_BATCH.replace("ORDER BY", f"AND {PERSON} = %s ORDER BY")
PARKED_PEOPLE = f"""
    SELECT p.projection, {PERSON}, min(p.position), array_agg(p.originator_id)
    FROM parked_streams AS p JOIN events AS e USING (originator_id, position)
    GROUP BY 1, 2 ORDER BY 3
"""
MOVE = """
    WITH moved AS (
        UPDATE projections SET position = %s, moved_at = clock_timestamp()
        WHERE position = %s AND (name, version) IN (SELECT * FROM unnest(%s::text[], %s::int[])) RETURNING 1
    )
    SELECT CASE WHEN count(*) <> %s THEN refuse('another process projects') END FROM moved
"""
PARKED = "SELECT projection, originator_id FROM parked_streams"
REFUSED = (psycopg.DataError, psycopg.IntegrityError)  # how PostgreSQL says that it cannot store a row
ENDLESS = (1 << 63) - 1
TAKE_OVER = 0x4D617472_0001  # the advisory lock of whoever projects


class LostTurn(Exception):
    """Another process has moved a position: it projects, this one waits."""


class Projector:
    """Folds the log into read models over one connection of its own (autocommit).

    after_batch: called with the names of the models that got rows.
    """

    def __init__(
        self,
        connection: Connection,
        models: Sequence[ReadModel],
        unseal: Unseal,
        *,
        after_batch: Callable[[list[str]], None] = lambda names: None,
    ) -> None:
        self._connection = connection
        self._models = {model.name: model for model in models}
        self._unseal = unseal
        self._after_batch = after_batch
        self._positions: dict[str, int] = {}
        self._parked: defaultdict[str, set[UUID]] = defaultdict(set)

    def take_turn(self) -> bool:
        """Whether this process projects now; False while another one does."""
        (mine,) = self._connection.execute("SELECT pg_try_advisory_lock(%s)", (TAKE_OVER,)).fetchone()
        return mine

    def prepare(self) -> list[str]:
        """Make tables that are missing, learn the positions. Returns the names of models that must be rebuilt."""
        outdated = []
        with self._connection.transaction(), self._connection.cursor() as cursor:
            known = dict(cursor.execute("SELECT name, version FROM projections").fetchall())
            for model in self._models.values():
                if model.name not in known:
                    if model.rebuildable:
                        model.create(cursor, model.name)
                    cursor.execute(
                        "INSERT INTO projections (name, version) VALUES (%s, %s)", (model.name, model.version)
                    )
                elif known[model.name] != model.version and model.rebuildable:
                    outdated.append(model.name)
                elif known[model.name] != model.version:
                    cursor.execute(
                        "UPDATE projections SET version = %s WHERE name = %s", (model.version, model.name)
                    )
        self._learn()
        return outdated

    def _learn(self) -> None:
        """Positions of the models that stand here in our version: another one's table is left alone."""
        known = {(model.name, model.version) for model in self._models.values()}
        rows = self._connection.execute("SELECT name, version, position FROM projections").fetchall()
        self._positions = {name: position for name, version, position in rows if (name, version) in known}
        self._learn_parked(self._connection)

    def _learn_parked(self, connection: Connection | Cursor) -> None:
        self._parked.clear()
        for name, stream in connection.execute(PARKED):
            self._parked[name].add(stream)

    def advance(self) -> int:
        """Fold the next batch into the models that are furthest behind. Returns the number of events; 0: up to date.

        Raises LostTurn.
        """
        behind = min(self._positions.values(), default=ENDLESS)
        group = [model for name, model in self._models.items() if self._positions.get(name) == behind]
        others = [position for position in self._positions.values() if position > behind]
        facts = read_batch(self._connection, behind, min(others, default=ENDLESS), self._unseal)
        if not facts:
            return 0
        try:
            touched = self._write(group, facts)
        except REFUSED:  # one event's row: find it, event by event
            self._learn()
            touched = [name for fact in facts for name in self._write(group, [fact], careful=True)]
        self._after_batch(touched)
        return len(facts)

    def _write(
        self, group: Sequence[ReadModel], facts: Sequence[Fact], *, careful: bool = False
    ) -> list[str]:
        touched = []
        position = facts[-1].position
        names, versions = [model.name for model in group], [model.version for model in group]
        try:
            # In a pipeline PostgreSQL writes one model's rows while the next one's are folded.
            # Event by event it must be known at once which row is refused.
            pipeline = nullcontext() if careful or any(self._parked.values()) else self._connection.pipeline()
            with pipeline, self._connection.transaction(), self._connection.cursor() as cursor:
                # A lost batch is folded again, so its commit need not wait for the disk.
                cursor.execute("SET LOCAL synchronous_commit = off")
                cursor.execute(MOVE, (position, self._positions[names[0]], names, versions, len(names)))
                if any(self._parked.values()):  # a rebuild in another process may have freed them
                    self._learn_parked(cursor)
                for model in group:
                    write = self._write_carefully if careful else self._write_model
                    if write(cursor, model, facts):
                        touched.append(model.name)
        except psycopg.Error as fault:
            if fault.sqlstate != "MT001":
                raise
            self._learn()
            raise LostTurn from None
        self._positions.update((model.name, position) for model in group)
        return touched

    def _write_model(self, cursor: Cursor, model: ReadModel, facts: Sequence[Fact]) -> int:
        if model.complete:
            return model.write(cursor, model.name, facts)
        park = partial(self._park, cursor, model)
        return model.write(cursor, model.name, model.rows(facts, self._parked[model.name], park))

    def _write_carefully(self, cursor: Cursor, model: ReadModel, facts: Sequence[Fact]) -> int:
        try:
            with cursor.connection.transaction():
                return self._write_model(cursor, model, facts)
        except REFUSED as fault:
            if model.complete:
                raise
            self._park(cursor, model, facts[0], fault)
            return 0

    def _park(self, cursor: Cursor, model: ReadModel, fact: Fact, fault: Exception) -> None:
        error = type(fault).__name__
        log.error("stream parked: %s cannot fold %s at %d (%s)", model.name, fact.topic, fact.position, error)
        cursor.execute(
            "INSERT INTO parked_streams (projection, originator_id, position, topic, error)"
            " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (model.name, fact.originator_id, fact.position, fact.topic, error),
        )
        self._parked[model.name].add(fact.originator_id)

    def fold_parked(self) -> int:
        """Fold parked streams again, after a fix. Returns how many go on.

        With them goes all that happened to the same person since, so that what is newer counts. A person whose streams
        cannot all be folded stays parked.
        """
        freed = 0
        for name, person, since, streams in self._connection.execute(PARKED_PEOPLE).fetchall():
            model = self._models.get(name)
            if model and self._fold_person(model, person, since, streams):
                freed += len(streams)
        self._learn()
        return freed

    def _fold_person(self, model: ReadModel, person: UUID, since: int, streams: list[UUID]) -> bool:
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                values = (since - 1, self._positions[model.name], person, ENDLESS)
                facts = [Fact(row, self._unseal) for row in cursor.execute(SELECT_PERSON, values).fetchall()]
                model.write(cursor, model.name, list(model.rows(facts, (), _reraise)))
                cursor.execute(
                    "DELETE FROM parked_streams WHERE projection = %s AND originator_id = ANY(%s)",
                    (model.name, streams),
                )
            return True
        except Exception as fault:  # noqa: BLE001 - it stays parked, and says so
            log.error("stream stays parked: %s (%s)", model.name, type(fault).__name__)
            return False


def _reraise(_fact: Fact, fault: Exception) -> None:
    raise fault


def read_batch(
    connection: Connection, after: int, up_to: int, unseal: Unseal, limit: int = BATCH
) -> list[Fact]:
    """The next facts in the order of the log, only those whose place can no longer change."""
    rows = connection.execute(SELECT_BATCH, (after, up_to, limit), prepare=True, binary=True)
    return [Fact(row, unseal) for row in rows]
