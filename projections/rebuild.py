"""Builds a read model anew beside the live one and swaps it in, in one transaction."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

import psycopg
from psycopg import Connection, Cursor

from projections.projector import BATCH, ENDLESS, REFUSED, read_batch
from projections.read_model import Fact, ReadModel, Unseal

Progress = Callable[[int, int], None]  # events folded, events in the log when it began
Parked = dict[UUID, tuple[int, str, str]]  # stream → position, topic, error

END = "SELECT max(position) FROM events"


class Folding(NamedTuple):
    """Facts on their way into a table, which has not seen them. parked: streams that are left out; it grows."""

    model: ReadModel
    table: str
    facts: Sequence[Fact]
    parked: Parked


class NeverRebuilt(Exception):
    """What has left the service must not leave again."""


def rebuild(
    connection: Connection, model: ReadModel, unseal: Unseal, progress: Progress = lambda done, total: None
) -> int:
    """Fold the whole log into a fresh table while the live one goes on serving. Returns the number of events.

    connection: in autocommit, its own. Raises NeverRebuilt.
    """
    if not model.rebuildable:
        raise NeverRebuilt(model.name)
    fresh = f"{model.name}__new"
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {fresh}")
        model.create(cursor, fresh)
    (total,) = connection.execute("SELECT count(*) FROM events").fetchone()
    position = done = 0
    parked: Parked = {}
    while True:
        facts = read_batch(connection, position, ENDLESS, unseal)
        if facts:
            fold_batch(connection, [Folding(model, fresh, facts, parked)])
            position = facts[-1].position
        folded = len(facts)
        done += folded
        progress(done, max(done, total))
        if folded < BATCH:
            swapped, caught_up = _swap(connection, model, unseal, fresh, position, parked)
            if swapped:
                return done + caught_up
            time.sleep(0.01)


def fold_batch(connection: Connection, folds: Sequence[Folding]) -> None:
    """Write what one batch changes, in one transaction and, as long as nothing is refused, in one pipeline."""
    noted = [dict(fold.parked) for fold in folds]
    try:
        with connection.pipeline(), connection.transaction(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off")
            for fold, parked in zip(folds, noted, strict=True):
                _write(cursor, fold, parked)
    except REFUSED:  # one of their rows: table by table
        with connection.transaction():
            for fold in folds:
                _fold(connection, fold)
    else:
        for fold, parked in zip(folds, noted, strict=True):
            fold.parked.update(parked)


def _write(cursor: Cursor, fold: Folding, parked: Parked) -> None:
    def park(fact: Fact, fault: Exception) -> None:
        parked[fact.originator_id] = _why(fact, fault)

    model, facts = fold.model, fold.facts
    model.write(cursor, fold.table, facts if model.complete else model.rows(facts, parked, park))


def _fold(connection: Connection, fold: Folding) -> None:
    """Write what the facts change. A stream that cannot be folded or stored is left out from there on, and noted."""
    noted = dict(fold.parked)
    try:
        with connection.transaction(), connection.cursor() as cursor:
            _write(cursor, fold, noted)
    except REFUSED as fault:
        if fold.model.complete:
            raise
        if len(fold.facts) == 1:
            fold.parked[fold.facts[0].originator_id] = _why(fold.facts[0], fault)
        else:  # one of their rows: find it, event by event
            for fact in fold.facts:
                _fold(connection, fold._replace(facts=[fact]))
    else:
        fold.parked.update(noted)


def _why(fact: Fact, fault: Exception) -> tuple[int, str, str]:
    return fact.position, fact.topic, type(fault).__name__


def _swap(
    connection: Connection, model: ReadModel, unseal: Unseal, fresh: str, position: int, parked: Parked
) -> tuple[bool, int]:
    """Hold the live model still, fold what came meanwhile, put the fresh table in its place.

    Gives up within 50 ms when somebody holds the tables: a statement that waits for a lock holds all readers back.
    """
    try:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '50ms'")
            # The row lock keeps the projector out; it gives this transaction an id, so readers see up to here only.
            live = cursor.execute(
                "SELECT position FROM projections WHERE name = %s FOR UPDATE", (model.name,)
            ).fetchone()
            caught_up, parked = 0, dict(parked)  # it may give up, and begin anew
            while facts := read_batch(connection, position, ENDLESS, unseal):
                _fold(connection, Folding(model, fresh, facts, parked))
                position, caught_up = facts[-1].position, caught_up + len(facts)
            if live and position < live[0] <= (cursor.execute(END).fetchone()[0] or 0):
                raise psycopg.errors.LockNotAvailable  # readers may see what the live one has seen in a moment
            model.check(cursor, fresh)
            cursor.execute(f"DROP TABLE IF EXISTS {model.name}")
            cursor.execute(f"ALTER TABLE {fresh} RENAME TO {model.name}")
            cursor.execute(
                "INSERT INTO projections (name, version, position) VALUES (%s, %s, %s) ON CONFLICT (name)"
                " DO UPDATE SET version = excluded.version, position = excluded.position, moved_at = clock_timestamp()",
                (model.name, model.version, position),
            )
            cursor.execute("DELETE FROM parked_streams WHERE projection = %s", (model.name,))
            cursor.executemany(
                "INSERT INTO parked_streams (projection, originator_id, position, topic, error)"
                " VALUES (%s, %s, %s, %s, %s)",
                [(model.name, stream, *why) for stream, why in parked.items()],
            )
            return True, caught_up
    except psycopg.errors.LockNotAvailable:
        return False, 0
