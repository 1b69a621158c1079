"""Codes of an authenticator app: which one lets a person in, when, and never twice."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from enrolling import App, enrolled
from people import AURELIE_ADDRESS, MINUTE, NOON
from pyotp import TOTP
from signing_in import MY_PASSWORD, a_session, change, signed_in
from spec import at_once
from write_side import WriteSide

from domain import errors
from infrastructure.credentials import HashQueue
from infrastructure.tick import Tick

STEP = MINUTE / 2
SECRET_OF_THE_RFC = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238, appendix B


@pytest.fixture
def here(database_url):
    with WriteSide(database_url, connections=6) as here:
        yield here


@pytest.fixture
def account_id(here):
    """Aurélie, who has chosen her own password."""
    account_id = here.opened()
    issued = here.accounts.issue_initial_password(account_id)
    change(here, account_id, signed_in(here, issued), issued, MY_PASSWORD)
    return account_id


@pytest.fixture
def app(here, account_id) -> App:
    """Hers; a minute ago she has enrolled it."""
    app = enrolled(here, account_id, MY_PASSWORD)
    here.clock.goes_on(MINUTE)
    return app


def enter(here, code: str | None, password: str = MY_PASSWORD, accounts=None):
    return (accounts or here.accounts).sign_in(AURELIE_ADDRESS, password, "cookie", code)


def turned_away(here, code: str) -> bool:
    with pytest.raises(errors.WrongCredentials):
        enter(here, code)
    return True


def now_on(here, steps: int = 0):
    return here.clock.now() + steps * STEP


# --- signing in


def test_the_app_makes_the_codes_of_the_standard(here, account_id, app):
    sealed = here.keyring.box("totp").seal(SECRET_OF_THE_RFC.encode(), app.id.bytes)
    with here.transaction() as cursor:
        cursor.execute("UPDATE totp_factors SET secret = %s, last_step = 0", (sealed,))
    here.clock.at = datetime.fromtimestamp(1111111109, UTC)
    assert enter(here, "081804")


def test_a_code_beside_the_password_opens_a_session_that_remembers_it(here, app):
    session = enter(here, app.code(now_on(here)))
    assert session.second_factor
    assert here.sessions.find(session.token, here.clock.now()).second_factor


@pytest.mark.parametrize("spaced", ["{0}{1} ", " {0} {1}", "{0}-{1}"])
def test_a_code_is_taken_however_it_is_spaced(here, app, spaced):
    code = app.code(now_on(here))
    assert enter(here, spaced.format(code[:3], code[3:]))


def test_that_a_code_is_missing_is_told_to_whoever_knows_the_password_alone(here, app):
    with pytest.raises(errors.SecondFactorNeeded) as needed:
        enter(here, None)
    assert needed.value.details == {"factors": ["totp"]}
    with pytest.raises(errors.WrongCredentials):
        enter(here, None, password="another horse battery")


def test_a_right_code_beside_a_wrong_password_is_not_used_up(here, app):
    code = app.code(now_on(here))
    with pytest.raises(errors.WrongCredentials):
        enter(here, code, password="another horse battery")
    assert enter(here, code)


@pytest.mark.parametrize("code", ["", "0", "12345", "1234567", "١٢٣٤٥٦", "abcdef", "é" * 64, "\ud800"])
def test_what_is_no_code_lets_nobody_in(here, app, code):
    assert turned_away(here, code)


def test_one_hash_is_run_whatever_the_code(here, app):
    class Counting(HashQueue):
        runs = 0

        def run(self, hash_once, **how):
            self.runs += 1
            return super().run(hash_once, **how)

    queue = Counting()
    accounts = replace(here.accounts, credentials=here.hashed(queue))
    for code in (None, "000000", app.code(now_on(here))):
        before = queue.runs
        with suppress(errors.WrongCredentials, errors.SecondFactorNeeded):
            enter(here, code, accounts=accounts)
        assert queue.runs == before + 1


# --- clocks


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_v6_5_5_a_phone_may_be_half_a_minute_ahead_or_behind(here, app, steps):
    assert enter(here, app.code(now_on(here, steps)))


@pytest.mark.parametrize("steps", [-2, 2, 100])
def test_v6_5_5_a_phone_whose_clock_is_further_away_is_turned_away(here, app, steps):
    assert turned_away(here, app.code(now_on(here, steps)))


# --- once


def test_v6_5_1_no_code_is_taken_twice(here, app):
    code = app.code(now_on(here))
    assert enter(here, code)
    assert turned_away(here, code)
    here.clock.goes_on(STEP)
    assert turned_away(here, code)


def test_v6_5_1_no_code_is_taken_after_a_later_one(here, app):
    assert enter(here, app.code(now_on(here, 1)))
    assert turned_away(here, app.code(now_on(here)))
    here.clock.goes_on(2 * STEP)
    assert enter(here, app.code(now_on(here)))


def test_the_code_that_confirmed_the_app_is_used_up(here, account_id):
    app = enrolled(here, account_id, MY_PASSWORD)
    assert turned_away(here, app.code(now_on(here)))


def test_of_two_who_had_the_same_code_judged_right_one_gets_in(here, account_id, app):
    code, now = app.code(now_on(here)), here.clock.now()
    first, second = (here.factors.totp.match(account_id, code, now) for _ in range(2))
    here.store.record(effects=[second])
    with pytest.raises(errors.WrongCredentials):
        here.store.record(effects=[first])


def test_of_many_who_type_the_same_code_at_once_one_gets_in(here, app):
    code = app.code(now_on(here))

    def entered(_number: int) -> bool:
        try:
            return bool(enter(here, code))
        except errors.WrongCredentials:
            return False

    assert sum(at_once(entered, 5)) == 1
    assert here.rows("SELECT count(*) FROM sessions WHERE second_factor AND kind = 'cookie'") == [(1,)]


def test_a_code_is_not_used_up_by_a_sign_in_that_came_to_nothing(here, account_id, app):
    code, now = app.code(now_on(here)), here.clock.now()
    proof = here.factors.check(account_id, ["totp"], code, now)

    def fails(_cursor) -> None:
        raise errors.Conflict

    with pytest.raises(errors.Conflict):
        here.store.record(effects=[*proof.effects, fails])
    assert enter(here, code)


# --- enrolling


def test_a_secret_counts_for_nothing_before_a_code_confirms_it(here, account_id):
    begun = here.factors.begin_totp(account_id, MY_PASSWORD, session_id=a_session(here, account_id))
    assert not signed_in(here, MY_PASSWORD).second_factor
    with pytest.raises(errors.WrongCode):
        here.factors.confirm_totp(account_id, begun.factor_id, "000000", None, session_id=begun.factor_id)
    assert here.factors.of(account_id) == ([], 0)


def test_an_app_that_is_not_confirmed_lets_nobody_in_beside_one_that_is(here, account_id, app):
    begun = here.factors.begin_totp(account_id, MY_PASSWORD, session_id=a_session(here, account_id))
    assert turned_away(here, TOTP(begun.secret).at(now_on(here)))


def test_the_secret_is_given_as_text_address_and_picture(here, account_id):
    begun = here.factors.begin_totp(account_id, MY_PASSWORD, session_id=a_session(here, account_id))
    assert len(begun.secret) == 32
    assert begun.otpauth_uri.startswith("otpauth://totp/HEP:aurelie.chappuis%40example.org?secret=")
    assert begun.qr_svg.startswith("<svg ")
    assert (
        here.factors.begin_totp(account_id, MY_PASSWORD, session_id=a_session(here, account_id)).secret
        != begun.secret
    )


def test_an_app_that_is_not_confirmed_in_time_is_forgotten(here, account_id):
    begun = here.factors.begin_totp(account_id, MY_PASSWORD, session_id=a_session(here, account_id))
    here.clock.goes_on(11 * MINUTE)
    code = TOTP(begun.secret).at(here.clock.now())
    with pytest.raises(errors.SecondFactorUnknown):
        here.factors.confirm_totp(account_id, begun.factor_id, code, None, session_id=begun.factor_id)
    Tick(here.pool, here.clock).tidy()
    assert here.rows("SELECT * FROM totp_factors") == []


def test_what_is_confirmed_stays(here, app):
    here.clock.goes_on(11 * MINUTE)
    Tick(here.pool, here.clock).tidy()
    assert enter(here, app.code(now_on(here)))


def test_an_app_is_confirmed_once(here, account_id, app):
    with pytest.raises(errors.SecondFactorUnknown):
        here.factors.confirm_totp(account_id, app.id, app.code(now_on(here)), None, session_id=app.id)


def test_nobody_confirms_anothers_app(here, account_id):
    other = here.opened("other@example.org")
    begun = here.factors.begin_totp(account_id, MY_PASSWORD, session_id=a_session(here, account_id))
    code = TOTP(begun.secret).at(here.clock.now())
    with pytest.raises(errors.SecondFactorUnknown):
        here.factors.confirm_totp(other, begun.factor_id, code, None, session_id=begun.factor_id)


def test_nobody_gets_in_with_anothers_code(here, app):
    other = here.opened("other@example.org")
    password = here.accounts.issue_initial_password(other)
    here.accounts.sign_in("other@example.org", password, "cookie")
    enrolled(here, other, password)
    with pytest.raises(errors.WrongCredentials):
        here.accounts.sign_in("other@example.org", password, "cookie", app.code(now_on(here)))


def test_the_holder_sees_when_the_app_was_used(here, account_id, app):
    ((before,), _) = here.factors.of(account_id)
    assert (before.id, before.kind, before.created_at, before.last_used_at) == (app.id, "totp", NOON, None)
    enter(here, app.code(now_on(here)))
    ((after,), _) = here.factors.of(account_id)
    assert after.last_used_at == here.clock.now()


def test_secrets_stand_sealed(here, app):
    for (table,) in here.rows("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200"):
        for (row,) in here.rows(f'SELECT t::text FROM "{table}" AS t'):
            assert app.secret not in row
            assert app.secret.encode().hex() not in row
