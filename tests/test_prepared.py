"""Questions put to PostgreSQL in one call."""

from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest

from infrastructure.database import open_pool
from infrastructure.prepared import Prepared

ID = UUID("0e0a5a3c-2f0b-4a53-9f3e-0a3a5b1c2d3e")
NOON = datetime(2025, 9, 1, 12, tzinfo=UTC)

ECHO = Prepared("SELECT $1::uuid, $2::timestamptz, $3::bytea, ARRAY['a', NULL]")
NOTHING = Prepared("SELECT 1 WHERE $1::int = 2")
FAULTY = Prepared("SELECT 1 / $1::int")
WHO = Prepared("SELECT pg_backend_pid(), $1::int")


@pytest.fixture
def pool(database_url):
    with open_pool(database_url, size=2, name="test") as pool:
        yield pool


def test_values_come_back_as_psycopg_gives_them(pool):
    assert ECHO.one(pool, (ID, NOON, b"\0\xff")) == (ID, NOON, b"\0\xff", ["a", None])
    assert ECHO.one(pool, (ID, NOON, b"")) == (ID, NOON, b"", ["a", None])


def test_no_row_is_none(pool):
    assert NOTHING.one(pool, (1,)) is None
    assert NOTHING.one(pool, (2,)) == (1,)


def test_a_refusal_is_psycopgs_own_and_harms_no_connection(pool):
    for _ in range(5):
        with pytest.raises(psycopg.errors.DivisionByZero):
            FAULTY.one(pool, (0,))
    assert FAULTY.one(pool, (1,)) == (1,)


def test_a_connection_that_forgot_the_statement_is_taught_it_again(pool):
    ECHO.one(pool, (ID, NOON, b""))
    with pool.connection() as connection:
        connection.execute("DEALLOCATE ALL")

    assert ECHO.one(pool, (ID, NOON, b""))


def test_a_lost_connection_is_said_and_the_next_question_has_another(pool, database_url):
    pid, _ = WHO.one(pool, (1,))
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))

    with pytest.raises(psycopg.OperationalError):
        WHO.one(pool, (1,))
    assert WHO.one(pool, (1,))[0] != pid
