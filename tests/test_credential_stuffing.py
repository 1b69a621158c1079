"""Passwords of other people's lists, tried at 10,000 addresses from 200 networks, while the owner of one signs in."""

import gc
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from api_client import House, running, with_waits_that_do_not_end
from people import AURELIE_ADDRESS, HOUR
from services import new_database
from signing_in import signed_in, tried
from write_side import WriteSide

from application.ports import Verified
from domain import policies
from infrastructure.credentials import HashedCredentials
from infrastructure.tick import Tick

NETWORKS, ROUNDS = 200, 50  # of one attempt from each network
PAUSE = timedelta(seconds=1.2)  # between rounds: all is over within a minute
STOLEN = "a password of somebody's list"
HOME = "192.0.2.7"  # attacked from there, too


class Counting:
    """Credentials that know without a hash that the attacker's password is wrong, and count how often he asks."""

    def __init__(self, real: HashedCredentials) -> None:
        self._real = real
        self.guesses = 0

    def verify(self, email: str, password: str, now: datetime, *, known: bool = False) -> Verified | None:
        if password == STOLEN:
            self.guesses += 1
            return None
        return self._real.verify(email, password, now, known=known)


@pytest.fixture
def here(database_url) -> Iterator[WriteSide]:
    with WriteSide(database_url, connections=6) as here:
        yield here


def buckets(here: WriteSide) -> int:
    return here.rows("SELECT count(*) FROM buckets")[0][0]


def memory() -> int:
    """How many objects Python holds."""
    gc.collect()
    return sys.getallocatedblocks()


def test_the_owner_gets_in_each_time_and_neither_the_attacker_learns_nor_the_memory_grows(here):
    password = here.accounts.issue_initial_password(here.opened())
    device = signed_in(here, password).device
    for number in range(ROUNDS):
        here.opened(f"{number}-7@school.example")
    counting = Counting(here.credentials)
    here.accounts = replace(here.accounts, credentials=counting)
    at_her, held, without_device = 0, 0, set()

    for number in range(ROUNDS):
        here.clock.goes_on(PAUSE)
        answers = {
            tried(here, STOLEN, email=f"{number}-{network}@school.example", network=f"192.0.2.{network}")
            for network in range(NETWORKS)
        }
        assert len(answers) == 1  # the address with an account is among them
        for network in range(4):
            address = f"2001:db8:{number:x}:{network}::1"
            at_her += tried(here, STOLEN, network=address) == "wrong-credentials"
        assert tried(here, password, network=HOME, device=device) == "in"
        without_device.add(tried(here, password, network="203.0.113.9"))
        if number == 9:
            held = memory()

    attempts = (ROUNDS - 1 - 9) * NETWORKS  # since then; whatever is kept of each is a block at least
    assert memory() - held < attempts / 4
    assert without_device == {"in", "too-many-requests"}
    assert at_her <= policies.WRONG_PASSWORDS + 6  # after 1 s, 2 s, 4 s … within the minute
    assert counting.guesses <= NETWORKS * (policies.NETWORK_WRONG_PASSWORDS + 6) + at_her
    assert buckets(here) <= counting.guesses + NETWORKS + ROUNDS * 4
    here.clock.goes_on(5 * HOUR)
    Tick(here.pool, here.clock).tidy()
    assert buckets(here) == 0


@pytest.fixture
def house(postgres, template, tmp_path) -> Iterator[House]:
    with (
        new_database(postgres, template) as database,
        running(database, tmp_path, PUBLIC_REQUESTS_AN_HOUR="3", NETWORK_WRONG_PASSWORDS="3") as house,
    ):
        yield with_waits_that_do_not_end(house)


def shown(house: House, path: str, body: dict, *, network: str = "192.0.2.1") -> tuple:
    """All of an answer but its moment."""
    answer = house.client().post(path, body, environ_overrides={"REMOTE_ADDR": network})
    return answer.status_code, sorted(pair for pair in answer.headers if pair[0] != "Date"), answer.data


@pytest.mark.parametrize("door", ["/session", "/tokens"])
def test_addresses_with_and_without_an_account_are_answered_alike_from_the_first_attempt_to_the_last_wait(
    house, door
):
    house.holder(AURELIE_ADDRESS)
    told = {
        email: [
            shown(house, door, {"email": email, "password": STOLEN}, network=f"192.0.2.{number}")
            for number in range(8)
        ]
        for email in (AURELIE_ADDRESS, "nobody@school.example")
    }
    known, unknown = told.values()
    assert known == unknown
    assert [status for status, *_ in known] == [401] * 5 + [429] * 3


def test_a_network_has_to_wait_whatever_addresses_it_tries(house):
    answers = [
        shown(house, "/session", {"email": f"{number}@school.example", "password": STOLEN}, network=network)
        for number, network in enumerate(["2001:db8::1", "2001:db8::2", "2001:db8:0:0:3::", "2001:db8::4"])
    ]
    assert [status for status, *_ in answers] == [401, 401, 401, 429]
    assert ("Retry-After", "100") in answers[-1][1]


def test_a_network_that_asks_for_many_accounts_has_to_wait_and_others_have_not(house):
    def ask(network: str) -> int:
        wanted = {
            "email": AURELIE_ADDRESS,
            "given_name": "A",
            "family_name": "C",
            "locale": "fr",
            "accept_privacy_policy": True,
        }
        return shown(house, "/accounts", wanted, network=network)[0]

    assert [ask("192.0.2.1") for _ in range(4)] == [202, 202, 202, 429]
    assert ask("192.0.2.2") == 202
