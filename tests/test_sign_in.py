"""Passwords: which one lets a person in, how it is changed, and what ends with the old one."""

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event, Thread
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from people import AURELIE_ADDRESS, DAY, NOON
from signing_in import MY_PASSWORD, a_session, alive, change, random_password, refused, signed_in
from spec import at_once, until
from write_side import WriteSide

from domain import errors
from domain.fact import NOWHERE
from domain.passwords import composed
from infrastructure.credentials import HashQueue


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


@pytest.fixture
def chosen(here, account_id, issued, session):
    """She has chosen her own password, and has this session."""
    return change(here, account_id, session, issued, MY_PASSWORD)


# --- passwords


def test_an_unknown_address_and_a_wrong_password_are_refused_alike(here, issued):
    assert refused(here, issued, email="nobody@example.org")
    assert refused(here, issued + "x")
    assert refused(here, "")


def test_the_address_is_taken_without_case(here, issued):
    assert signed_in(here, issued, email=AURELIE_ADDRESS.upper())


def test_a_chosen_password_replaces_the_initial_one(here, account_id, issued, chosen):
    assert refused(here, issued)
    who = signed_in(here, MY_PASSWORD)
    assert not who.initial_password
    here.clock.goes_on(100 * DAY)
    assert signed_in(here, MY_PASSWORD)
    assert here.topics(account_id)[-1] == "account.password-changed"


def test_a_password_is_the_same_however_its_accents_are_typed(here, account_id, issued, session):
    change(here, account_id, session, issued, "été à la Chaux-de-Fonds")
    assert signed_in(here, "e\u0301te\u0301 a\u0300 la Chaux-de-Fonds")


@pytest.mark.parametrize(
    ("new", "refusal"),
    [
        ("x" * 14, errors.PasswordTooShort),
        ("e\u0301" * 14, errors.PasswordTooShort),
        ("x" * 129, errors.PasswordTooLong),
    ],
)
def test_a_password_of_unfit_length_is_refused_and_the_old_one_stays(
    here, account_id, issued, session, new, refusal
):
    with pytest.raises(refusal):
        change(here, account_id, session, issued, new)
    assert signed_in(here, issued)


@pytest.mark.parametrize("new", ["otter mill frog", "🦦🏭🐸🌊" * 2 + "hinter der Mühle " * 7])
def test_a_password_of_fit_length_is_taken(here, account_id, issued, session, new):
    change(here, account_id, session, issued, new)
    assert signed_in(here, new)


@given(st.integers(), st.integers(15, 128))
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
def test_whatever_random_password_is_chosen_lets_its_holder_in_however_it_is_typed(
    here, account_id, issued, session, seed, length
):
    new = random_password(seed, length)
    chosen = here.accounts.passwords.acceptable(
        unicodedata.normalize("NFD", new), here.store.account(account_id)
    )
    _, store = here.credentials.choose(account_id, chosen, NOON)
    here.store.record(effects=[store])
    assert signed_in(here, new)
    assert signed_in(here, unicodedata.normalize("NFD", new))
    assert refused(here, new[:-1])


@pytest.mark.parametrize(
    ("new", "refusal"),
    [
        ("passwordpassword123", errors.PasswordCommon),
        ("sept ponts d'Aurélie", errors.PasswordHoldsName),
        ("sept ponts d'Hep-Bejune", errors.PasswordHoldsName),
    ],
)
def test_a_password_that_others_would_guess_is_refused_and_the_old_one_stays(
    here, account_id, issued, session, new, refusal
):
    with pytest.raises(refusal):
        change(here, account_id, session, issued, new)
    assert signed_in(here, issued)
    assert here.topics(account_id)[-1] != "account.password-changed"


def test_whoever_does_not_know_the_password_cannot_change_it(here, account_id, issued, session):
    with pytest.raises(errors.WrongPassword):
        change(here, account_id, session, "not the password", MY_PASSWORD)
    assert signed_in(here, issued)


def test_a_password_is_kept_as_a_hash_alone(here, chosen):
    ((stored,),) = here.rows("SELECT hash FROM credentials")
    assert stored.startswith("$argon2id$v=19$")
    for (table,) in here.rows("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200"):
        for (row,) in here.rows(f'SELECT t::text FROM "{table}" AS t'):
            assert MY_PASSWORD not in row
            assert MY_PASSWORD.encode().hex() not in row


def test_it_is_kept_whether_a_password_is_long_enough_alone(here, account_id, issued):
    assert here.rows("SELECT long FROM credentials") == [(True,)]
    for password, long in ("otter, mill", False), ("e\u0301" * 14, False), ("é" * 15, True):
        _, store = here.credentials.choose(account_id, composed(password), NOON)
        here.store.record(effects=[store])
        assert here.rows("SELECT long FROM credentials") == [(long,)]


def test_a_password_that_nobody_can_have_chosen_costs_no_hash(here, account_id, issued, session):
    """Whatever needed a hash would be turned away."""
    queue = HashQueue(at_once=1, waiting=-1)
    crowded = replace(here.accounts, credentials=here.hashed(queue))
    for password in ("x" * 129, "x" * 1_000_000):
        with pytest.raises(errors.WrongCredentials):
            crowded.sign_in(AURELIE_ADDRESS, password, "cookie")
        with pytest.raises(errors.WrongPassword):
            crowded.change_password(account_id, password, MY_PASSWORD, session_id=uuid4(), kind="cookie")
        with pytest.raises(errors.PasswordTooLong):
            crowded.change_password(account_id, issued, password, session_id=uuid4(), kind="cookie")
    with pytest.raises(errors.TooBusy):
        crowded.sign_in(AURELIE_ADDRESS, "x" * 128, "cookie")


def test_when_too_many_wait_for_a_core_one_more_is_turned_away(here, issued):
    queue = HashQueue(at_once=1, waiting=0)
    crowded = here.hashed(queue)
    begun, done = Event(), Event()
    busy = Thread(target=queue.run, args=(lambda: (begun.set(), done.wait()),))
    busy.start()
    begun.wait()

    with pytest.raises(errors.TooBusy):
        crowded.verify(AURELIE_ADDRESS, issued, NOON)
    done.set()
    busy.join()
    assert crowded.verify(AURELIE_ADDRESS, issued, NOON)


# --- what a new password ends


def test_a_new_password_ends_every_other_session_and_goes_on_in_a_fresh_one(
    here, account_id, issued, session
):
    others = [signed_in(here, issued, kind) for kind in ("cookie", "bearer")]
    fresh = change(here, account_id, session, issued, MY_PASSWORD)
    assert not any(alive(here, each.token) for each in (session, *others))
    assert alive(here, fresh.token)
    assert not here.sessions.find(fresh.token, NOON).initial_password


def test_a_client_with_a_bearer_token_goes_on_with_it(here, account_id, issued, session):
    bearer = signed_in(here, issued, "bearer")
    assert change(here, account_id, bearer, issued, MY_PASSWORD, kind="bearer") is None
    assert not alive(here, session.token)
    assert not here.sessions.find(bearer.token, NOON).initial_password


def test_a_session_that_is_being_opened_with_the_old_password_does_not_outlive_it(here, account_id, chosen):
    """The old password was right when it was checked; the new one is there before the session is."""
    verified = here.credentials.verify(AURELIE_ADDRESS, MY_PASSWORD, NOON)
    late = here.sessions.open(verified, "cookie", NOWHERE, NOON)
    change(here, account_id, chosen, MY_PASSWORD, "another horse battery")
    with pytest.raises(errors.WrongCredentials):
        here.store.record(effects=[late.store])
    assert not alive(here, late.token)


def test_a_session_that_was_a_little_earlier_is_ended_by_the_new_password(here, account_id, chosen):
    verified = here.credentials.verify(AURELIE_ADDRESS, MY_PASSWORD, NOON)
    early = here.sessions.open(verified, "cookie", NOWHERE, NOON)
    with ThreadPoolExecutor() as threads:
        with here.transaction() as cursor:
            early.store(cursor)
            changing = threads.submit(change, here, account_id, chosen, MY_PASSWORD, "another horse battery")
            until(lambda: here.waiting_for_locks() == 1)
        fresh = changing.result(30)
    assert not alive(here, early.token)
    assert alive(here, fresh.token)


class ChangedMeanwhile:
    """Credentials of which somebody replaces the password just when it was found right."""

    def __init__(self, credentials, meanwhile) -> None:
        self._credentials = credentials
        self._meanwhile = [meanwhile]

    def verify_holder(self, *asked: object):
        verified = self._credentials.verify_holder(*asked)
        while self._meanwhile:
            self._meanwhile.pop()()
        return verified


def test_a_password_that_was_right_when_it_was_checked_does_not_change_the_one_that_replaced_it(
    here, account_id, chosen
):
    winner = "the first horse battery"
    credentials = ChangedMeanwhile(
        here.credentials, lambda: change(here, account_id, chosen, MY_PASSWORD, winner)
    )
    asking = replace(here.reauthentication, credentials=credentials)
    late = replace(here.accounts, reauthentication=asking)
    with pytest.raises(errors.WrongPassword):
        late.change_password(
            account_id,
            MY_PASSWORD,
            "the second horse battery",
            session_id=a_session(here, account_id),
            kind="cookie",
        )
    assert signed_in(here, winner)


def test_of_two_changes_at_once_the_second_hears_that_its_password_is_no_longer_right(
    here, account_id, chosen
):
    new = ["the first horse battery", "the second horse battery"]

    def choose(number: int) -> bool:
        try:
            here.accounts.change_password(
                account_id, MY_PASSWORD, new[number], session_id=a_session(here, account_id), kind="cookie"
            )
        except errors.WrongPassword:
            return False
        return True

    outcomes = at_once(choose, 2)
    assert sorted(outcomes) == [False, True]
    assert signed_in(here, new[outcomes.index(True)])
