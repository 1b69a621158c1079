"""What the register is searched and weighed by: the keys of each record, and how many people bear a name."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, Final

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.sql import SQL, Identifier
from psycopg_pool import ConnectionPool

from domain.blocking import blocking_keys
from domain.normal_forms import name_forms
from domain.persons import Record
from infrastructure.upsert import BATCH

# What keys are made of; the trigger of migration 0016 knows them too.
SOURCES: Final = frozenset(
    ("family_name", "given_name", "birth_name", "birth_date", "street", "postal_code", "email", "phone")
)
RECORD = SQL(", ").join(Identifier(field.name) for field in fields(Record))

WITHOUT_KEYS = SQL(
    "SELECT {} FROM records WHERE match_keys IS NULL ORDER BY record_number LIMIT {} FOR UPDATE SKIP LOCKED"
).format(RECORD, BATCH)
WRITE_KEYS = """
    UPDATE records SET match_keys = made.match_keys
      FROM jsonb_populate_recordset(null::records, %s) AS made
     WHERE records.record_number = made.record_number
"""
# A name and how many bear it, as it is written. `people`: the register itself.
NAMES = """
    SELECT 'family_name', family_name, count(*) FROM records WHERE family_name IS NOT NULL GROUP BY family_name
    UNION ALL
    SELECT 'family_name', birth_name, count(*) FROM records WHERE birth_name IS NOT NULL GROUP BY birth_name
    UNION ALL
    SELECT 'given_name', given_name, count(*) FROM records WHERE given_name IS NOT NULL GROUP BY given_name
    UNION ALL
    SELECT 'people', '', count(*) FROM records
"""
REPLACE = (
    "LOCK TABLE name_counts IN SHARE ROW EXCLUSIVE MODE",  # two imports at once end one after the other
    "DELETE FROM name_counts",
)
INSERT = """
    INSERT INTO name_counts (field, form, bearers)
    SELECT field, form, bearers FROM jsonb_populate_recordset(null::name_counts, %s)
"""


def keys_of(values: Mapping[str, Any]) -> list[int]:
    """values: of all SOURCES, by column."""
    record = Record(**{field.name: values.get(field.name) for field in fields(Record)})
    return blocking_keys(record, record.email)


def keep_up(pool: ConnectionPool) -> None:
    """What an import leaves behind it, where there was none: after an upgrade, a restore, or a change by hand."""
    with pool.connection() as connection:
        (counted,) = connection.execute("SELECT EXISTS (SELECT FROM name_counts)").fetchone()
    if complete(pool) or not counted:
        count_names(pool)


def complete(pool: ConnectionPool) -> int:
    """Make the keys of all records that have none, in short transactions. How many; safe to run at the same time."""
    done = 0
    with pool.connection() as connection:
        while made := _complete_some(connection):
            done += made
    return done


def _complete_some(connection: Connection) -> int:
    with connection.transaction(), connection.cursor(row_factory=class_row(Record)) as cursor:
        records = cursor.execute(WITHOUT_KEYS).fetchall()
        made = [
            {"record_number": record.record_number, "match_keys": blocking_keys(record, record.email)}
            for record in records
        ]
        if made:
            cursor.execute(WRITE_KEYS, [json.dumps(made)])
    return len(made)


def count_names(pool: ConnectionPool) -> None:
    """Count anew. What is read and reckoned stands before the transaction, which would hold readers of the log back."""
    with pool.connection() as connection:
        counted = _by_form(connection.execute(NAMES))
        rows = [
            {"field": field, "form": form, "bearers": bearers}
            for (field, form), bearers in sorted(counted.items())
        ]
        with connection.transaction():
            for statement in REPLACE:
                connection.execute(statement)
            connection.execute(INSERT, [json.dumps(rows)])


def _by_form(names: Iterable[tuple[str, str, int]]) -> Counter[tuple[str, str]]:
    counted: Counter[tuple[str, str]] = Counter()
    for field, name, bearers in names:
        for form in name_forms(name) if name else [""]:
            counted[field, form] += bearers
    return counted
