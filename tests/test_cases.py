"""Cases: one clerk decides, and of two who want the same the second hears who was first."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from uuid import UUID, uuid4

import psycopg
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
from people import CLERK, HOUR, NOON, OTHER_CLERK
from read_side import catch_up
from spec import at_once, until
from write_side import nothing

from domain import errors


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
        with here.transaction() as cursor:
            here.lookup.release("record", third)(cursor)
            deciding.append(threads.submit(decide, here, case_id, HERS))
            until(lambda: here.waiting_for_locks() == 1)
            here.lookup.claim("record", OTHER, third)(cursor)

    deciding = []
    with ThreadPoolExecutor() as threads:
        # Bare as it is, it may be the one that is broken off; a command would be decided again.
        with pytest.raises((errors.RecordTaken, psycopg.errors.DeadlockDetected)):
            exchange_back()
        with pytest.raises(errors.RecordTaken):
            deciding[0].result(30)
    assert (holders(here, HERS), holders(here, OTHER)) == ([third], [stranger])


def test_a_decided_case_shows_what_it_led_to_and_an_open_one_what_it_is_about(here, stranger):
    first = open_case(here, stranger)
    decide(here, first)
    here.linking.unlink(stranger, reason="wrong-person", note=None, actor=CLERK)
    assert here.linking.sheet(first).link.record_number == HERS
    second = profile(here, stranger).open_case.id
    catch_up(here, here.projector)
    assert here.linking.sheet(second).link is None
    decide(here, second, OTHER)
    assert [here.linking.sheet(case).link.record_number for case in (first, second)] == [HERS, OTHER]
