"""Which events count at an instant: those up to a position, in whatever order they were recorded."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Event
from uuid import uuid4

import pytest
from people import an_account
from spec import until
from write_side import WriteSide

from domain.errors import NotVisibleYet
from infrastructure.instants import Cut, Instants, Unreachable

SECOND = timedelta(seconds=1)
BEGIN = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
BLOCK = 4


@pytest.fixture
def here(database_url):
    with WriteSide(database_url, connections=8) as here:
        here.instants = Instants(here.pool)
        yield here


def put(here, recorded: list[int]) -> list[int]:
    """Events recorded so many seconds after the beginning, in this order of the log; their positions."""
    stream, positions = uuid4(), [4096 * (number + 1) for number in range(len(recorded))]
    with here.pool.connection() as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO events (originator_id, originator_version, topic, state, position, recorded_at)"
            " VALUES (%s, %s, 'test.plain', '{}', %s, %s)",
            [
                (stream, number + 1, position, BEGIN + after * SECOND)
                for number, (position, after) in enumerate(zip(positions, recorded, strict=True))
            ],
        )
    # As a restore would: every position lies below the next transaction's.
    with here.pool.connection() as connection:
        connection.execute("UPDATE log_offset SET shift = %s", (len(recorded) + 1,))
    return positions


def reckoned(recorded: list[int], positions: list[int], after: float) -> int:
    """The definition, event by event."""
    latest, last = -1, 0
    for position, at in zip(positions, recorded, strict=True):
        latest = max(latest, at)
        if latest > after:
            break
        last = position
    return last


def forget_marks(here, *, after: int) -> None:
    with here.pool.connection() as connection:
        connection.execute("DELETE FROM log_marks WHERE position > %s", (after,))


ORDERS = {
    "in order": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    "two at once": [0, 2, 1, 3, 5, 4, 6, 8, 7, 9],
    "one far ahead": [0, 1, 9, 2, 3, 4, 5, 6, 7, 10],
    "a clock set back": [5, 6, 7, 8, 9, 0, 1, 2, 3, 4],
    "all at one instant": [3] * 10,
    **{f"at random {seed}": [Random(seed).randrange(12) for _ in range(30)] for seed in range(5)},
}


@pytest.mark.parametrize("recorded", ORDERS.values(), ids=ORDERS)
def test_what_counts_at_an_instant_is_what_the_definition_says(here, recorded):
    """Before there is any mark, with all of them, and with some."""
    positions = put(here, recorded)
    for marks in ("none", "all", "some"):
        if marks == "all":
            assert here.instants.keep_up(BLOCK) == len(recorded) // BLOCK
        if marks == "some":
            forget_marks(here, after=positions[len(positions) // 2])
        for half in range(-1, 2 * (max(recorded) + 2)):
            at = BEGIN + half * SECOND / 2
            assert here.instants.cut(at) == Cut(reckoned(recorded, positions, half / 2), at), marks


@pytest.mark.parametrize("recorded", ORDERS.values(), ids=ORDERS)
def test_the_instant_of_a_position_is_the_latest_up_to_it(here, recorded):
    positions = put(here, recorded)
    here.instants.keep_up(BLOCK)
    for number, position in enumerate(positions):
        cut = here.instants.cut(position)
        assert cut == Cut(position, BEGIN + max(recorded[: number + 1]) * SECOND)
        assert here.instants.cut(cut.instant).position >= position
        between = here.instants.cut(position + 1) if number < len(positions) - 1 else cut
        assert between.instant == cut.instant


def test_marks_are_the_same_whoever_sets_them_and_whenever(here):
    put(here, ORDERS["at random 1"])
    assert here.instants.keep_up(BLOCK) == len(ORDERS["at random 1"]) // BLOCK
    marks = here.rows("SELECT position, instant FROM log_marks ORDER BY 1")
    assert here.instants.keep_up(BLOCK) == 0
    forget_marks(here, after=marks[2][0])
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: here.instants.keep_up(BLOCK), range(4)))
    assert here.rows("SELECT position, instant FROM log_marks ORDER BY 1") == marks


def test_an_event_recorded_at_an_instant_belongs_to_it(here):
    saved = here.store.record(an_account())
    assert here.instants.cut(saved.recorded_at).position == saved.position
    assert here.instants.cut(saved.recorded_at - timedelta(microseconds=1)).position == 0


def test_the_future_and_what_lies_beyond_the_end_are_refused(here):
    saved = here.store.record(an_account())
    with pytest.raises(Unreachable) as refused:
        here.instants.cut(datetime.now(UTC) + timedelta(minutes=1))
    assert refused.value.fault == "in-future"
    for beyond in (saved.position + 1, saved.position + 4096, (1 << 62)):
        with pytest.raises(Unreachable) as refused:
            here.instants.cut(beyond)
        assert refused.value.fault == "beyond-end"
    assert here.instants.cut(saved.position).position == saved.position


def test_a_log_without_events_has_nothing_at_any_instant(here):
    assert here.instants.cut(BEGIN) == Cut(0, BEGIN)
    assert here.instants.cut(None).position == 0
    with pytest.raises(Unreachable):
        here.instants.cut(1)


@pytest.mark.parametrize("moment", ["now", "an instant", "a position"])
def test_an_append_under_way_is_waited_for(here, moment):
    """It has its place in the log and its instant already, and is not yet seen."""
    stored = [here.store.mapper.to_stored_event(event) for event in an_account().collect_events()]
    appended, ended = Event(), Event()

    def append() -> tuple[int, datetime]:
        with here.transaction() as cursor:
            saved = here.store.recorder.append(cursor, stored)
            appended.set()
            assert ended.wait(20)
        return saved.position, saved.recorded_at

    with ThreadPoolExecutor() as threads:
        appending = threads.submit(append)
        assert appended.wait(20)
        asked = {"now": None, "an instant": datetime.now(UTC), "a position": position_under_way(here)}[moment]
        reading = threads.submit(here.instants.cut, asked)
        until(lambda: here.rows("SELECT count(*) > 1 FROM pg_stat_activity WHERE query ~ 'pg_snapshot_xmin'"))
        assert not reading.done()
        ended.set()
        position, _ = appending.result(20)
        assert reading.result(20).position == position


def position_under_way(here) -> int:
    """Of the only append, which nobody sees: that of its transaction's id."""
    ((xid,),) = here.rows(
        "SELECT backend_xid::text::bigint FROM pg_stat_activity"
        " WHERE backend_xid IS NOT NULL AND datname = current_database()"
    )
    return xid << 12


def test_readers_of_the_past_wait_for_nobody_and_those_of_the_present_not_for_ever(here):
    stored = [here.store.mapper.to_stored_event(event) for event in an_account().collect_events()]
    first = here.store.recorder.commit(stored)
    here.opened("somebody.else@example.org")
    impatient = Instants(here.pool, patience=0.05)
    with here.transaction() as cursor:
        cursor.execute("SELECT pg_current_xact_id()")
        assert impatient.cut(first.recorded_at).position == first.position
        assert impatient.cut(first.position).position == first.position
        for present in (None, datetime.now(UTC), 1 << 62):
            with pytest.raises(NotVisibleYet):
                impatient.cut(present)


def test_what_was_recorded_later_tells_nothing_while_an_earlier_append_is_under_way(here):
    stored = [here.store.mapper.to_stored_event(event) for event in an_account().collect_events()]
    impatient = Instants(here.pool, patience=0.05)
    with here.transaction() as cursor:
        saved = here.store.recorder.append(cursor, stored)
        at = datetime.now(UTC)
        here.opened("somebody.else@example.org")
        with pytest.raises(NotVisibleYet):
            impatient.cut(at)
    assert impatient.cut(at).position == saved.position
