"""Appending one event a transaction: our statement against a plain INSERT, and against the library's own recorder."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from uuid import UUID, uuid4

import clients
import pgbench
import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from figures import Figure, at_least, at_most, interleaved
from psycopg.conninfo import conninfo_to_dict
from servers import migrated_database
from services import new_database

from infrastructure.database import open_pool
from infrastructure.event_mapper import SealedEvent
from infrastructure.event_store import LocklessRecorder, _append_few

CLIENTS = 16
ROUNDS = 4
PERSONS = 10_000
TOPIC = "profile.record-linked"
STATE = b'{"actor":"00000000-0000-4000-8000-000000000001","sealed":{"record_number":"%s"}}' % (b"A" * 300)

# The same columns, types and indices as ours, with a sequence as position: what an append costs at least.
PLAIN_TABLE = "CREATE TABLE plain (LIKE events INCLUDING ALL); CREATE SEQUENCE plain_position"
PLAIN = """
    INSERT INTO plain (originator_id, originator_version, topic, state, account_id, position, recorded_at)
    VALUES ($1::uuid, $2::bigint, $3::text, $4::bytea, $5::uuid, nextval('plain_position'), clock_timestamp())
    RETURNING position, recorded_at
"""
KEYS = """
    INSERT INTO data_keys (person, generation, wrapped)
    SELECT lpad(to_hex(number), 32, '0')::uuid, 1, decode(repeat('00', 60), 'hex') FROM generate_series(1, %s) AS number
"""
SOMEBODY = "lpad(to_hex(:person::bigint), 32, '0')::uuid"
EVENT = ["gen_random_uuid()", "1", f"'{TOPIC}'", ":state", SOMEBODY]


def measure(server: str) -> list[Figure]:
    statements = {
        "sealed": _script(_append_few(1, True).text, *EVENT, SOMEBODY),
        "not sealed": _script(_append_few(1, False).text, *EVENT),
        "plain insert": _script(PLAIN, *EVENT),
    }
    waits = {name: pgbench.LockWaits() for name in statements}
    with _own_database(server) as sealed, _own_database(server) as unsealed, _own_database(server) as plain:
        databases = dict(zip(statements, (sealed, unsealed, plain), strict=True))

        def run(name: str) -> float:
            with waits[name].sampled(databases[name]):
                return pgbench.rate(
                    databases[name],
                    statements[name],
                    {"state": "\\x" + STATE.hex()},
                    clients=CLIENTS,
                    seconds=3,
                )

        rates = interleaved({name: partial(run, name) for name in statements}, ROUNDS)
    floor = {"plain insert": rates["plain insert"]}
    python = _from_python(server)
    return [
        Figure("append, key locked", rates["sealed"], "/s", at_least(0.9, of="plain insert"), floor),
        Figure("append, no key to lock", rates["not sealed"], "/s", at_least(0.9, of="plain insert"), floor),
        Figure(
            "  lock waits",
            waits["sealed"].percent,
            "%",
            at_most(max(waits["plain insert"].percent, 0.5)),
            {"plain insert": waits["plain insert"].percent},
        ),
        Figure(
            "append from Python", python["ours"], "/s", floors={"stock recorder": python["stock recorder"]}
        ),
    ]


@contextmanager
def _own_database(server: str) -> Iterator[str]:
    """Of each statement, so that all tables grow alike."""
    with migrated_database(server) as database:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(PLAIN_TABLE)
            connection.execute(KEYS, (PERSONS,))
            connection.execute("VACUUM ANALYZE")
        yield database


def _script(statement: str, *values: str) -> str:
    """A statement of ours as pgbench takes it: on one line, with values that it makes itself."""
    for number, value in enumerate(values, 1):
        statement = statement.replace(f"${number}", value)
    return f"\\set person random(1, {PERSONS})\n{' '.join(statement.split())};\n"


def _from_python(server: str) -> dict[str, float]:
    with _own_database(server) as ours, new_database(server) as theirs:
        with stock_recorder(theirs, 1) as recorder:
            recorder.create_table()
        contenders = {
            "ours": partial(clients.rate, our_appends, ours),
            "stock recorder": partial(clients.rate, stock_appends, theirs),
        }
        return interleaved(contenders, 2)


@contextmanager
def our_appends(_number: int, threads: int, conninfo: str) -> Iterator[list[clients.Step]]:
    pool = open_pool(conninfo, size=threads, name="benchmark")
    recorder = LocklessRecorder(pool)

    def append() -> None:
        person = UUID(int=random.randint(1, PERSONS))
        recorder.commit([SealedEvent(uuid4(), 1, TOPIC, STATE, person, 1, b"")])

    with pool:
        yield [append] * threads


@contextmanager
def stock_appends(_number: int, threads: int, conninfo: str) -> Iterator[list[clients.Step]]:
    with stock_recorder(conninfo, threads) as recorder:
        yield [lambda: recorder.insert_events([StoredEvent(uuid4(), 1, TOPIC, STATE)])] * threads


@contextmanager
def stock_recorder(conninfo: str, connections: int) -> Iterator[PostgresApplicationRecorder]:
    where = stock_environment(conninfo)
    os.environ.update({name: value for name, value in where.items() if name.startswith("PG")})
    datastore = PostgresDatastore(
        *(where[f"POSTGRES_{name}"] for name in ("DBNAME", "HOST", "PORT", "USER", "PASSWORD")),
        pool_size=connections,
        max_overflow=connections,
    )
    with datastore:
        yield PostgresApplicationRecorder(datastore)


def stock_environment(conninfo: str) -> dict[str, str]:
    """A connection string as the library wants it, and as libpq does for what the library has no word for."""
    parts = conninfo_to_dict(conninfo)
    return {
        "POSTGRES_DBNAME": parts["dbname"],
        "POSTGRES_HOST": parts.get("host", ""),
        "POSTGRES_PORT": str(parts.get("port", 5432)),
        "POSTGRES_USER": parts.get("user", ""),
        "POSTGRES_PASSWORD": parts.get("password", ""),
        **({"PGPASSFILE": parts["passfile"]} if "passfile" in parts else {}),
    }
