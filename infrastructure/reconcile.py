"""Replays the log into shadow tables and lists every difference from the live read models."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection, sql

from projections.projector import read_batch
from projections.read_model import ReadModel, Unseal
from projections.rebuild import Folding, Parked, fold_batch

SHADOW = "{}__replayed"
ROWS_AT_ONCE = 2000

Progress = Callable[[int, int], None]  # events replayed, events to replay


@dataclass(frozen=True)
class Difference:
    """One column of one row. key: the row's, by column. live, replayed: None too where the row is missing there.

    account: whose row it is, where it is somebody's. Of a model that nobody has folded: its position in `projections`.
    """

    table: str
    key: dict[str, Any]
    column: str
    live: Any
    replayed: Any
    account: UUID | None = None


def reconcile(
    conninfo: str,
    models: Sequence[ReadModel],
    unseal: Unseal,
    progress: Progress = lambda done, total: None,
) -> Iterator[Difference]:
    """Beside the running service: what is compared is what all tables held when it began.

    models: those that may be rebuilt; a tree is verified instead (infrastructure/verify_all.py), and what has left the
    service is not compared.
    """
    with _connected(conninfo) as live, _connected(conninfo) as replay, live.transaction():
        live.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        positions = dict(live.execute("SELECT name, position FROM projections").fetchall())
        (end,) = live.execute("SELECT max(position) FROM events").fetchone()
        for model in models:
            if end and model.name not in positions:
                yield Difference("projections", {"name": model.name}, "position", None, end)
        models = [model for model in models if model.name in positions]
        with _shadows(replay, models):
            _replay(replay, models, positions, unseal, progress)
            for model in models:
                yield from _differences(live, replay, model)


@contextmanager
def _connected(conninfo: str) -> Iterator[Connection]:
    with psycopg.connect(
        conninfo, autocommit=True, application_name="matricule reconcile", options="-c TimeZone=UTC"
    ) as connection:
        yield connection


@contextmanager
def _shadows(connection: Connection, models: Sequence[ReadModel]) -> Iterator[None]:
    def drop() -> None:
        for model in models:
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(_shadow(model)))

    drop()
    for model in models:
        with connection.transaction(), connection.cursor() as cursor:
            model.create(cursor, SHADOW.format(model.name))
            cursor.execute(sql.SQL("ALTER TABLE {} SET UNLOGGED").format(_shadow(model)))
    try:
        yield
    finally:
        drop()


def _shadow(model: ReadModel) -> sql.Identifier:
    return sql.Identifier(SHADOW.format(model.name))


def _replay(
    connection: Connection,
    models: Sequence[ReadModel],
    positions: dict[str, int],
    unseal: Unseal,
    progress: Progress,
) -> None:
    end = max((positions[model.name] for model in models), default=0)
    (total,) = connection.execute("SELECT count(*) FROM events WHERE position <= %s", (end,)).fetchone()
    position = done = 0
    parked: dict[str, Parked] = {model.name: {} for model in models}
    while facts := read_batch(connection, position, end, unseal):
        folds = [
            Folding(
                model,
                SHADOW.format(model.name),
                [fact for fact in facts if fact.position <= positions[model.name]],
                parked[model.name],
            )
            for model in models
        ]
        fold_batch(connection, folds)
        position, done = facts[-1].position, done + len(facts)
        progress(done, total)


def _differences(live: Connection, replay: Connection, model: ReadModel) -> Iterator[Difference]:
    columns, width = list(model.columns), len(model.key)
    rest = [column for column in columns if column not in model.key]
    ordered = [*model.key, *rest]
    pairs = _beside(
        _rows(live, model.name, ordered, width),
        _rows(replay, SHADOW.format(model.name), ordered, width),
        width,
    )
    for key, here, there in pairs:
        named = dict(zip(model.key, key, strict=True))
        whose = dict(zip(ordered, here or there, strict=True)).get("account_id")
        here, there = (row or (None,) * len(ordered) for row in (here, there))
        for column, old, new in zip(ordered, here, there, strict=True):
            if old != new:
                yield Difference(model.name, named, column, old, new, whose)


Stored = tuple[Any, ...]


def _rows(connection: Connection, table: str, columns: list[str], width: int) -> Iterator[Stored]:
    statement = sql.SQL("SELECT {} FROM {} ORDER BY {}").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns[:width])),
    )
    with connection.transaction(), connection.cursor("reconcile", binary=True) as cursor:
        cursor.execute(statement)
        # A row at a time, psycopg takes longer than the comparing.
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield from rows


def _beside(
    live: Iterator[Stored], replayed: Iterator[Stored], width: int
) -> Iterator[tuple[Stored, Stored | None, Stored | None]]:
    """Rows of one key that differ, beside each other: key, live, replayed. Both come in the order of their keys."""
    here, there = next(live, None), next(replayed, None)
    while here or there:
        if here == there:
            here, there = next(live, None), next(replayed, None)
            continue
        keys = [row[:width] for row in (here, there) if row]
        key = min(keys)
        yield (
            key,
            here if here and here[:width] == key else None,
            there if there and there[:width] == key else None,
        )
        if here and here[:width] == key:
            here = next(live, None)
        if there and there[:width] == key:
            there = next(replayed, None)
