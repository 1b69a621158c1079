"""What agreement is worth, and what the matcher learns from people whose record is known."""

from dataclasses import replace
from datetime import date
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as some
from test_comparing import ADDRESS, DECLARED, PERSON, RECORD

from domain.comparing import FIELDS, LEVELS
from domain.matching import Matcher
from domain.training import count_levels, fit
from domain.weighing import Census
from infrastructure.likeness import likeness
from infrastructure.matcher_file import MatcherFault, load_model, written

MODEL = load_model(None)
MATCHER = Matcher(MODEL, likeness)
REGISTER = Census(100_000, {"family_name": {"chappuis": 4_000, "eplattenier": 20, "leplattenier": 20}})
# From the worst to the best that a record can say of each.
LADDERS = {
    "ahv_number": ["7569217076985", PERSON["ahv_number"]],
    "family_name": ["Rossi", "Chapuis", "Chappuis"],
    "given_name": ["Camille", "Aurélei", "Aurélie"],
    "birth_date": [date(1950, 1, 1), date(1987, 5, 15), date(1987, 5, 14)],
    "sex": ["male", "female"],
    "street": ["Grand-Rue 3", "Rue des Moulins 14", "Rue des Moulins 12"],
    "postal_code": ["2720", "2800"],
    "phone": ["+41790000109", PERSON["phone"]],
    "email": ["x@post.example", "aurelie.chappuis@new.example", ADDRESS],
}


def score(record, census=REGISTER, declared=DECLARED) -> float:
    return MATCHER.compare(declared, ADDRESS, record, census).score


@given(some.fixed_dictionaries({name: some.sampled_from(steps) for name, steps in LADDERS.items()}))
def test_a_field_that_agrees_better_never_makes_a_record_less_likely(said):
    record = replace(RECORD, **said)
    for name, steps in LADDERS.items():
        for worse, better in pairwise(replace(record, **{name: value}) for value in steps):
            lower, higher = (MATCHER.compare(DECLARED, ADDRESS, each, REGISTER) for each in (worse, better))
            assert lower.score <= higher.score
            assert lower.probability <= higher.probability


def test_a_rare_name_says_more_than_a_frequent_one():
    rare = {"family_name": "L’Eplattenier"}
    assert score(replace(RECORD, **rare), declared=replace(DECLARED, **rare)) > score(RECORD) + 5


def test_a_small_register_says_little_of_how_frequent_a_name_is():
    usual = score(RECORD, Census())
    assert abs(score(RECORD, Census(2, {"family_name": {"chappuis": 2}})) - usual) < 0.5


def test_what_is_missing_says_nothing():
    unknown = dict.fromkeys(("ahv_number", "sex", "street", "postal_code", "phone"))
    told = MATCHER.compare(DECLARED, ADDRESS, replace(RECORD, **unknown), REGISTER)
    assert [field.weight for field in told.fields if field.verdict == "missing"] == [0.0] * 6
    assert told.score == pytest.approx(sum(field.weight for field in told.fields))


def test_the_same_agreement_is_less_probable_among_more_people():
    few, many = (MODEL.probability(20.0, people) for people in (1_000, 1_000_000))
    assert 0 < many < few < 1
    assert MODEL.probability(1e9, 1) == 1.0
    assert MODEL.probability(-1e9, 1) < 1e-9


def test_a_better_verdict_weighs_more_in_the_parameters_that_come_along():
    for field in FIELDS:
        weights = [MODEL.weights[field][level] for level in LEVELS if level in MODEL.weights[field]]
        assert weights == sorted(weights, reverse=True)
        assert weights[0] > 0 > weights[-1]


# --- training


def test_shares_are_counted_without_what_is_missing():
    same = [{"sex": "equal"}] * 98 + [{"sex": "different"}] + [{"sex": "missing"}] * 50
    levels = count_levels(same, [{"sex": "equal"}, {"sex": "different"}] * 50)
    m, u = levels["sex"]["equal"]
    assert (round(m, 2), round(u, 2)) == (0.98, 0.5)
    assert levels["phone"] == {}


def test_verdicts_that_few_examples_put_in_the_wrong_order_count_as_one():
    same = [{"street": "equal"}] * 60 + [{"street": "different"}] * 40
    strangers = [{"street": "similar"}] * 5 + [{"street": "different"}] * 95
    levels = count_levels(same, strangers)["street"]
    assert levels["similar"] == levels["different"]
    assert levels["equal"] != levels["similar"]


def test_the_probability_is_fitted_to_how_often_it_was_right():
    chance = Random(7)
    bits = [chance.uniform(-20, 20) for _ in range(5_000)]
    right = [chance.random() < 1 / (1 + 2 ** -(0.5 * each - 1)) for each in bits]
    slope, offset = fit(bits, right)
    assert slope == pytest.approx(0.5, abs=0.05)
    assert offset == pytest.approx(-1, abs=0.3)


def test_clear_examples_do_not_make_the_fit_boundless():
    slope, offset = fit([-30.0, 30.0] * 100, [False, True] * 100)
    assert slope == pytest.approx(1, abs=0.1)
    assert offset == pytest.approx(0, abs=0.1)


# --- the file


def test_parameters_are_written_and_read_the_same(tmp_path):
    (tmp_path / "matcher.toml").write_text(written(MODEL), "utf-8")
    assert load_model(tmp_path / "matcher.toml") == MODEL


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('version = "', 'verzion = "'),
        ("slope = ", "slope = -"),
        ("[levels.sex]", "[levels.shoe_size]"),
        ("equal = [", "equal = [0.5, "),
        ("coverage = 0", "coverage = 7"),
        ("coverage = ", "coverage == "),
    ],
)
def test_a_file_that_holds_no_parameters_is_refused(tmp_path, old, new):
    text = written(MODEL)
    assert old in text
    (tmp_path / "matcher.toml").write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(MatcherFault, match=r"matcher\.toml"):
        load_model(tmp_path / "matcher.toml")
