"""Whose record is it: linked at once, left to a clerk, corrected, taken back."""

from dataclasses import replace
from uuid import UUID

import pytest
from desk import (
    CORRECTED,
    HERS,
    OTHER,
    STRANGER,
    decide,
    desk,
    holders,
    link,
    match,
    open_case,
    profile,
    reject,
)
from people import AURELIE, AURELIE_ADDRESS, CLERK, NOON
from read_side import catch_up
from spec import at_once
from write_side import AURELIES_RECORD

from domain import errors
from domain.values import SYSTEM


@pytest.fixture
def here(database_url):
    with desk(database_url) as here:
        yield here


@pytest.fixture
def aurelie(here) -> UUID:
    """An account that has declared what Aurélie's record holds, at the record's own address."""
    return here.submitted()


@pytest.fixture
def stranger(here) -> UUID:
    """An account that has declared the same, at another address."""
    return here.submitted(STRANGER)


# --- at once


def test_a_certain_match_is_linked_at_once(here, aurelie):
    match(here, aurelie)
    assert (link(here, aurelie).record_number, link(here, aurelie).by) == (HERS, SYSTEM)
    assert holders(here, HERS) == [aurelie]
    assert here.topics(profile(here, aurelie).id) == ["profile.submitted", "profile.record-linked"]


def linked_event(here, account_id: UUID):
    stream = profile(here, account_id).id
    return [event for event in here.store.events.get(stream) if type(event).TOPIC == "profile.record-linked"][
        -1
    ]


def test_a_link_says_which_matcher_found_it_and_how(here, aurelie):
    match(here, aurelie)
    event = linked_event(here, aurelie)
    assert event.matcher == here.linking.matcher.model.version
    assert event.score > 3_000
    assert (event.verdicts["ahv_number"], event.verdicts["street"]) == ("equal", "missing")


def test_a_clerks_link_says_what_the_matcher_thought_of_it(here, stranger):
    decide(here, open_case(here, stranger), OTHER)
    event = linked_event(here, stranger)
    assert (event.verdicts["ahv_number"], event.verdicts["email"]) == ("different", "missing")


def test_the_work_item_is_settled_with_the_decision_or_not_at_all(here, aurelie):
    def refuse(_) -> None:
        raise errors.Conflict

    with pytest.raises(errors.Conflict):
        here.linking.match(aurelie, settled=refuse)
    assert (link(here, aurelie), holders(here, HERS)) == (None, [])


def test_matching_again_changes_nothing(here, aurelie):
    match(here, aurelie)
    settled = []
    here.linking.match(aurelie, settled=settled.append)
    assert len(settled) == 1
    assert here.topics(profile(here, aurelie).id) == ["profile.submitted", "profile.record-linked"]


def test_what_is_not_certain_is_left_to_the_secretariat(here, stranger):
    match(here, stranger)
    case = profile(here, stranger).open_case
    assert (case.cause, case.candidates, case.due) == (
        "address-differs",
        [HERS, OTHER],
        NOON.date().replace(day=4),
    )
    assert holders(here, HERS) == []


def test_whoever_declares_anothers_number_first_does_not_lock_her_out(here, stranger, aurelie):
    match(here, aurelie)
    assert link(here, aurelie).record_number == HERS
    match(here, stranger)
    assert profile(here, stranger).open_case.cause == "record-taken"


def test_a_number_that_two_declare_makes_a_case_for_each_who_is_not_certain(here, stranger):
    third = here.submitted("third@example.org")
    for account_id in (stranger, third):
        match(here, account_id)
        assert profile(here, account_id).open_case.cause == "declared-twice"


def test_what_a_clerk_was_asked_is_not_decided_over_his_head(here, stranger):
    """A correction that was sent before the first match makes a second one, for which the register may be clearer."""
    case_id = open_case(here, stranger)
    here.rows("UPDATE records SET email = %s WHERE record_number = %s RETURNING email", STRANGER, HERS)
    settled = []
    here.linking.match(stranger, settled=settled.append)
    catch_up(here, here.projector)
    assert len(settled) == 1
    assert profile(here, stranger).open_case.id == case_id
    assert [case.case_id for case in here.linking.cases.page(state="open", today=NOON.date(), limit=9)] == [
        case_id
    ]
    decide(here, case_id)
    assert link(here, stranger).by == CLERK


# --- corrections


def test_a_correction_and_a_clerk_at_once_do_not_cross(here, stranger):
    case_id = open_case(here, stranger)

    def act(number: int):
        if number == 0:
            return here.profiles.submit(stranger, CORRECTED, actor=stranger)
        try:
            return decide(here, case_id)
        except errors.AlreadyDecided as decided:
            return decided.details["state"]

    _, outcome = at_once(act, 2)
    after = profile(here, stranger)
    assert after.data == CORRECTED
    if outcome == "withdrawn":
        assert (after.link, after.cases[case_id].state, holders(here, HERS)) == (None, "withdrawn", [])
    else:
        assert (after.cases[case_id].state, holders(here, HERS)) == ("linked", [stranger])
        assert after.identity != after.linked_identity


def test_a_correction_that_came_first_withdraws_the_case(here, stranger):
    case_id = open_case(here, stranger)
    here.profiles.submit(stranger, CORRECTED, actor=stranger)
    with pytest.raises(errors.AlreadyDecided) as decided:
        decide(here, case_id)
    assert decided.value.details == {"by": stranger, "at": NOON, "state": "withdrawn"}


def test_a_linked_person_whose_identity_was_corrected_is_looked_at_again_and_stays_linked(here, aurelie):
    match(here, aurelie)
    here.profiles.submit(aurelie, CORRECTED, actor=aurelie)
    case_id = open_case(here, aurelie)
    assert profile(here, aurelie).open_case.cause == "identity-corrected"
    assert holders(here, HERS) == [aurelie]
    decide(here, case_id, HERS)
    assert (profile(here, aurelie).link.by, holders(here, HERS)) == (CLERK, [aurelie])


def test_a_case_about_a_corrected_identity_may_give_another_record_and_frees_the_first(here, aurelie):
    match(here, aurelie)
    here.profiles.submit(aurelie, CORRECTED, actor=aurelie)
    decide(here, open_case(here, aurelie), OTHER)
    assert (holders(here, HERS), holders(here, OTHER)) == ([], [aurelie])


def test_a_rejected_correction_takes_the_link_and_frees_the_record(here, aurelie):
    match(here, aurelie)
    here.profiles.submit(aurelie, CORRECTED, actor=aurelie)
    reject(here, open_case(here, aurelie))
    assert (link(here, aurelie), holders(here, HERS)) == (None, [])


def test_a_correction_of_the_street_changes_nothing_about_the_link(here, aurelie):
    match(here, aurelie)
    here.profiles.submit(aurelie, replace(AURELIE, street="Rue du Stand 3"), actor=aurelie)
    match(here, aurelie)
    assert profile(here, aurelie).open_case is None
    assert link(here, aurelie).record_number == HERS


def test_a_profile_that_changed_since_it_was_seen_is_not_corrected(here, aurelie):
    with pytest.raises(errors.StaleVersion):
        here.profiles.submit(aurelie, CORRECTED, actor=aurelie, expected_version=7)
    _, version = here.profiles.of(aurelie)
    here.profiles.submit(aurelie, CORRECTED, actor=aurelie, expected_version=version)
    assert here.profiles.of(aurelie) == (CORRECTED, version + 1)


def test_a_number_that_was_corrected_away_is_no_longer_declared(here, stranger, aurelie):
    here.profiles.submit(stranger, replace(AURELIE, ahv_number=None), actor=stranger)
    assert here.lookup.find("ahv", AURELIE.ahv_number) == [aurelie]


# --- taken back


def test_a_link_taken_back_frees_the_record_and_opens_a_case(here, aurelie, stranger):
    match(here, aurelie)
    here.linking.unlink(aurelie, reason="wrong-person", note=None, actor=CLERK)
    assert (link(here, aurelie), holders(here, HERS)) == (None, [])
    assert profile(here, aurelie).open_case.cause == "unlinked"
    decide(here, open_case(here, stranger))
    assert holders(here, HERS) == [stranger]


def test_a_record_that_was_taken_back_is_never_linked_again_without_a_clerk(here, aurelie):
    match(here, aurelie)
    here.linking.unlink(aurelie, reason="wrong-person", note=None, actor=CLERK)
    here.profiles.submit(aurelie, replace(AURELIE, street="Rue du Stand 3"), actor=aurelie)
    match(here, aurelie)
    assert link(here, aurelie) is None
    assert profile(here, aurelie).open_case.cause == "unlinked-before"


def test_where_nothing_is_linked_nothing_is_taken_back(here, aurelie):
    with pytest.raises(errors.NotLinked):
        here.linking.unlink(aurelie, reason="wrong-person", note=None, actor=CLERK)
    with pytest.raises(errors.ProfileMissing):
        here.linking.unlink(here.opened(STRANGER), reason="wrong-person", note=None, actor=CLERK)


def test_the_record_of_the_register_is_the_one_of_the_tests(here):
    assert here.linking.records.get(HERS).email == AURELIES_RECORD["email"] == AURELIE_ADDRESS
