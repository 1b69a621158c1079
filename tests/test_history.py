"""An account's history in words: each event a sentence, old and new values, who it was, in three languages."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from people import AURELIE, AURELIE_ADDRESS, HOUR, NOON
from read_side import catch_up, projecting
from services import new_database
from write_side import WriteSide, nothing

from domain.values import LOCALES, OPERATOR
from infrastructure.event_catalogue import event_classes
from infrastructure.history import History, Moment
from projections.directory import Directory
from projections.timeline import Timeline


@contextmanager
def a_life(database_url: str) -> Iterator[WriteSide]:
    """A write side with `account_id`, to whom everything has happened that can happen, and a clerk of a name."""
    with WriteSide(database_url) as here, projecting(here) as here.projector:
        here.history = History(here.store, Timeline(here.pool), Directory(here.pool))
        here.with_records()
        kim = replace(AURELIE, ahv_number=None, given_name="Kim", family_name="Frei")
        here.account_id, clerk = here.opened(), here.submitted("clerk@example.org", kim)
        live(here, here.account_id, clerk)
        yield here


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
    password = here.accounts.issue_initial_password(account_id)
    session = here.sessions.find(here.accounts.sign_in(AURELIE_ADDRESS, password, "cookie").token, NOON)
    here.accounts.change_password(
        account_id, password, "quiet otter behind the mill", session_id=session.session_id, kind="cookie"
    )
    here.accounts.grant("auditor", AURELIE_ADDRESS, date(2025, 12, 31), actor=OPERATOR)
    here.accounts.revoke("auditor", AURELIE_ADDRESS, actor=OPERATOR)
    here.clock.goes_on(HOUR)
    declare(here, account_id, AURELIE)
    here.linking.unlink(account_id, reason="wrong-person", note="A mix-up.", actor=clerk)
    declare(here, account_id, replace(AURELIE, city="Moutier"))
    case_id = here.store.profile(here.store.account(account_id).profile_id).open_case.id
    here.linking.reject(case_id, reason="no-record", note=None, actor=clerk)
    catch_up(here, here.projector)


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
    assert {each.type for each in moments} == {each.TOPIC for each in event_classes()}
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
    assert {each.type for each in moments} == {each.TOPIC for each in event_classes()}
    assert "(erased)" in linked.sentence
    for personal in (AURELIE_ADDRESS, "Delémont", "R-000001", "A mix-up."):
        assert personal not in str(moments)
