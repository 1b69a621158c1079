"""Accounts that are locked, closed, and opened again; sessions ended from elsewhere."""

from uuid import uuid4

import pytest
from people import AURELIE_ADDRESS, CLERK, DAY, MINUTE
from signing_in import MY_PASSWORD, a_session, alive, in_use, signed_in
from write_side import WriteSide

from domain import errors, policies
from domain.fact import NOWHERE, Whence

WHY = {"reason": "other", "note": None}


@pytest.fixture
def here(database_url):
    with WriteSide(database_url, connections=6) as here:
        yield here


@pytest.fixture
def account_id(here):
    return in_use(here)


def session_id(here, session):
    return here.sessions.find(session.token, here.clock.now()).session_id


def test_a_locked_account_lets_nobody_in_and_says_why_only_to_whoever_knows_the_password(here, account_id):
    session = signed_in(here, MY_PASSWORD)
    here.standings.lock(account_id, **WHY, actor=CLERK)
    assert not alive(here, session.token)
    with pytest.raises(errors.AccountLocked):
        signed_in(here, MY_PASSWORD)
    with pytest.raises(errors.WrongCredentials):
        signed_in(here, "some other password of hers")


def test_an_unlocked_account_is_as_it_was(here, account_id):
    here.standings.lock(account_id, **WHY, actor=CLERK)
    here.standings.unlock(account_id, **WHY, actor=CLERK)
    assert signed_in(here, MY_PASSWORD)
    assert here.store.account(account_id).state == "active"


def test_a_session_that_is_being_opened_does_not_outlive_the_lock(here, account_id):
    """The password was right before the lock; the session would be stored after it."""
    verified = here.credentials.verify(AURELIE_ADDRESS, MY_PASSWORD, here.clock.now())
    late = here.sessions.open(verified, "cookie", NOWHERE, here.clock.now())
    here.standings.lock(account_id, **WHY, actor=CLERK)
    with pytest.raises(errors.WrongCredentials):
        here.store.record(effects=[late.store])


def test_a_locked_account_gets_no_initial_password(here):
    account_id = here.opened()
    here.standings.lock(account_id, **WHY, actor=CLERK)
    with pytest.raises(errors.AccountLocked):
        here.accounts.issue_initial_password(account_id)


def test_staff_does_not_lock_close_or_unlock_itself(here, account_id):
    for deed in (here.standings.lock, here.standings.unlock, here.standings.close):
        with pytest.raises(errors.OwnAccount):
            deed(account_id, **WHY, actor=account_id)


def test_locking_twice_is_one_fact(here, account_id):
    here.standings.lock(account_id, **WHY, actor=CLERK)
    assert here.standings.lock(account_id, **WHY, actor=CLERK).position == 0


def close(here, account_id):
    here.standings.close_own(account_id, MY_PASSWORD, session_id=a_session(here, account_id), whence=NOWHERE)
    return here.standings.reopening_link(here.store.account(account_id))


def test_whoever_closed_an_account_comes_back_by_the_link_once(here, account_id):
    session = signed_in(here, MY_PASSWORD)
    token = close(here, account_id)
    assert not alive(here, session.token)
    with pytest.raises(errors.AccountClosed):
        signed_in(here, MY_PASSWORD)

    here.standings.reopen(token, NOWHERE)

    assert signed_in(here, MY_PASSWORD)
    with pytest.raises(errors.LinkDead):
        here.standings.reopen(token, NOWHERE)


def test_closing_wants_the_password(here, account_id):
    with pytest.raises(errors.WrongPassword):
        here.standings.close_own(account_id, "not hers at all, no", session_id=uuid4(), whence=NOWHERE)
    assert here.store.account(account_id).state == "active"


def test_after_thirty_days_an_account_stays_closed_and_its_address_reserved(here, account_id):
    token = close(here, account_id)
    here.clock.goes_on(policies.CLOSURE_GRACE)
    with pytest.raises(errors.LinkDead):
        here.standings.reopen(token, NOWHERE)
    here.accounts.request(AURELIE_ADDRESS, "Aurélie", "Favre", "fr", "2018-08-27")
    here.decide.decide_waiting()
    assert here.topics(account_id)[-1] == "account.requested-again"


def test_a_link_of_an_earlier_closing_does_not_open_a_later_one(here, account_id):
    first = close(here, account_id)
    here.standings.reopen(first, NOWHERE)
    close(here, account_id)
    with pytest.raises(errors.LinkDead):
        here.standings.reopen(first, NOWHERE)


def test_what_staff_closed_its_holder_does_not_open(here, account_id):
    here.standings.close(account_id, reason="duplicate", note=None, actor=CLERK)
    assert here.standings.reopening_link(here.store.account(account_id)) is None


def test_the_address_of_a_closed_account_stays_its_own(here, account_id):
    close(here, account_id)
    here.clock.goes_on(60 * DAY)
    assert here.lookup.find("email", AURELIE_ADDRESS) == [account_id]


def test_one_that_was_locked_while_it_was_closed_is_locked_when_its_holder_comes_back(here, account_id):
    token = close(here, account_id)
    here.standings.lock(account_id, **WHY, actor=CLERK)
    with pytest.raises(errors.AccountClosed):
        signed_in(here, MY_PASSWORD)
    here.standings.reopen(token, NOWHERE)
    with pytest.raises(errors.AccountLocked):
        signed_in(here, MY_PASSWORD)


def test_staff_ends_the_way_back_of_an_account_that_somebody_closed_with_its_password(here, account_id):
    token = close(here, account_id)
    here.standings.close(account_id, reason="misuse", note=None, actor=CLERK)
    with pytest.raises(errors.LinkDead):
        here.standings.reopen(token, NOWHERE)


# --- sessions


def test_sessions_are_listed_with_where_they_come_from_the_last_used_first(here, account_id):
    for device in ("Firefox · Windows", "Mobile Safari · iOS"):
        here.clock.goes_on(2 * MINUTE)
        here.accounts.sign_in(AURELIE_ADDRESS, MY_PASSWORD, "cookie", whence=Whence(device, "192.0.2.7"))
    newest, older, *_ = here.sessions.of(account_id, here.clock.now())
    assert (newest.device, older.device) == ("Mobile Safari · iOS", "Firefox · Windows")
    assert newest.network == "192.0.2.7"


def test_one_session_is_ended_and_the_others_go_on(here, account_id):
    mine, other, third = (signed_in(here, MY_PASSWORD) for _ in range(3))
    here.standings.end_session(
        account_id, session_id(here, other), kept=session_id(here, mine), whence=NOWHERE
    )
    assert [alive(here, each.token) for each in (mine, other, third)] == [True, False, True]


def test_all_others_are_ended_bearer_tokens_too(here, account_id):
    mine = signed_in(here, MY_PASSWORD)
    others = [signed_in(here, MY_PASSWORD, kind) for kind in ("cookie", "bearer")]
    here.standings.end_other_sessions(account_id, kept=session_id(here, mine), whence=NOWHERE)
    assert alive(here, mine.token)
    assert not any(alive(here, each.token) for each in others)


def test_another_accounts_session_is_unknown_and_goes_on(here, account_id):
    other = in_use(here, "other@example.org")
    mine, hers = signed_in(here, MY_PASSWORD), signed_in(here, MY_PASSWORD, email="other@example.org")
    with pytest.raises(errors.SessionUnknown):
        here.standings.end_session(
            account_id, session_id(here, hers), kept=session_id(here, mine), whence=NOWHERE
        )
    assert alive(here, hers.token)
    assert here.topics(other)[-1] != "account.sessions-ended"
