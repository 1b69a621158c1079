"""The institution's register: who may be meant, and how it is kept up to date from a file."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from psycopg import Cursor
from psycopg.rows import class_row, dict_row
from psycopg.sql import SQL, Identifier, Placeholder
from psycopg_pool import ConnectionPool

from application.ports import Effect
from domain.blocking import blocking_keys
from domain.comparing import family_names
from domain.errors import Conflict, RecordExists, RecordsNotWritable
from domain.normal_forms import name_forms
from domain.persons import Declared, Record
from domain.values import address_key, spellings
from domain.weighing import Census
from infrastructure import records_index
from infrastructure.import_file import FileRefused, Report
from infrastructure.prepared import Prepared
from infrastructure.records_file import RecordsFile
from infrastructure.records_index import RECORD
from infrastructure.upsert import BATCH, upsert, write

LEAST_PEOPLE = 2  # of whom a place is known: what only one wrote might be about that person
MOST_PLACES = 5
CITIES = Prepared("""
    SELECT city FROM records WHERE postal_code = $1::text AND city IS NOT NULL
    GROUP BY city HAVING count(*) >= $2::int ORDER BY count(*) DESC, city LIMIT $3::int
""")
SURVIVOR = """
    WITH RECURSIVE way (record_number) AS (
        SELECT merged_into FROM merged_records WHERE record_number = %s
        UNION  -- which ends where a way goes in a circle
        SELECT m.merged_into FROM way JOIN merged_records AS m USING (record_number)
    )
    SELECT record_number FROM way JOIN records USING (record_number) LIMIT 1
"""
MOST: Final = 200  # candidates; what is beyond shares less
AHV_NUMBERS: Final = 0x4D617472  # the advisory locks of whoever makes a record with one
ONE_AFTER_THE_OTHER: Final = "SELECT pg_advisory_xact_lock(%s, hashtext(%s))"
HAS_NUMBER: Final = "SELECT 1 FROM records WHERE ahv_number = %s LIMIT 1"

_WRITTEN = SQL("{}, canton").format(RECORD)
# Which they are: migration 0016. Where they are too many, those that agree in more come first.
_CANDIDATES = SQL(
    """
    SELECT {columns} FROM candidate_records(%(ahv_number)s, %(birth_date)s, %(names)s, %(keys)s::bigint[])
     ORDER BY ahv_number = %(ahv_number)s DESC NULLS LAST,
              birth_date = %(birth_date)s AND (family_name_keys && %(names)s OR birth_name_keys && %(names)s)
                DESC NULLS LAST,
              lower(email) = %(email)s DESC NULLS LAST,
              birth_date = %(birth_date)s DESC NULLS LAST,
              postal_code = %(postal_code)s DESC NULLS LAST,
              record_number
     LIMIT {most}
    """
).format(columns=RECORD, most=MOST)
_CENSUS = """
    SELECT field, form, bearers FROM name_counts
     WHERE field = 'people'
        OR field = 'family_name' AND form = ANY(%(family)s)
        OR field = 'given_name' AND form = ANY(%(given)s)
"""


class Records:
    """The register in the table `records`."""

    def __init__(self, pool: ConnectionPool, *, writable: bool = True) -> None:
        """pool: of connections in autocommit. writable: False where the register is a copy of another one."""
        self._pool = pool
        self.is_writable = writable

    def candidates(self, declared: Declared, account_address: str) -> list[Record]:
        """Those that may be the person's: they agree in AHV number, in birth date and a family name borne now or at
        birth, or share a key (domain/blocking.py). So many at most, in this order."""
        names = spellings(declared.family_name) | spellings(declared.birth_name or "")
        asked = {
            "ahv_number": declared.ahv_number,
            "birth_date": declared.birth_date,
            "names": sorted(names),
            "keys": blocking_keys(declared, account_address),
            "email": address_key(account_address),
            "postal_code": declared.postal_code,
        }
        with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(Record)) as cursor,
        ):
            return cursor.execute(_CANDIDATES, asked).fetchall()

    def census(self, declared: Declared) -> Census:
        """How many people there are, and how many bear the names that were declared, as last counted."""
        asked = {
            "family": sorted(
                frozenset().union(*(name_forms(name) for name in family_names(declared) if name))
            ),
            "given": sorted(name_forms(declared.given_name)),
        }
        bearers: dict[str, dict[str, int]] = {"people": {}, "family_name": {}, "given_name": {}}
        with self._pool.connection() as connection:
            for field, form, count in connection.execute(_CENSUS, asked):
                bearers[field][form] = count
        return Census(bearers.pop("people").get("", 0), bearers)

    def complete_keys(self) -> int:
        """Make the keys of records that have none: of an earlier version, or changed by hand. How many they were."""
        return records_index.complete(self._pool)

    def count_names(self) -> None:
        records_index.count_names(self._pool)

    def sample(self, size: int) -> list[Record]:
        """So many records, or all: always the same ones, in an order that says nothing. Reads the whole register."""
        query = SQL("SELECT {} FROM records ORDER BY md5(record_number), record_number LIMIT %s").format(
            RECORD
        )
        with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(Record)) as cursor,
        ):
            return cursor.execute(query, [size]).fetchall()

    def get(self, record_number: str) -> Record | None:
        query = SQL("SELECT {columns} FROM records WHERE record_number = %s").format(columns=RECORD)
        with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(Record)) as cursor,
        ):
            return cursor.execute(query, [record_number]).fetchone()

    def create(self, record: Record, canton: str) -> Effect:
        """Raises RecordsNotWritable. The effect raises RecordExists where the register has the AHV number, and Conflict
        where the record's own is in use.
        """
        if not self.is_writable:
            raise RecordsNotWritable
        row = {
            **vars(record),
            "canton": canton,
            "family_name_keys": _keys(record.family_name),
            "birth_name_keys": _keys(record.birth_name),
            "match_keys": blocking_keys(record, record.email),
        }
        insert = SQL("INSERT INTO records ({}) VALUES ({}) ON CONFLICT DO NOTHING").format(
            SQL(", ").join(map(Identifier, row)), SQL(", ").join(map(Placeholder, row))
        )

        def store(cursor: Cursor) -> None:
            if record.ahv_number:
                cursor.execute(ONE_AFTER_THE_OTHER, [AHV_NUMBERS, record.ahv_number])
                if cursor.execute(HAS_NUMBER, [record.ahv_number]).fetchone():
                    raise RecordExists
            if not cursor.execute(insert, row).rowcount:
                raise Conflict

        return store

    def many(self, record_numbers: Iterable[str]) -> dict[str, Record]:
        query = SQL("SELECT {columns} FROM records WHERE record_number = ANY(%s)").format(columns=RECORD)
        with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(Record)) as cursor,
        ):
            found = cursor.execute(query, [list(record_numbers)])
            return {record.record_number: record for record in found}

    def survivor(self, record_number: str) -> str | None:
        """The record that one which is gone was made one with, also by way of others; None: it is simply gone."""
        with self._pool.connection() as connection:
            found = connection.execute(SURVIVOR, [record_number]).fetchone()
        return found and found[0]

    def known(self, record_numbers: Sequence[str]) -> frozenset[str]:
        if not record_numbers:
            return frozenset()
        query = "SELECT record_number FROM records WHERE record_number = ANY(%s)"
        with self._pool.connection() as connection:
            return frozenset(number for (number,) in connection.execute(query, [list(record_numbers)]))

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
        names: Mapping[str, str] | None = None,
        report: Report | None = None,
    ) -> Report:
        """Add and update records from a file; what it does not mention, columns or records, stays as it is.

        A line is taken whole or not at all, and a file whose header is wrong not at all. Batches are
        transactions of their own: a run that broke off is simply run again. today: where the future begins.
        progress: called with the lines done and the lines in all. names: how the file calls columns → ours.
        report: one to go on with, that can be looked at meanwhile. Raises OSError where there is no such file.
        """
        report = report or Report()
        try:
            file = RecordsFile(path, today=today, names=names)
        except FileRefused as refused:
            report.refuse(refused.refusals)
            return report
        names = [column for column in ("family_name", "birth_name") if column in file.columns]
        told = [column for column in file.columns if column != "record_number"]
        # Of a file that tells all that they are made of, keys are written at once; else when the row is whole.
        keyed = set(told) >= records_index.SOURCES
        if not dry_run:
            self.complete_keys()  # or rows without would pass for changed ones
        written = told + [f"{name}_keys" for name in names] + ["match_keys"] * keyed
        statement = upsert("records", ["record_number"], written)
        for rows, faults in file.batches(BATCH, after=report.line):
            ordered = sorted((row.values for row in rows), key=lambda values: values["record_number"])
            found = [values | {f"{name}_keys": _keys(values[name]) for name in names} for values in ordered]
            if keyed:
                found = [values | {"match_keys": records_index.keys_of(values)} for values in found]
            with self._pool.connection() as connection:
                report.add(rows, faults, *write(connection, statement, found, dry_run=dry_run))
            if not dry_run:
                self.complete_keys()
            progress(report.line, file.lines)
        if not dry_run:
            self.count_names()
        progress(file.lines, file.lines)
        return report


def _keys(name: str | None) -> list[str]:
    """What a name is found by."""
    return sorted(spellings(name or ""))
