"""Asking for an account: alike for every address at the door, one account for each, whoever asks how often."""

from dataclasses import replace

import pytest
from people import AURELIE_ADDRESS, HOUR, MINUTE, NOON
from read_side import catch_up, projecting
from spec import at_once
from write_side import KEYRING, WriteSide

from application.ports import AccountRequest
from domain import policies
from infrastructure.intake import BLOCK, DecidedElsewhere
from infrastructure.keys import Keyring


@pytest.fixture
def here(database_url):
    with WriteSide(database_url, connections=10) as here:
        yield here


def ask(here, email: str = AURELIE_ADDRESS, given_name: str = "Aurélie") -> None:
    here.accounts.request(email, given_name, "Chappuis", "de", "2025-08")


def waiting(here) -> int:
    return here.rows("SELECT count(*) FROM intake")[0][0]


def accounts(here) -> int:
    return here.rows("SELECT count(*) FROM events WHERE topic = 'account.requested'")[0][0]


def test_asking_writes_one_row_and_no_event(here):
    ask(here)
    assert (waiting(here), accounts(here)) == (1, 0)
    assert here.rows("SELECT * FROM lookup") == []


def test_the_row_is_sealed_and_of_one_size_for_a_known_and_an_unknown_address(here):
    here.opened(AURELIE_ADDRESS)
    ask(here, AURELIE_ADDRESS)
    ask(here, "a@b.example", "A")
    (known,), (unknown,) = here.rows("SELECT sealed FROM intake")
    assert len(known) == len(unknown)
    assert AURELIE_ADDRESS.encode() not in known
    assert len(known) > BLOCK


def test_a_decided_request_is_an_account_that_bears_the_moment_of_asking(here):
    ask(here)
    here.clock.goes_on(HOUR)
    assert here.decide.decide_waiting() == 1
    (account_id,) = here.lookup.find("email", AURELIE_ADDRESS)
    account = here.store.account(account_id)
    assert (account.email, account.given_name, account.family_name) == (
        AURELIE_ADDRESS,
        "Aurélie",
        "Chappuis",
    )
    assert (account.locale, account.origin, account.created_on) == ("de", "sign-up", NOON)
    assert waiting(here) == 0


def test_an_address_in_other_letters_is_the_same(here):
    account_id = here.opened("aurelie@example.org")
    ask(here, "AURELIE@EXAMPLE.ORG")
    here.decide.decide_waiting()
    assert here.topics(account_id) == ["account.requested", "account.requested-again"]


def test_one_address_asked_for_twenty_times_at_once_is_one_account(here, caplog):
    at_once(lambda _: ask(here), 20)
    assert waiting(here) == 20
    for _ in range(5):  # whoever lost a race three times leaves the request to the next round
        at_once(lambda _: here.decide.decide_waiting(), 4)
    assert (waiting(here), accounts(here), caplog.records) == (0, 1, [])
    (account_id,) = here.lookup.find("email", AURELIE_ADDRESS)
    again = ["account.requested-again"] * (policies.MAILS_A_DOOR - 1)
    assert here.topics(account_id) == ["account.requested", *again]
    assert here.rows("SELECT count(*) FROM data_keys") == [(1,)]


def test_twenty_addresses_at_once_are_twenty_accounts(here):
    at_once(lambda number: ask(here, f"person-{number}@example.org"), 20)
    decided = at_once(lambda _: here.decide.decide_waiting(), 4)
    assert (sum(decided), waiting(here), accounts(here)) == (20, 0, 20)


def test_strangers_cause_five_mails_an_hour_to_one_address(here):
    for _ in range(8):
        ask(here)
        here.clock.goes_on(MINUTE)
    here.clock.at = NOON + HOUR
    ask(here)
    here.decide.decide_waiting()
    with projecting(here) as projector:
        catch_up(here, projector)
    mails = here.rows("SELECT kind FROM outbox ORDER BY position")
    assert mails == [("initial-password",), *[("account-exists",)] * policies.MAILS_A_DOOR]


def test_a_request_that_another_worker_has_decided_on_is_undone(here):
    ask(here)
    ((number, sealed),) = here.intake.waiting(1)
    wanted = here.intake.open(sealed)
    here.accounts.decide_request(wanted, here.intake.taken(number))
    other = replace(wanted, email="somebody-else@example.org")
    with pytest.raises(DecidedElsewhere):
        here.accounts.decide_request(other, here.intake.taken(number))
    assert accounts(here) == 1


def test_a_request_that_cannot_be_opened_does_not_hold_up_the_others(database_url):
    with WriteSide(database_url, keyring=Keyring({1: b"\x09" * 32})) as elsewhere:
        ask(elsewhere, "lost@example.org")
    with WriteSide(database_url, keyring=KEYRING) as here:
        ask(here)
        assert here.decide.decide_waiting() == 1
        assert (waiting(here), accounts(here)) == (1, 1)


def test_what_was_asked_for_comes_out_of_the_intake_as_it_went_in(here):
    wanted = AccountRequest(
        "a@b.example", "Zoé «🙂»", "O'Neill", "fr", "2025-08", NOON.replace(microsecond=7)
    )
    here.intake.put(wanted)
    ((_, sealed),) = here.intake.waiting(1)
    assert here.intake.open(sealed) == wanted
