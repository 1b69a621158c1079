"""What proofs cost: the tree's upkeep, an event until it is proved, a proof in a large tree, checking all of it."""

import os
import random
import threading
import time
from collections.abc import Callable
from functools import partial
from tempfile import TemporaryDirectory

import crowd
import psycopg
from figures import Figure, at_least, at_most, interleaved, percentile
from projector import events_of, fold_all, readable
from psycopg import Connection
from servers import migrated_database
from tree_side import SIGNER
from visible import projecting
from write_side import KEYRING

from domain import merkle
from infrastructure.bootstrap import READ_MODELS, Service, service
from infrastructure.event_mapper import opener
from infrastructure.proofs import NotInTree
from infrastructure.reconcile import reconcile
from infrastructure.settings import Settings
from infrastructure.verify_all import verify_all
from projections.tree import WIDTH, Tree, grown, place_of, tree

EVENTS = 200_000
ROUNDS = 3
LARGE, LARGEST = 1_000_000, 10_000_000  # leaves
PROOFS = 2000
A_SECOND, SECONDS, ASKED = 500, 10, 20  # events a second; how many of them are asked for each second


def measure(server: str) -> list[Figure]:
    return [*_upkeep(server), *_provable(server), *_in_a_large_tree(server)]


def _upkeep(server: str) -> list[Figure]:
    with migrated_database(server) as database:
        crowd.fill(database, EVENTS)
        with psycopg.connect(database, autocommit=True, options="-c TimeZone=UTC") as connection:
            connection.execute("VACUUM ANALYZE")
            events = events_of(connection)
            readable(connection)
            others = [model for model in READ_MODELS if model is not tree]
            rates = interleaved(
                {
                    "without": lambda: fold_all(connection, others, events),
                    "with": lambda: fold_all(connection, READ_MODELS, events),
                },
                ROUNDS,
            )
            checking = interleaved(
                {
                    "verify-all": lambda: _rate(events, partial(verify_all, connection, SIGNER.verifier)),
                    "reconcile": lambda: _rate(events, lambda: list(_reconciled(database))),
                },
                ROUNDS,
            )
    return [
        Figure(
            "projector with the tree",
            rates["with"],
            "events/s",
            at_least(0.85, of="without the tree"),
            {"without the tree": rates["without"]},
        ),
        Figure("verify-all", checking["verify-all"], "events/s", at_least(20_000)),
        Figure("reconcile", checking["reconcile"], "events/s", at_least(20_000)),
    ]


def _reconciled(database: str) -> object:
    models = [model for model in READ_MODELS if model.rebuildable and not model.complete]
    return reconcile(database, models, opener(KEYRING))


def _rate(events: int, check: Callable[[], object]) -> float:
    started = time.perf_counter()
    found = check()
    if found and not getattr(found, "ok", False):
        raise RuntimeError("log and tables disagree")
    return events / (time.perf_counter() - started)


def _provable(server: str) -> list[Figure]:
    """From the commit of an event to a proof of it against a signed checkpoint."""
    with migrated_database(server) as database, TemporaryDirectory() as home:
        settings = Settings.from_environment({"MATRICULE_HOME": home, "MATRICULE_DEMO": "1"})
        with service(settings, database) as parts, projecting(parts):
            seconds = _proved(parts)
    return [Figure(f"event to proof at {A_SECOND}/s, p99", percentile(seconds, 0.99), "s", at_most(1))]


def _proved(parts: Service) -> list[float]:
    committed: list[tuple[int, float]] = []
    first = parts.store.record(crowd.an_account(A_SECOND * SECONDS, parts.clock.now()))
    parts.watermark.wait(["tree"], first.position)
    begin = time.perf_counter()

    def write() -> None:
        for number in range(A_SECOND * SECONDS):
            time.sleep(max(0.0, begin + number / A_SECOND - time.perf_counter()))
            saved = parts.store.record(crowd.an_account(number, parts.clock.now()))
            if number % (A_SECOND // ASKED) == 0:
                committed.append((saved.position, time.perf_counter()))

    writer = threading.Thread(target=write)
    writer.start()
    seconds = []
    while len(seconds) < ASKED * SECONDS:
        if len(committed) == len(seconds):
            time.sleep(0.001)
            continue
        position, at = committed[len(seconds)]
        try:
            parts.proofs.inclusion(position)
            seconds.append(time.perf_counter() - at)
        except NotInTree:
            time.sleep(0.001)
    writer.join()
    return seconds


def _in_a_large_tree(server: str) -> list[Figure]:
    with migrated_database(server) as database, TemporaryDirectory() as home:
        settings = Settings.from_environment({"MATRICULE_HOME": home, "MATRICULE_DEMO": "1"})
        with service(settings, database) as parts:
            with psycopg.connect(database, autocommit=True) as connection:
                _plant(connection, LARGE)
                connection.execute("VACUUM ANALYZE tree")
            seconds = [_timed(partial(_prove, parts.tree, LARGE)) for _ in range(PROOFS)]
    reads = {size: max(_tiles_read(size) for _ in range(PROOFS)) for size in (1000, LARGE, LARGEST)}
    return [
        Figure(
            f"inclusion proof of {LARGE:,} leaves, p99", 1000 * percentile(seconds, 0.99), "ms", at_most(10)
        ),
        Figure(
            f"  rows read for one of {LARGEST:,}",
            reads[LARGEST],
            "rows",
            at_most(8),
            {f"of {LARGE:,}": reads[LARGE], "of 1,000": reads[1000]},
        ),
    ]


def _plant(connection: Connection, leaves: int) -> None:
    """A tree of random leaves, as large as a log of many years."""
    with connection.transaction(), connection.cursor() as cursor:
        tree.create(cursor, "tree")
        ends: dict[int, tuple[int, bytes]] = {}
        for first in range(0, leaves, 16 * WIDTH):
            added = [os.urandom(merkle.SIZE) for _ in range(min(16 * WIDTH, leaves - first))]
            for level, index, hashes in grown(ends, added):
                ends[level] = (index, hashes)
                positions = b"".join(
                    (4096 * (index * WIDTH + place + 1)).to_bytes(8, "big")
                    for place in range(len(hashes) // merkle.SIZE)
                )
                tree.put(cursor, "tree", level, index, hashes, positions if level == 0 else None)


def _prove(known: Tree, size: int) -> None:
    index = random.randrange(size)
    (found,) = known.leaf_indices([4096 * (index + 1)])
    known.hashes(merkle.inclusion(found, size))


def _tiles_read(size: int) -> int:
    """And the one that tells the leaf's number."""
    ways = merkle.inclusion(random.randrange(size), size)
    return 1 + len({place_of(each)[0] for way in ways for each in merkle.subtrees(way)})


def _timed(do: Callable[[], object]) -> float:
    started = time.perf_counter()
    do()
    return time.perf_counter() - started
