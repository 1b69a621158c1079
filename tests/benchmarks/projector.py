"""Folding 200,000 events into all read models together, from position 0."""

import time
from collections.abc import Callable, Sequence
from functools import partial

import crowd
import psycopg
from figures import Figure, at_least, interleaved
from psycopg import Connection
from servers import migrated_database
from write_side import KEYRING

from infrastructure.bootstrap import READ_MODELS
from infrastructure.event_mapper import opener
from infrastructure.event_store import HORIZON
from projections.directory import directory
from projections.projector import ENDLESS, Projector, read_batch
from projections.read_model import ReadModel
from projections.rebuild import rebuild

EVENTS = 200_000
ROUNDS = 3
TABLES = ", ".join(model.name for model in READ_MODELS if model.rebuildable)
FORGET = f"DROP TABLE IF EXISTS {TABLES}; TRUNCATE outbox, projections, parked_streams"
READABLE = f"SELECT max(e.position) < {HORIZON} FROM events AS e, log_offset AS o GROUP BY o.shift"
PATIENCE = 60.0  # s


def measure(server: str) -> list[Figure]:
    with migrated_database(server) as database:
        crowd.fill(database, EVENTS)
        with psycopg.connect(database, autocommit=True, options="-c TimeZone=UTC") as connection:
            connection.execute("VACUUM ANALYZE")
            events = events_of(connection)
            readable(connection)
            folds = {
                "all": partial(fold_all_of, connection, READ_MODELS),
                "directory": lambda: rebuild(connection, directory, opener(KEYRING)),
                "reading": partial(_read, connection),
            }
            rates = interleaved({name: partial(_rate, events, fold) for name, fold in folds.items()}, ROUNDS)
    reading = {"reading alone": rates["reading"]}
    return [
        Figure(
            f"projector, {len(READ_MODELS)} read models", rates["all"], "events/s", at_least(20_000), reading
        ),
        Figure("  rebuild of one, directory", rates["directory"], "events/s", floors=reading),
    ]


def _rate(events: int, fold: Callable[[], int]) -> float:
    """Events a second. fold: says how many it folded."""
    started = time.perf_counter()
    folded = fold()
    if folded < events:
        raise RuntimeError(f"{folded} of {events} events were read")
    return folded / (time.perf_counter() - started)


def readable(connection: Connection) -> None:
    """Until no writing transaction on this server, of whomever, is older than the log."""
    deadline = time.monotonic() + PATIENCE
    while not connection.execute(READABLE).fetchone()[0]:
        if time.monotonic() > deadline:
            raise RuntimeError("a long writing transaction on this server holds readers back")
        time.sleep(0.1)


def events_of(connection: Connection) -> int:
    (events,) = connection.execute("SELECT count(*) FROM events").fetchone()
    return events


def fold_all(connection: Connection, models: Sequence[ReadModel], events: int) -> float:
    """Events a second."""
    return _rate(events, partial(fold_all_of, connection, models))


def fold_all_of(connection: Connection, models: Sequence[ReadModel]) -> int:
    connection.execute(FORGET)
    projector = Projector(connection, models, opener(KEYRING))
    projector.prepare()
    return sum(iter(projector.advance, 0))


def _read(connection: Connection) -> int:
    position = read = 0
    while facts := read_batch(connection, position, ENDLESS, opener(KEYRING)):
        position, read = facts[-1].position, read + len(facts)
    return read
