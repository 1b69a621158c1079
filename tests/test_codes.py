"""Code lists: complete in three languages, and stable."""

import pytest

from domain.matching import CAUSES
from domain.values import LOCALES
from infrastructure.codes import codes, is_code, label


def listed(items: list[dict]) -> list[str]:
    return [item["code"] for item in items]


def every_list() -> dict[str, list[dict]]:
    lists = dict(codes())
    reasons = lists.pop("reasons")
    return lists | {f"reasons.{decision}": items for decision, items in reasons.items()}


def test_all_lists_of_the_api_are_there():
    assert codes().keys() >= {
        *("sexes", "functions", "schools", "cantons", "countries", "locales", "purposes", "reasons")
    }
    assert codes()["reasons"].keys() >= {"link", "reject", "unlink", "lock", "erasure"}


@pytest.mark.parametrize("name", every_list())
def test_every_code_has_a_label_in_every_language(name):
    for item in every_list()[name]:
        assert item.keys() == {"code", "label"}
        assert tuple(item["label"]) == LOCALES
        assert all(item["label"].values())


@pytest.mark.parametrize("name", every_list())
def test_no_code_comes_twice(name):
    found = listed(every_list()[name])
    assert len(set(found)) == len(found)


def test_countries_are_those_of_iso_3166_1_and_kosovo():
    countries = listed(codes()["countries"])
    assert len(countries) == 249 + 1
    assert {"CH", "FR", "DE", "IT", "XK", "TW", "BQ"} <= set(countries)
    assert not {"EU", "UN", "ZZ", "AC", "001"} & set(countries)


def test_labels_are_written_as_in_switzerland():
    assert "ß" not in str([item["label"]["de"] for items in every_list().values() for item in items])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sexes", ["female", "male"]),
        ("cantons", ["BE", "JU", "NE", "other"]),
        ("locales", ["fr", "de", "en"]),
        ("causes", list(CAUSES)),
    ],
)
def test_short_lists_hold_just_these_codes(name, expected):
    assert listed(codes()[name]) == expected


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (
            "link",
            "data-agree name-changed address-changed typing-error identity-checked confirmed-by-phone "
            "confirmed-by-employer other",
        ),
        (
            "reject",
            "no-record data-wrong not-the-person second-account identity-unproven not-entitled other",
        ),
        ("unlink", "wrong-record wrong-person objection other"),
        ("create-record", "new-person not-entered-yet other"),
        ("lock", "suspected-misuse mailbox-lost request-of-holder other"),
        ("unlock", "checked-with-holder error other"),
        ("correct", "typing-error name-changed address-changed-by-institution request-of-holder other"),
        ("close", "request-of-holder left-institution duplicate misuse other"),
        ("recovery", "mailbox-lost mailbox-closed other"),
        ("second-factor-reset", "device-lost device-stolen request-of-holder other"),
    ],
)
def test_reasons_stand_in_events_and_are_never_renamed_or_dropped(decision, expected):
    assert listed(codes()["reasons"][decision])[: len(expected.split())] == expected.split()


def test_a_code_is_known_in_its_own_list_only():
    assert is_code("reasons.link", "data-agree")
    assert not is_code("reasons.reject", "data-agree")
    assert is_code("countries", "CH")
    assert not is_code("countries", "ch")
    assert not is_code("schools", "")


def test_a_list_that_does_not_exist_is_an_error():
    with pytest.raises(KeyError):
        is_code("reasons.nonsense", "other")


def test_a_code_is_called_by_its_label():
    assert label("de", "cantons", "NE") == "Neuenburg"
    assert label("fr", "countries", "DE") == "Allemagne"
    with pytest.raises(KeyError):
        label("de", "cantons", "ZZ")


def test_what_the_service_says_of_itself_is_told_and_never_chosen():
    offered = [reason["code"] for reason in codes()["reasons"]["unlink"]]
    for own in ("other-record", "case-rejected"):
        assert own not in offered
        assert not is_code("reasons.unlink", own)
        assert label("en", "reasons.unlink", own)
