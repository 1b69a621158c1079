"""Sign-ins are facts, good and failed: the good with the session itself, the failed by a worker, many at once."""

import logging

import pytest
from authenticator import Authenticator
from enrolling import enrolled
from people import AURELIE_ADDRESS, MINUTE
from psycopg.errors import CheckViolation
from signing_in import MY_PASSWORD, in_use
from write_side import PUBLIC_URL, WriteSide

from application.guesses import Caller
from domain import errors
from domain.access import Access
from domain.fact import Whence
from domain.values import ANYBODY, ERASED
from infrastructure.intake import DecidedElsewhere
from infrastructure.note_failures import NoteFailures

AT_SCHOOL = Whence("Firefox · Windows", "192.0.2.7")
ELSEWHERE = Whence("Chrome · Android", "198.51.100.9")
NOBODY = "nobody@example.org"


@pytest.fixture
def here(database_url):
    with WriteSide(database_url) as here:
        here.note = NoteFailures(here.failed_sign_ins, here.accesses)
        yield here


@pytest.fixture
def account_id(here):
    return in_use(here)


def sign_in(here, password: str = MY_PASSWORD, email: str = AURELIE_ADDRESS, whence=AT_SCHOOL, **how):
    return here.accounts.sign_in(email, password, how.pop("kind", "cookie"), whence=whence, **how)


def fail(here, email: str = AURELIE_ADDRESS, whence=AT_SCHOOL, password: str = "a wrong password", **how):
    with pytest.raises(errors.Refused) as refusal:
        sign_in(here, password, email, whence, **how)
    return refusal.value.code


def facts(here, kind: type) -> list:
    rows = here.rows(
        "SELECT position, originator_id, originator_version FROM events WHERE topic = %s ORDER BY 1",
        kind.TOPIC,
    )
    return here.store.events_at(rows)


def waiting(here) -> list[bytes]:
    return [sealed for (sealed,) in here.rows("SELECT sealed FROM failed_sign_ins ORDER BY id")]


# --- good ones


def test_each_sign_in_is_a_fact_of_the_account(here, account_id):
    before = len(facts(here, Access.SignedIn))
    sign_in(here)
    sign_in(here, kind="bearer", whence=ELSEWHERE)
    first, second = facts(here, Access.SignedIn)[before:]
    assert (first.actor, first.session_kind, first.device) == (account_id, "cookie", "Firefox · Windows")
    assert (second.session_kind, second.network, second.second_factor) == ("bearer", "198.51.100.9", False)


def test_the_first_sign_in_and_what_it_changes_are_one_append(here):
    account_id = here.opened()
    sign_in(here, here.accounts.issue_initial_password(account_id))
    rows = here.rows(
        "SELECT topic, position >> 12 FROM events WHERE topic IN ('account.activated', 'access.signed-in')"
    )
    assert {topic for topic, _ in rows} == {"account.activated", "access.signed-in"}
    assert len({transaction for _, transaction in rows}) == 1


def test_a_sign_in_says_whether_a_second_factor_was_given(here, account_id):
    factor = enrolled(here, account_id, MY_PASSWORD)
    sign_in(here, code=factor.recovery_codes[0])
    assert facts(here, Access.SignedIn)[-1].second_factor


def test_where_no_session_opens_nobody_has_signed_in(here, account_id):
    before = len(facts(here, Access.SignedIn))
    here.rows("DELETE FROM sessions RETURNING 1")
    with here.pool.connection() as connection:
        connection.execute("ALTER TABLE sessions ADD CHECK (kind <> 'bearer')")
    with pytest.raises(CheckViolation):
        sign_in(here, kind="bearer")
    assert len(facts(here, Access.SignedIn)) == before


def test_whoever_is_erased_while_signing_in_is_told_what_everybody_is(here, account_id):
    here.destroy_key(account_id)
    assert fail(here, password=MY_PASSWORD) == "wrong-credentials"


# --- failed ones


def test_failed_sign_ins_become_facts_by_account_and_place_in_one_append(here, account_id):
    fail(here)
    here.clock.goes_on(MINUTE)
    fail(here)
    fail(here, whence=ELSEWHERE)
    fail(here, NOBODY)
    fail(here, "somebody.else@example.org", ELSEWHERE)
    assert facts(here, Access.SignInFailed) == []
    assert here.note.note_waiting() == 5
    found = facts(here, Access.SignInFailed)
    assert sorted((str(fact.account), fact.network, fact.attempts) for fact in found) == sorted(
        [
            (str(account_id), "192.0.2.7", 2),
            (str(account_id), "198.51.100.9", 1),
            ("None", None, 2),
        ]
    )
    assert {fact.actor for fact in found} == {ANYBODY}
    twice = next(fact for fact in found if fact.attempts == 2 and fact.account)
    assert twice.timestamp - twice.since == MINUTE
    transactions = here.rows(
        "SELECT DISTINCT position >> 12 FROM events WHERE topic = 'access.sign-in-failed'"
    )
    assert len(transactions) == 1
    assert waiting(here) == []


def test_what_was_typed_stands_nowhere(here, account_id):
    fail(here)
    fail(here, NOBODY)
    rows = waiting(here)
    here.note.note_waiting()
    states = [bytes(state) for (state,) in here.rows("SELECT state FROM events WHERE topic ^@ 'access.'")]
    for typed in (AURELIE_ADDRESS, NOBODY, "a wrong password", "192.0.2.7"):
        assert not any(typed.encode() in held for held in rows + states)


def test_a_row_tells_by_nothing_whose_address_it_was(here, account_id):
    fail(here)
    fail(here, NOBODY)
    fail(here, "x" * 60 + "@" + "y" * 180 + ".example", Whence(None, None))
    assert len({len(sealed) for sealed in waiting(here)}) == 1


def test_whatever_lets_a_judged_sign_in_fail_is_noted_and_nothing_else(here, account_id):
    factor = enrolled(here, account_id, MY_PASSWORD)
    assert fail(here, password=MY_PASSWORD) == "second-factor-needed"
    assert waiting(here) == []
    assert fail(here, password=MY_PASSWORD, code="000-not-one") == "wrong-credentials"
    assert len(waiting(here)) == 1
    here.standings.lock(account_id, reason="other", note=None, actor=ANYBODY)
    assert fail(here, password=MY_PASSWORD, code=factor.recovery_codes[0]) == "account-locked"
    assert len(waiting(here)) == 2
    for _ in range(10):
        code = fail(here, caller=Caller("192.0.2.7"))
    assert code == "too-many-requests"
    assert len(waiting(here)) == 2 + 5  # the bucket's


def test_a_passkey_that_nobody_has_is_noted_as_nobodys(here, account_id):
    attempt, options = here.factors.ask_for_passkey()
    device = Authenticator(PUBLIC_URL)
    device.make({**options, "user": {"id": "AAAA"}, "rp": {"id": options["rpId"]}})
    with pytest.raises(errors.WrongCredentials):
        here.accounts.sign_in_by_passkey(attempt, device.answer(options), "cookie", AT_SCHOOL)
    here.note.note_waiting()
    [fact] = facts(here, Access.SignInFailed)
    assert (fact.account, fact.network, fact.attempts) == (None, None, 1)


def test_of_two_workers_that_note_the_same_the_second_is_undone(here, account_id):
    fail(here)
    [(number, sealed)] = here.failed_sign_ins.waiting(10)
    failed = [here.failed_sign_ins.open(sealed)]
    here.note.note_waiting()
    with pytest.raises(DecidedElsewhere):
        here.accesses.note_failures(failed, here.failed_sign_ins.taken([number]))
    assert len(facts(here, Access.SignInFailed)) == 1


def test_for_somebody_erased_meanwhile_it_waits_and_is_nobodys_then(here, account_id):
    fail(here)
    here.destroy_key(account_id)
    assert here.note.note_waiting() == 0
    here.rows("DELETE FROM lookup RETURNING 1")
    assert here.note.note_waiting() == 1
    [fact] = facts(here, Access.SignInFailed)
    assert (fact.account, fact.device) == (None, None)


def test_what_was_noted_before_an_erasure_stays_without_the_place(here, account_id):
    fail(here)
    here.note.note_waiting()
    here.destroy_key(account_id)
    [fact] = facts(here, Access.SignInFailed)
    assert (fact.account, fact.attempts, fact.network) == (account_id, 1, ERASED)


def test_one_that_cannot_be_opened_is_told_of_once_and_stops_no_other(here, account_id, caplog):
    here.rows("INSERT INTO failed_sign_ins (sealed) VALUES ('x') RETURNING 1")
    fail(here)
    with caplog.at_level(logging.ERROR):
        assert [here.note.note_waiting(), here.note.note_waiting()] == [1, 0]
    assert [record.message for record in caplog.records] == ["failed sign-in left unnoted"]
    assert waiting(here) == [b"x"]
