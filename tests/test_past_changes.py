"""What changed of an account between two points of the log, by which event, by whom."""

from dataclasses import replace
from datetime import timedelta

import pytest
from past_side import changed, moved, points, remembering
from people import CLERK

from domain.errors import NotYet
from domain.profile import PERSONAL_DATA
from domain.values import ERASED

TICK = timedelta(microseconds=1)


@pytest.fixture
def here(database_url):
    with remembering(database_url) as here:
        yield here


def test_what_changed_is_told_field_by_field_with_the_event_that_did_it(here):
    account_id = here.submitted()
    since, _ = points(here)[-1]
    data, _ = here.profiles.of(account_id)
    here.profiles.submit(account_id, replace(data, city="Moutier", postal_code="2740"), actor=CLERK)
    moved_at, at = points(here)[-1]
    found = here.past.changes(account_id, here.instants.cut(since), here.instants.cut(None))
    assert [(each.field, each.old, each.new) for each in found if each.field != "link_due"] == [
        ("postal_code", "2800", "2740"),
        ("city", "Delémont", "Moutier"),
    ]
    assert {(each.position, each.type, each.actor, each.at) for each in found} == {
        (moved_at, "profile.corrected", CLERK, at)
    }


def test_a_field_that_changed_twice_is_told_twice(here):
    account_id = here.submitted()
    since, _ = points(here)[-1]
    for city in ("Moutier", "Tavannes"):
        data, _ = here.profiles.of(account_id)
        here.profiles.submit(account_id, replace(data, city=city), actor=account_id)
    assert changed(here, account_id, since) == [
        ("profile.corrected", "city", "Delémont", "Moutier"),
        ("profile.corrected", "city", "Moutier", "Tavannes"),
    ]


def test_the_event_at_the_beginning_is_before_and_the_one_at_the_end_within(here):
    account_id = here.opened()
    first, at = points(here)[0]
    assert changed(here, account_id, first, first) == changed(here, account_id, at, at) == []
    everything = changed(here, account_id, first - 1, first)
    assert ("account.requested", "email", None, "aurelie.chappuis@example.org") in everything
    assert everything == changed(here, account_id, at - TICK, at)


def test_what_changed_before_there_was_an_account_is_nothing_to_tell(here):
    here.opened("earlier@example.org")
    account_id = here.opened()
    with pytest.raises(NotYet):
        changed(here, account_id, 1, points(here)[0][0])


def test_after_an_erasure_it_is_still_told_which_fields_were_set_and_by_whom(here):
    account_id = here.submitted()
    since, _ = points(here)[-1]
    moved(here, account_id)
    here.destroy_key(account_id)
    found = here.past.changes(account_id, here.instants.cut(since), here.instants.cut(None))
    assert {each.field for each in found} == set(PERSONAL_DATA) - {"canton"}
    assert {(each.old, each.new, each.actor) for each in found} == {(ERASED, ERASED, account_id)}
