"""From the beginning of a command to the read models that show it, at 50 commands a second."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import crowd
from figures import Figure, at_most, percentile
from servers import migrated_database

from infrastructure.bootstrap import READ_MODELS, Service, service
from infrastructure.settings import Settings

A_SECOND = 50
SECONDS = 20
PEOPLE = A_SECOND * SECONDS
NAMES = [model.name for model in READ_MODELS]
THREADS = 4  # as many may wait for a read model at once


def measure(server: str) -> list[Figure]:
    with migrated_database(server) as database, TemporaryDirectory() as home:
        settings = Settings.from_environment({"MATRICULE_HOME": home, "MATRICULE_DEMO": "1"})
        with service(settings, database) as parts, projecting(parts):
            for number in range(PEOPLE):
                parts.store.record(crowd.an_account(number, parts.clock.now()))
            seconds = _submitted(parts)
    return [
        Figure("command to visible, p50", 1000 * percentile(seconds, 0.5), "ms", at_most(10)),
        Figure("command to visible, p99", 1000 * percentile(seconds, 0.99), "ms", at_most(50)),
    ]


@contextmanager
def projecting(parts: Service) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=role.run, args=(stop,)) for role in parts.project()]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _submitted(parts: Service) -> list[float]:
    """Everybody sends their data; seconds until each was seen, since it should have begun."""
    begin = time.perf_counter() + 1

    def submit(number: int) -> float:
        due = begin + number / A_SECOND
        time.sleep(max(0.0, due - time.perf_counter()))
        holder = crowd.account_id(number)
        saved = parts.profiles.submit(holder, crowd.data_of(number), actor=holder)
        parts.watermark.wait(NAMES, saved.position)
        return time.perf_counter() - due

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(submit, range(PEOPLE)))
