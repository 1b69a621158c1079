"""Whose record is it: linked at once, left to a clerk, wanted by two, decided by two."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from people import AURELIE, AURELIE_ADDRESS, CLERK, HOUR, NOON, OTHER_CLERK
from read_side import catch_up, projecting
from spec import at_once, until
from write_side import AURELIES_RECORD, WriteSide, nothing

from domain import errors
from domain.values import SYSTEM

HERS, OTHER = "R-000001", "R-000002"
STRANGER = "stranger@example.org"
CORRECTED = replace(AURELIE, family_name="Lachat", birth_name=None)


@pytest.fixture
def here(database_url):
    with WriteSide(database_url, connections=8) as here:
        here.with_records({}, {"record_number": OTHER, "ahv_number": "7569217076985", "email": None})
        with projecting(here) as here.projector:
            yield here


@pytest.fixture
def aurelie(here) -> UUID:
    """An account that has declared what Aurélie's record holds, at the record's own address."""
    return here.submitted()


@pytest.fixture
def stranger(here) -> UUID:
    """An account that has declared the same, at another address."""
    return here.submitted(STRANGER)


def match(here, account_id: UUID) -> None:
    here.linking.match(account_id, settled=nothing)


def profile(here, account_id: UUID):
    return here.store.profile(here.store.account(account_id).profile_id)


def link(here, account_id: UUID):
    return profile(here, account_id).link


def open_case(here, account_id: UUID) -> UUID:
    """The open case of an account, which is matched first, as the read model knows it."""
    match(here, account_id)
    catch_up(here, here.projector)
    return profile(here, account_id).open_case.id


def decide(here, case_id: UUID, record_number: str = HERS, *, actor: UUID = CLERK, **options) -> None:
    here.linking.link(case_id, record_number, reason="identity-proven", note=None, actor=actor, **options)


def reject(here, case_id: UUID, *, actor: UUID = CLERK, **options) -> None:
    here.linking.reject(case_id, reason="no-record", note="Not one of ours.", actor=actor, **options)


def holders(here, record_number: str) -> list[UUID]:
    return here.lookup.find("record", record_number)


# --- at once


def test_a_certain_match_is_linked_at_once(here, aurelie):
    match(here, aurelie)
    assert (link(here, aurelie).record_number, link(here, aurelie).by) == (HERS, SYSTEM)
    assert holders(here, HERS) == [aurelie]
    assert here.topics(profile(here, aurelie).id) == ["profile.submitted", "profile.record-linked"]


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


# --- a record that two want


def test_of_two_clerks_who_give_one_record_to_two_accounts_the_second_hears_who_was_first(here, stranger):
    third = here.submitted("third@example.org")
    first_case, second_case = open_case(here, stranger), open_case(here, third)
    here.clock.goes_on(HOUR)
    decide(here, first_case)
    with pytest.raises(errors.RecordTaken) as taken:
        decide(here, second_case, actor=OTHER_CLERK)
    assert taken.value.details == {"by": CLERK, "at": NOON + HOUR}
    assert (link(here, third), holders(here, HERS)) == (None, [stranger])
    assert profile(here, third).open_case.id == second_case


def test_one_record_given_to_two_accounts_at_once_goes_to_one(here, stranger):
    cases = [open_case(here, stranger), open_case(here, here.submitted("third@example.org"))]

    def give(number: int) -> bool:
        try:
            decide(here, cases[number])
        except errors.RecordTaken as taken:
            return taken.details["by"] != CLERK
        return True

    assert sorted(at_once(give, 2)) == [False, True]
    assert len(holders(here, HERS)) == 1


class TakenMeanwhile:
    """The lookup, of which a record is given to another account just when somebody who found it free claims it."""

    def __init__(self, lookup, meanwhile) -> None:
        self._lookup = lookup
        self._meanwhile = [meanwhile]
        self.find, self.release = lookup.find, lookup.release

    def claim(self, *place: object):
        while self._meanwhile:
            self._meanwhile.pop()()
        return self._lookup.claim(*place)


def test_a_record_taken_while_it_is_being_matched_makes_a_case(here, aurelie, stranger):
    case_id = open_case(here, stranger)
    lookup = TakenMeanwhile(here.lookup, lambda: decide(here, case_id))
    replace(here.linking, lookup=lookup).match(aurelie, settled=nothing)
    assert link(here, aurelie) is None
    assert profile(here, aurelie).open_case.cause == "record-taken"
    assert holders(here, HERS) == [stranger]


def test_a_match_and_a_clerk_at_once_link_one_account(here, aurelie, stranger):
    case_id = open_case(here, stranger)

    def want(number: int) -> None:
        if number == 0:
            match(here, aurelie)
        else:
            with suppress(errors.RecordTaken):
                decide(here, case_id)

    at_once(want, 2)
    linked = [each for each in (aurelie, stranger) if link(here, each)]
    assert holders(here, HERS) == linked
    assert len(linked) == 1
    if linked == [stranger]:
        assert profile(here, aurelie).open_case.cause == "record-taken"


def test_two_clerks_who_exchange_two_records_do_not_hold_each_other_up_for_ever(here, stranger):
    """PostgreSQL breaks one of two transactions off that wait for each other; it is decided again."""
    decide(here, open_case(here, stranger), OTHER)
    here.profiles.submit(stranger, CORRECTED, actor=stranger)
    case_id, third = open_case(here, stranger), here.submitted("third@example.org")
    with here.pool.connection() as connection, connection.cursor() as cursor:
        here.lookup.claim("record", HERS, third)(cursor)

    def exchange_back() -> None:
        with here.pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            here.lookup.release("record", third)(cursor)
            deciding.append(threads.submit(decide, here, case_id, HERS))
            until(lambda: here.waiting_for_locks() == 1)
            here.lookup.claim("record", OTHER, third)(cursor)

    deciding = []
    with ThreadPoolExecutor() as threads:
        with pytest.raises(errors.RecordTaken):
            exchange_back()
        with pytest.raises(errors.RecordTaken):
            deciding[0].result(30)
    assert (holders(here, HERS), holders(here, OTHER)) == ([third], [stranger])


# --- a case that two decide


def test_a_clerk_links_a_case(here, stranger):
    decide(here, open_case(here, stranger))
    assert (link(here, stranger).record_number, link(here, stranger).by) == (HERS, CLERK)
    assert holders(here, HERS) == [stranger]


def test_a_clerk_rejects_a_case(here, stranger):
    reject(here, open_case(here, stranger))
    assert (profile(here, stranger).link_state, holders(here, HERS)) == ("rejected", [])


def test_of_two_clerks_on_one_case_at_once_the_second_hears_who_was_first(here, stranger):
    case_id, clerks = open_case(here, stranger), (CLERK, OTHER_CLERK)

    def work(number: int):
        try:
            (decide if number else reject)(here, case_id, actor=clerks[number])
        except errors.AlreadyDecided as decided:
            return decided.details
        return None

    outcomes = at_once(work, 2)
    first = outcomes.index(None)
    state = ("rejected", "linked")[first]
    assert outcomes[1 - first] == {"by": clerks[first], "at": NOON, "state": state}
    assert profile(here, stranger).cases[case_id].state == state


def test_a_case_that_changed_since_it_was_seen_is_not_decided(here, stranger):
    case_id = open_case(here, stranger)
    version = here.linking.sheet(case_id).version
    with pytest.raises(errors.StaleVersion):
        decide(here, case_id, expected_version=version - 1)
    decide(here, case_id, expected_version=version)
    assert link(here, stranger)


@pytest.mark.parametrize("act", [decide, reject])
def test_a_case_decided_since_it_was_seen_says_by_whom(here, stranger, act):
    case_id = open_case(here, stranger)
    version = here.linking.sheet(case_id).version
    reject(here, case_id)
    with pytest.raises(errors.AlreadyDecided) as decided:
        act(here, case_id, actor=OTHER_CLERK, expected_version=version)
    assert decided.value.details["by"] == CLERK


def test_what_nobody_knows_cannot_be_decided(here, stranger):
    for act in (decide, reject):
        with pytest.raises(errors.CaseUnknown):
            act(here, uuid4())
    with pytest.raises(errors.RecordUnknown):
        decide(here, open_case(here, stranger), "R-999999")
    assert link(here, stranger) is None


def test_a_sheet_shows_what_a_clerk_decides_on(here, stranger):
    case_id = open_case(here, stranger)
    sheet = here.linking.sheet(case_id)
    assert (sheet.account_id, sheet.link, sheet.case.cause) == (stranger, None, "address-differs")
    verdicts = {field.name: field.verdict for field in sheet.candidates[0].fields}
    assert (sheet.candidates[0].record_number, verdicts["ahv_number"], verdicts["email"]) == (
        HERS,
        "equal",
        "different",
    )


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
