"""An account's history in words: each event a sentence, old and new values, who it was, in three languages."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import date
from string import Formatter
from uuid import UUID, uuid4

import pytest
from enrolling import enrolled
from people import AURELIE, AURELIE_ADDRESS, HOUR, NOON
from read_side import catch_up, projecting
from services import new_database
from signing_in import MY_PASSWORD, a_session
from write_side import WriteSide, nothing

from application.reviews import Reviews
from domain.access import Access
from domain.fact import Whence
from domain.values import LOCALES, OPERATOR
from infrastructure.event_catalogue import event_classes
from infrastructure.history import LISTS, SHOWN, TOLD, History, Moment, sentence
from infrastructure.places import Places
from infrastructure.translations import table
from projections.accesses import AccessPlaces
from projections.directory import Directory
from projections.timeline import Timeline

FIREFOX = Whence("Firefox · Windows", "192.0.2.7")
FROM_FILES = {each.TOPIC for each in event_classes() if re.search("import|invite", each.TOPIC)}
EVENTS = {each.TOPIC for each in event_classes() if not issubclass(each, Access.Event)} - FROM_FILES
NEW_ADDRESS = "aurelie.favre@example.org"


@dataclass
class Closed:
    """As much of an event as a sentence wants."""

    TOPIC = "account.closed"
    reason: str | None


@contextmanager
def a_life(database_url: str) -> Iterator[WriteSide]:
    """A write side with `account_id`, to whom everything has happened that can happen, and a clerk of a name."""
    with WriteSide(database_url) as here, projecting(here) as here.projector:
        here.history = history_of(here)
        here.with_records()
        kim = replace(AURELIE, ahv_number=None, given_name="Kim", family_name="Frei")
        here.account_id, clerk = here.opened(), here.submitted("clerk@example.org", kim)
        live(here, here.account_id, clerk)
        yield here


def history_of(here: WriteSide) -> History:
    return History(here.store, Timeline(here.pool), AccessPlaces(here.pool), Directory(here.pool), Places())


@pytest.fixture(scope="module")
def here(postgres, template):
    """For tests that only read."""
    with new_database(postgres, template) as database_url, a_life(database_url) as here:
        yield here


@pytest.fixture
def account_id(here) -> UUID:
    return here.account_id


def live(here, account_id: UUID, clerk: UUID) -> None:
    here.accounts.request(AURELIE_ADDRESS, "x", "y", "fr", "2025-08")
    here.decide.decide_waiting()
    here.assistance.resend(account_id, reason="expired", note=None, actor=clerk)
    password = here.accounts.issue_initial_password(account_id)
    session = here.sessions.find(here.accounts.sign_in(AURELIE_ADDRESS, password, "cookie").token, NOON)
    here.accounts.change_password(
        account_id, password, MY_PASSWORD, session_id=session.session_id, kind="cookie"
    )
    here.accounts.change_locale(account_id, "de", FIREFOX)
    here.accounts.grant("auditor", AURELIE_ADDRESS, date(2025, 12, 31), actor=OPERATOR)
    here.accounts.revoke("auditor", AURELIE_ADDRESS, actor=OPERATOR)
    have_second_factors(here, account_id, clerk)
    here.clock.goes_on(HOUR)
    declare(here, account_id, AURELIE)
    here.linking.unlink(account_id, reason="wrong-person", note="A mix-up.", actor=clerk)
    declare(here, account_id, replace(AURELIE, city="Moutier"))
    case_id = here.store.profile(here.store.account(account_id).profile_id).open_case.id
    here.linking.take(case_id, actor=clerk)
    here.linking.ask(case_id, "Which name?", actor=clerk)
    here.linking.answer(account_id, "Chappuis.")
    here.linking.reject(case_id, reason="no-record", note=None, actor=clerk)
    declare(here, account_id, replace(AURELIE, ahv_number=None, city="Bienne"))
    case_id = here.store.profile(here.store.account(account_id).profile_id).open_case.id
    another = "R-000003"
    here.with_records({"record_number": another, "ahv_number": None, "email": None})
    Reviews(here.linking).look_again(account_id, {another: True})
    here.linking.create_record(case_id, reason="new-person", note=None, actor=clerk)
    here.clock.goes_on(HOUR)
    move_about(here, account_id, clerk)
    catch_up(here, here.projector)


def move_about(here, account_id: UUID, clerk: UUID) -> None:
    """All that can happen to the way in."""
    colleague, session_id, password = here.opened("colleague@example.org"), uuid4(), MY_PASSWORD
    why = {"reason": "other", "note": "Noted."}
    changes, standings = here.address_changes, here.standings
    here.recovery.request_reset(AURELIE_ADDRESS, FIREFOX)
    here.decide.decide_waiting()
    account = here.store.account(account_id)
    token = here.recovery.reset_link(account, account.reset_request)
    here.recovery.complete_reset(token, password, FIREFOX)
    here.store.record(
        ended(here.store.account(account_id), session_id),
    )
    for objected in (True, False):
        changes.ask(account_id, NEW_ADDRESS, password, session_id=a_session(here, account_id), whence=FIREFOX)
        account = here.store.account(account_id)
        request = account.email_change.request
        if objected:
            changes.object(changes.objection_link(account, request), FIREFOX)
        else:
            changes.confirm(changes.confirmation_link(account, request), FIREFOX)
            changes.object(changes.objection_link(account, request), FIREFOX)
    standings.unlock(account_id, **why, actor=clerk)
    standings.lock(account_id, **why, actor=clerk)
    standings.unlock(account_id, **why, actor=clerk)
    standings.close_own(account_id, password, session_id=a_session(here, account_id), whence=FIREFOX)
    standings.reopen(standings.reopening_link(here.store.account(account_id)), FIREFOX)
    another = here.opened("another@example.org")
    here.merges.merge(account_id, another, **why, actor=clerk)
    here.merges.separate(another, **why, actor=clerk)
    declare(here, another, AURELIE)
    here.merges.merge(another, account_id, **why, actor=clerk)
    here.merges.separate(account_id, **why, actor=clerk)
    here.assistance.note(account_id, "Noted.", actor=clerk)
    recovery_id, _ = here.recovery.propose(account_id, NEW_ADDRESS, **why, actor=clerk)
    here.recovery.approve(recovery_id, actor=colleague)
    here.store.record(erased(here.store.account(account_id), here.clock.now(), clerk, colleague))


def ended(account, session_id: UUID):
    account.end_sessions(session_id, kept=uuid4(), whence=FIREFOX, now=NOON + 2 * HOUR)
    return account


def erased(account, now, proposer: UUID, approver: UUID):
    """As the log tells it; the key stays, so that values can be told."""
    account.propose_erasure(account.profile_id, reason="request-of-holder", actor=proposer, now=now)
    account.approve_erasure(account.profile_id, due=now, actor=approver, now=now)
    account.erase(account.approved_erasure(now))
    return account


def have_second_factors(here, account_id: UUID, clerk: UUID) -> None:
    """One that is used, removed and replaced by another, which is lost."""
    factor = enrolled(here, account_id, MY_PASSWORD)
    here.accounts.sign_in(AURELIE_ADDRESS, MY_PASSWORD, "cookie", factor.recovery_codes[0])
    here.factors.remove(account_id, factor.id, MY_PASSWORD, session_id=a_session(here, account_id))
    enrolled(here, account_id, MY_PASSWORD)
    here.factors.reset(account_id, "device-lost", "Seen at the counter.", actor=clerk)


def declare(here, account_id: UUID, data) -> None:
    here.profiles.submit(account_id, data, actor=account_id)
    here.linking.match(account_id, settled=nothing)
    catch_up(here, here.projector)


def told(here, account_id: UUID, locale: str = "en", **part) -> list[Moment]:
    return here.history.of(account_id, locale, **part)


def moment(here, account_id: UUID, topic: str, locale: str = "en") -> Moment:
    return next(each for each in told(here, account_id, locale) if each.type == topic)


def changes(found: Moment) -> dict[str, tuple]:
    return {change["field"]: (change["old"], change["new"]) for change in found.changes}


@pytest.mark.parametrize("locale", LOCALES)
def test_everything_that_can_happen_is_told_in_every_language(here, account_id, locale):
    moments = told(here, account_id, locale)
    assert {each.type for each in moments} == EVENTS
    assert all(each.name and each.sentence and "{" not in each.sentence for each in moments)
    assert [each.position for each in moments] == sorted(each.position for each in moments)


def test_who_it_was_is_told_in_words(here, account_id):
    by = {each.type: each.by for each in told(here, account_id)}
    assert by["account.requested"] == "the account holder"
    assert by["account.password-issued"] == "the service"
    assert by["account.role-granted"] == "operations"
    assert by["case.rejected"] == "Kim Frei (clerk@example.org)"
    assert here.history.label(account_id, account_id, "de") == "die Inhaberin oder der Inhaber"
    assert here.history.label(UUID(int=7), account_id, "en") == "an erased person"


def test_a_change_is_told_with_the_value_before(here, account_id):
    assert changes(moment(here, account_id, "profile.corrected"))["city"] == ("Delémont", "Moutier")
    assert "street" not in changes(moment(here, account_id, "profile.corrected"))
    assert changes(moment(here, account_id, "profile.record-linked"))["record_number"] == (None, "R-000001")
    assert changes(moment(here, account_id, "profile.record-unlinked"))["record_number"] == ("R-000001", None)


@pytest.mark.parametrize("event_class", event_classes(), ids=lambda each: each.TOPIC)
@pytest.mark.parametrize("locale", LOCALES)
def test_what_is_told_of_an_event_are_its_own_fields(event_class, locale):
    written = table(locale, "history", "events", event_class.TOPIC)
    sentences = [written["sentence"], *written.get("without", {}).values()]
    named = {name for said in sentences for _, name, _, _ in Formatter().parse(said) if name}
    told = {name for kind in (SHOWN, TOLD, LISTS) for name in kind.get(event_class.TOPIC, ())}
    assert named | told | written.get("without", {}).keys() <= {field.name for field in fields(event_class)}


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("duplicate", "The account was closed: The person has another account."),
        (None, "The account was closed."),
    ],
)
def test_without_a_reason_a_sentence_gives_none(reason, said):
    assert sentence(Closed(reason), "en") == said


def test_a_number_is_told_masked(here, account_id):
    assert changes(moment(here, account_id, "profile.submitted"))["ahv_number"] == (None, "756.••••.••••.97")
    assert AURELIE.ahv_number not in str(told(here, account_id))


def test_moments_are_the_events_own(here, account_id):
    assert moment(here, account_id, "account.requested").at == NOON
    assert moment(here, account_id, "profile.submitted").at == NOON + HOUR


def test_a_page_goes_on_after_the_last_one_with_the_same_words(here, account_id):
    whole = told(here, account_id)
    assert told(here, account_id, limit=3) == whole[:3]
    assert told(here, account_id, after=whole[2].position) == whole[3:]


def test_an_erased_person_leaves_events_without_values(database_url):
    with a_life(database_url) as here:
        here.destroy_key(here.account_id)
        moments = told(here, here.account_id)
        linked = moment(here, here.account_id, "profile.record-linked")
    assert {each.type for each in moments} == EVENTS
    assert "(erased)" in linked.sentence
    for personal in (AURELIE_ADDRESS, "Delémont", "R-000001", "A mix-up.", "Which name?", "Chappuis."):
        assert personal not in str(moments)
