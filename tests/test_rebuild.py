"""Read models made anew beside the live ones and swapped in, while people write and read."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from uuid import UUID, uuid4

import psycopg
import pytest
from diary import TOPIC, Diary, note, note_many, noted
from people import AURELIE_ADDRESS
from read_side import MODELS, catch_up, own_connection, parked, projecting
from spec import until
from write_side import KEYRING, WriteSide, nothing

from infrastructure.event_mapper import opener
from projections.cases import cases
from projections.directory import Directory, directory
from projections.outbox import outbox
from projections.projector import BATCH, LostTurn
from projections.read_model import ReadModel
from projections.rebuild import NeverRebuilt, rebuild
from projections.timeline import timeline

ONE, TWO = UUID(int=1), UUID(int=2)


@pytest.fixture
def here(database_url):
    with WriteSide(database_url, connections=8) as here:
        yield here


def rebuilt(here, model: ReadModel, **options) -> int:
    """Rebuild as an operator does: in a process of its own."""
    with own_connection(here) as connection:
        return rebuild(connection, model, opener(KEYRING), **options)


def content(here, model: ReadModel, table: str | None = None) -> list[tuple]:
    columns = ", ".join(model.columns)
    return here.rows(f"SELECT {columns} FROM {table or model.name} ORDER BY {columns}")


def people_with_histories(here, count: int) -> list[UUID]:
    """Accounts of which some are linked, some have a case, some have nothing."""
    here.with_records()
    accounts = [here.submitted(f"person-{number}@example.org") for number in range(count)]
    accounts.append(here.submitted(AURELIE_ADDRESS))
    for account_id in accounts[::2]:
        here.linking.match(account_id, settled=nothing)
    return accounts


@pytest.mark.parametrize("model", [directory, cases, timeline], ids=lambda model: model.name)
def test_a_rebuilt_model_is_the_same_as_the_live_one(here, model):
    people_with_histories(here, 6)
    with projecting(here) as projector:
        catch_up(here, projector)
        live = content(here, model)
        assert rebuilt(here, model) == here.rows("SELECT count(*) FROM events")[0][0]
        assert live
        assert content(here, model) == live
        people_with_histories_go_on(here)
        with suppress(LostTurn):
            projector.advance()
        catch_up(here, projector)
    assert len(content(here, timeline)) == here.rows("SELECT count(*) FROM events")[0][0]


def people_with_histories_go_on(here) -> None:
    here.opened("somebody-else@example.org")


def test_a_model_is_rebuilt_whole_while_people_write_and_others_project(here):
    stop = Event()

    def write(stream: UUID) -> None:
        version = 0
        while not stop.is_set():
            version += 1
            note(here, stream, version)

    def project() -> None:
        with projecting(here, [Diary(), Diary("other")]) as projector:
            while not stop.is_set():
                with suppress(LostTurn):
                    projector.advance()

    note_many(here, uuid4(), 2 * BATCH)
    with ThreadPoolExecutor() as threads:
        busy = [threads.submit(write, uuid4()) for _ in range(2)]
        busy.append(threads.submit(project))
        try:
            until(lambda: here.rows("SELECT to_regclass('other') IS NOT NULL")[0][0])
            done = [rebuilt(here, Diary()) for _ in range(5)]
        finally:
            stop.set()
        for each in busy:
            each.result(30)
    with projecting(here, [Diary(), Diary("other")]) as projector:
        catch_up(here, projector)
    everything = here.rows("SELECT originator_id, originator_version FROM events ORDER BY 1, 2")
    assert noted(here) == noted(here, "other") == everything
    assert done == sorted(done)
    assert done[0] >= 2 * BATCH
    assert parked(here) == []


def test_how_far_a_rebuild_has_come_is_told_batch_by_batch(here):
    note_many(here, ONE, 2 * BATCH + 10)
    told = []
    assert rebuilt(here, Diary(), progress=lambda done, total: told.append((done, total))) == 2 * BATCH + 10
    assert told == [(BATCH, 2010), (2 * BATCH, 2010), (2010, 2010)]


def test_an_empty_log_makes_an_empty_model_that_then_follows(here):
    assert rebuilt(here, Diary()) == 0
    with projecting(here, [Diary()]) as projector:
        note(here, ONE, 1)
        catch_up(here, projector)
    assert noted(here) == [(ONE, 1)]


def test_what_a_rebuild_that_was_killed_left_behind_is_thrown_away(here):
    note(here, ONE, 1)

    def kill(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuilt(here, Diary(), progress=kill)
    assert noted(here, "diary__new") == [(ONE, 1)]
    rebuilt(here, Diary())
    assert noted(here) == [(ONE, 1)]
    assert here.rows("SELECT to_regclass('diary__new') IS NULL") == [(True,)]


def test_the_outbox_is_never_rebuilt(here):
    here.opened()
    with projecting(here) as projector:
        catch_up(here, projector)
        before = here.rows("SELECT * FROM outbox")
        with pytest.raises(NeverRebuilt):
            rebuilt(here, outbox)
        for model in MODELS:
            if model is not outbox:
                rebuilt(here, model)
        with suppress(LostTurn):
            projector.advance()
        catch_up(here, projector)
    assert here.rows("SELECT * FROM outbox") == before
    assert len(before) == 1


# --- the swap


def test_people_read_on_through_the_swaps(here):
    account_id, stop = here.opened(), Event()
    with projecting(here) as projector:
        catch_up(here, projector)

    def read() -> int:
        count = 0
        while not stop.is_set():
            assert Directory(here.pool).get(account_id).email == AURELIE_ADDRESS
            count += 1
        return count

    with ThreadPoolExecutor() as threads:
        reading = [threads.submit(read) for _ in range(3)]
        try:
            for _ in range(5):
                rebuilt(here, directory)
        finally:
            stop.set()
        assert all(each.result(30) > 0 for each in reading)


def test_a_swap_waits_for_a_long_reader_without_holding_anybody_up(here):
    note(here, ONE, 1)
    with projecting(here, [Diary()]) as projector, ThreadPoolExecutor() as threads:
        catch_up(here, projector)
        with psycopg.connect(here.url) as reader:
            reader.execute("SELECT * FROM diary")
            swapping = threads.submit(rebuilt, here, Diary())
            until(lambda: here.rows("SELECT to_regclass('diary__new') IS NOT NULL")[0][0])
            note(here, ONE, 2)
            for _ in range(20):
                assert noted(here)  # others read on: nobody queues behind the swap for long
            until(lambda: here.rows("SELECT count(*) FROM diary__new") == [(2,)])
            assert not swapping.done()
        assert swapping.result(30) == 2
    assert noted(here) == [(ONE, 1), (ONE, 2)]


def test_what_is_written_just_before_the_swap_is_in_it(here):
    note(here, ONE, 1)

    def write_once_more(done: int, total: int) -> None:
        if done == 1:
            note(here, ONE, 2)

    assert rebuilt(here, Diary(), progress=write_once_more) == 2
    assert noted(here) == [(ONE, 1), (ONE, 2)]


def test_a_swap_that_was_given_up_begins_anew_with_what_it_had_read(here):
    """The second event cannot be folded; the first, which was read in the same breath, is not lost with it."""
    spoilt = Diary(spoilt=lambda fact: fact.originator_version == 2)
    with projecting(here, [spoilt]), psycopg.connect(here.url) as reader:

        def hold_the_table_once(done: int, total: int) -> None:
            if not done:
                reader.execute("SELECT * FROM diary")
                note_many(here, ONE, 2)
            else:
                reader.rollback()

        rebuilt(here, spoilt, progress=hold_the_table_once)
    assert noted(here) == [(ONE, 1)]
    assert [(stream, error) for _, stream, _, _, error in parked(here)] == [(ONE, "LookupError")]


def test_a_projector_goes_on_from_where_the_swap_left(here):
    with projecting(here, [Diary()]) as projector:
        note_many(here, ONE, 3)
        rebuilt(here, Diary())
        with pytest.raises(LostTurn):
            projector.advance()
        note(here, ONE, 4)
        catch_up(here, projector)
    assert noted(here) == [(ONE, 1), (ONE, 2), (ONE, 3), (ONE, 4)]


def test_a_projector_of_an_older_version_leaves_the_newer_table_alone(here):
    old, new = Diary(), Diary(version=2)
    with projecting(here, [old, Diary("other")]) as outdated:
        note(here, ONE, 1)
        catch_up(here, outdated)
        rebuilt(here, new)
        note(here, ONE, 2)
        with pytest.raises(LostTurn):
            outdated.advance()
        until(lambda: outdated.advance() == 0 and len(noted(here, "other")) == 2)
    assert noted(here) == [(ONE, 1)]
    with projecting(here, [new, Diary("other")]) as projector:
        catch_up(here, projector)
    assert noted(here) == [(ONE, 1), (ONE, 2)]


# --- what cannot be folded


def test_a_stream_that_cannot_be_folded_is_parked_by_a_rebuild_too(here):
    note_many(here, ONE, 2)
    first_left_out = note(here, TWO, 1)
    assert rebuilt(here, Diary(spoilt=lambda fact: fact.originator_id == TWO)) == 3
    assert noted(here) == [(ONE, 1), (ONE, 2)]
    assert parked(here) == [("diary", TWO, first_left_out, TOPIC, "LookupError")]


def test_a_row_that_postgresql_refuses_is_parked_by_a_rebuild_too_with_what_came_before_it_kept(here):
    spoilt = Diary(spoilt=lambda fact: (fact.originator_id, fact.originator_version) == (ONE, 2))
    note_many(here, ONE, 2)
    note(here, TWO, 1)
    note(here, TWO, 2, day="no day")
    note(here, TWO, 3)
    rebuilt(here, spoilt)
    assert noted(here) == [(ONE, 1), (TWO, 1)]
    assert [(stream, error) for _, stream, _, _, error in parked(here)] == [
        (ONE, "LookupError"),
        (TWO, "InvalidDatetimeFormat"),
    ]
    with projecting(here, [Diary()]) as projector:
        assert projector.fold_parked() == 1
    assert noted(here) == [(ONE, 1), (ONE, 2), (TWO, 1)]


def test_a_rebuild_frees_what_was_parked_and_the_live_projector_hears_of_it(here):
    spoilt = []
    live = Diary(spoilt=lambda fact: fact.originator_id in spoilt)
    with projecting(here, [live]) as projector:
        spoilt.append(ONE)
        note(here, ONE, 1)
        note(here, TWO, 1)
        catch_up(here, projector)
        assert len(parked(here)) == 1
        spoilt.clear()
        rebuilt(here, Diary())
        assert parked(here) == []
        note(here, ONE, 2)
        catch_up(here, projector)
    assert noted(here) == [(ONE, 1), (ONE, 2), (TWO, 1)]
