"""Rows on their way into a read model's table: what was folded is what stands there."""

from datetime import UTC, date, datetime
from uuid import UUID

import psycopg
import pytest

from projections.read_model import ReadModel

AWKWARD = ['"', '""', "\\", '\\"', "{", "}", ",", '","', "NULL", "null", "", " ", "\n", "Jeanne d’Arc", "𝄞"]

everything = ReadModel(
    "everything",
    version=1,
    columns={
        "number": "int",
        "text": "text",
        "id": "uuid",
        "flag": "boolean",
        "day": "date",
        "at": "timestamptz",
    },
    key=("number",),
)


@pytest.fixture
def cursor(database_url):
    with (
        psycopg.connect(database_url, options="-c TimeZone=UTC") as connection,
        connection.cursor() as cursor,
    ):
        everything.create(cursor, "everything")
        yield cursor


def written(cursor, rows):
    everything.write(cursor, "everything", [dict(row) for row in rows])
    names = list(rows[0])
    cursor.execute(f"SELECT {', '.join(names)} FROM everything ORDER BY number")
    return [dict(zip(names, row, strict=True)) for row in cursor]


def test_texts_keep_every_character(cursor):
    rows = [{"number": number, "text": text} for number, text in enumerate(AWKWARD)]
    assert written(cursor, rows) == rows


@pytest.mark.parametrize("text", AWKWARD)
def test_a_single_text_keeps_every_character(cursor, text):
    rows = [{"number": 1, "text": text}]
    assert written(cursor, rows) == rows


@pytest.mark.parametrize("texts", [["a", None, "b"], [None], ['"', None], ["NULL", None]])
def test_what_is_missing_stays_missing(cursor, texts):
    rows = [{"number": number, "text": text} for number, text in enumerate(texts)]
    assert written(cursor, rows) == rows


def test_values_of_every_kind_arrive(cursor):
    rows = [
        {
            "number": -1,
            "text": "Zoé",
            "id": UUID("0000000a-0000-4000-8000-00000000000b"),
            "flag": True,
            "day": date(1987, 5, 14),
            "at": datetime(2025, 9, 1, 12, 0, 0, 7, tzinfo=UTC),
        },
        {"number": 2, "text": None, "id": None, "flag": None, "day": None, "at": None},
    ]
    assert written(cursor, rows) == rows


def test_a_row_that_changed_twice_in_a_batch_holds_both_changes(cursor):
    changes = [{"number": 1, "text": "first"}, {"number": 1, "flag": True}, {"number": 1, "text": "second"}]
    everything.write(cursor, "everything", changes)
    assert cursor.execute("SELECT number, text, flag FROM everything").fetchall() == [(1, "second", True)]
