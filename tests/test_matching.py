"""Which record is a person's, and when it is linked without a clerk."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from domain.comparing import FIELDS
from domain.matching import CAUSES, UNJUDGED, Candidate, Matcher, decide
from domain.persons import Declared, Record
from domain.weighing import Census
from infrastructure.likeness import likeness
from infrastructure.matcher_file import load_model

ADDRESS = "aurelie.chappuis@example.org"
MATCHER = Matcher(load_model(None), likeness)
REGISTER = Census(people=20_000)
SOMEBODY = UUID("7d7c1f0a-3a6f-4a2c-9a9e-0d6f1a0f3b11")

AURELIE = Declared(
    ahv_number="7561234567897",
    family_name="Chappuis",
    given_name="Aurélie",
    birth_name=None,
    birth_date=date(1987, 5, 14),
)
HER_RECORD = Candidate(
    record_number="R-000001",
    ahv_number="7561234567897",
    family_name="Chappuis",
    given_name="Aurélie",
    birth_name=None,
    birth_date=date(1987, 5, 14),
    email=ADDRESS,
    linked_to=None,
    declared_by_others=False,
)


def decided(*records: Candidate, declared: Declared = AURELIE, address: str = ADDRESS):
    return decide(declared, address, records, MATCHER, REGISTER)


def verdicts(decision) -> dict[str, str]:
    return {field.name: field.verdict for field in decision.candidates[0].fields}


def test_number_name_birth_date_and_address_together_link_at_once():
    decision = decided(HER_RECORD)
    assert (decision.record_number, decision.cause) == ("R-000001", None)


def test_the_address_is_compared_without_case():
    assert decided(HER_RECORD, address="Aurelie.CHAPPUIS@example.org").record_number == "R-000001"


@pytest.mark.parametrize("name", ["CHAPPUIS", "Chappüis", "Cháppuis"])
def test_case_and_accents_do_not_part_two_names(name):
    assert decided(replace(HER_RECORD, family_name=name)).record_number == "R-000001"


@pytest.mark.parametrize(
    ("declared", "recorded"),
    [
        # (family name, name at birth) on either side
        (("Favre", "Chappuis"), ("Chappuis", None)),  # she married, the register does not know
        (("Chappuis", None), ("Favre", "Chappuis")),  # she declares her old name
        (("Favre", "Chappuis"), ("Rossi", "Chappuis")),  # married twice
    ],
)
def test_the_name_at_birth_agrees_too(declared, recorded):
    person = replace(AURELIE, family_name=declared[0], birth_name=declared[1])
    record = replace(HER_RECORD, family_name=recorded[0], birth_name=recorded[1])
    assert decided(record, declared=person).record_number == "R-000001"


def test_the_given_name_does_not_decide_but_is_shown():
    decision = decided(replace(HER_RECORD, given_name="Aurélie Marie"))
    assert decision.record_number == "R-000001"
    assert verdicts(decision)["given_name"] == "similar"
    decision = decided(replace(HER_RECORD, given_name="Noémie"))
    assert decision.record_number == "R-000001"
    assert verdicts(decision)["given_name"] == "different"


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"email": "a.chappuis@old.example"}, "address-differs"),
        ({"email": None}, "record-has-no-address"),
        ({"email": ""}, "record-has-no-address"),
        ({"linked_to": SOMEBODY}, "record-taken"),
        ({"ahv_number": None}, "not-certain"),
        ({"ahv_number": "7569217076985"}, "not-certain"),
        ({"family_name": "Rossi"}, "not-certain"),
        ({"family_name": None}, "not-certain"),
        ({"birth_date": date(1987, 5, 15)}, "not-certain"),
        ({"birth_date": None}, "not-certain"),
    ],
)
def test_one_thing_amiss_makes_a_case_that_shows_the_record(change, cause):
    decision = decided(replace(HER_RECORD, **change))
    assert (decision.record_number, decision.cause) == (None, cause)
    assert [candidate.record_number for candidate in decision.candidates] == ["R-000001"]


def test_no_record_at_all_makes_a_case_without_candidates():
    decision = decided()
    assert (decision.record_number, decision.cause, decision.candidates) == (None, "no-record", ())


def test_a_record_that_agrees_in_name_alone_is_no_candidate():
    decision = decided(replace(HER_RECORD, ahv_number=None, birth_date=date(1999, 1, 1), email=None))
    assert (decision.cause, decision.candidates) == ("no-record", ())


def test_two_records_of_one_person_are_left_to_a_clerk_even_when_one_bears_the_address():
    decision = decided(HER_RECORD, replace(HER_RECORD, record_number="R-000009", email=None))
    assert decision.cause == "several-records"
    assert {candidate.record_number for candidate in decision.candidates} == {"R-000001", "R-000009"}


def test_a_second_record_of_the_person_counts_even_when_it_is_taken():
    decision = decided(HER_RECORD, replace(HER_RECORD, record_number="R-000009", linked_to=SOMEBODY))
    assert decision.cause == "several-records"


def test_without_an_ahv_number_nothing_is_linked_and_name_and_birth_date_find_the_record():
    decision = decided(HER_RECORD, declared=replace(AURELIE, ahv_number=None))
    assert (decision.record_number, decision.cause) == (None, "no-ahv-number")
    assert verdicts(decision)["ahv_number"] == "missing"


def test_two_unknown_ahv_numbers_do_not_agree():
    unknown = replace(HER_RECORD, ahv_number=None)
    assert verdicts(decided(unknown, declared=replace(AURELIE, ahv_number=None)))["ahv_number"] == "missing"
    rossi = replace(unknown, family_name="Rossi", given_name="Sofia", email=None)
    assert decided(rossi, declared=replace(AURELIE, ahv_number=None)).candidates == ()


def test_a_number_that_somebody_else_declared_first_does_not_lock_its_owner_out():
    assert decided(replace(HER_RECORD, declared_by_others=True)).record_number == "R-000001"


@pytest.mark.parametrize(
    "change", [{"email": "other@example.org"}, {"email": None}, {"family_name": "Rossi"}]
)
def test_a_number_declared_twice_makes_a_case_for_whoever_is_not_certain(change):
    decision = decided(replace(HER_RECORD, declared_by_others=True, **change))
    assert (decision.record_number, decision.cause) == (None, "declared-twice")


def test_another_number_declared_twice_is_no_matter_of_hers():
    decision = decided(replace(HER_RECORD, ahv_number="7569217076985", declared_by_others=True))
    assert decision.cause == "not-certain"


def test_her_twin_is_linked_to_neither_record_of_hers():
    twin = replace(AURELIE, ahv_number="7569217076985", given_name="Camille")
    decision = decided(HER_RECORD, declared=twin)
    assert (decision.record_number, decision.cause) == (None, "not-certain")


def test_the_best_candidate_comes_first():
    same_number = replace(HER_RECORD, record_number="R-000003", family_name="Rossi")
    same_person = replace(HER_RECORD, record_number="R-000002", ahv_number=None)
    decision = decided(same_person, same_number, replace(HER_RECORD, record_number="R-000004", email=None))
    assert [c.record_number for c in decision.candidates] == ["R-000004", "R-000003", "R-000002"]


def test_the_more_probable_one_comes_before_one_that_has_nothing_but_the_number():
    number_alone = replace(
        HER_RECORD,
        record_number="R-000002",
        family_name="Rossi",
        given_name="Luca",
        birth_date=date(1950, 1, 1),
        email="luca@post.example",
        sex="male",
    )
    hers = replace(HER_RECORD, record_number="R-000003", ahv_number=None)
    candidates = decided(number_alone, hers, declared=replace(AURELIE, sex="female")).candidates
    assert [each.record_number for each in candidates] == ["R-000003", "R-000002"]
    assert candidates[0].probability > candidates[1].probability


def test_every_field_says_how_it_compares():
    record = replace(HER_RECORD, birth_name="Chappuis", given_name="Aurélie", email="x@example.org")
    assert verdicts(decided(record)) == {
        "ahv_number": "equal",
        "family_name": "equal",
        "given_name": "equal",
        "birth_name": "missing",
        "birth_date": "equal",
        "sex": "missing",
        "street": "missing",
        "postal_code": "missing",
        "phone": "missing",
        "email": "different",
    }
    assert [field.name for field in decided(record).candidates[0].fields] == list(FIELDS)


def test_a_record_becomes_a_candidate_once_its_holder_is_known():
    held = replace(HER_RECORD, linked_to=SOMEBODY, declared_by_others=True)
    record = Record(**{name: getattr(held, name) for name in Record.__dataclass_fields__})
    assert Candidate.of(record, SOMEBODY, declared_by_others=True) == held


def test_the_causes_stand_in_events_and_never_change():
    assert CAUSES == (
        "no-ahv-number",
        "no-record",
        "not-certain",
        "several-records",
        "record-taken",
        "declared-twice",
        "record-has-no-address",
        "address-differs",
        "unlinked",
        "unlinked-before",
        "identity-corrected",
        "accounts-separated",
        "record-changed",
        "record-merged",
        "record-gone",
        "record-appeared",
    )


@pytest.mark.parametrize(
    "change",
    [
        {"family_name": "Chapuis"},  # a wrong letter
        {"family_name": "Chapuis", "given_name": "Aurélei"},
        {"family_name": "Aurélie", "given_name": "Chappuis"},  # in each other's place
        {"family_name": "Chappuis-Favre"},
    ],
)
def test_a_family_name_that_is_similar_is_enough_where_the_given_name_is_alike(change):
    decision = decided(replace(HER_RECORD, **change))
    assert (decision.record_number, decision.cause) == ("R-000001", None)
    other = replace(HER_RECORD, **change | {"given_name": "Camille"})
    assert decided(other).cause == "not-certain"


@pytest.mark.parametrize(
    "change",
    [{"ahv_number": "7569217076985"}, {"birth_date": date(1987, 5, 15)}, {"email": "a@example.org"}],
)
def test_however_high_the_score_a_contradiction_is_never_linked(change):
    sure = replace(MATCHER.model, threshold=1e-9, margin=-1e9)
    decision = decide(AURELIE, ADDRESS, [replace(HER_RECORD, **change)], Matcher(sure, likeness), REGISTER)
    assert decision.record_number is None


@pytest.mark.parametrize("strict", [{"threshold": 1.1}, {"margin": 100.0}])
def test_parameters_may_ask_for_more(strict):
    twin = replace(HER_RECORD, record_number="R-000003", ahv_number="7569217076985", given_name="Camille")
    matcher = Matcher(replace(MATCHER.model, **strict), likeness)
    decision = decide(AURELIE, ADDRESS, [HER_RECORD, twin], matcher, REGISTER)
    assert (decision.record_number, decision.cause) == (None, "not-certain")
    assert decide(AURELIE, ADDRESS, [HER_RECORD, twin], MATCHER, REGISTER).record_number == "R-000001"


def test_a_link_says_on_what_it_was_decided():
    judgement = decided(HER_RECORD).judgement
    assert judgement.matcher == MATCHER.model.version
    assert judgement.score == round(100 * decided(HER_RECORD).candidates[0].score)
    assert judgement.verdicts["email"] == "equal"
    assert decided().judgement == UNJUDGED


def test_who_agrees_is_shown_however_many_are_more_probable():
    crowd = [
        replace(HER_RECORD, record_number=f"R-{number:06}", ahv_number=None, birth_date=date(1987, 5, 15))
        for number in range(100, 150)
    ]
    hers = replace(HER_RECORD, email=None, given_name="Noémie", sex="male")
    found = [each.record_number for each in decided(*crowd, hers).candidates]
    assert "R-000001" in found
    assert len(found) <= 21
