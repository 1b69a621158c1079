"""Addresses, AHV numbers and names as every part compares and shows them."""

import copy
import pickle

import pytest

from domain.values import (
    ERASED,
    OPERATOR,
    SYSTEM,
    InvalidValue,
    address_key,
    ahv_check_digit,
    fold,
    format_ahv,
    has_control_characters,
    mask_ahv,
    parse_ahv,
    spellings,
)


def refusal_of(text: str) -> str:
    with pytest.raises(InvalidValue) as refused:
        parse_ahv(text)
    return refused.value.code


@pytest.mark.parametrize(
    "text", ["7561234567897", "756.1234.5678.97", " 756 1234 5678 97 ", "756\u00a01234\u202f5678\u00a097"]
)
def test_an_ahv_number_is_taken_with_or_without_dots_and_spaces(text):
    assert parse_ahv(text) == "7561234567897"


def test_an_ahv_number_is_shown_in_groups():
    assert format_ahv("7561234567897") == "756.1234.5678.97"


def test_a_masked_ahv_number_keeps_its_first_and_last_group_only():
    assert mask_ahv("7561234567897") == "756.••••.••••.97"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "ahv-length"),
        ("756.1234.5678.9", "ahv-length"),
        ("756.1234.5678.977", "ahv-length"),
        ("756.1234.5678.9O", "ahv-characters"),
        ("756-1234-5678-97", "ahv-characters"),
        ("٧٥٦١٢٣٤٥٦٧٨٩٧", "ahv-characters"),  # digits, but not ours
        ("757.1234.5678.94", "ahv-prefix"),
        ("756.1234.5678.96", "ahv-check-digit"),
    ],
)
def test_what_is_no_ahv_number_is_refused_with_the_reason(text, code):
    assert refusal_of(text) == code


@pytest.mark.parametrize("place", range(3, 13))
def test_one_wrong_digit_anywhere_is_noticed(place):
    right = "7561234567897"
    wrong = right[:place] + str((int(right[place]) + 1) % 10) + right[place + 1 :]
    assert refusal_of(wrong) == "ahv-check-digit"


def test_the_check_digit_of_a_number_published_as_an_example_is_right():
    assert ahv_check_digit("756921707698") == "5"


@pytest.mark.parametrize(
    "other",
    ["ada@example.org", "ADA@Example.ORG", "Ada@example.org"],
)
def test_addresses_are_compared_without_case_the_local_part_too(other):
    assert address_key("ada@example.org") == address_key(other)


def test_a_domain_in_letters_is_the_same_as_in_its_ascii_form():
    assert address_key("ada@müller.example") == address_key("ada@XN--mller-kva.example")


def test_a_composed_and_a_decomposed_domain_are_the_same():
    assert address_key("ada@mu\u0308ller.example") == address_key("ada@m\u00fcller.example")


@pytest.mark.parametrize(
    "other",
    ["ada.l@example.org", "ada+x@example.org", "ada@example.com", "ada@strasse.example"],
)
def test_other_addresses_stay_other_addresses(other):
    assert address_key(other) not in {address_key("ada@example.org"), address_key("ada@straße.example")}


@pytest.mark.parametrize("label", ["xn--\u00e9", "xn--" + "\ud800x".encode("punycode").decode()])
def test_a_domain_that_only_looks_encoded_is_compared_as_it_is(label):
    assert address_key(f"ada@{label}.example") == f"ada@{label}.example"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Béguelin", "BEGUELIN"),
        ("Be\u0301guelin", "Béguelin"),
        ("Chappuis-Favre", "chappuis favre"),
        ("Chappuis‑Favre", "Chappuis – Favre"),
        ("D'Angelo", "D’Angelo"),
        ("Weiß", "Weiss"),
        ("Cœur", "Coeur"),
        ("Sørensen", "Sorensen"),
        ("Łukasz", "Lukasz"),
        ("Müller", "Muller"),
        ("  de   Rougemont ", "de Rougemont"),
    ],
)
def test_names_fold_to_one_form(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Favre", "Faivre"), ("Chappuis", "Chappuis-Favre"), ("Rey", "Ray")]
)
def test_other_names_stay_other_names(one, other):
    assert not spellings(one) & spellings(other)


@pytest.mark.parametrize("other", ["Müller", "Mueller", "Muller", "MÜLLER", "Mu\u0308ller"])
def test_an_umlaut_agrees_with_either_way_of_writing_it_plainly(other):
    assert spellings("Müller") & spellings(other)


def test_an_umlaut_written_as_two_characters_is_one_too():
    assert spellings("Mu\u0308ller") == spellings("M\u00fcller")


def test_the_two_plain_ways_of_writing_an_umlaut_are_two_names():
    assert not spellings("Muller") & spellings("Mueller")


@pytest.mark.parametrize("name", ["", " ", "-", "'"])
def test_a_name_without_a_letter_agrees_with_nothing(name):
    assert spellings(name) == frozenset()


@pytest.mark.parametrize("letter", ["\0", "\t", "\x1b", "\x7f", "\x85", "\ud800"])
def test_control_characters_are_found_in_any_text(letter):
    assert has_control_characters(f"a{letter}b")
    assert has_control_characters(f"a{letter}b", line_breaks=True)


@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n"])
def test_line_breaks_are_allowed_where_asked_for(line_break):
    assert has_control_characters(f"a{line_break}b")
    assert not has_control_characters(f"a{line_break}b", line_breaks=True)


def test_names_of_all_scripts_hold_no_control_characters():
    assert not has_control_characters("Zoë O’Neill-Łukasz 山田 \u200d «x»")


def test_erased_stays_the_only_one_through_copies_and_pickles():
    assert copy.deepcopy(ERASED) is ERASED
    assert pickle.loads(pickle.dumps(ERASED)) is ERASED
    assert repr(ERASED) == "ERASED"


def test_the_fixed_actors_never_change():
    # They stand in every log that was ever written.
    assert str(SYSTEM) == "00000000-0000-4000-8000-000000000001"
    assert str(OPERATOR) == "00000000-0000-4000-8000-000000000002"
