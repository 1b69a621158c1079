"""Attempts are counted: who has to wait, how long, and what a success, time and another process change in that."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from people import MINUTE, NOON
from spec import at_once, until
from write_side import KEYRING

from application.guesses import network_of
from application.ports import Bucket
from domain.errors import TooManyRequests
from infrastructure.database import open_pool
from infrastructure.throttle import StoredThrottle
from infrastructure.tick import Tick

SECOND = timedelta(seconds=1)


def patience(whose: str = "ada@school.example", kind: str = "address") -> Bucket:
    return Bucket(kind, whose, 5, 15 * MINUTE, growing=True)


def network(whose: str = "192.0.2.1", size: int = 3) -> Bucket:
    return Bucket("network", whose, size, 10 * SECOND)


@pytest.fixture
def pool(database_url):
    with open_pool(database_url, size=16, name="test") as pool:
        yield pool


@pytest.fixture
def throttle(pool) -> StoredThrottle:
    return StoredThrottle(pool, KEYRING)


def wait(throttle: StoredThrottle, *buckets: Bucket, at=NOON) -> int:
    """Seconds that an attempt has to wait; 0 for one that was made."""
    try:
        throttle.take(buckets, at)
    except TooManyRequests as refusal:
        return refusal.details["retry_after"]
    return 0


def rows(pool) -> list[tuple]:
    with pool.connection() as connection:
        return connection.execute("SELECT * FROM buckets ORDER BY key").fetchall()


def waiting_for_locks(pool) -> int:
    with pool.connection() as connection:
        return connection.execute(
            "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ).rowcount


# --- growing waits


def test_after_five_attempts_each_further_one_waits_twice_as_long_up_to_a_quarter_of_an_hour(throttle):
    assert [wait(throttle, patience()) for _ in range(5)] == [0] * 5
    now, waits = NOON, []
    for _ in range(12):
        waits.append(wait(throttle, patience(), at=now))
        now += timedelta(seconds=waits[-1])
        assert wait(throttle, patience(), at=now) == 0
    # From the eighth on, one attempt is forgotten now and then.
    assert waits[:8] == [1, 2, 4, 8, 16, 32, 64, 128]
    assert waits == sorted(waits)
    assert waits[-1] <= 900
    assert wait(throttle, patience(), at=now) > 500


def test_who_goes_on_during_a_wait_does_not_prolong_it(throttle, pool):
    for _ in range(5):
        wait(throttle, patience())
    before = rows(pool)
    assert [wait(throttle, patience()) for _ in range(50)] == [1] * 50
    assert rows(pool) == before
    assert wait(throttle, patience(), at=NOON + SECOND) == 0


def test_one_attempt_is_forgotten_every_quarter_of_an_hour(throttle):
    for _ in range(5):
        wait(throttle, patience())
    later = NOON + 15 * MINUTE
    assert [wait(throttle, patience(), at=later) for _ in range(2)] == [0, 1]
    much_later = NOON + 90 * MINUTE
    assert [wait(throttle, patience(), at=much_later) for _ in range(6)] == [0, 0, 0, 0, 0, 1]


def test_no_attempt_waits_because_another_process_has_a_faster_clock(throttle):
    wait(throttle, patience(), at=NOON + SECOND)
    assert wait(throttle, patience(), at=NOON) == 0


# --- networks


def test_a_network_gets_its_attempts_back_one_by_one(throttle):
    assert [wait(throttle, network()) for _ in range(4)] == [0, 0, 0, 10]
    assert [wait(throttle, network(), at=NOON + 9.5 * SECOND) for _ in range(2)] == [1, 1]
    assert [wait(throttle, network(), at=NOON + 10 * SECOND) for _ in range(2)] == [0, 10]
    assert [wait(throttle, network(), at=NOON + 60 * SECOND) for _ in range(4)] == [0, 0, 0, 10]


def test_networks_and_addresses_do_not_wait_for_each_other(throttle):
    for _ in range(3):
        wait(throttle, patience("ada@school.example"), network("192.0.2.1"))
    assert wait(throttle, patience("ada@school.example"), network("192.0.2.1")) == 10
    assert wait(throttle, patience("ada@school.example"), network("192.0.2.2")) == 0
    assert wait(throttle, patience("192.0.2.1")) == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1::5", "20010db800000001/64"),
        ("2001:db8:0:1:ffff::", "20010db800000001/64"),
        ("2001:db8:0:2::5", "20010db800000002/64"),
        ("fe80::1%eth0", "fe80000000000000/64"),
        ("", ""),
    ],
)
def test_a_network_is_an_ipv4_address_or_an_ipv6_64(address, network):
    assert network_of(address) == network


# --- all or nothing, together


def test_an_attempt_that_one_bucket_refuses_takes_nothing_from_the_others(throttle, pool):
    for _ in range(3):
        wait(throttle, network())
    before = rows(pool)
    assert wait(throttle, patience(), network()) == 10
    assert rows(pool) == before


def test_the_longest_wait_counts(throttle):
    for number in range(3):
        wait(throttle, network(), patience(f"{number}@school.example"))
    for _ in range(5):
        wait(throttle, patience())
    assert wait(throttle, patience(), network()) == 10


def test_of_many_attempts_at_once_no_more_are_made_than_there_are(throttle):
    waits = at_once(lambda number: wait(throttle, patience(), network(str(number))), 16)
    assert waits.count(0) == 5
    assert set(waits) == {0, 1}


def test_an_attempt_that_finds_a_bucket_closed_only_as_it_writes_is_refused_and_leaves_nothing(
    throttle, pool
):
    wait(throttle, patience())
    with ThreadPoolExecutor() as threads:
        with pool.connection() as connection, connection.transaction():
            connection.execute("UPDATE buckets SET open_at = %s", [NOON + MINUTE])
            attempt = threads.submit(wait, throttle, patience(), network())
            until(lambda: waiting_for_locks(pool) == 1)
        assert attempt.result(20) == 60
    assert len(rows(pool)) == 1


def test_two_processes_count_together(throttle, database_url):
    with open_pool(database_url, size=2, name="another process") as pool:
        other = StoredThrottle(pool, KEYRING)
        waits = [wait(each, patience()) for each in (throttle, other) * 3]
    assert waits == [0, 0, 0, 0, 0, 1]


# --- what comes back


def test_an_attempt_that_is_given_back_was_never_made(throttle, pool):
    for _ in range(20):
        throttle.give_back(throttle.take([patience(), network()], NOON))
    assert [wait(throttle, patience(), network()) for _ in range(4)] == [0, 0, 0, 10]


def test_an_attempt_that_is_given_back_during_the_waits_leaves_the_others_counted(throttle):
    for _ in range(5):
        wait(throttle, patience())
    later = NOON + SECOND
    for _ in range(3):
        throttle.give_back(throttle.take([patience()], later))
    assert [wait(throttle, patience(), at=later) for _ in range(2)] == [0, 2]


def test_an_attempt_that_is_given_back_late_does_not_open_what_another_has_closed_since(throttle):
    for _ in range(5):
        wait(throttle, patience())
    slow = throttle.take([patience()], NOON + SECOND)
    assert wait(throttle, patience(), at=NOON + 3 * SECOND) == 0
    throttle.give_back(slow)
    assert wait(throttle, patience(), at=NOON + 3 * SECOND) == 4


def test_what_is_forgiven_begins_anew(throttle):
    for _ in range(5):
        taken = throttle.take([patience()], NOON)
    throttle.forgive(taken)
    assert [wait(throttle, patience()) for _ in range(6)] == [0, 0, 0, 0, 0, 1]


# --- what is stored


def test_the_table_shows_neither_addresses_nor_networks(throttle, pool):
    wait(throttle, patience(), network())
    shown = str(rows(pool))
    assert "ada" not in shown
    assert "192.0.2" not in shown


def test_a_bucket_that_is_full_again_is_removed(throttle, pool):
    class Later:
        def now(self):
            return NOON + 10 * SECOND

    wait(throttle, network())
    wait(throttle, patience())
    assert Tick(pool, Later()).tidy() == 1
    assert len(rows(pool)) == 1
