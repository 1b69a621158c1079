"""The institution's register: who may be meant, and how it is kept up to date from a file."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from psycopg.rows import class_row, dict_row
from psycopg.sql import SQL
from psycopg_pool import ConnectionPool

from domain.matching import Declared, Record
from domain.values import spellings
from infrastructure.import_file import FileRefused, Report
from infrastructure.prepared import Prepared
from infrastructure.records_file import RecordsFile
from infrastructure.upsert import BATCH, upsert, write

_RECORD = SQL("record_number, ahv_number, family_name, given_name, birth_name, birth_date, email")
_WRITTEN = SQL("{}, sex, street, postal_code, city, canton, phone").format(_RECORD)
LEAST_PEOPLE = 2  # of whom a place is known: what only one wrote might be about that person
MOST_PLACES = 5
CITIES = Prepared("""
    SELECT city FROM records WHERE postal_code = $1::text AND city IS NOT NULL
    GROUP BY city HAVING count(*) >= $2::int ORDER BY count(*) DESC, city LIMIT $3::int
""")


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

    def cities(self, postal_code: str) -> list[str]:
        """The places that the register knows under a postal code, the usual one first. Nobody is told by it."""
        return [city for (city,) in CITIES.all(self._pool, (postal_code, LEAST_PEOPLE, MOST_PLACES))]

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
        names = [column for column in ("family_name", "birth_name") if column in file.columns]
        told = [column for column in file.columns if column != "record_number"]
        statement = upsert("records", ["record_number"], told + [f"{name}_keys" for name in names])
        for rows, faults in file.batches(BATCH):
            ordered = sorted((row.values for row in rows), key=lambda values: values["record_number"])
            found = [values | {f"{name}_keys": _keys(values[name]) for name in names} for values in ordered]
            with self._pool.connection() as connection:
                report.add(rows, faults, *write(connection, statement, found, dry_run=dry_run))
            progress(rows[-1].line if rows else faults[-1][0].line, file.lines)
        progress(file.lines, file.lines)
        return report


def _keys(name: str | None) -> list[str]:
    """What a name is found by."""
    return sorted(spellings(name or ""))
