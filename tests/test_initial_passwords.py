"""The first password: mailed in up to three copies, good for one person, once, for a while."""

import re
from datetime import timedelta

import pytest
from people import DAY, HOUR
from signing_in import alive, refused, signed_in
from spec import at_once
from write_side import WriteSide

from domain import errors, policies
from infrastructure.credentials import initial_password

MOMENT = timedelta(microseconds=1)


@pytest.fixture
def here(database_url):
    with WriteSide(database_url, connections=6) as here:
        yield here


@pytest.fixture
def account_id(here):
    return here.opened()


@pytest.fixture
def issued(here, account_id):
    """An initial password of Aurélie's account."""
    return here.accounts.issue_initial_password(account_id)


@pytest.fixture
def session(here, issued):
    """Aurélie has signed in with her initial password."""
    return signed_in(here, issued)


def test_an_initial_password_is_easy_to_type_and_hard_to_guess():
    passwords = {initial_password() for _ in range(200)}
    assert len(passwords) == 200
    assert all(re.fullmatch("[a-z]{4}(-[a-z]{4}){4}", password) for password in passwords)
    assert all(len(password) >= policies.PASSWORD_MIN_LENGTH for password in passwords)


def test_the_first_sign_in_makes_the_account_active(here, account_id, issued):
    who = signed_in(here, issued)
    assert (who.account_id, who.initial_password) == (account_id, True)
    assert here.topics(account_id)[-1] == "account.activated"
    assert here.store.account(account_id).state == "active"


def test_later_sign_ins_leave_no_event(here, account_id, session, issued):
    before = here.topics(account_id)
    assert signed_in(here, issued).initial_password
    assert here.topics(account_id) == before


@pytest.mark.parametrize("used", [0, 1, 2])
def test_three_copies_are_valid_until_one_of_them_is_used(here, account_id, used):
    copies = [here.accounts.issue_initial_password(account_id) for _ in range(3)]
    assert here.rows("SELECT count(DISTINCT split_part(hash, '$', 5)), count(*) FROM credentials") == [(1, 3)]
    signed_in(here, copies[used])
    assert signed_in(here, copies[used])
    assert all(refused(here, copy) for copy in copies if copy != copies[used])


def test_a_fourth_initial_password_is_refused(here, account_id):
    copies = [here.accounts.issue_initial_password(account_id) for _ in range(3)]
    with pytest.raises(errors.InitialPasswordsExhausted):
        here.accounts.issue_initial_password(account_id)
    assert here.topics(account_id).count("account.password-issued") == 3
    assert all(signed_in(here, copy) for copy in copies[:1])


def test_no_initial_password_is_made_for_whoever_has_signed_in(here, account_id, session):
    with pytest.raises(errors.SignedInAlready):
        here.accounts.issue_initial_password(account_id)
    assert here.rows("SELECT count(*) FROM credentials") == [(1,)]


def test_an_initial_password_lasts_72_hours(here, issued):
    here.clock.goes_on(72 * HOUR - MOMENT)
    assert signed_in(here, issued)
    here.clock.goes_on(MOMENT)
    assert refused(here, issued)


def test_a_later_copy_lasts_longer(here, account_id, issued):
    here.clock.goes_on(2 * DAY)
    second = here.accounts.issue_initial_password(account_id)
    here.clock.goes_on(1 * DAY)
    assert refused(here, issued)
    assert signed_in(here, second)


def test_two_first_sign_ins_at_once_with_one_copy_both_come_in_and_activate_once(here, account_id, issued):
    both = at_once(lambda _: signed_in(here, issued), 2)
    assert all(alive(here, each.token) for each in both)
    assert here.topics(account_id).count("account.activated") == 1


def test_of_two_first_sign_ins_at_once_with_two_copies_one_comes_in(here, account_id):
    copies = [here.accounts.issue_initial_password(account_id) for _ in range(2)]

    def enter(number: int) -> bool:
        try:
            return bool(signed_in(here, copies[number]))
        except errors.WrongCredentials:
            return False

    assert sorted(at_once(enter, 2)) == [False, True]
    assert here.rows("SELECT count(*) FROM credentials") == [(1,)]
    assert here.rows("SELECT count(*) FROM sessions") == [(1,)]


def test_several_workers_that_issue_at_once_issue_three(here, account_id):
    def issue(_: int) -> str | None:
        try:
            return here.accounts.issue_initial_password(account_id)
        except (errors.InitialPasswordsExhausted, errors.Conflict):
            return None

    copies = {copy for _ in range(2) for copy in at_once(issue, 4) if copy}
    assert len(copies) == here.topics(account_id).count("account.password-issued") == 3
    assert here.rows("SELECT count(*) FROM credentials") == [(3,)]
