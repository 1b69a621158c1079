"""Who is signed in shows once more who it is: by the password, or by a passkey that answers for this very session."""

from datetime import timedelta
from uuid import uuid4

import pytest
from authenticator import Authenticator, encoded
from enrolling import enrolled
from people import MINUTE
from signing_in import MY_PASSWORD, a_session, in_use, refused, signed_in
from spec import at_once
from write_side import PUBLIC_URL, WriteSide

from application.reauthentication import PasskeyAnswer
from domain import errors
from domain.fact import NOWHERE

NEW_PASSWORD = "another horse behind the mill"
SHORT = "sept ponts"


@pytest.fixture
def here(database_url):
    with WriteSide(database_url, connections=8) as here:
        yield here


@pytest.fixture
def account_id(here):
    return in_use(here)


@pytest.fixture
def session_id(here, account_id):
    return a_session(here, account_id)


@pytest.fixture
def device(here, account_id, session_id):
    """With a passkey of Aurélie's."""
    device = Authenticator(PUBLIC_URL)
    enrol(here, account_id, session_id, device)
    return device


def enrol(here, account_id, session_id, device) -> None:
    factor_id, options = here.factors.begin_passkey(account_id, MY_PASSWORD, session_id=session_id)
    credential = device.make(options)
    here.factors.confirm_passkey(account_id, factor_id, credential, None, session_id=session_id)


def answered(here, account_id, session_id, device, **forged) -> PasskeyAnswer:
    attempt, options = here.reauthentication.ask_for_passkey(account_id, session_id)
    return PasskeyAnswer(attempt, device.answer(options, **forged))


def turned_away(here, account_id, session_id, answer: PasskeyAnswer) -> bool:
    with pytest.raises(errors.WrongPasskey):
        here.reauthentication.confirm(account_id, answer, session_id)
    return True


# --- what it is good for


DEEDS = {
    "another password": lambda here, who, shown, session: here.accounts.change_password(
        who, shown, NEW_PASSWORD, session_id=session, kind="cookie"
    ),
    "another password, by bearer token": lambda here, who, shown, session: here.accounts.change_password(
        who, shown, NEW_PASSWORD, session_id=session, kind="bearer"
    ),
    "another address": lambda here, who, shown, session: here.address_changes.ask(
        who, "a.favre@example.org", shown, session_id=session, whence=NOWHERE
    ),
    "an app": lambda here, who, shown, session: here.factors.begin_totp(who, shown, session_id=session),
    "a passkey more": lambda here, who, shown, session: here.factors.begin_passkey(
        who, shown, session_id=session
    ),
    "recovery codes": lambda here, who, shown, session: here.factors.renew_recovery_codes(
        who, shown, session_id=session
    ),
    "a factor less": lambda here, who, shown, session: here.factors.remove(
        who, next(iter(here.store.account(who).second_factors)), shown, session_id=session
    ),
    "the end": lambda here, who, shown, session: here.standings.close_own(
        who, shown, session_id=session, whence=NOWHERE
    ),
    "all that is held": lambda here, who, shown, session: here.reauthentication.confirm(who, shown, session),
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_a_passkey_stands_for_the_password_once(here, account_id, session_id, device, deed):
    answer = answered(here, account_id, session_id, device)
    deed(here, account_id, answer, session_id)
    again = a_session(here, account_id)
    before = here.rows("SELECT count(*) FROM events")
    for session in (session_id, again):
        with pytest.raises((errors.WrongPasskey, errors.SessionEnded)):
            here.reauthentication.confirm(account_id, answer, session)
    assert here.rows("SELECT count(*) FROM events") == before


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_whoever_cannot_show_who_she_is_changes_nothing(here, account_id, session_id, device, deed):
    before = here.rows("SELECT count(*) FROM events")
    wrong = answered(here, account_id, session_id, device, origin="https://evil.example")
    for evidence, refusal in (("not hers at all, no", errors.WrongPassword), (wrong, errors.WrongPasskey)):
        with pytest.raises(refusal):
            deed(here, account_id, evidence, session_id)
    assert here.rows("SELECT count(*) FROM events") == before


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_what_was_asked_for_from_a_session_that_has_ended_is_refused(here, account_id, device, deed):
    """The request was let in, the session ended while it was being judged."""
    ended = uuid4()
    before = here.rows("SELECT count(*) FROM events")
    for evidence in (MY_PASSWORD, answered(here, account_id, ended, device)):
        with pytest.raises(errors.SessionEnded):
            deed(here, account_id, evidence, ended)
    assert here.rows("SELECT count(*) FROM events") == before


def test_of_many_who_send_the_same_answer_at_once_one_is_believed(here, account_id, session_id, device):
    answer = answered(here, account_id, session_id, device)

    def ask(_number: int) -> bool:
        try:
            return bool(here.reauthentication.confirm(account_id, answer, session_id))
        except errors.WrongPasskey:
            return False

    assert sum(at_once(ask, 5)) == 1


def test_an_answer_outlives_a_lost_race(here, account_id, session_id, device):
    lost = [errors.Conflict(), errors.Conflict()]

    def decide(account, shown):
        here.store.record(effects=shown.effects) if not lost else None
        if lost:
            raise lost.pop()
        return account.id

    answer = answered(here, account_id, session_id, device)
    assert here.reauthentication.then(account_id, answer, session_id, decide) == account_id
    assert turned_away(here, account_id, session_id, answer)


# --- whose answer


def test_another_accounts_passkey_is_worth_nothing(here, account_id, session_id, device):
    other_id = in_use(here, "other@example.org")
    others = Authenticator(PUBLIC_URL)
    enrol(here, other_id, a_session(here, other_id), others)
    assert turned_away(here, account_id, session_id, answered(here, account_id, session_id, others))


def test_a_question_is_for_one_account_and_one_session(here, account_id, session_id, device):
    other_id = in_use(here, "other@example.org")
    others_session = a_session(here, other_id)
    enrol(here, other_id, others_session, Authenticator(PUBLIC_URL))
    for who, session in (
        (account_id, a_session(here, account_id)),
        (other_id, session_id),
        (other_id, others_session),
    ):
        assert turned_away(here, account_id, session_id, answered(here, who, session, device))


def test_a_question_at_sign_in_is_another_than_one_inside(here, account_id, session_id, device):
    attempt, options = here.factors.ask_for_passkey()
    assert turned_away(here, account_id, session_id, PasskeyAnswer(attempt, device.answer(options)))
    with pytest.raises(errors.WrongCredentials):
        here.accounts.sign_in_by_passkey(*answered(here, account_id, session_id, device), "cookie")


def test_a_question_that_anybody_signed_in_may_ask_enrols_no_passkey(here, account_id, session_id, device):
    """Else whoever found a session open had a passkey of his own in it without having shown anything."""
    attempt, options = here.reauthentication.ask_for_passkey(account_id, session_id)
    _, asked = here.factors.begin_passkey(account_id, MY_PASSWORD, session_id=session_id)
    made = Authenticator(PUBLIC_URL).make(asked | {"challenge": options["challenge"]})
    with pytest.raises(errors.SecondFactorUnknown):
        here.factors.confirm_passkey(account_id, attempt, made, None, session_id=session_id)


def test_a_question_for_a_new_passkey_is_none_for_one_that_is_there(here, account_id, session_id, device):
    factor_id, asked = here.factors.begin_passkey(account_id, MY_PASSWORD, session_id=session_id)
    _, options = here.reauthentication.ask_for_passkey(account_id, session_id)
    answer = device.answer(options | {"challenge": asked["challenge"]})
    assert turned_away(here, account_id, session_id, PasskeyAnswer(factor_id, answer))


def test_a_question_names_the_accounts_own_passkeys(here, account_id, session_id, device):
    _, options = here.reauthentication.ask_for_passkey(account_id, session_id)
    assert [each["id"] for each in options["allowCredentials"]] == [encoded(device.passkeys[-1].id)]
    assert options["userVerification"] == "required"


def test_whoever_has_no_passkey_is_asked_for_none(here, account_id, session_id):
    with pytest.raises(errors.NoPasskey):
        here.reauthentication.ask_for_passkey(account_id, session_id)


def test_a_question_is_good_for_five_minutes(here, account_id, session_id, device):
    answer = answered(here, account_id, session_id, device)
    here.clock.goes_on(5 * MINUTE)
    assert turned_away(here, account_id, session_id, answer)
    answer = answered(here, account_id, session_id, device)
    here.clock.goes_on(5 * MINUTE - timedelta(seconds=1))
    assert here.reauthentication.confirm(account_id, answer, session_id)


@pytest.mark.parametrize(
    "forged", [{"origin": "https://evil.example"}, {"type": "webauthn.create"}, {"challenge": "AAAA"}]
)
def test_what_was_signed_for_something_else_is_worth_nothing(here, account_id, session_id, device, forged):
    assert turned_away(here, account_id, session_id, answered(here, account_id, session_id, device, **forged))


def test_a_device_that_did_not_verify_its_holder_is_not_believed(here, account_id, session_id, device):
    device.verifies = False
    assert turned_away(here, account_id, session_id, answered(here, account_id, session_id, device))


def test_a_device_need_not_say_whose_passkey_it_is_but_may_not_lie(here, account_id, session_id, device):
    answer = answered(here, account_id, session_id, device)
    answer.credential["response"]["userHandle"] = encoded(b"x" * 64)
    assert turned_away(here, account_id, session_id, answer)
    answer = answered(here, account_id, session_id, device)
    del answer.credential["response"]["userHandle"]
    assert here.reauthentication.confirm(account_id, answer, session_id)


def test_a_copied_keys_count_is_not_believed(here, account_id, session_id, device):
    here.reauthentication.confirm(account_id, answered(here, account_id, session_id, device), session_id)
    device.passkeys[-1].sign_count -= 1
    assert turned_away(here, account_id, session_id, answered(here, account_id, session_id, device))


def test_a_passkey_that_is_removed_meanwhile_changes_nothing(here, account_id, session_id, device):
    answer = answered(here, account_id, session_id, device)

    def decide(account, shown):
        (factor_id,) = account.second_factors
        here.factors.remove(account_id, factor_id, MY_PASSWORD, session_id=session_id)
        return here.store.record(effects=shown.effects)

    with pytest.raises(errors.WrongPasskey):
        here.reauthentication.then(account_id, answer, session_id, decide)


@pytest.mark.parametrize("broken", [{}, {"id": "x"}, {"response": None}])
def test_what_is_no_answer_is_not_believed(here, account_id, session_id, device, broken):
    answer = answered(here, account_id, session_id, device)
    credential = answer.credential | broken if broken else {}
    assert turned_away(here, account_id, session_id, answer._replace(credential=credential))


# --- who has only a passkey


def test_whoever_guesses_passwords_in_a_session_does_not_keep_its_passkey_waiting(
    here, account_id, session_id, device
):
    for _ in range(5):
        with pytest.raises(errors.WrongPassword):
            here.reauthentication.confirm(account_id, "a guess", session_id)
    with pytest.raises(errors.TooManyRequests):
        here.reauthentication.confirm(account_id, MY_PASSWORD, session_id)
    assert here.reauthentication.confirm(
        account_id, answered(here, account_id, session_id, device), session_id
    )


def test_the_last_passkey_stays_until_a_password_is_there_that_is_enough_alone(
    here, account_id, session_id, device
):
    """Also where it is the passkey itself that asks for its removal."""
    _, store = here.credentials.choose(account_id, SHORT, here.clock.now())
    here.store.record(effects=[store])
    (factor_id,) = here.store.account(account_id).second_factors

    def remove() -> None:
        shown = answered(here, account_id, session_id, device)
        here.factors.remove(account_id, factor_id, shown, session_id=session_id)

    with pytest.raises(errors.PasswordTooShortAlone):
        remove()
    here.store.record(effects=[here.credentials.drop_short(account_id)])  # no password at all
    with pytest.raises(errors.PasswordTooShortAlone):
        remove()
    shown = answered(here, account_id, session_id, device)
    here.accounts.change_password(account_id, shown, NEW_PASSWORD, session_id=session_id, kind="bearer")
    remove()
    assert signed_in(here, NEW_PASSWORD)


def test_the_password_that_stands_is_no_new_one_also_where_a_passkey_asks(
    here, account_id, session_id, device
):
    shown = answered(here, account_id, session_id, device)
    with pytest.raises(errors.PasswordUnchanged):
        here.accounts.change_password(account_id, shown, MY_PASSWORD, session_id=session_id, kind="bearer")


def test_an_initial_password_that_has_run_out_does_not_come_back_by_passkey(here):
    account_id = here.opened("eve@example.org")
    issued = here.accounts.issue_initial_password(account_id)
    signed_in(here, issued, email="eve@example.org")
    session_id, device = a_session(here, account_id), Authenticator(PUBLIC_URL)
    factor_id, options = here.factors.begin_passkey(account_id, issued, session_id=session_id)
    here.factors.confirm_passkey(account_id, factor_id, device.make(options), None, session_id=session_id)
    here.clock.goes_on(timedelta(days=4))
    assert refused(here, issued, "eve@example.org")
    for new, taken in ((issued, False), (NEW_PASSWORD, True)):
        shown = answered(here, account_id, session_id, device)
        if taken:
            here.accounts.change_password(account_id, shown, new, session_id=session_id, kind="bearer")
        else:
            with pytest.raises(errors.PasswordUnchanged):
                here.accounts.change_password(account_id, shown, new, session_id=session_id, kind="bearer")


def test_an_app_that_is_added_by_passkey_counts(here, account_id, session_id, device):
    app = enrolled(here, account_id, answered(here, account_id, session_id, device), session_id=session_id)
    assert {factor.kind for factor in here.factors.of(account_id)[0]} == {"passkey", "totp"}
    assert app.recovery_codes == []
