"""What a person declares, and how the link to the institution's record is decided."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from people import ADA_ID, AURELIE, CASE_ID, CLERK, DAY, NOON, OTHER_CLERK, a_profile
from spec import fact, given

from domain import errors
from domain.profile import PersonalData, Profile
from domain.values import SYSTEM

RECORD, OTHER_RECORD = "R-000001", "R-000002"
ANOTHER_CASE = UUID("66666666-6666-4666-8666-666666666666")
DUE = date(2025, 9, 4)
CORRECTED = replace(AURELIE, street="Rue du Stand 3")
Deed = Callable[[Profile], None]


def corrected(data: PersonalData, due: date = DUE) -> Deed:
    return lambda profile: profile.correct(data, due=due, actor=ADA_ID, now=NOON)


def linked_at_once(profile: Profile) -> None:
    profile.link_at_once(RECORD, actor=SYSTEM, now=NOON)


def case_opened(case_id: UUID = CASE_ID) -> Deed:
    return lambda profile: profile.open_case_for(
        case_id, "no-record", [RECORD], due=DUE, actor=SYSTEM, now=NOON
    )


def linked_by(clerk: UUID, record_number: str = RECORD, case_id: UUID = CASE_ID) -> Deed:
    return lambda profile: profile.decide_link(
        case_id, record_number, reason="identity-proven", note="by phone", actor=clerk, now=NOON + DAY
    )


def rejected_by(clerk: UUID) -> Deed:
    return lambda profile: profile.reject(CASE_ID, reason="no-record", note=None, actor=clerk, now=NOON + DAY)


def unlinked(profile: Profile) -> None:
    profile.unlink(
        ANOTHER_CASE, reason="wrong-person", note="a mix-up", due=DUE, actor=CLERK, now=NOON + 2 * DAY
    )


def test_a_submission_holds_what_was_declared_and_the_day_it_is_due():
    profile = a_profile()
    (submitted,) = profile.collect_events()
    assert {name: getattr(submitted, name) for name in AURELIE.values()} == AURELIE.values()
    assert (submitted.due, submitted.account_id, submitted.actor) == (DUE, ADA_ID, ADA_ID)
    assert (profile.data, profile.link_state, profile.link) == (AURELIE, "waiting", None)


def test_a_correction_replaces_all_that_was_declared():
    profile = (
        given(a_profile())
        .when(corrected(CORRECTED, due=date(2025, 9, 9)))
        .then(fact(Profile.ProfileCorrected, street="Rue du Stand 3", due=date(2025, 9, 9)))
    )
    assert profile.data == CORRECTED


def test_the_same_data_again_change_nothing():
    given(a_profile()).when(corrected(AURELIE)).then_nothing()


def test_a_correction_withdraws_the_open_case_for_its_ground_is_gone():
    profile = (
        given(a_profile(), case_opened())
        .when(corrected(CORRECTED))
        .then(fact(Profile.ProfileCorrected), fact(Profile.CaseWithdrawn, case_id=CASE_ID))
    )
    assert profile.open_case is None
    assert profile.cases[CASE_ID].state == "withdrawn"


def test_a_correction_after_a_rejection_starts_anew():
    profile = (
        given(a_profile(), case_opened(), rejected_by(CLERK))
        .when(corrected(CORRECTED))
        .then(fact(Profile.ProfileCorrected))
    )
    assert profile.link_state == "waiting"


def test_a_certain_match_is_linked_at_once():
    profile = (
        given(a_profile())
        .when(linked_at_once)
        .then(fact(Profile.RecordLinked, record_number=RECORD, case_id=None, reason=None, actor=SYSTEM))
    )
    assert (profile.link_state, profile.link.record_number) == ("linked", RECORD)


def test_what_is_linked_is_not_linked_at_once_again():
    given(a_profile(), linked_at_once).when(linked_at_once).then_refused(errors.AlreadyLinked)


def test_a_correction_keeps_the_link():
    profile = (
        given(a_profile(), linked_at_once)
        .when(corrected(replace(AURELIE, family_name="Favre")))
        .then(fact(Profile.ProfileCorrected))
    )
    assert (profile.link_state, profile.link.record_number) == ("linked", RECORD)
    assert profile.identity != profile.linked_identity


def test_a_case_names_its_cause_and_the_records_that_may_be_meant():
    profile = (
        given(a_profile())
        .when(case_opened())
        .then(fact(Profile.CaseOpened, case_id=CASE_ID, cause="no-record", candidates=[RECORD], due=DUE))
    )
    assert profile.open_case.id == CASE_ID


def test_there_is_one_open_case_at_most():
    given(a_profile(), case_opened()).when(case_opened(ANOTHER_CASE)).then_nothing()


def test_a_clerk_links_a_case():
    profile = (
        given(a_profile(), case_opened())
        .when(linked_by(CLERK))
        .then(
            fact(
                Profile.RecordLinked,
                record_number=RECORD,
                case_id=CASE_ID,
                reason="identity-proven",
                note="by phone",
                actor=CLERK,
            )
        )
    )
    assert profile.cases[CASE_ID].state == "linked"
    assert profile.link.by == CLERK


@pytest.mark.parametrize("decided", [linked_by(CLERK), rejected_by(CLERK)])
@pytest.mark.parametrize("second", [linked_by(OTHER_CLERK), rejected_by(OTHER_CLERK)])
def test_the_second_clerk_hears_who_was_first_and_when(decided, second):
    given(a_profile(), case_opened(), decided).when(second).then_refused(
        errors.AlreadyDecided, by=CLERK, at=NOON + DAY
    )


def test_a_withdrawn_case_says_so_to_the_clerk_who_decides_on_it():
    given(a_profile(), case_opened(), corrected(CORRECTED)).when(linked_by(CLERK)).then_refused(
        errors.AlreadyDecided, by=ADA_ID, at=NOON, state="withdrawn"
    )


@pytest.mark.parametrize("decision", [linked_by(CLERK), rejected_by(CLERK)])
def test_a_case_that_nobody_opened_cannot_be_decided(decision):
    given(a_profile()).when(decision).then_refused(errors.CaseUnknown)


def test_a_rejection_says_why():
    profile = (
        given(a_profile(), case_opened())
        .when(rejected_by(CLERK))
        .then(fact(Profile.CaseRejected, case_id=CASE_ID, reason="no-record", actor=CLERK))
    )
    assert (profile.link_state, profile.cases[CASE_ID].state) == ("rejected", "rejected")


def test_a_case_about_a_changed_identity_may_link_another_record():
    profile = (
        given(a_profile(), linked_at_once, case_opened())
        .when(linked_by(CLERK, OTHER_RECORD))
        .then(
            fact(Profile.RecordUnlinked, record_number=RECORD, reason="other-record"),
            fact(Profile.RecordLinked, record_number=OTHER_RECORD),
        )
    )
    assert (profile.link.record_number, profile.unlinked) == (OTHER_RECORD, {RECORD})


def test_a_case_about_a_changed_identity_may_confirm_the_link():
    profile = (
        given(a_profile(), linked_at_once, corrected(replace(AURELIE, family_name="Favre")), case_opened())
        .when(linked_by(CLERK))
        .then(fact(Profile.RecordLinked, record_number=RECORD))
    )
    assert profile.identity == profile.linked_identity


def test_a_rejection_takes_a_link_back_that_stood():
    profile = (
        given(a_profile(), linked_at_once, case_opened())
        .when(rejected_by(CLERK))
        .then(
            fact(Profile.RecordUnlinked, record_number=RECORD, reason="case-rejected"),
            fact(Profile.CaseRejected),
        )
    )
    assert (profile.link, profile.link_state) == (None, "rejected")


def test_a_link_taken_back_leaves_a_case_that_decides_what_is_right():
    profile = (
        given(a_profile(), linked_at_once)
        .when(unlinked)
        .then(
            fact(Profile.RecordUnlinked, record_number=RECORD, reason="wrong-person", note="a mix-up"),
            fact(Profile.CaseOpened, case_id=ANOTHER_CASE, cause="unlinked", candidates=[RECORD]),
        )
    )
    assert (profile.link, profile.link_state, profile.unlinked) == (None, "waiting", {RECORD})


def test_where_there_is_no_link_none_can_be_taken_back():
    given(a_profile()).when(unlinked).then_refused(errors.NotLinked)


def unlinked_by_the_holder(profile: Profile) -> None:
    profile.unlink(ANOTHER_CASE, reason="wrong-person", note=None, due=DUE, actor=ADA_ID, now=NOON)


@pytest.mark.parametrize("decision", [linked_by(ADA_ID), rejected_by(ADA_ID), unlinked_by_the_holder])
def test_nobody_decides_about_their_own_link_not_even_staff(decision):
    given(a_profile(), linked_at_once, case_opened()).when(decision).then_refused(errors.OwnCase)


def test_only_a_correction_makes_the_data_another_version():
    profile = a_profile()
    before = profile.data_version
    case_opened()(profile)
    assert profile.data_version == before
    corrected(CORRECTED)(profile)
    assert profile.data_version > before


def test_a_case_keeps_the_record_that_it_was_linked_to():
    profile = a_profile()
    for deed in (case_opened(), linked_by(CLERK), unlinked, linked_by(CLERK, OTHER_RECORD, ANOTHER_CASE)):
        deed(profile)
    assert [case.record_number for case in profile.cases.values()] == [RECORD, OTHER_RECORD]
