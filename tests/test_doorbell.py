"""The doorbell: who waits is woken at once, no ring is lost in between, and no ring ever waits."""

import socket
import threading
import time

import psycopg
import pytest

from infrastructure.doorbell import BUNDLE_SECONDS, POSTGRES_CHANNEL, Doorbell

LONG = 20.0  # seconds; a test that waits so long has failed


@pytest.fixture
def here(database_url):
    yield from _listening(database_url)


@pytest.fixture
def elsewhere(database_url):
    yield from _listening(database_url)


def _listening(database_url):
    """A bell that listens: its first own ring says so."""
    doorbell = Doorbell(database_url)
    assert doorbell.wait("projected", seen=0, timeout=LONG) > 0
    yield doorbell
    doorbell.close()


@pytest.fixture
def unanswered():
    """Where a connection is taken and nobody ever says a word, as from a host that hangs."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        doorbell = Doorbell(f"postgresql://nobody@127.0.0.1:{server.getsockname()[1]}/nothing")
        yield doorbell
        server.close()
        doorbell.close()


def test_a_ring_wakes_who_waits_in_another_process(here, elsewhere):
    seen = elsewhere.wait("events", seen=-1, timeout=0)

    here.ring("events")

    assert elsewhere.wait("events", seen, LONG) == seen + 1


def test_a_ring_wakes_who_waits_here_without_the_database(unanswered):
    woken = threading.Event()
    waiter = threading.Thread(target=lambda: unanswered.wait("intake", 0, LONG) and woken.set())
    waiter.start()

    unanswered.ring("intake")

    waiter.join(LONG)
    assert woken.is_set()


def test_a_ring_between_looking_and_waiting_is_not_lost(unanswered):
    seen = unanswered.wait("outbox", seen=-1, timeout=0)
    unanswered.ring("outbox")

    assert unanswered.wait("outbox", seen, LONG) == seen + 1


def test_who_waits_in_vain_gets_the_same_count_again(unanswered):
    assert unanswered.wait("outbox", seen=0, timeout=0.01) == 0


def test_a_ring_on_one_channel_wakes_nobody_on_another(unanswered):
    unanswered.ring("events")

    assert unanswered.wait("intake", seen=0, timeout=0.01) == 0


def test_ringing_does_not_wait_for_a_database_that_hangs(unanswered):
    started = time.monotonic()
    for _ in range(10_000):
        unanswered.ring("events")

    assert time.monotonic() - started < LONG / 4


def test_a_storm_of_rings_becomes_one_notification_a_millisecond(here, database_url):
    with psycopg.connect(database_url, autocommit=True) as listener:
        listener.execute(f"LISTEN {POSTGRES_CHANNEL}")
        started, breath = time.monotonic(), threading.Event()
        for _ in range(1_000):
            here.ring("events")
            breath.wait(BUNDLE_SECONDS / 10)
        here.ring("intake")
        heard = []
        for notice in listener.notifies(timeout=LONG):
            heard.append(notice.payload)
            if notice.payload == "intake":
                break
        lasted = time.monotonic() - started

    assert 1 <= heard.count("events") <= lasted / BUNDLE_SECONDS + 2


def test_a_ring_is_heard_again_after_the_connections_were_cut(here, elsewhere, database_url):
    before = {bell: bell.wait("events", seen=-1, timeout=0) for bell in (here, elsewhere)}
    with psycopg.connect(database_url, autocommit=True) as operator:
        operator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'matricule doorbell' AND datname = current_database()"
        )
    # Back again: both look once, for what they may have missed.
    after = {bell: bell.wait("events", seen, LONG) for bell, seen in before.items()}
    assert all(after[bell] > seen for bell, seen in before.items())

    here.ring("events")

    assert elsewhere.wait("events", after[elsewhere], LONG) > after[elsewhere]


def test_a_ring_from_before_the_database_was_there_is_passed_on(elsewhere, database_url):
    seen = elsewhere.wait("outbox", seen=-1, timeout=0)
    early = Doorbell(database_url)

    early.ring("outbox")

    assert elsewhere.wait("outbox", seen, LONG) == seen + 1
    early.close()


def test_waking_is_for_everybody_here_and_nobody_elsewhere(here, elsewhere):
    seen, seen_elsewhere = (bell.wait("imports", seen=-1, timeout=0) for bell in (here, elsewhere))

    here.wake()

    assert here.wait("imports", seen, LONG) > seen
    assert elsewhere.wait("imports", seen_elsewhere, 0.05) == seen_elsewhere


def test_closing_wakes_everybody(here):
    seen = here.wait("events", seen=-1, timeout=0)

    here.close()

    assert here.wait("events", seen, LONG) > seen
    here.ring("events")  # too late, but no reason to fail a command
