"""Two accounts of one person are made one, and two again."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from desk import HERS, OTHER, STRANGER, decide, holders, link, match, open_case, profile
from erasing import ErasingSide
from people import AURELIE, AURELIE_ADDRESS, CLERK, DAY, HOUR, NOON, OTHER_CLERK
from read_side import catch_up, projecting
from spec import at_once
from write_side import nothing

from domain import errors
from domain.values import ERASED

MERGE = {"reason": "same-person", "note": "Seen at the counter.", "actor": CLERK}
SEPARATE = {"reason": "error", "note": None, "actor": CLERK}
THIRD = "third@example.org"


@pytest.fixture
def here(database_url, tmp_path):
    with ErasingSide(database_url, tmp_path, connections=8) as here, projecting(here) as here.projector:
        here.with_records({}, {"record_number": OTHER, "ahv_number": "7569217076985", "email": None})
        yield here


@pytest.fixture
def kept(here) -> UUID:
    return here.submitted(STRANGER)


@pytest.fixture
def linked(here) -> UUID:
    """An account that is linked to her record, and will be merged."""
    account_id = here.submitted()
    match(here, account_id)
    return account_id


def state(here, account_id: UUID) -> str:
    return here.store.account(account_id).state


def listed(here, account_id: UUID) -> tuple:
    """As the directory and the queue know it: how the account stands, its link, its cases."""
    catch_up(here, here.projector)
    ((standing, number),) = here.rows(
        "SELECT state, record_number FROM directory WHERE account_id = %s", account_id
    )
    cases = here.rows("SELECT state FROM cases WHERE account_id = %s ORDER BY opened_at, state", account_id)
    return standing, number, [each for (each,) in cases]


def told(here) -> set[tuple]:
    """Which messages about merging wait for whom."""
    catch_up(here, here.projector)
    return set(here.rows("SELECT kind, account_id FROM outbox WHERE kind LIKE '%%account%%'"))


def test_the_link_comes_along_and_goes_back(here, kept, linked):
    case_id = open_case(here, kept)
    here.merges.merge(kept, linked, **MERGE)
    assert (state(here, linked), state(here, kept)) == ("closed", "requested")
    assert (link(here, linked), link(here, kept).record_number, holders(here, HERS)) == (None, HERS, [kept])
    assert profile(here, kept).cases[case_id].state == "linked"
    assert listed(here, linked) == ("closed", None, [])
    assert listed(here, kept) == ("requested", HERS, ["linked"])
    assert here.merges.of(kept) == (None, [linked])
    assert here.merges.of(linked) == (kept, [])
    assert here.lookup.find("ahv", AURELIE.ahv_number) == [kept]
    assert here.lookup.find("email", AURELIE_ADDRESS) == [linked]
    merged = {("account-merged", linked), ("other-account-merged", kept)}
    assert told(here) == merged

    here.merges.separate(linked, **SEPARATE)
    assert state(here, linked) == "requested"
    assert (link(here, linked).record_number, link(here, kept), holders(here, HERS)) == (HERS, None, [linked])
    assert listed(here, linked) == ("requested", HERS, [])
    assert listed(here, kept) == ("requested", None, ["linked", "open"])
    assert sorted(here.lookup.find("ahv", AURELIE.ahv_number)) == sorted([kept, linked])
    assert told(here) - merged == {("accounts-separated", linked), ("accounts-separated", kept)}
    with pytest.raises(errors.NotMerged):
        here.merges.separate(linked, **SEPARATE)


def test_of_two_links_the_one_of_the_account_that_goes_on_stays(here, kept, linked):
    decide(here, open_case(here, kept), OTHER)
    here.merges.merge(kept, linked, **MERGE)
    assert (link(here, kept).record_number, holders(here, OTHER), holders(here, HERS)) == (OTHER, [kept], [])
    third = here.submitted(THIRD)
    decide(here, open_case(here, third), HERS)
    here.merges.separate(linked, **SEPARATE)
    assert (link(here, kept).record_number, link(here, linked), holders(here, HERS)) == (OTHER, None, [third])
    assert profile(here, linked).open_case.cause == "accounts-separated"


def test_an_account_without_link_loses_its_case_and_gets_one_when_separated(here, kept, linked):
    case_id = open_case(here, kept)
    here.merges.merge(linked, kept, **MERGE)
    assert profile(here, kept).cases[case_id].state == "withdrawn"
    match(here, kept)  # what was under way
    assert profile(here, kept).open_case is None
    assert link(here, linked).record_number == HERS
    here.merges.separate(kept, **SEPARATE)
    assert profile(here, kept).open_case.cause == "accounts-separated"
    assert link(here, linked).record_number == HERS


def test_whoever_is_merged_cannot_come_in_and_can_again_when_separated(here, kept):
    empty = here.opened(THIRD)
    password = here.accounts.issue_initial_password(empty)
    session = here.accounts.sign_in(THIRD, password, "cookie").token
    here.merges.merge(kept, empty, **MERGE)
    assert here.sessions.find(session, here.clock.now()) is None
    with pytest.raises(errors.AccountClosed):
        here.accounts.sign_in(THIRD, password, "cookie")
    here.merges.separate(empty, **SEPARATE)
    assert here.accounts.sign_in(THIRD, password, "cookie").token
    assert listed(here, empty) == ("active", None, [])


def test_what_was_closed_before_stays_closed_when_separated(here, kept):
    empty = here.opened(THIRD)
    here.standings.close(empty, reason="duplicate", note=None, actor=CLERK)
    here.merges.merge(kept, empty, **MERGE)
    here.merges.separate(empty, **SEPARATE)
    assert (state(here, empty), listed(here, empty)[0]) == ("closed", "closed")


def test_what_cannot_be_merged(here, kept, linked):
    empty = here.opened(THIRD)
    refused = [
        (errors.SameAccount, kept, kept, CLERK),
        (errors.OwnAccount, kept, linked, kept),
        (errors.OwnAccount, kept, linked, linked),
        (errors.DataInOther, empty, linked, CLERK),
    ]
    for refusal, goes_on, other, actor in refused:
        with pytest.raises(refusal):
            here.merges.merge(goes_on, other, **{**MERGE, "actor": actor})
    here.merges.merge(kept, empty, **MERGE)
    with pytest.raises(errors.AlreadyMerged) as decided:
        here.merges.merge(linked, empty, **{**MERGE, "actor": OTHER_CLERK})
    assert decided.value.details == {"by": CLERK, "at": NOON, "into": kept}
    with pytest.raises(errors.AccountClosed):
        here.merges.merge(empty, linked, **MERGE)
    for actor in (empty, kept):
        with pytest.raises(errors.OwnAccount):
            here.merges.separate(empty, **{**SEPARATE, "actor": actor})
    assert here.merges.of(kept).merged == [empty]


def test_two_clerks_who_merge_two_accounts_into_each_other_at_once_leave_one(here, kept, linked):
    def merge(number: int):
        pair = (kept, linked) if number else (linked, kept)
        try:
            return here.merges.merge(*pair, **MERGE)
        except errors.Refused as refusal:
            return refusal.code

    outcomes = at_once(merge, 2)
    assert len([each for each in outcomes if not isinstance(each, str)]) == 1
    assert sorted([state(here, kept), state(here, linked)]) == ["closed", "requested"]
    assert len(holders(here, HERS)) == 1


def test_what_is_matched_at_the_moment_of_a_merging_is_not_linked_to_the_account_that_was_closed(here, kept):
    other = here.submitted()
    merges = iter([lambda: here.merges.merge(kept, other, **MERGE)])
    here.linking.match(other, settled=lambda _cursor: next(merges, nothing)())
    assert (state(here, other), link(here, other), holders(here, HERS)) == ("closed", None, [])


# --- erasing follows merges


def test_an_erasure_reaches_all_that_was_merged_and_a_backup_brings_none_back(here, kept, linked):
    third = here.submitted(THIRD)
    here.merges.merge(linked, third, **MERGE)
    here.merges.merge(kept, linked, **MERGE)
    with pytest.raises(errors.AlreadyMerged) as refused:
        here.proposed(linked, actor=OTHER_CLERK)
    assert refused.value.details["into"] == kept
    here.erased(kept)
    for account_id in (kept, linked, third):
        remains = here.store.account_or_remains(account_id)
        assert (remains.state, remains.email) == ("erased", ERASED)
        assert listed(here, account_id) == ("erased", None, [])
    for address in (STRANGER, AURELIE_ADDRESS, THIRD):
        assert here.lookup.find("email", address) == []
    assert here.rows("SELECT count(*) FROM data_keys") == [(0,)]
    assert {each.account_id for each in here.register.entries()} == {kept, linked, third}
    here.clock.goes_on(HOUR)
    assert here.erase.carry_out_due() == 0


def test_an_erasure_that_stopped_half_way_goes_on(here, kept, linked):
    here.merges.merge(kept, linked, **MERGE)
    here.approved(kept)
    approved = here.store.account(kept).approved_erasure(here.clock.now())
    profile_id = here.store.account(linked).profile_id
    part = replace(approved, account_id=linked, profile_id=profile_id, erasure_id=uuid4())
    assert here.erasures.erase_again([here.register.note(part)])  # as a start does, killed after it
    here.clock.goes_on(DAY)
    assert here.erase.carry_out_due() == 1
    assert here.store.account_or_remains(kept).erased
    assert len(here.register.entries()) == 2


def test_an_erasure_that_must_wait_erases_nothing_of_what_was_merged(here, kept, linked):
    here.merges.merge(kept, linked, **MERGE)
    here.approved(kept)
    catch_up(here, here.projector)
    here.rows(
        "UPDATE outbox SET leased_until = now() + interval '1 minute' WHERE account_id = %s AND kind = 'erased'"
        " RETURNING 1",
        kept,
    )
    here.clock.goes_on(DAY)
    assert (here.erase.carry_out_due(), state(here, linked)) == (0, "closed")
    here.rows("UPDATE outbox SET leased_until = now() RETURNING 1")
    assert here.erase.carry_out_due() == 1
    assert here.rows("SELECT count(*) FROM data_keys") == [(0,)]


def test_a_merging_ends_where_an_erasure_is_decided(here, kept, linked):
    third = here.submitted(THIRD)
    here.merges.merge(linked, third, **MERGE)
    here.merges.merge(kept, linked, **MERGE)
    here.approved(kept)
    for act in (
        lambda: here.merges.separate(linked, **SEPARATE),
        lambda: here.merges.separate(third, **SEPARATE),
        lambda: here.merges.merge(kept, here.opened("fourth@example.org"), **MERGE),
    ):
        with pytest.raises(errors.AlreadyDecided):
            act()
