"""Typing errors in domains are asked about where the right one is plain, and nowhere else."""

import pytest

from api.web.likely_addresses import KNOWN, distance, meant


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        ("ada@gmial.com", "ada@gmail.com"),
        ("ada@gmai.com", "ada@gmail.com"),
        ("ada@gmail.con", "ada@gmail.com"),
        ("Ada.Keller+x@Bluwin.ch", "Ada.Keller+x@bluewin.ch"),
        ("ada@hotmial.fr", "ada@hotmail.fr"),
        ("ada@hep-bejun.ch", "ada@hep-bejune.ch"),
        ("ada@iclod.com", "ada@icloud.com"),
    ],
)
def test_a_likely_typing_error_is_seen(typed, right):
    assert meant(typed) == right


@pytest.mark.parametrize(
    "typed",
    [
        "ada@gmail.com",
        "ada@mail.com",
        "ada@gmx.net",
        "ada@school.example",
        "ada@rpn.ch",
        "ada@ehb.swiss",
        "ada",
        "",
    ],
)
def test_an_address_that_may_well_be_right_is_not_doubted(typed):
    assert meant(typed) is None


def test_no_known_domain_is_doubted():
    assert [domain for domain in KNOWN if meant(f"ada@{domain}")] == []


@pytest.mark.parametrize(
    ("one", "other", "letters"),
    [("ab", "ba", 1), ("abc", "abc", 0), ("abc", "ac", 1), ("", "abc", 3), ("abcd", "acbd", 1)],
)
def test_letters_are_counted_as_people_mistype_them(one, other, letters):
    assert distance(one, other) == distance(other, one) == letters
