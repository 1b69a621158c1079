"""The role that keeps the read models up with the log: one at a time, made ready first, and measured."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Event
from uuid import UUID

import pytest
from diary import Diary, note, note_many, noted
from people import AURELIE_ADDRESS
from read_side import MODELS, catch_up, own_connection, parked, projecting
from spec import until
from write_side import KEYRING, WriteSide

from infrastructure.doorbell import Doorbell
from infrastructure.event_mapper import opener
from infrastructure.observability import Metrics
from infrastructure.project import Horizon, Project, measure
from projections.directory import Directory
from projections.read_model import Fact, ReadModel

ONE, TWO = UUID(int=1), UUID(int=2)
LONG = 30.0  # s


@pytest.fixture
def here(database_url):
    with WriteSide(database_url, connections=6) as here:
        yield here


@pytest.fixture
def doorbell(here):
    doorbell = Doorbell(here.url)
    yield doorbell
    doorbell.close()


@pytest.fixture
def running(here, doorbell):
    """Runs the role for these models in a thread, until it is told to stop."""

    @contextmanager
    def run(*models: ReadModel) -> Iterator[Future]:
        with projecting(here, models):
            pass  # the tables are there from the beginning
        role, stop = Project(here.url, models, opener(KEYRING), doorbell), Event()
        with ThreadPoolExecutor(1) as thread:
            done = thread.submit(role.run, stop)
            try:
                yield done
            finally:
                stop.set()
                done.result(LONG)

    return run


def test_what_is_written_is_soon_there_to_read(here, doorbell, running):
    with running(*MODELS):
        account_id = here.opened()
        doorbell.ring("events")
        until(lambda: Directory(here.pool).get(account_id) is not None)
        assert Directory(here.pool).get(account_id).email == AURELIE_ADDRESS
        until(lambda: here.rows("SELECT kind FROM outbox") == [("initial-password",)])


def test_readers_and_the_relay_are_rung_for_when_there_is_something_for_them(here, doorbell, running):
    with running(*MODELS):
        until(lambda: len(here.rows("SELECT FROM projections")) == len(MODELS))
        projected, outbox = (doorbell.wait(channel, -1, 0) for channel in ("projected", "outbox"))
        here.opened()
        doorbell.ring("events")
        assert doorbell.wait("projected", projected, LONG) > projected
        assert doorbell.wait("outbox", outbox, LONG) > outbox


def test_a_second_process_waits_and_takes_over_when_the_first_has_gone(here, doorbell, running):
    by_second = []
    with ExitStack() as second:
        with running(Diary()):
            note(here, ONE, 1)
            until(lambda: noted(here))  # the first has the turn
            waiting = second.enter_context(running(Diary(spoilt=by_second.append)))
            for version in range(2, 20):
                note(here, ONE, version)
                doorbell.ring("events")
                until(lambda: len(noted(here)) == version)  # noqa: B023 - looked at before the next
            assert not waiting.done()
            assert by_second == []
        note(here, ONE, 20)
        until(lambda: len(noted(here)) == 20)
    assert [fact.originator_version for fact in by_second] == [20]


def test_one_that_waits_for_its_turn_can_be_stopped(here, running):
    with projecting(here, [Diary()]) as other:
        assert other.take_turn()
        with running(Diary()) as waiting:
            assert not waiting.done()


def test_a_model_whose_shape_has_changed_is_rebuilt_before_anything_is_folded(here, running):
    note_many(here, ONE, 3)
    with projecting(here, [Diary()]) as projector:
        catch_up(here, projector)
    wider = Diary(version=2, columns=Diary().columns | {"remark": "text DEFAULT 'none'"})
    with running(wider):
        until(lambda: here.rows("SELECT version FROM projections") == [(2,)])
        note(here, TWO, 1)
        until(lambda: len(noted(here)) == 4)
    assert here.rows("SELECT DISTINCT remark FROM diary") == [("none",)]


def test_what_was_parked_is_folded_again_when_the_role_starts(here, running):
    with projecting(here, [Diary(spoilt=lambda fact: True)]) as projector:
        note_many(here, ONE, 3)
        catch_up(here, projector)
    assert noted(here) == []
    with running(Diary()):
        until(lambda: len(noted(here)) == 3)
    assert parked(here) == []


def test_metrics_say_what_is_parked_and_how_far_behind_the_models_are(here):
    def of_one(fact: Fact) -> bool:
        return fact.originator_id == ONE

    metrics, horizon = Metrics(), Horizon()
    with projecting(here, [Diary(spoilt=of_one)]) as projector, own_connection(here) as connection:
        position = note(here, ONE, 1)
        catch_up(here, projector)
        further = note(here, TWO, 1)
        measure(connection, horizon, metrics)
    assert value(metrics, "matricule_parked_streams", projection="diary") == 1
    assert value(metrics, "matricule_projection_lag_positions", projection="diary") == further - position
    assert 0 < value(metrics, "matricule_projection_lag_seconds", projection="diary") < LONG
    assert value(metrics, "matricule_horizon_age_seconds") < LONG


def test_metrics_of_a_model_that_is_up_to_date_are_nought(here):
    metrics = Metrics()
    with projecting(here, [Diary()]) as projector, own_connection(here) as connection:
        measure(connection, Horizon(), metrics)
        note(here, ONE, 1)
        catch_up(here, projector)
        measure(connection, Horizon(), metrics)
    for name in ("parked_streams", "projection_lag_positions", "projection_lag_seconds"):
        assert value(metrics, f"matricule_{name}", projection="diary") == 0


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_the_horizon_is_as_old_as_the_writer_that_holds_it_has_been_seen():
    time = 100.0
    horizon = Horizon(clock=lambda: time)
    assert horizon.age(oldest=7, next_id=9) == 0
    time += 5
    assert horizon.age(oldest=7, next_id=12) == 5
    time += 5
    assert horizon.age(oldest=8, next_id=12) == 0
    time += 5
    assert horizon.age(oldest=12, next_id=12) == 0
    time += 5
    assert horizon.age(oldest=12, next_id=12) == 0
