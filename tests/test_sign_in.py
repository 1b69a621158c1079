"""Passwords, sessions and roles: what lets a person in, for how long, and what ends it."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from people import AURELIE_ADDRESS, CLERK, DAY, HOUR, MINUTE, NOON
from spec import at_once, until
from write_side import WriteSide

from domain import errors, policies
from domain.values import OPERATOR
from infrastructure.credentials import HashedCredentials, HashQueue, initial_password

MY_PASSWORD = "correct horse battery"
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


@pytest.fixture
def chosen(here, account_id, issued, session):
    """She has chosen her own password, and has this session."""
    return change(here, account_id, session, issued, MY_PASSWORD)


def signed_in(here, password: str, kind: str = "cookie", email: str = AURELIE_ADDRESS):
    return here.accounts.sign_in(email, password, kind)


def change(here, account_id, session, current: str, new: str, kind: str = "cookie"):
    found = here.sessions.find(session.token, here.clock.now())
    _, fresh = here.accounts.change_password(account_id, current, new, session_id=found.session_id, kind=kind)
    return fresh


def refused(here, password: str, email: str = AURELIE_ADDRESS) -> bool:
    with pytest.raises(errors.WrongCredentials):
        here.accounts.sign_in(email, password, "cookie")
    return True


def alive(here, token: str) -> bool:
    return here.sessions.find(token, here.clock.now()) is not None


# --- initial passwords


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


@pytest.mark.parametrize("new", ["x" * 15, "🙂" * 128])
def test_a_password_of_fit_length_is_taken(here, account_id, issued, session, new):
    change(here, account_id, session, issued, new)
    assert signed_in(here, new)


def test_whoever_does_not_know_the_password_cannot_change_it(here, account_id, issued, session):
    with pytest.raises(errors.WrongPassword):
        change(here, account_id, session, "not the password", MY_PASSWORD)
    assert signed_in(here, issued)


def test_a_password_is_kept_as_a_hash_alone(here, chosen):
    ((stored,),) = here.rows("SELECT hash FROM credentials")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    for (table,) in here.rows("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200"):
        for (row,) in here.rows(f'SELECT t::text FROM "{table}" AS t'):
            assert MY_PASSWORD not in row
            assert MY_PASSWORD.encode().hex() not in row


def test_when_too_many_wait_for_a_core_one_more_is_turned_away(here, issued):
    queue = HashQueue(at_once=1, waiting=0)
    crowded = HashedCredentials(here.pool, here.lookup, queue)
    with queue.turn(), pytest.raises(errors.TooBusy):
        crowded.verify(AURELIE_ADDRESS, issued, NOON)
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
    late = here.sessions.open(verified, "cookie", NOON)
    change(here, account_id, chosen, MY_PASSWORD, "another horse battery")
    with pytest.raises(errors.WrongCredentials):
        here.store.record(effects=[late.store])
    assert not alive(here, late.token)


def test_a_session_that_was_a_little_earlier_is_ended_by_the_new_password(here, account_id, chosen):
    verified = here.credentials.verify(AURELIE_ADDRESS, MY_PASSWORD, NOON)
    early = here.sessions.open(verified, "cookie", NOON)
    with ThreadPoolExecutor() as threads, here.pool.connection() as connection:
        with connection.transaction(), connection.cursor() as cursor:
            early.store(cursor)
            changing = threads.submit(change, here, account_id, chosen, MY_PASSWORD, "another horse battery")
            until(lambda: here.waiting_for_locks() == 1)
        fresh = changing.result(30)
    assert not alive(here, early.token)
    assert alive(here, fresh.token)


def test_of_two_changes_at_once_the_second_hears_that_its_password_is_no_longer_right(
    here, account_id, chosen
):
    new = ["the first horse battery", "the second horse battery"]

    def choose(number: int) -> bool:
        try:
            return bool(change(here, account_id, chosen, MY_PASSWORD, new[number]))
        except errors.WrongPassword:
            return False

    found = here.sessions.find(chosen.token, NOON)
    assert found
    outcomes = at_once(choose, 2)
    assert sorted(outcomes) == [False, True]
    assert signed_in(here, new[outcomes.index(True)])


# --- sessions


def test_a_cookie_comes_with_a_token_against_forgery_and_a_bearer_token_without(here, issued):
    cookie, bearer = signed_in(here, issued), signed_in(here, issued, "bearer")
    assert cookie.csrf_token
    assert bearer.csrf_token is None
    assert here.sessions.find(cookie.token, NOON).csrf_token == cookie.csrf_token
    assert (here.sessions.find(cookie.token, NOON).kind, here.sessions.find(bearer.token, NOON).kind) == (
        "cookie",
        "bearer",
    )


def test_a_secret_that_was_never_given_finds_nobody(here, session):
    for token in ("", session.token[:-1], session.token + "x", "\udcff", "\0"):
        assert here.sessions.find(token, NOON) is None


def test_the_table_does_not_hold_the_secret(here, session):
    assert session.token not in str(here.rows("SELECT * FROM sessions"))


def test_signing_out_ends_one_session(here, session, issued):
    other = signed_in(here, issued)
    here.accounts.sign_out(session.token)
    assert not alive(here, session.token)
    assert alive(here, other.token)


def test_an_hour_without_a_request_ends_a_session(here, session):
    here.clock.goes_on(HOUR - MOMENT)
    assert here.sessions.find(session.token, here.clock.now()) is not None
    here.clock.goes_on(HOUR)
    assert not alive(here, session.token)


def test_who_stays_active_stays_signed_in_for_twelve_hours_and_no_longer(here, session):
    for _ in range(24):
        assert alive(here, session.token)
        here.clock.goes_on(30 * MINUTE)
    assert here.clock.now() == session.expires_at
    assert not alive(here, session.token)


def test_the_last_use_is_noted_once_a_minute(here, session):
    seen = "SELECT last_seen_at FROM sessions"
    here.clock.goes_on(MINUTE)
    alive(here, session.token)
    assert here.rows(seen) == [(NOON,)]
    here.clock.goes_on(MOMENT)
    alive(here, session.token)
    assert here.rows(seen) == [(NOON + MINUTE + MOMENT,)]


# --- roles


@pytest.fixture
def auditor(here, account_id):
    """Aurélie's account audits until the end of September."""
    here.accounts.grant("auditor", AURELIE_ADDRESS, date(2025, 9, 30), actor=OPERATOR)
    return account_id


def test_a_role_ends_with_its_last_day_in_switzerland(here, auditor, issued):
    last_second = datetime(2025, 9, 30, 21, 59, 59, tzinfo=UTC)  # 23:59:59 in Zurich
    assert here.roles.of(auditor, last_second) == ["auditor"]
    assert here.roles.of(auditor, last_second + timedelta(seconds=1)) == []


def test_a_session_has_the_roles_of_the_day(here, auditor, issued):
    here.clock.at = datetime(2025, 9, 30, 21, 30, tzinfo=UTC)
    here.accounts.issue_initial_password(auditor)
    session = signed_in(here, here.accounts.issue_initial_password(auditor))
    assert session.roles == ["auditor"]
    assert here.sessions.find(session.token, here.clock.now()).roles == ["auditor"]
    here.clock.goes_on(30 * MINUTE)
    assert here.sessions.find(session.token, here.clock.now()).roles == []


def test_a_role_given_or_taken_holds_from_the_next_request(here, account_id, session):
    here.accounts.grant("secretariat", AURELIE_ADDRESS, None, actor=OPERATOR)
    assert here.sessions.find(session.token, NOON).roles == ["secretariat"]
    here.accounts.revoke("secretariat", AURELIE_ADDRESS, actor=CLERK)
    assert here.sessions.find(session.token, NOON).roles == []
    assert here.topics(account_id)[-2:] == ["account.role-granted", "account.role-revoked"]


def test_a_role_for_an_unknown_address_makes_the_account(here):
    account_id, _ = here.accounts.grant("operator", "ops@example.org", None, actor=OPERATOR)
    assert here.topics(account_id) == ["account.requested", "account.role-granted"]
    assert here.roles.of(account_id, NOON) == ["operator"]
    assert signed_in(here, here.accounts.issue_initial_password(account_id), email="ops@example.org")


def test_the_end_of_a_role_can_be_moved(here, auditor):
    here.accounts.grant("auditor", AURELIE_ADDRESS, date(2025, 12, 31), actor=OPERATOR)
    assert here.roles.of(auditor, NOON + 60 * DAY) == ["auditor"]


def test_a_role_nobody_knows_is_neither_given_nor_taken(here, account_id):
    with pytest.raises(errors.RoleUnknown):
        here.accounts.grant("emperor", AURELIE_ADDRESS, None, actor=OPERATOR)
    with pytest.raises(errors.RoleUnknown):
        here.accounts.revoke("emperor", AURELIE_ADDRESS, actor=OPERATOR)
    with pytest.raises(errors.AccountUnknown):
        here.accounts.revoke("auditor", "nobody@example.org", actor=OPERATOR)
    assert here.rows("SELECT * FROM roles") == []
