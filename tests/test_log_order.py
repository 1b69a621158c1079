"""The log's one order, whoever writes at the same time: each event is read once, in its place, and none is skipped."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Event
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError
from psycopg import Cursor
from spec import until
from write_side import KEYRING, WriteSide

from infrastructure.event_mapper import SealedEvent, opener
from infrastructure.project import SNAPSHOT, Horizon
from projections.projector import ENDLESS, read_batch

WRITERS, STREAMS, EVENTS, AT_ONCE = 16, 8, 50_000, 25
LONG = 60.0  # s; a test that waits so long has failed


@pytest.fixture
def here(database_url):
    with WriteSide(database_url, connections=WRITERS + 4) as here:
        yield here


class RolledBack(Exception):
    """Of the tests: a command that thinks better of it after its append."""


def append(here, stream: UUID, count: int, effects: Iterable[Callable[[Cursor], None]] = ()) -> int:
    """Append to the end of a stream, as one of many who do; how many events it has now."""
    while True:
        last = here.store.recorder.select_events(stream, desc=True, limit=1)
        version = last[0].originator_version if last else 0
        events = [
            SealedEvent(stream, version + place, "test.plain", b"{}", None, None, None)
            for place in range(1, count + 1)
        ]
        try:
            here.store.recorder.commit(events, effects)
        except IntegrityError:  # another writer was quicker
            continue
        return version + count


class Tail:
    """Reads the log from its beginning as it grows. places: position, stream and version of all it has seen."""

    def __init__(self, read: Callable[[int], list[tuple[int, UUID, int]]]) -> None:
        self._read = read
        self.places: list[tuple[int, UUID, int]] = []

    def follow(self, ended: Event) -> None:
        """Read until there is nothing new, looked at after all had ended."""
        while True:
            last_look = ended.is_set()
            batch = self._read(self.places[-1][0] if self.places else 0)
            self.places += batch
            if last_look and not batch:
                return


def by_recorder(here) -> Tail:
    def read(after: int) -> list[tuple[int, UUID, int]]:
        found = here.store.recorder.select_notifications(after, 500, inclusive_of_start=False)
        return [(each.id, each.originator_id, each.originator_version) for each in found]

    return Tail(read)


def by_projector(here) -> Tail:
    def read(after: int) -> list[tuple[int, UUID, int]]:
        with here.pool.connection() as connection:
            facts = read_batch(connection, after, ENDLESS, opener(KEYRING))
        return [(fact.position, fact.originator_id, fact.originator_version) for fact in facts]

    return Tail(read)


def stored_places(here) -> list[tuple[int, UUID, int]]:
    return here.rows("SELECT position, originator_id, originator_version FROM events ORDER BY position")


def nobody_writes(here) -> bool:
    """Whether readers may see everything that is there."""
    oldest, next_id = here.rows(SNAPSHOT)[0]
    return oldest == next_id


def test_each_event_of_sixteen_writers_is_read_once_and_in_order(here):
    streams = [uuid4() for _ in range(STREAMS)]
    ended = Event()

    def write(number: int) -> None:
        chance = Random(number)
        for _ in range(EVENTS // WRITERS // AT_ONCE):
            if chance.random() < 0.1:
                with pytest.raises(RolledBack):
                    append(here, chance.choice(streams), AT_ONCE, [think_better])
            slow = [wait_a_little] if chance.random() < 0.2 else []
            append(here, chance.choice(streams), AT_ONCE, slow)

    tails = [by_recorder(here), by_projector(here)]
    with ThreadPoolExecutor(WRITERS + len(tails)) as threads:
        following = [threads.submit(tail.follow, ended) for tail in tails]
        try:
            for done in [threads.submit(write, number) for number in range(WRITERS)]:
                done.result(LONG)
            until(lambda: nobody_writes(here))
        finally:
            ended.set()
        for done in following:
            done.result(LONG)

    written = stored_places(here)
    assert len(written) == EVENTS
    for tail in tails:
        assert tail.places == written
    assert_streams_in_order(written)


def think_better(cursor: Cursor) -> None:
    raise RolledBack


def wait_a_little(cursor: Cursor) -> None:
    cursor.execute("SELECT pg_sleep(0.003)")


def assert_streams_in_order(places: list[tuple[int, UUID, int]]) -> None:
    versions = defaultdict(list)
    for _, stream, version in places:
        versions[stream].append(version)
    for each in versions.values():
        assert each == list(range(1, len(each) + 1))


def test_a_long_foreign_writer_makes_readers_wait_and_skip_nothing_and_the_horizon_says_so(here, postgres):
    time = 1000.0
    horizon = Horizon(clock=lambda: time)

    def age() -> float:
        return horizon.age(*here.rows(SNAPSHOT)[0])

    tail, nothing_ended = by_recorder(here), Event()
    nothing_ended.set()
    append(here, uuid4(), 2)
    until(lambda: nobody_writes(here))
    tail.follow(nothing_ended)
    assert len(tail.places) == 2
    assert age() == 0

    with psycopg.connect(postgres) as foreigner:  # in another database of the server
        foreigner.execute("SELECT pg_current_xact_id()")
        append(here, uuid4(), 3)
        tail.follow(nothing_ended)
        assert len(tail.places) == 2
        age()
        time += 90
        assert age() == 90
        append(here, uuid4(), 1)
        tail.follow(nothing_ended)
        assert len(tail.places) == 2
        foreigner.rollback()

    until(lambda: nobody_writes(here))
    tail.follow(nothing_ended)
    assert tail.places == stored_places(here)
    assert len(tail.places) == 6
    assert age() == 0


def test_a_reader_that_only_reads_holds_nobody_back(here, postgres):
    with psycopg.connect(postgres) as foreigner:
        foreigner.execute("SELECT count(*) FROM pg_class")
        append(here, uuid4(), 1)
        until(lambda: len(here.store.recorder.select_notifications(None, 10)) == 1)


def test_appends_go_on_after_a_hundred_cancelled_statements_and_no_lock_is_left(here):
    stop, streams = Event(), [uuid4() for _ in range(8)]
    cancelled: list[UUID] = []

    def write(stream: UUID) -> int:
        """How many events of the stream went through."""
        appended = 0
        while not stop.is_set():
            try:
                append(here, stream, 1, [wait_a_little] if appended % 2 else [])
                appended += 1
            except psycopg.errors.QueryCanceled:
                cancelled.append(stream)
        return appended

    def after_another_cancel() -> int:
        operator.execute(CANCEL_SOMEBODY)
        return len(cancelled)

    with ThreadPoolExecutor(8) as threads, psycopg.connect(here.url, autocommit=True) as operator:
        writing = [threads.submit(write, stream) for stream in streams]
        try:
            until(lambda: after_another_cancel() >= 100, patience=LONG)
        finally:
            stop.set()
        appended = {stream: each.result(LONG) for stream, each in zip(streams, writing, strict=True)}

    stored = Counter(stream for _, stream, _ in stored_places(here))
    assert stored == Counter(appended)
    assert_streams_in_order(stored_places(here))
    until(lambda: locks_held(here) == [])
    append(here, uuid4(), 1)


CANCEL_SOMEBODY = """
    SELECT pg_cancel_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1
"""


def locks_held(here) -> list[tuple]:
    """What other connections to this database hold, or wait for."""
    return here.rows(
        "SELECT l.locktype, l.mode, a.state FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)"
        " WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()"
    )
