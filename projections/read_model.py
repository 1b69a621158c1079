"""What a read model is: a table, and how events fold into its rows."""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from psycopg import Cursor, sql

Row = dict[str, Any]
Unseal = Callable[["Fact", str, str], Any]


class Fact:
    """One event as the log holds it; its fields are attributes, plain JSON values, opened when first asked for.

    What is sealed under a destroyed key reads as None.
    """

    __slots__ = (
        "_opened",
        "_unseal",
        "account_id",
        "generation",
        "originator_id",
        "originator_version",
        "position",
        "recorded_at",
        "state",
        "stored",
        "topic",
        "wrapped",
    )

    def __init__(self, row: Sequence[Any], unseal: Unseal) -> None:
        """row: as `projections.projector.SELECT_BATCH` gives it."""
        (
            self.originator_id,
            self.originator_version,
            self.topic,
            self.stored,
            self.account_id,
            self.position,
            self.recorded_at,
            self.generation,
            self.wrapped,
        ) = row
        self._unseal = unseal
        self._opened: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name == "state":  # read when first asked for: one that is broken concerns its own stream only
            self.state = orjson.loads(self.stored)
            return self.state
        state = self.state
        if name in state:
            return state[name]
        sealed = state.get("sealed")
        if sealed and name in sealed:  # once, however many read models ask for it
            if name not in self._opened:
                self._opened[name] = self._unseal(self, name, sealed[name])
            return self._opened[name]
        raise AttributeError(f"{self.topic} has no {name}")


class Forgotten(NamedTuple):
    """A fold's answer to an erasure: the person's rows go."""

    person: UUID


Fold = Callable[[Fact], Row | Forgotten | Iterable[Row] | None]


class ReadModel:
    """A table and the functions that fold events into it.

    columns: name → SQL type, as the table defines them. key: the columns that name a row. A fold gives the columns that
    an event changes; `keeps_first`: a row that is there already stays as it is. complete: `write` takes every fact
    as it is, and what it cannot write stops the projector.
    """

    complete = False

    def __init__(
        self,
        name: str,
        *,
        version: int,
        columns: dict[str, str],
        key: tuple[str, ...],
        indices: Sequence[str] = (),
        keeps_first: bool = False,
        rebuildable: bool = True,
        person: str | None = None,
    ) -> None:
        """version: raised with every change of table or folding, so that the table is made anew.

        indices: what follows `CREATE INDEX ON <table>`. person: the column by which a fold lets rows of an erased
        person go (`Forgotten`); of whom the key is gone no further row is made, so that none comes again.
        """
        self.name = name
        self.version = version
        self.columns = columns
        self.key = key
        self._place = itemgetter(*key)
        self.indices = indices
        self.keeps_first = keeps_first
        self.rebuildable = rebuildable
        self.person = person
        self.topics: dict[str, Fold] = {}
        self.every: Fold | None = None

    def folds(self, *events: type) -> Callable[[Fold], Fold]:
        """Registers how these events change the table; no event at all: how every one does."""

        def register(fold: Fold) -> Fold:
            kept = self._forgetful(fold) if self.person else fold
            if not events:
                self.every = kept
            for event in events:
                self.topics[event.TOPIC] = kept
            return fold

        return register

    @staticmethod
    def _forgetful(fold: Fold) -> Fold:
        """Of whom the key is gone, rows go and none are made."""

        def kept(fact: Fact) -> Row | Forgotten | Iterable[Row] | None:
            changed = fold(fact)
            gone = fact.account_id and fact.wrapped is None
            return changed if not gone or isinstance(changed, Forgotten) else None

        return kept

    def rows(
        self, facts: Iterable[Fact], parked: Container[UUID], park: Callable[[Fact, Exception], None]
    ) -> Iterator[Row | Forgotten]:
        """What events change, in order. parked: streams left out. park: told of an event that cannot be folded."""
        folds, every = self.topics, self.every
        for fact in facts:
            fold = folds.get(fact.topic, every)
            if fold is None or fact.originator_id in parked:
                continue
            try:
                changed = fold(fact)
                if changed is not None and type(changed) is not dict:
                    changed = [changed] if type(changed) is Forgotten else list(changed)
            except Exception as fault:  # noqa: BLE001 - this stream waits, the others go on
                park(fact, fault)
                continue
            if changed is None:
                continue
            if type(changed) is dict:
                yield changed
            else:
                yield from changed

    def create(self, cursor: Cursor, table: str) -> None:
        """Make the table and its indices, empty."""
        name = sql.Identifier(table)
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind))
            for column, kind in self.columns.items()
        )
        key = sql.SQL(", ").join(map(sql.Identifier, self.key))
        cursor.execute(sql.SQL("CREATE TABLE {} ({}, PRIMARY KEY ({}))").format(name, columns, key))
        for index in self.indices:
            cursor.execute(sql.SQL("CREATE INDEX ON {} {}").format(name, sql.SQL(index)))

    def write(self, cursor: Cursor, table: str, changes: Iterable[Row | Forgotten]) -> int:
        """Write what a batch changed, each row once, in the order of the events. Returns how many rows."""
        merged: dict[Any, Row] = {}
        forgotten: list[UUID] = []
        for change in changes:
            if isinstance(change, Forgotten):
                forgotten.append(change.person)
                continue
            place = self._place(change)
            known = merged.get(place)
            if known is None:
                merged[place] = change
            elif not self.keeps_first:
                known.update(change)
        by_columns: dict[tuple[str, ...], list[Iterable[Any]]] = {}
        for row in merged.values():
            by_columns.setdefault(tuple(row), []).append(row.values())
        for columns, rows in by_columns.items():
            cursor.execute(self._statement(table, columns), list(map(_array, zip(*rows, strict=True))))
        if forgotten:  # none of their rows is newer: they are not folded any more
            cursor.execute(f"DELETE FROM {table} WHERE {self.person} = ANY(%s)", (forgotten,))
        return len(merged) + len(forgotten)

    def check(self, cursor: Cursor, table: str) -> None:
        """Whether a table that was folded anew may take the live one's place; raises where it may not."""

    def _statement(self, table: str, columns: tuple[str, ...]) -> str:
        kinds = [self.columns[column].split()[0] for column in columns]
        rest = [f"{column} = excluded.{column}" for column in columns if column not in self.key]
        action = f"UPDATE SET {', '.join(rest)}" if rest and not self.keeps_first else "NOTHING"
        return (
            f"INSERT INTO {table} ({', '.join(columns)})"
            f" SELECT * FROM unnest({', '.join(f'%s::{kind}[]' for kind in kinds)})"
            f" ON CONFLICT ({', '.join(self.key)}) DO {action}"
        )


def _array(values: Sequence[Any]) -> str:
    """An array literal, one a column: a third of the time that a list takes to be adapted."""
    try:
        texts = '","'.join(values)
    except TypeError:
        return "{" + ",".join(map(_element, values)) + "}"
    if "\\" in texts or texts.count('"') != 2 * (len(values) - 1):
        return "{" + ",".join(map(_element, values)) + "}"
    return '{"' + texts + '"}'


def _element(value: Any) -> str:
    if type(value) is str:
        if "\\" in value or '"' in value:
            value = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{value}"'
    if type(value) is UUID:
        return value.hex  # the dashes take longer to be put in than PostgreSQL takes to miss them
    if value is None:
        return "NULL"
    return f'"{value}"'  # int, bool, instants: their str() is what PostgreSQL reads
