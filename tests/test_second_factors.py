"""What an account agrees to about its second factors, and what goes with them."""

from uuid import UUID, uuid4

import pytest
from enrolling import enrolled
from people import ADA_ID, AURELIE_ADDRESS, CLERK, NOON, an_account
from pyotp import TOTP
from signing_in import MY_PASSWORD, a_session, alive, change, refused, signed_in
from spec import fact, given
from write_side import WriteSide

from domain import errors, policies
from domain.account import Account
from domain.fact import NOWHERE
from domain.second_factors import Factor

PHONE, KEY = UUID("88888888-8888-4888-8888-888888888888"), UUID("99999999-9999-4999-8999-999999999999")
SHORT = "sept ponts"


def has(factor_id: UUID, kind: str = "totp", label: str | None = None):
    return lambda account: account.enrol_second_factor(factor_id, kind, label, actor=ADA_ID, now=NOON)


def loses(factor_id: UUID, *, password_is_long: bool = True):
    return lambda account: account.remove_second_factor(
        factor_id, password_is_long=password_is_long, actor=ADA_ID, now=NOON
    )


def reset(actor: UUID):
    return lambda account: account.reset_second_factors("device-lost", "Seen.", actor=actor, now=NOON)


def locked(account: Account) -> None:
    account.lock(reason="other", note=None, actor=CLERK, now=NOON)


def closed(account: Account) -> None:
    account.close(reason="other", note=None, whence=NOWHERE, actor=CLERK, now=NOON)


def chooses_password(account: Account) -> None:
    account.change_password(actor=ADA_ID, now=NOON)


def gets_codes(account: Account) -> None:
    account.issue_recovery_codes(actor=ADA_ID, now=NOON)


def uses_code(account: Account) -> None:
    account.use_recovery_code(now=NOON)


@pytest.mark.parametrize(("bar", "refusal"), [(locked, errors.AccountLocked), (closed, errors.AccountClosed)])
@pytest.mark.parametrize("deed", [has(KEY), loses(PHONE), gets_codes, chooses_password])
def test_what_was_under_way_when_the_account_was_barred_is_refused(deed, bar, refusal):
    given(an_account(), has(PHONE), bar).when(deed).then_refused(refusal)


# --- what is decided


def test_a_factor_is_enrolled_under_its_holders_name_for_it():
    account = (
        given(an_account())
        .when(has(PHONE, label="Téléphone"))
        .then(fact(Account.SecondFactorEnrolled, factor_id=PHONE, kind="totp", label="Téléphone"))
    )
    assert account.second_factors == {PHONE: Factor("totp", "Téléphone", NOON)}


def test_only_the_first_factor_is_the_first():
    account = an_account()
    assert [has(PHONE)(account), has(KEY, "passkey")(account)] == [True, False]
    assert [loses(PHONE)(account), loses(KEY)(account)] == [False, True]
    assert has(KEY, "passkey")(account)


def test_an_account_has_so_many_factors_and_no_more():
    full = [has(uuid4()) for _ in range(policies.SECOND_FACTORS)]
    given(an_account(), *full).when(has(PHONE)).then_refused(errors.SecondFactorsExhausted)


def test_a_factor_that_is_not_there_cannot_be_removed():
    given(an_account(), has(PHONE)).when(loses(KEY)).then_refused(errors.SecondFactorUnknown)


def test_the_last_factor_stays_while_the_password_is_too_short_alone():
    weak = loses(PHONE, password_is_long=False)
    given(an_account(), has(PHONE)).when(weak).then_refused(errors.PasswordTooShortAlone)
    given(an_account(), has(PHONE), has(KEY)).when(weak).then(
        fact(Account.SecondFactorRemoved, factor_id=PHONE, kind="totp")
    )


def test_staff_resets_what_somebody_lost():
    account = (
        given(an_account(), has(PHONE), gets_codes)
        .when(reset(CLERK))
        .then(fact(Account.SecondFactorReset, reason="device-lost", note="Seen.", actor=CLERK))
    )
    assert (account.second_factors, account.recovery_codes) == ({}, 0)


def test_nobody_resets_their_own_factors():
    given(an_account(), has(PHONE)).when(reset(ADA_ID)).then_refused(errors.OwnAccount)


def test_where_there_is_no_factor_there_is_nothing_to_reset_and_no_code_to_issue():
    given(an_account()).when(reset(CLERK)).then_refused(errors.NoSecondFactor)
    given(an_account()).when(gets_codes).then_refused(errors.NoSecondFactor)


def test_recovery_codes_are_counted_and_go_with_the_last_factor():
    account = (
        given(an_account(), has(PHONE), gets_codes, uses_code)
        .when(uses_code)
        .then(fact(Account.RecoveryCodeUsed, left=policies.RECOVERY_CODES - 2))
    )
    loses(PHONE)(account)
    assert account.recovery_codes == 0


# --- what goes with it


@pytest.fixture
def here(database_url):
    with WriteSide(database_url) as here:
        yield here


@pytest.fixture
def account_id(here):
    """Aurélie, who has chosen her own password."""
    account_id = here.opened()
    issued = here.accounts.issue_initial_password(account_id)
    change(here, account_id, signed_in(here, issued), issued, MY_PASSWORD)
    return account_id


def proved(here, token: str) -> bool:
    return here.sessions.find(token, here.clock.now()).second_factor


def enter(here, code: str):
    return here.accounts.sign_in(AURELIE_ADDRESS, MY_PASSWORD, "cookie", code)


def with_short_password(here, account_id: UUID) -> None:
    _, store = here.credentials.choose(account_id, SHORT, NOON)
    here.store.record(effects=[store])


def test_the_first_factor_ends_the_sessions_without_one_but_for_the_one_that_enrolled_it(here, account_id):
    mine, other, token = (signed_in(here, MY_PASSWORD, kind) for kind in ("cookie", "cookie", "bearer"))
    session_id = here.sessions.find(mine.token, NOON).session_id
    assert not proved(here, mine.token)
    enrolled(here, account_id, MY_PASSWORD, session_id=session_id)
    assert proved(here, mine.token)
    assert not alive(here, other.token)
    assert not alive(here, token.token)


def test_a_further_factor_ends_no_session_and_brings_no_codes(here, account_id):
    first = enrolled(here, account_id, MY_PASSWORD)
    session = enter(here, first.recovery_codes[0])
    session_id = here.sessions.find(session.token, NOON).session_id
    further = enrolled(here, account_id, MY_PASSWORD, session_id=session_id)
    assert further.recovery_codes == []
    assert alive(here, session.token)
    assert here.topics(account_id).count("account.recovery-codes-issued") == 1


def test_after_the_last_factor_the_password_is_enough_and_no_session_counts_as_more(here, account_id):
    app = enrolled(here, account_id, MY_PASSWORD)
    session = enter(here, app.recovery_codes[0])
    here.factors.remove(account_id, app.id, MY_PASSWORD, session_id=a_session(here, account_id))
    assert not proved(here, session.token)
    assert not signed_in(here, MY_PASSWORD).second_factor
    assert here.rows("SELECT * FROM recovery_codes") == here.rows("SELECT * FROM totp_factors") == []


def test_what_changes_the_way_in_asks_for_the_password_again(here, account_id):
    app, wrong = enrolled(here, account_id, MY_PASSWORD), "another horse battery"
    for ask in (
        lambda: here.factors.begin_totp(account_id, wrong, session_id=uuid4()),
        lambda: here.factors.begin_passkey(account_id, wrong, session_id=uuid4()),
        lambda: here.factors.renew_recovery_codes(account_id, wrong, session_id=uuid4()),
        lambda: here.factors.remove(account_id, app.id, wrong, session_id=uuid4()),
    ):
        with pytest.raises(errors.WrongPassword):
            ask()


def test_a_short_password_keeps_the_last_factor(here, account_id):
    app = enrolled(here, account_id, MY_PASSWORD)
    with_short_password(here, account_id)
    with pytest.raises(errors.PasswordTooShortAlone):
        here.factors.remove(account_id, app.id, SHORT, session_id=a_session(here, account_id))
    with pytest.raises(errors.SecondFactorNeeded):
        here.accounts.sign_in(AURELIE_ADDRESS, SHORT, "cookie")


def test_a_reset_ends_every_session_and_lets_the_password_in_alone(here, account_id):
    app = enrolled(here, account_id, MY_PASSWORD)
    session = enter(here, app.recovery_codes[0])
    here.factors.begin_totp(account_id, MY_PASSWORD, session_id=a_session(here, account_id))
    here.factors.reset(account_id, "device-lost", None, actor=CLERK)
    assert not alive(here, session.token)
    assert not signed_in(here, MY_PASSWORD).second_factor
    assert here.factors.of(account_id) == ([], 0)
    assert here.rows("SELECT * FROM totp_factors") == []


def test_a_reset_lets_a_password_die_that_is_too_short_alone(here, account_id):
    enrolled(here, account_id, MY_PASSWORD)
    with_short_password(here, account_id)
    here.factors.reset(account_id, "device-lost", None, actor=CLERK)
    assert refused(here, SHORT)


def test_a_new_password_keeps_what_the_session_proved(here, account_id):
    app = enrolled(here, account_id, MY_PASSWORD)
    session = enter(here, app.recovery_codes[0])
    session_id = here.sessions.find(session.token, NOON).session_id
    _, fresh = here.accounts.change_password(
        account_id,
        MY_PASSWORD,
        "another horse battery",
        session_id=session_id,
        kind="cookie",
        second_factor=True,
    )
    assert proved(here, fresh.token)


def test_what_a_session_asked_for_before_it_was_ended_is_refused(here, account_id):
    """The request was let in, the session ended while it was hashing."""
    app = enrolled(here, account_id, MY_PASSWORD)
    begun = here.factors.begin_totp(account_id, MY_PASSWORD, session_id=a_session(here, account_id))
    ended, new = uuid4(), "another horse behind the mill"
    before = here.topics(account_id)
    for deed in (
        lambda: here.accounts.change_password(account_id, MY_PASSWORD, new, session_id=ended, kind="cookie"),
        lambda: here.accounts.change_password(account_id, MY_PASSWORD, new, session_id=ended, kind="bearer"),
        lambda: here.address_changes.ask(
            account_id, "a.favre@example.org", MY_PASSWORD, session_id=ended, whence=NOWHERE
        ),
        lambda: here.factors.renew_recovery_codes(account_id, MY_PASSWORD, session_id=ended),
        lambda: here.factors.remove(account_id, app.id, MY_PASSWORD, session_id=ended),
        lambda: enrolled(here, account_id, MY_PASSWORD, session_id=ended),
        lambda: here.factors.confirm_totp(
            account_id, begun.factor_id, TOTP(begun.secret).at(NOON), None, session_id=ended
        ),
        lambda: here.standings.close_own(account_id, MY_PASSWORD, session_id=ended, whence=NOWHERE),
    ):
        with pytest.raises(errors.SessionEnded):
            deed()
    assert here.topics(account_id) == before
