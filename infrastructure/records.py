"""The institution's register: who may be meant, and how it is kept up to date from a file."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, islice
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, dict_row, scalar_row
from psycopg.sql import SQL, Composed, Identifier
from psycopg_pool import ConnectionPool

from domain.matching import Declared, Record
from domain.values import spellings
from infrastructure.records_file import FileRefused, RecordsFile, Refusal, Row
from infrastructure.translations import table, text

BATCH = 1_000  # rows a transaction: a long writing one holds every reader of the log back

_RECORD = SQL("record_number, ahv_number, family_name, given_name, birth_name, birth_date, email")
_WRITTEN = SQL("{}, sex, street, postal_code, city, canton, phone").format(_RECORD)


@dataclass
class Report:
    """What an import did, or in a dry run would do, in lines; `refused` has an entry for each fault."""

    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[Refusal] = field(default_factory=list)

    def as_dict(self, locale: str) -> dict[str, object]:
        return {
            "read": self.read,
            "added": self.added,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "refused": [
                {
                    "line": refusal.line,
                    "field": refusal.field,
                    "code": refusal.code,
                    "why": _why(refusal, locale),
                }
                for refusal in self.refused
            ],
        }


def _why(refusal: Refusal, locale: str) -> str:
    of_the_file = refusal.code in table(locale, "codes", "records-file")
    place = ("codes", "records-file") if of_the_file else ("problems", "fields")
    return text(locale, *place, refusal.code, **refusal.details)


class Records:
    """The register in the table `records`."""

    def __init__(self, pool: ConnectionPool) -> None:
        """pool: of connections in autocommit."""
        self._pool = pool

    def candidates(self, declared: Declared) -> list[Record]:
        """All that agree in AHV number, or in birth date and a family name borne now or at birth."""
        query = SQL(
            """
            SELECT {columns} FROM records
             WHERE ahv_number = %(ahv_number)s
                OR birth_date = %(birth_date)s
                   AND (family_name_keys && %(names)s OR birth_name_keys && %(names)s)
             ORDER BY record_number
            """
        ).format(columns=_RECORD)
        names = spellings(declared.family_name) | spellings(declared.birth_name or "")
        asked = {
            "ahv_number": declared.ahv_number,
            "birth_date": declared.birth_date,
            "names": sorted(names),
        }
        with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(Record)) as cursor,
        ):
            return cursor.execute(query, asked).fetchall()

    def get(self, record_number: str) -> Record | None:
        query = SQL("SELECT {columns} FROM records WHERE record_number = %s").format(columns=_RECORD)
        with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(Record)) as cursor,
        ):
            return cursor.execute(query, [record_number]).fetchone()

    def written(self, record_number: str) -> dict[str, Any] | None:
        """All that the register says of somebody, by column; None is unknown."""
        query = SQL("SELECT {columns} FROM records WHERE record_number = %s").format(columns=_WRITTEN)
        with self._pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, [record_number]).fetchone()

    def import_file(
        self,
        path: Path,
        *,
        today: date,
        dry_run: bool = False,
        progress: Callable[[int, int], None] = lambda done, lines: None,
    ) -> Report:
        """Add and update records from a file; what it does not mention, columns or records, stays as it is.

        A line is taken whole or not at all, and a file whose header is wrong not at all. Batches are
        transactions of their own: a run that broke off is simply run again. today: where the future begins.
        progress: called with the lines done and the lines in all. Raises OSError where there is no such file.
        """
        report = Report()
        try:
            file = RecordsFile(path, today=today)
        except FileRefused as refused:
            report.refused.extend(refused.refusals)
            return report
        upsert = _upsert(file.columns)
        lines = iter(file)
        while batch := list(islice(lines, BATCH)):
            rows = [line for line in batch if isinstance(line, Row)]
            faults = [line for line in batch if isinstance(line, list)]
            with self._pool.connection() as connection:
                added, changed = _write(connection, upsert, rows, dry_run=dry_run)
            report.read += len(batch)
            report.added += added
            report.changed += changed
            report.unchanged += len(rows) - added - changed
            report.refused.extend(chain.from_iterable(faults))
            progress(rows[-1].line if rows else faults[-1][0].line, file.lines)
        progress(file.lines, file.lines)
        return report


def _write(connection: Connection, upsert: Composed, rows: list[Row], *, dry_run: bool) -> tuple[int, int]:
    """How many rows are new, and how many differ from what was there."""
    # In the order of their keys, so that two imports at once do not lock each other out.
    documents = sorted(
        (_document(row.values) for row in rows), key=lambda document: document["record_number"]
    )
    with connection.transaction(force_rollback=dry_run), connection.cursor(row_factory=scalar_row) as cursor:
        added = cursor.execute(upsert, [json.dumps(documents)]).fetchall()
    return added.count(True), added.count(False)


def _document(values: dict[str, str | date | None]) -> dict[str, object]:
    """A row as JSON, its names with the keys they are found by."""
    document = {column: str(value) if isinstance(value, date) else value for column, value in values.items()}
    for name in ("family_name", "birth_name"):
        if name in values:
            document[f"{name}_keys"] = sorted(spellings(values[name] or ""))
    return document


def _upsert(columns: tuple[str, ...]) -> Composed:
    """Write the columns that the file mentions. Answers, for each row that was written, whether it is new."""
    keys = [f"{name}_keys" for name in ("family_name", "birth_name") if name in columns]
    told = [column for column in columns if column != "record_number"] + keys
    if not told:
        return SQL(
            """
            INSERT INTO records (record_number)
            SELECT record_number FROM jsonb_populate_recordset(null::records, %s)
            ON CONFLICT DO NOTHING
            RETURNING true
            """
        )
    return SQL(
        """
        INSERT INTO records (record_number, {told})
        SELECT record_number, {told} FROM jsonb_populate_recordset(null::records, %s)
        ON CONFLICT (record_number) DO UPDATE SET ({told}) = ROW ({excluded})
          WHERE ({current}) IS DISTINCT FROM ({excluded})
        RETURNING xmax = 0  -- no transaction has touched the row before: it is new
        """
    ).format(
        told=SQL(", ").join(map(Identifier, told)),
        current=SQL(", ").join(Identifier("records", column) for column in told),
        excluded=SQL(", ").join(Identifier("excluded", column) for column in told),
    )
