"""The supervisor: what crashes is started again, what shall stop stops, and a home has one service."""

import os
import signal
import threading
from multiprocessing import get_context
from queue import SimpleQueue

import pytest

from infrastructure.observability import Metrics
from infrastructure.processes import LOCK_FILE, STOPPING, AlreadyRunning, Supervisor, Unwinding, only_one

LONG = 20.0  # seconds; a test that waits so long has failed
spawn = get_context("spawn")


class Part:
    """A role that does what a test says."""

    def __init__(self, name, run):
        self.name = name
        self.run = run


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def supervise(metrics):
    """Run a supervisor in a thread until the test ends; its answer can be awaited."""
    started = []

    def start(*roles, **settings):
        supervisor = Supervisor(roles, metrics, **settings)
        answer = SimpleQueue()
        thread = threading.Thread(target=lambda: answer.put(supervisor.run()))
        thread.start()
        started.append((supervisor, thread))
        return supervisor, answer

    yield start
    for supervisor, thread in started:
        supervisor.stop()
        thread.join(LONG)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_whose_exception_was_lost_while_it_started_stops_it_all_the_same(metrics, number):
    class Finalised:
        def __del__(self):
            os.kill(os.getpid(), number)

    before = {stopping: signal.getsignal(stopping) for stopping in STOPPING}
    try:
        Unwinding()
        one = Finalised()
        del one
        assert Supervisor([Part("a", lambda stop: stop.wait(LONG))], metrics).run()
    finally:
        for stopping, handler in before.items():
            signal.signal(stopping, handler)


def test_all_roles_run_at_the_same_time(supervise):
    together = threading.Barrier(3)
    supervisor, _ = supervise(*(Part(name, lambda stop: (together.wait(LONG), stop.wait())) for name in "ab"))

    together.wait(LONG)

    assert supervisor.alive() == {"a": True, "b": True}


def test_a_crashed_role_is_started_again_and_counted(supervise, metrics):
    runs = SimpleQueue()

    def crash_twice(stop):
        runs.put(None)
        if runs.qsize() < 3:
            raise RuntimeError("ada@example.org")
        third.set()
        stop.wait()

    third = threading.Event()
    supervise(Part("relay", crash_twice))

    assert third.wait(LONG)
    assert metrics.registry.get_sample_value("matricule_role_restarts_total", {"role": "relay"}) == 2


def test_a_crash_of_one_role_leaves_the_others_alone(supervise):
    crashed = SimpleQueue()
    other_runs = SimpleQueue()

    def crash(stop):
        crashed.put(None)
        raise RuntimeError

    supervise(Part("relay", crash), Part("worker", lambda stop: (other_runs.put(None), stop.wait())))
    for _ in range(3):
        crashed.get(timeout=LONG)

    assert other_runs.qsize() == 1


def test_a_crash_is_logged_by_type_and_place_but_not_by_its_text(supervise, caplog):
    crashed = threading.Event()

    def crash_once(stop):
        if not crashed.is_set():
            crashed.set()
            raise LookupError("ada@example.org")
        again.set()
        stop.wait()

    again = threading.Event()
    supervise(Part("relay", crash_once))
    assert again.wait(LONG)

    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert (record.role, record.error) == ("relay", "LookupError")
    assert record.place.startswith("test_processes.py:")
    assert "ada@" not in caplog.text


def test_a_role_that_is_down_is_shown_so(supervise, metrics):
    down = threading.Event()

    def crash_and_wait(stop):
        if not down.is_set():
            down.set()
            raise RuntimeError
        back.set()
        stop.wait()

    back = threading.Event()
    supervisor, _ = supervise(Part("relay", crash_and_wait))

    assert back.wait(LONG)
    assert supervisor.alive() == {"relay": True}
    assert metrics.registry.get_sample_value("matricule_role_up", {"role": "relay"}) == 1


def test_stopping_waits_for_every_role_to_finish_what_it_has_in_hand(supervise):
    finished = SimpleQueue()
    supervisor, answer = supervise(
        *(Part(name, lambda stop: (stop.wait(), finished.put(None))) for name in "abc")
    )

    supervisor.stop()

    assert answer.get(timeout=LONG) is True
    assert finished.qsize() == 3
    assert not any(supervisor.alive().values())


def test_a_role_that_waits_for_other_news_is_woken_to_see_that_it_shall_stop(supervise):
    news, seen = threading.Event(), SimpleQueue()
    supervisor, _ = supervise(
        Part("a", lambda stop: seen.put(news.wait(LONG) and stop.is_set())), wake=news.set, grace=LONG
    )

    supervisor.stop()

    assert seen.get(timeout=2 * LONG) is True


def test_a_role_that_does_not_end_is_not_waited_for_beyond_the_grace(supervise):
    let_go = threading.Event()
    supervisor, answer = supervise(Part("stuck", lambda stop: let_go.wait(LONG)), grace=0.05)

    supervisor.stop()

    assert answer.get(timeout=LONG) is False
    let_go.set()


# --- signals


def service(pipe, *, stuck, grace):
    def run(stop):
        pipe.send("running")
        stop.wait()
        pipe.send("stopping")
        if stuck:
            threading.Event().wait()

    raise SystemExit(0 if Supervisor([Part("part", run)], Metrics(), grace=grace).run() else 1)


def started_service(*, stuck, grace=LONG):
    here, there = spawn.Pipe()
    process = spawn.Process(
        target=service, args=(there,), kwargs={"stuck": stuck, "grace": grace}, daemon=True
    )
    process.start()
    there.close()
    assert here.poll(LONG)
    assert here.recv() == "running"
    return process, here


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_service_gracefully(number):
    process, _ = started_service(stuck=False)

    os.kill(process.pid, number)

    process.join(LONG)
    assert process.exitcode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_the_service_at_once(number):
    process, said = started_service(stuck=True)
    os.kill(process.pid, number)
    assert said.poll(LONG)
    assert said.recv() == "stopping"

    os.kill(process.pid, number)

    process.join(LONG)
    assert process.exitcode == -number


def test_a_role_that_does_not_end_cannot_keep_the_service_from_ending():
    process, _ = started_service(stuck=True, grace=0.05)

    os.kill(process.pid, signal.SIGTERM)

    process.join(LONG)
    assert process.exitcode == 1


# --- one service a home


def hold(home, pipe):
    with only_one(home):
        pipe.send("held")
        pipe.recv()


def test_a_second_service_in_the_same_home_is_told_who_runs_and_leaves_it_alone(tmp_path):
    with only_one(tmp_path):
        with pytest.raises(AlreadyRunning) as refusal, only_one(tmp_path):
            pass
        assert refusal.value.pid == os.getpid()
        with pytest.raises(AlreadyRunning), only_one(tmp_path):
            pass


def test_after_the_end_the_home_is_free_and_names_nobody(tmp_path):
    with only_one(tmp_path):
        pass
    assert (tmp_path / LOCK_FILE).read_text() == ""

    with only_one(tmp_path):
        assert (tmp_path / LOCK_FILE).read_text() == f"{os.getpid()}\n"


def test_a_killed_service_leaves_the_home_free(tmp_path):
    here, there = spawn.Pipe()
    process = spawn.Process(target=hold, args=(tmp_path, there), daemon=True)
    process.start()
    assert here.poll(LONG)
    assert here.recv() == "held"
    with pytest.raises(AlreadyRunning) as refusal, only_one(tmp_path):
        pass
    assert refusal.value.pid == process.pid

    process.kill()
    process.join(LONG)

    with only_one(tmp_path):
        pass
