"""Rows of an imported file, written where they differ: what a file does not mention stays as it is."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg import Connection
from psycopg.rows import scalar_row
from psycopg.sql import SQL, Composed, Identifier

BATCH = 1_000  # rows a transaction: a long writing one holds every reader of the log back


def upsert(table: str, key: Sequence[str], told: Sequence[str], *, revision: str | None = None) -> Composed:
    """A statement for rows of JSON. Answers, for each row that was written, whether it is new.

    told: the columns that the file mentions, besides the key. revision: a column that counts the changes.
    """
    names = {"table": Identifier(table), "key": _list(map(Identifier, key))}
    if not told:
        return SQL(
            """
            INSERT INTO {table} ({key})
            SELECT {key} FROM jsonb_populate_recordset(null::{table}, %s)
            ON CONFLICT DO NOTHING
            RETURNING true
            """
        ).format(**names)
    counted = SQL(", {0} = {1} + 1").format(Identifier(revision or ""), Identifier(table, revision or ""))
    return SQL(
        """
        INSERT INTO {table} ({key}, {told})
        SELECT {key}, {told} FROM jsonb_populate_recordset(null::{table}, %s)
        ON CONFLICT ({key}) DO UPDATE SET ({told}) = ROW ({excluded}) {counted}
          WHERE ({current}) IS DISTINCT FROM ({excluded})
        RETURNING xmax = 0  -- no transaction has touched the row before: it is new
        """
    ).format(
        **names,
        told=_list(map(Identifier, told)),
        current=_list(Identifier(table, column) for column in told),
        excluded=_list(Identifier("excluded", column) for column in told),
        counted=counted if revision else SQL(""),
    )


def write(
    connection: Connection, statement: Composed, rows: Iterable[Mapping[str, Any]], *, dry_run: bool
) -> tuple[int, int]:
    """In one transaction. How many rows are new, and how many differ from what was there.

    rows: in the order of their keys, so that two imports at once do not lock each other out.
    """
    documents = json.dumps(list(rows), default=str)
    with connection.transaction(force_rollback=dry_run), connection.cursor(row_factory=scalar_row) as cursor:
        added = cursor.execute(statement, [documents]).fetchall()
    return added.count(True), added.count(False)


def _list(parts: Iterable[Composed | Identifier]) -> Composed:
    return SQL(", ").join(parts)
