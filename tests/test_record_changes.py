"""What rests on records that change, disappear, are merged or appear: links that stay, cases, and who has waited."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from desk import HERS, OTHER, STRANGER, decide, desk, holders, link, match, profile, reject
from people import AURELIE, CLERK, DAY
from read_side import catch_up
from records_register import Register, serving
from write_side import AURELIES_RECORD

from application.reviews import Reviews
from domain import errors
from domain.values import SYSTEM
from infrastructure.records_address import source_at
from infrastructure.records_mirror import Mirror
from infrastructure.review_records import ReviewRecords
from projections.directory import Directory

LATER = "R-000009"


@pytest.fixture
def here(database_url):
    with desk(database_url) as here:
        here.reviews = Reviews(here.linking)
        here.review = ReviewRecords(here.pool, here.reviews, here.lookup, Directory(here.pool))
        review(here)  # of the register that the desk begins with
        yield here


@pytest.fixture
def aurelie(here) -> UUID:
    """Linked to her record."""
    account_id = here.submitted()
    match(here, account_id)
    return account_id


def review(here) -> int:
    """Look again, once everything is projected; how many changes there were."""
    catch_up(here, here.projector)
    done = here.review.step()
    catch_up(here, here.projector)
    return done


def set_record(here, number: str = HERS, **fields: object) -> None:
    """As an import or a hand would."""
    for name, value in fields.items():
        here.rows(f"UPDATE records SET {name} = %s WHERE record_number = %s RETURNING 1", value, number)
    here.linking.records.complete_keys()


def remove(here, number: str = HERS, *, into: str | None = None) -> None:
    here.rows("DELETE FROM records WHERE record_number = %s RETURNING 1", number)
    if into:
        here.rows("INSERT INTO merged_records VALUES (%s, %s) RETURNING 1", number, into)


def case(here, account_id: UUID):
    return profile(here, account_id).open_case


def told_cause(here) -> list[str]:
    """As the queue of cases has it."""
    day = date(2026, 1, 1)
    return [row.cause for row in here.linking.cases.page(state="open", today=day, limit=9)]


# --- links


@pytest.mark.parametrize(
    "change",
    [
        {"ahv_number": "7561234567903"},
        {"birth_date": date(1987, 5, 15)},
        {"given_name": "Camille"},
        {"family_name": "Lachat", "birth_name": None, "family_name_keys": ["lachat"]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_linked_record_that_becomes_anothers_leaves_the_link_and_opens_a_case(here, aurelie, change):
    set_record(here, **change)
    assert review(here) == 1
    opened = case(here, aurelie)
    assert (opened.cause, opened.candidates) == ("record-changed", [HERS])
    assert opened.due == (here.clock.now() + 3 * DAY).date()
    assert (link(here, aurelie).record_number, holders(here, HERS)) == (HERS, [aurelie])
    assert (told_cause(here), review(here)) == (["record-changed"], 0)
    # What somebody did wrong over there, and has put right, costs nobody's time.
    set_record(here, **{name: AURELIES_RECORD.get(name, ["chappuis", "chappuis favre"]) for name in change})
    review(here)
    assert case(here, aurelie) is None
    assert here.topics(profile(here, aurelie).id)[-2:] == ["case.opened", "case.withdrawn"]


def test_a_linked_record_that_says_the_same_in_another_way_opens_nothing(here, aurelie):
    set_record(here, family_name="CHAPPUIS", given_name="Aurelie", street="Grand-Rue 1", ahv_number=None)
    assert review(here) == 1
    set_record(here, email="a.chappuis@example.org", phone="+41790000199")
    assert review(here) == 1
    set_record(here, city="Moutier")
    assert review(here) == 0
    assert case(here, aurelie) is None


def test_what_a_clerk_has_accepted_is_not_asked_again_before_the_record_is_another_person(here):
    stranger = here.submitted(STRANGER, replace(AURELIE, given_name="Camille", ahv_number=None))
    match(here, stranger)
    catch_up(here, here.projector)
    decide(here, case(here, stranger).id)
    set_record(here, email=STRANGER)
    review(here)
    here.reviews.look_again(stranger, {HERS: False, OTHER: True})
    assert case(here, stranger) is None
    set_record(here, birth_date=date(1990, 1, 1))
    review(here)
    decide(here, case(here, stranger).id)
    assert (link(here, stranger).by, case(here, stranger)) == (CLERK, None)


def test_a_record_that_disappears_leaves_the_link_and_opens_a_case_until_it_is_back(here, aurelie):
    remove(here)
    review(here)
    assert (case(here, aurelie).cause, case(here, aurelie).candidates) == ("record-gone", [])
    assert link(here, aurelie).record_number == HERS
    here.with_records()
    review(here)
    assert case(here, aurelie) is None


def test_the_case_of_a_merged_record_names_the_one_that_stays_and_one_click_links_it(here, aurelie):
    survivor = AURELIES_RECORD | {"record_number": LATER, "family_name": "Maître", "birth_name": None}
    here.with_records(survivor | {"birth_date": date(1950, 1, 1), "ahv_number": None, "email": None})
    remove(here, into="R-000008")
    remove(here, "R-000008", into=LATER)  # by way of another
    review(here)
    assert (case(here, aurelie).cause, case(here, aurelie).candidates) == ("record-merged", [LATER])
    sheet = here.linking.sheet(case(here, aurelie).id)
    assert (sheet.link.record_number, LATER in [each.record_number for each in sheet.candidates]) == (
        HERS,
        True,
    )
    decide(here, sheet.case.id, LATER)
    assert (link(here, aurelie).record_number, holders(here, HERS)) == (LATER, [])


def test_records_merged_in_a_circle_are_gone(here, aurelie):
    remove(here, into=OTHER)
    remove(here, OTHER, into=HERS)
    review(here)
    assert case(here, aurelie).cause == "record-gone"


def test_a_case_that_is_open_already_is_about_the_register_from_then_on(here, aurelie):
    here.profiles.submit(aurelie, replace(AURELIE, family_name="Lachat", birth_name=None), actor=aurelie)
    match(here, aurelie)
    first = case(here, aurelie).id
    remove(here)
    review(here)
    assert (case(here, aurelie).id, case(here, aurelie).cause) == (first, "record-gone")
    assert told_cause(here) == ["record-gone"]


# --- corrections of a linked person


def test_a_correction_that_disagrees_with_the_linked_record_opens_a_case(here, aurelie):
    here.profiles.submit(aurelie, replace(AURELIE, given_name="Camille"), actor=aurelie)
    match(here, aurelie)
    assert (case(here, aurelie).cause, link(here, aurelie).record_number) == ("identity-corrected", HERS)


def test_a_correction_that_agrees_with_the_record_asks_nobody(here):
    stranger = here.submitted(STRANGER, replace(AURELIE, ahv_number=None, given_name="Orélie"))
    match(here, stranger)
    catch_up(here, here.projector)
    decide(here, case(here, stranger).id)
    here.profiles.submit(stranger, AURELIE, actor=stranger)
    match(here, stranger)
    assert (case(here, stranger), link(here, stranger).record_number) == (None, HERS)


# --- who waits


@pytest.fixture
def waiting(here) -> UUID:
    """She has declared who she is, and the register does not know her."""
    here.rows("DELETE FROM records RETURNING 1")
    account_id = here.submitted()
    match(here, account_id)
    review(here)
    assert case(here, account_id).cause == "no-record"
    return account_id


def test_whoever_waits_is_linked_as_soon_as_the_record_appears(here, waiting):
    opened = case(here, waiting).id
    here.with_records(
        {"record_number": OTHER, "ahv_number": None, "birth_date": date(1950, 1, 1), "email": None}
    )
    review(here)
    assert link(here, waiting) is None
    here.with_records()
    review(here)
    assert (link(here, waiting).record_number, link(here, waiting).by) == (HERS, SYSTEM)
    assert (holders(here, HERS), profile(here, waiting).cases[opened].state) == ([waiting], "linked")
    assert told_cause(here) == []


def test_whoever_waits_is_proposed_where_the_record_that_appears_is_not_certain(here, waiting):
    opened = case(here, waiting).id
    here.with_records({"email": "elsewhere@example.org"})
    review(here)
    renewed = case(here, waiting)
    assert (renewed.id, renewed.cause, renewed.candidates) == (opened, "address-differs", [HERS])
    assert told_cause(here) == ["address-differs"]
    set_record(here, email="aurelie.chappuis@example.org")
    review(here)
    assert link(here, waiting).record_number == HERS


def test_of_two_who_wait_for_one_record_nobody_is_linked_twice(here, waiting):
    here.with_records()
    first = here.submitted(STRANGER)
    match(here, first)
    catch_up(here, here.projector)
    decide(here, case(here, first).id)
    review(here)
    assert (case(here, waiting).cause, holders(here, HERS)) == ("record-taken", [first])


def test_where_a_clerk_found_no_record_a_clerk_decides_on_the_one_that_comes(here, waiting):
    reject(here, case(here, waiting).id)
    here.with_records(
        {"record_number": OTHER, "ahv_number": None, "family_name": "Keller", "birth_name": None}
    )
    review(here)
    assert case(here, waiting) is None
    here.with_records()
    review(here)
    assert (case(here, waiting).cause, case(here, waiting).candidates) == ("record-appeared", [HERS])
    assert (link(here, waiting), profile(here, waiting).link_state) == (None, "waiting")
    assert waiting in Directory(here.pool).without_record()
    reject(here, case(here, waiting).id)
    set_record(here, email="other@example.org")
    review(here)
    assert case(here, waiting) is None  # this one was looked at


def test_whoever_the_directory_does_not_know_yet_is_not_passed_over_nor_whoever_closed_her_account(here):
    here.rows("DELETE FROM records RETURNING 1")
    review(here)
    newcomer = here.submitted()
    match(here, newcomer)
    here.with_records()
    assert here.review.step() == 0
    here.standings.close(newcomer, reason="duplicate", note=None, actor=CLERK)
    assert review(here) == 1
    assert link(here, newcomer).record_number == HERS


def test_an_account_that_was_merged_into_another_waits_no_more(here, waiting):
    other = here.submitted(STRANGER)
    match(here, other)
    reject(here, case(here, waiting).id)
    here.merges.merge(other, waiting, reason="same-person", note=None, actor=CLERK)
    here.with_records()
    review(here)
    assert (link(here, waiting), waiting in Directory(here.pool).without_record()) == (None, False)
    here.reviews.look_again(waiting, {HERS: True})
    assert (link(here, waiting), case(here, waiting)) == (None, None)
    assert case(here, other).cause == "address-differs"


def test_what_a_clerk_has_in_hand_is_not_decided_over_his_head(here, waiting):
    here.linking.take(case(here, waiting).id, actor=CLERK)
    here.with_records()
    review(here)
    assert (link(here, waiting), case(here, waiting).cause) == (None, "record-appeared")
    assert case(here, waiting).taken_by == CLERK


def test_what_a_clerk_took_back_is_left_to_clerks(here, aurelie):
    here.linking.unlink(aurelie, reason="wrong-person", note=None, actor=CLERK)
    set_record(here, given_name="Aurelie")
    review(here)
    assert (link(here, aurelie), case(here, aurelie).cause) == (None, "unlinked")


def test_a_record_that_was_taken_back_once_is_never_linked_again_without_a_clerk(here, aurelie):
    here.linking.unlink(aurelie, reason="wrong-person", note=None, actor=CLERK)
    set_record(here, email=None)
    here.profiles.submit(aurelie, replace(AURELIE, street="Rue du Stand 3"), actor=aurelie)
    match(here, aurelie)
    review(here)
    assert case(here, aurelie).cause == "record-has-no-address"
    set_record(here, email=AURELIES_RECORD["email"])
    review(here)
    assert (link(here, aurelie), case(here, aurelie).cause) == (None, "unlinked-before")


def test_an_erased_account_is_passed_over(here, aurelie):
    here.destroy_key(aurelie)
    with pytest.raises(errors.AccountErased):
        here.store.account(aurelie)
    remove(here)
    assert review(here) == 1


# --- from the source to the case


def test_a_register_that_is_read_changes_what_rests_on_it(here, aurelie):
    def told(**fields: object) -> dict:
        record = {name: str(value) for name, value in (AURELIES_RECORD | fields).items() if value}
        return record

    register = Register(told(), told(record_number=OTHER, ahv_number="7569217076985", email=None))
    mirror, now = Mirror(here.pool, here.url), here.clock.now()
    with serving(register) as url:
        mirror.refresh(source_at(url), now=now, today=now.date())
        assert review(here) == 0  # the mirror holds what was there before
        register.change({"record_number": HERS, "merged_into": OTHER}, register.records[1])
        mirror.refresh(source_at(url), now=now, today=now.date())
    assert review(here) == 1
    assert (case(here, aurelie).cause, case(here, aurelie).candidates) == ("record-merged", [OTHER])
