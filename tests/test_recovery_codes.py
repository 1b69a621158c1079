"""Codes for whoever lost the second factor: each lets its holder in once."""

import pytest
from enrolling import App, enrolled
from people import AURELIE_ADDRESS
from signing_in import MY_PASSWORD, a_session, change, signed_in
from spec import at_once
from write_side import WriteSide

from domain import errors
from infrastructure.keys import Keyring
from infrastructure.recovery_codes import LETTERS, StoredRecoveryCodes

OLDER, NEWER = b"a master key of the tests, 32 by", b"a newer one of the tests, 32 byt"


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
    return enrolled(here, account_id, MY_PASSWORD)


def enter(here, code: str, password: str = MY_PASSWORD):
    return here.accounts.sign_in(AURELIE_ADDRESS, password, "cookie", code)


def turned_away(here, code: str) -> bool:
    with pytest.raises(errors.WrongCredentials):
        enter(here, code)
    return True


def left(here, account_id) -> int:
    return here.factors.of(account_id)[1]


def test_ten_codes_of_120_bits_come_with_the_first_factor(here, account_id, app):
    assert len(set(app.recovery_codes)) == 10
    for code in app.recovery_codes:
        assert [len(group) for group in code.split("-")] == [4] * 6
        assert set(code) <= {*LETTERS, "-"}
    assert len(LETTERS) ** 24 == 2**120
    assert left(here, account_id) == 10


def test_each_code_lets_its_holder_in_once(here, account_id, app):
    for number, code in enumerate(app.recovery_codes, start=1):
        assert enter(here, code).second_factor
        assert turned_away(here, code)
        assert left(here, account_id) == 10 - number
    assert here.topics(account_id)[-1] == "account.recovery-code-used"


@pytest.mark.parametrize(
    "retyped",
    [
        str.upper,
        lambda code: code.replace("-", ""),
        lambda code: code.replace("-", " "),
        lambda code: f" {code} ",
        lambda code: code.replace("0", "O").replace("1", "I"),
        lambda code: code.replace("0", "o").replace("1", "l"),
    ],
)
def test_a_code_is_taken_however_it_is_typed(here, app, retyped):
    assert enter(here, retyped(app.recovery_codes[0]))


def test_a_code_without_the_password_is_nothing_and_stays_good(here, app):
    with pytest.raises(errors.WrongCredentials):
        enter(here, app.recovery_codes[0], password="another horse battery")
    assert enter(here, app.recovery_codes[0])


def test_a_part_of_a_code_is_none(here, app):
    code = app.recovery_codes[0]
    assert turned_away(here, code[:-1])
    assert turned_away(here, code[5:])
    assert turned_away(here, code + "0")


def test_nobody_gets_in_with_anothers_code(here, app):
    other = here.opened("other@example.org")
    password = here.accounts.issue_initial_password(other)
    here.accounts.sign_in("other@example.org", password, "cookie")
    enrolled(here, other, password)
    with pytest.raises(errors.WrongCredentials):
        here.accounts.sign_in("other@example.org", password, "cookie", app.recovery_codes[0])


def test_of_many_who_type_the_same_code_at_once_one_gets_in(here, account_id, app):
    def entered(_number: int) -> bool:
        try:
            return bool(enter(here, app.recovery_codes[0]))
        except (errors.WrongCredentials, errors.Conflict):
            return False

    assert sum(at_once(entered, 5)) == 1
    assert here.topics(account_id).count("account.recovery-code-used") == 1
    assert left(here, account_id) == 9


def test_of_two_who_had_the_same_code_judged_right_one_gets_in(here, account_id, app):
    first, second = (here.factors.recovery_codes.match(account_id, app.recovery_codes[0]) for _ in range(2))
    here.store.record(effects=[second])
    with pytest.raises(errors.WrongCredentials):
        here.store.record(effects=[first])


def test_new_codes_take_the_place_of_all_earlier_ones(here, account_id, app):
    enter(here, app.recovery_codes[0])
    _, fresh = here.factors.renew_recovery_codes(
        account_id, MY_PASSWORD, session_id=a_session(here, account_id)
    )
    assert turned_away(here, app.recovery_codes[1])
    assert enter(here, fresh[0])
    assert left(here, account_id) == 9


def test_who_has_no_factor_has_no_codes(here, account_id):
    with pytest.raises(errors.NoSecondFactor):
        here.factors.renew_recovery_codes(account_id, MY_PASSWORD, session_id=a_session(here, account_id))
    assert here.rows("SELECT * FROM recovery_codes") == []


def test_codes_are_kept_as_keyed_digests_alone(here, app):
    for (table,) in here.rows("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200"):
        for (row,) in here.rows(f'SELECT t::text FROM "{table}" AS t'):
            assert not any(code in row or code.replace("-", "") in row for code in app.recovery_codes)


def test_codes_stay_good_under_a_new_master_key(here, account_id, app):
    newer = StoredRecoveryCodes(here.pool, Keyring({1: OLDER, 2: NEWER}))
    assert newer.match(account_id, app.recovery_codes[0])
    assert not StoredRecoveryCodes(here.pool, Keyring({2: NEWER})).match(account_id, app.recovery_codes[0])
