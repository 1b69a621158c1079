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
NUMBER = Prepared("SELECT $1::bigint")
TABLE = Prepared("SELECT to_regclass('seen')::text")
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


def test_it_outlives_that_psycopg_forgets_all_statements_after_a_rollback(pool):
    with pool.connection() as connection:
        connection.execute("SELECT 1", prepare=True)
        ECHO.on(connection, (ID, NOON, b""))
        with connection.transaction(force_rollback=True):
            connection.execute("SELECT 2")
        with connection.transaction():
            assert ECHO.on(connection, (ID, NOON, b""))


def test_a_number_may_grow(pool):
    assert NUMBER.one(pool, (1,)) == (1,)
    assert NUMBER.one(pool, (1 << 60,)) == (1 << 60,)


def test_in_a_transaction_it_is_part_of_it(pool):
    with pool.connection() as connection, connection.transaction(force_rollback=True):
        connection.execute("CREATE TABLE seen (number int)")
        assert Prepared("INSERT INTO seen VALUES ($1) RETURNING number").on(connection, (1,)) == [(1,)]
    assert TABLE.one(pool) == (None,)


def test_a_lost_connection_is_said_and_the_next_question_has_another(pool, database_url):
    pid, _ = WHO.one(pool, (1,))
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))

    with pytest.raises(psycopg.OperationalError):
        WHO.one(pool, (1,))
    assert WHO.one(pool, (1,))[0] != pid
