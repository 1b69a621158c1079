"""Whole commands from Python, load, decide, seal and append, against the library's Application.save."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from uuid import UUID

import clients
import crowd
import psycopg
from append import stock_environment
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from figures import Figure, at_least, interleaved
from people import NOON
from servers import migrated_database
from services import new_database
from write_side import KEYRING, nothing

from domain.values import SYSTEM
from infrastructure.database import open_pool
from infrastructure.event_store import EventStore

PROCESSES, THREADS = 2, 8
ROUNDS = 3
SECONDS = 2.0
PEOPLE_A_ROUND = 10_000  # more than can be linked in the seconds of a round


def measure(server: str) -> list[Figure]:
    with migrated_database(server) as ours, new_database(server) as theirs:
        crowd.settle(ours, PEOPLE_A_ROUND * ROUNDS)
        with psycopg.connect(ours, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        with _stock(theirs, create_table=True):
            pass
        fresh = (range(first, first + PEOPLE_A_ROUND) for first in count(0, PEOPLE_A_ROUND))
        contenders = {
            "link": lambda: _rate(links, ours, next(fresh)),
            "password": partial(_rate, password_changes, ours),
            "Application.save": partial(_rate, saves, theirs),
            "stock load and save": partial(_rate, loads_and_saves, theirs),
        }
        rates = interleaved(contenders, ROUNDS)
    floors = {name: rates[name] for name in ("Application.save", "stock load and save")}
    wanted = at_least(3, of="Application.save")
    return [
        Figure("command, two loads, two sealed fields", rates["link"], "/s", wanted, floors),
        Figure("  command, one load, nothing to seal", rates["password"], "/s", floors=floors),
    ]


def _rate(job: clients.Job, *more: object) -> float:
    return clients.rate(job, *more, processes=PROCESSES, threads=THREADS, seconds=SECONDS)


@contextmanager
def links(process: int, threads: int, conninfo: str, numbers: range) -> Iterator[list[clients.Step]]:
    """Each step links one more person's profile to a record."""
    own = iter(numbers[process::PROCESSES])

    def link(store: EventStore) -> None:
        number = next(own)
        profile = store.profile(store.account(crowd.account_id(number)).profile_id)
        profile.link_at_once(f"R-{number:06}", actor=SYSTEM, now=NOON)
        store.record(profile)

    with _store(conninfo, threads) as store:
        yield [partial(link, store)] * threads


@contextmanager
def password_changes(process: int, threads: int, conninfo: str) -> Iterator[list[clients.Step]]:
    """Each step notes that one more person's password was changed, in turns."""
    numbers = count(process, PROCESSES)

    def change(store: EventStore) -> None:
        account = store.account(crowd.account_id(next(numbers) % (PEOPLE_A_ROUND * ROUNDS)))
        account.change_password(actor=account.id, now=NOON)
        store.record(account)

    with _store(conninfo, threads) as store:
        yield [partial(change, store)] * threads


@contextmanager
def _store(conninfo: str, threads: int) -> Iterator[EventStore]:
    with open_pool(conninfo, size=threads, name="benchmark") as pool:
        yield EventStore(pool, KEYRING, after_append=nothing)


class Thing(Aggregate):
    """The least that can be saved."""

    class Touched(Aggregate.Event):
        pass

    def touch(self) -> None:
        self.trigger_event(self.Touched)


@contextmanager
def saves(_process: int, threads: int, conninfo: str) -> Iterator[list[clients.Step]]:
    with _stock(conninfo, threads) as application:
        yield [lambda: application.save(Thing())] * threads


@contextmanager
def loads_and_saves(_process: int, threads: int, conninfo: str) -> Iterator[list[clients.Step]]:
    """Each step loads one of many, in turns, and saves one more event of it."""
    with _stock(conninfo, threads) as application:
        things = [Thing() for _ in range(1_000)]
        application.save(*things)
        numbers = count()

        def touch() -> None:
            thing = application.repository.get(_id(things, next(numbers)))
            thing.touch()
            application.save(thing)

        yield [touch] * threads


def _id(things: list[Thing], number: int) -> UUID:
    return things[number % len(things)].id


@contextmanager
def _stock(conninfo: str, threads: int = 1, *, create_table: bool = False) -> Iterator[Application]:
    where = stock_environment(conninfo)
    os.environ.update({name: value for name, value in where.items() if name.startswith("PG")})
    pool = {"POSTGRES_POOL_SIZE": str(threads), "POSTGRES_MAX_OVERFLOW": str(threads)}
    kind = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "CREATE_TABLE": "y" if create_table else "n",  # two processes at once would trip over each other
    }
    with Application(where | pool | kind) as application:
        yield application
