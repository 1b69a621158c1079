"""Sessions and roles: who is signed in, for how long, and what she may do today."""

from datetime import UTC, date, datetime, timedelta

import pytest
from people import AURELIE_ADDRESS, CLERK, DAY, HOUR, MINUTE, NOON
from signing_in import alive, signed_in
from write_side import WriteSide

from domain import errors
from domain.values import OPERATOR

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


def test_a_bearer_token_ends_as_a_session_by_cookie_does(here, issued):
    idle, active = signed_in(here, issued, "bearer"), signed_in(here, issued, "bearer")
    for half_hours in range(24):
        assert alive(here, active.token)
        here.clock.goes_on(30 * MINUTE)
        if half_hours == 1:
            assert not alive(here, idle.token)
    assert here.clock.now() == active.expires_at
    assert not alive(here, active.token)


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
