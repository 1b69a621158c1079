"""Devices that an account knows: who attacks the address from elsewhere cannot make it wait."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from threading import Event, Thread
from uuid import UUID

import pytest
from enrolling import enrolled
from people import AURELIE_ADDRESS, CLERK, DAY, NOON
from signing_in import ELSEWHERE, MY_PASSWORD, a_session, in_use, signed_in, tried
from spec import until
from write_side import WriteSide

from application.guesses import Caller
from domain import errors
from domain.fact import NOWHERE
from infrastructure.credentials import HashQueue
from infrastructure.devices import DEVICES
from infrastructure.tick import Tick

HOME = "192.0.2.1"
YEAR = timedelta(days=365)
SECOND = timedelta(seconds=1)


@pytest.fixture
def here(database_url):
    with WriteSide(database_url, connections=6) as here:
        yield here


@pytest.fixture
def issued(here):
    return here.accounts.issue_initial_password(here.opened())


@pytest.fixture
def device(here, issued) -> str:
    """The secret of a device from which Aurélie has signed in."""
    return signed_in(here, issued).device


def attack(here, *, network: str = ELSEWHERE, device: str | None = None) -> None:
    """Until the address is closed."""
    while tried(here, "a guess", network=network, device=device) != "too-many-requests":
        pass


# --- whose attempts count where


def test_an_attack_on_an_address_makes_strangers_wait_and_the_known_device_gets_in(here, issued, device):
    attack(here)
    assert tried(here, issued, network=HOME) == "too-many-requests"
    assert tried(here, issued, network=HOME, device=device) == "in"


def test_an_attack_from_the_owners_own_network_does_not_shut_her_out(here, issued, device):
    for number in range(30):
        tried(here, "a guess", network=HOME, email=f"{number}@school.example")
    assert tried(here, issued, network=HOME) == "too-many-requests"
    assert tried(here, issued, network=HOME, device=device) == "in"


def test_the_owner_who_comes_in_gives_the_attacker_no_further_guess(here, issued, device):
    attack(here)
    before = here.rows("SELECT * FROM buckets ORDER BY key")
    for _ in range(3):
        assert tried(here, issued, device=device) == "in"
    assert here.rows("SELECT * FROM buckets ORDER BY key") == before
    here.clock.goes_on(SECOND)
    assert tried(here, issued, network=HOME) == "in"  # without the device, when her turn has come
    assert [tried(here, "a guess") for _ in range(2)] == ["wrong-credentials", "too-many-requests"]


def test_an_attacker_who_signs_in_to_an_account_of_his_own_in_between_gets_no_further_guess(here, issued):
    own = here.accounts.issue_initial_password(here.opened("eve@example.org"))
    made = 0
    for number in range(60):
        made += tried(here, "a guess", email=f"{number}@school.example") == "wrong-credentials"
        tried(here, own, email="eve@example.org")
    assert made == 30


def test_a_device_of_another_account_is_no_better_than_none(here, issued, device):
    here.accounts.issue_initial_password(here.opened("eve@example.org"))
    password = here.accounts.issue_initial_password(here.lookup.find("email", "eve@example.org")[0])
    stolen = signed_in(here, password, email="eve@example.org").device
    attack(here)
    assert tried(here, "a guess", device=stolen) == "too-many-requests"
    assert tried(here, issued, device=stolen) == "too-many-requests"


def test_whoever_guesses_on_the_device_waits_like_anybody_and_begins_anew_after_a_success(
    here, issued, device
):
    attack(here, device=device)
    assert tried(here, issued, device=device) == "too-many-requests"
    assert tried(here, issued, network=HOME) == "in"
    here.clock.goes_on(SECOND)
    assert tried(here, issued, device=device) == "in"
    assert [tried(here, "a slip", device=device) for _ in range(5)] == ["wrong-credentials"] * 5


def test_a_device_that_somebody_made_up_counts_for_nothing(here, issued):
    for invented in ("", "x" * 43, "\udcff", "\0"):
        attack(here, device=invented)
        assert tried(here, issued, device=invented) == "too-many-requests"
        here.clock.goes_on(DAY)


def test_what_is_wrong_with_a_password_in_a_session_is_counted_there_alone(here, issued):
    session = here.sessions.find(signed_in(here, issued).token, NOON)

    def change(current: str, session_id=session.session_id) -> None:
        here.accounts.change_password(
            session.account_id, current, MY_PASSWORD, session_id=session_id, kind="bearer"
        )

    for _ in range(5):
        with pytest.raises(errors.WrongPassword):
            change("a guess")
    with pytest.raises(errors.TooManyRequests):
        change(issued)
    assert tried(here, issued) == "in"
    other = here.sessions.find(signed_in(here, issued).token, NOON)
    change(issued, other.session_id)


@contextmanager
def strangers_hashing(here) -> Iterator[tuple[HashQueue, Event]]:
    """Strangers have taken all places of the queue, until the event."""
    queue = HashQueue(at_once=1, waiting=0)
    here.accounts = replace(here.accounts, credentials=here.hashed(queue))
    begun, done = Event(), Event()
    stranger = Thread(target=queue.run, args=(lambda: (begun.set(), done.wait()),))
    stranger.start()
    begun.wait()
    try:
        yield queue, done
    finally:
        done.set()
        stranger.join()


def test_an_attempt_that_found_no_place_for_its_hash_is_no_guess(here, issued):
    with strangers_hashing(here):
        assert [tried(here, issued) for _ in range(40)] == ["too-busy"] * 40
    assert tried(here, issued) == "in"
    assert here.rows("SELECT * FROM buckets WHERE full_at > %s", NOON) == []


def test_strangers_who_fill_the_queue_for_hashes_leave_room_for_known_devices(here, issued, device):
    with strangers_hashing(here) as (queue, done), ThreadPoolExecutor() as threads:
        assert tried(here, issued) == "too-busy"
        hers = threads.submit(tried, here, issued, device=device)
        until(lambda: queue.waiting == 1)
        done.set()
        assert hers.result(30) == "in"


# --- what is kept


def test_a_device_keeps_its_secret_and_another_gets_its_own(here, issued, device):
    again = here.accounts.sign_in(AURELIE_ADDRESS, issued, "cookie", caller=Caller(HOME, device))
    other = here.accounts.sign_in(AURELIE_ADDRESS, issued, "cookie", caller=Caller(HOME))
    assert again.device == device
    assert other.device not in (None, device)


def test_a_secret_that_the_account_does_not_know_is_never_taken_over(here, issued):
    planted = here.accounts.sign_in(AURELIE_ADDRESS, issued, "cookie", caller=Caller(HOME, "planted")).device
    assert planted != "planted"
    assert not here.devices.knows(AURELIE_ADDRESS, "planted", NOON)


def test_a_client_without_cookies_is_no_device(here, issued):
    assert signed_in(here, issued, "bearer").device is None
    assert here.rows("SELECT * FROM devices") == []


def test_the_table_does_not_hold_the_secret(here, device):
    assert device not in str(here.rows("SELECT * FROM devices"))


def test_a_device_is_forgotten_a_year_after_the_last_time_that_one_signed_in_there(here, issued, device):
    here.devices.remember(here.lookup.find("email", AURELIE_ADDRESS)[0], None, NOON)
    here.clock.goes_on(YEAR - SECOND)
    assert here.devices.knows(AURELIE_ADDRESS, device, here.clock.now())
    here.clock.goes_on(SECOND)
    assert not here.devices.knows(AURELIE_ADDRESS, device, here.clock.now())
    Tick(here.pool, here.clock).tidy()
    assert here.rows("SELECT * FROM devices") == []


def test_signing_in_prolongs_a_devices_year(here, issued, device):
    account_id = here.lookup.find("email", AURELIE_ADDRESS)[0]
    secret, store = here.devices.remember(account_id, device, NOON + 300 * DAY)
    here.store.record(effects=[store])
    assert secret == device
    assert here.devices.knows(AURELIE_ADDRESS, device, NOON + 600 * DAY)


def test_an_account_knows_its_latest_devices_only(here, issued, device):
    for number in range(DEVICES):
        assert here.devices.knows(AURELIE_ADDRESS, device, NOON), number
        here.clock.goes_on(SECOND)
        signed_in(here, issued)
    assert not here.devices.knows(AURELIE_ADDRESS, device, NOON)
    assert here.rows("SELECT count(*) FROM devices") == [(DEVICES,)]


def test_an_account_can_forget_all_its_devices(here, issued, device):
    password = here.accounts.issue_initial_password(here.opened("eve@example.org"))
    hers = signed_in(here, password, email="eve@example.org").device
    here.store.record(effects=[here.devices.forget(here.lookup.find("email", AURELIE_ADDRESS)[0])])
    assert not here.devices.knows(AURELIE_ADDRESS, device, NOON)
    assert here.devices.knows("eve@example.org", hers, NOON)


# --- when they are forgotten


@pytest.fixture
def hers(here) -> tuple[UUID, str, UUID]:
    """Aurélie, in use: her account, a browser that it knows, and a session in which she is."""
    account_id = in_use(here)
    return account_id, signed_in(here, MY_PASSWORD).device, a_session(here, account_id)


WHY = {"reason": "other", "note": None, "actor": CLERK}
BARRED_BY = {
    "locked": lambda here, who, session: here.standings.lock(who, **WHY),
    "closed by staff": lambda here, who, session: here.standings.close(who, **WHY),
    "closed by her": lambda here, who, session: here.standings.close_own(
        who, MY_PASSWORD, session_id=session, whence=NOWHERE
    ),
    "second factors reset": lambda here, who, session: (
        enrolled(here, who, MY_PASSWORD, session_id=session),
        here.factors.reset(who, "device-lost", None, actor=CLERK),
    ),
}


@pytest.mark.parametrize("deed", BARRED_BY.values(), ids=BARRED_BY)
def test_an_account_that_somebody_was_barred_from_knows_no_device(here, hers, deed):
    account_id, device, session_id = hers
    deed(here, account_id, session_id)
    assert not here.devices.knows(AURELIE_ADDRESS, device, NOON)
    assert here.devices.of(account_id, NOON) == []


def test_unlocking_makes_no_device_known_again(here, hers):
    account_id, device, _ = hers
    here.standings.lock(account_id, **WHY)
    here.standings.unlock(account_id, **WHY)
    assert not here.devices.knows(AURELIE_ADDRESS, device, NOON)


@pytest.mark.parametrize("kind", ["cookie", "bearer"])
def test_with_a_new_password_only_the_browser_that_asked_stays_known(here, hers, kind):
    account_id, device, session_id = hers
    other = signed_in(here, MY_PASSWORD).device
    others_id = in_use(here, "eve@example.org")
    anothers = signed_in(here, MY_PASSWORD, email="eve@example.org").device
    here.accounts.change_password(
        account_id,
        MY_PASSWORD,
        "a barge on the canal at dawn",
        session_id=session_id,
        kind=kind,
        device=device,
    )
    assert here.devices.knows(AURELIE_ADDRESS, device, NOON)
    assert not here.devices.knows(AURELIE_ADDRESS, other, NOON)
    assert here.devices.knows("eve@example.org", anothers, NOON)
    session_id = a_session(here, others_id)
    here.accounts.change_password(
        others_id, MY_PASSWORD, "a barge on the canal at dawn", session_id=session_id, kind=kind
    )
    assert here.devices.of(others_id, NOON) == []
