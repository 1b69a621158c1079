"""How well the matcher does among people who make faults: nobody linked wrongly, most linked at once, the record found.

The submissions are others than those that the shipped parameters were learnt from: another seed, other people.
"""

from dataclasses import dataclass
from datetime import date

import pytest
from records_generator import generate
from records_generator import write as write_records
from services import new_database
from submissions_generator import submissions, write
from write_side import WriteSide

from domain.matching import Decision
from infrastructure.profiles_file import ProfilesFile

RECORDS, SUBMISSIONS, SEED = 3_000, 500, 4711
TODAY = date(2025, 9, 1)


@dataclass(frozen=True)
class Outcome:
    """own: the number of the person's record, None where there is none. reachable: its address is the account's."""

    own: str | None
    reachable: bool
    decision: Decision

    @property
    def ranked(self) -> list[str]:
        return [candidate.record_number for candidate in self.decision.candidates]


@pytest.fixture(scope="module")
def outcomes(postgres, template, tmp_path_factory) -> list[Outcome]:
    folder = tmp_path_factory.mktemp("quality")
    people = list(generate(RECORDS, seed=SEED))
    addresses = {person["record_number"]: person["email"] for person in people}
    write_records(folder / "records.csv", iter(people))
    write(folder / "people.csv", submissions(people, SUBMISSIONS, seed=SEED + 1))
    with new_database(postgres, template) as database, WriteSide(database) as here:
        here.linking.records.import_file(folder / "records.csv", today=TODAY)
        return [
            Outcome(
                own=one.record_number,
                reachable=bool(one.record_number) and addresses[one.record_number] == one.email,
                decision=here.linking.would_decide(one.declared, one.email),
            )
            for one in (line.example for line in ProfilesFile(folder / "people.csv", today=TODAY).people())
        ]


def test_nobody_is_linked_to_anothers_record(outcomes):
    assert len(outcomes) == SUBMISSIONS
    linked = [(each.decision.record_number, each.own) for each in outcomes if each.decision.record_number]
    assert [(found, own) for found, own in linked if found != own] == []


def test_nobody_is_linked_at_an_address_that_is_not_the_records(outcomes):
    assert not any(each.decision.record_number for each in outcomes if not each.reachable)


def test_nine_in_ten_who_write_from_their_records_address_are_linked_at_once(outcomes):
    reachable = [each for each in outcomes if each.reachable]
    assert len(reachable) > SUBMISSIONS / 2
    assert sum(each.decision.record_number == each.own for each in reachable) / len(reachable) >= 0.9


def test_the_persons_own_record_is_among_the_first_three(outcomes):
    known = [each for each in outcomes if each.own]
    assert sum(each.own in each.ranked[:3] for each in known) / len(known) >= 0.99


def test_a_clerk_does_not_have_to_look_through_many(outcomes):
    assert sum(len(each.ranked) for each in outcomes) / len(outcomes) < 4


def test_candidates_come_in_the_order_of_their_probability(outcomes):
    for each in outcomes:
        told = [candidate.probability for candidate in each.decision.candidates]
        assert told == sorted(told, reverse=True)
        assert all(0 <= probability <= 1 for probability in told)


def test_what_is_called_probable_is_so(outcomes):
    """Of the candidates of each range of probability, so many are the person's; where there are enough to count."""
    told = [
        (candidate.probability, candidate.record_number == each.own)
        for each in outcomes
        for candidate in each.decision.candidates
    ]
    for low, high in ((0.0, 0.3), (0.9, 1.01)):
        some = [(probability, right) for probability, right in told if low <= probability < high]
        mean = sum(probability for probability, _ in some) / len(some)
        assert abs(sum(right for _, right in some) / len(some) - mean) < 0.15
