"""Each field of a body: what it takes, what it refuses, and by which word."""

from datetime import UTC, date, datetime

import pytest
from marshmallow import ValidationError
from marshmallow.fields import Field

from api.faults import gathered
from api.schemas.fields import (
    Accepted,
    AhvNumber,
    BirthDate,
    Choice,
    Code,
    Count,
    Day,
    Email,
    Flag,
    Input,
    Instant,
    Note,
    Phone,
    Secret,
    Text,
)
from infrastructure.translations import LOCALES, text

TODAY = date(2025, 3, 1)


def today() -> date:
    return TODAY


def taken(field: Field, value: object) -> object:
    return body_with(field).load({"it": value})["it"]


def refusal_of(field: Field, value: object) -> str:
    return faults_of(field, {"it": value})["it"][0]


def faults_of(field: Field, body: object) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as refused:
        body_with(field).load(body)
    return gathered(refused.value.normalized_messages())


def body_with(field: Field) -> Input:
    return Input.from_dict({"it": field})()


TEXTS = [
    Text(required=True),
    Note(required=True),
    Secret(required=True),
    Email(required=True),
    AhvNumber(required=True, allow_none=True),
    Phone(required=True),
    Day(required=True),
    BirthDate(today, required=True),
    Instant(required=True),
    Choice(LOCALES, required=True),
    Code("sexes", required=True),
    Code("countries", required=True),
]


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("value", [1, 1.5, True, ["a"], {"a": "b"}])
def test_a_number_a_list_or_an_object_is_no_text(field, value):
    assert refusal_of(field, value) == "not-text"


@pytest.mark.parametrize("field", TEXTS)
def test_a_required_field_that_is_missing_or_blank_is_named(field):
    assert faults_of(field, {}) == {"it": ["missing"]}
    assert refusal_of(field, "") == "empty"


@pytest.mark.parametrize("field", [field for field in TEXTS if not isinstance(field, Secret)])
def test_white_space_alone_is_nothing(field):
    assert refusal_of(field, " \u00a0 ") == "empty"


@pytest.mark.parametrize("field", [field for field in TEXTS if not field.allow_none])
def test_a_field_that_must_be_there_cannot_be_null(field):
    assert refusal_of(field, None) == "null"


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("character", ["\0", "\t", "\x1f", "\x7f", "\x85", "\ud800"])
def test_control_characters_are_refused_everywhere(field, character):
    assert refusal_of(field, f"Ada{character}") == "control-characters"


def test_line_breaks_are_for_notes_only():
    assert taken(Note(), "one\r\ntwo") == "one\ntwo"
    assert refusal_of(Text(), "one\ntwo") == "control-characters"


@pytest.mark.parametrize(("field", "limit"), [(Text(), 200), (Note(), 2000), (Secret(), 128)])
def test_each_text_has_its_limit(field, limit):
    assert taken(field, "é" * limit) == "é" * limit
    assert refusal_of(field, "é" * (limit + 1)) == "too-long"


def test_the_limit_is_told():
    with pytest.raises(ValidationError) as refused:
        body_with(Text()).load({"it": "x" * 201})
    (fault,) = refused.value.messages["it"]
    assert text("en", "problems", "fields", fault, **fault.params) == "At most 200 characters."


def test_white_space_around_a_text_is_dropped_but_a_password_is_taken_as_typed():
    assert taken(Text(), "  Anne  Marie \u00a0") == "Anne  Marie"
    assert taken(Secret(), "  seven bridges ") == "  seven bridges "
    assert refusal_of(Secret(), " " * 129) == "too-long"


def test_a_text_that_may_be_missing_is_null_when_nothing_was_typed():
    optional = Text(load_default=None, allow_none=True)
    assert taken(optional, "") is None
    assert taken(optional, None) is None
    assert body_with(optional).load({}) == {"it": None}


@pytest.mark.parametrize(
    "name",
    ["O'Neill-Müller", "Nguyễn Thị Hằng", "🙂", "<b>Robert</b>; DROP TABLE", "{0} {email}", "a\u200db"],
)
def test_a_name_may_hold_anything_else(name):
    assert taken(Text(), name) == name


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("ada@new.example", "ada@new.example"),
        (" Ada.L+x@New.EXAMPLE ", "Ada.L+x@new.example"),
        ("ada@école.example", "ada@école.example"),
        ("ada@school.test", "ada@school.test"),
    ],
)
def test_an_address_is_taken_in_its_usual_form(typed, stored):
    assert taken(Email(), typed) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "ada",
        "ada@",
        "@x.example",
        "ada@localhost",
        "a b@x.example",
        "ada@x..example",
        "ädä@x.example",
        "a@[127.0.0.1]",
    ],
)
def test_an_incomplete_address_is_refused(typed):
    assert refusal_of(Email(), typed) == "invalid-email"


def test_an_address_over_254_characters_is_too_long():
    assert refusal_of(Email(), "a" * 250 + "@x.example") == "too-long"


@pytest.mark.parametrize("typed", ["7561234567897", "756.1234.5678.97"])
def test_an_ahv_number_is_taken_with_or_without_dots(typed):
    assert taken(AhvNumber(), typed) == "7561234567897"


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("756.1234.5678.98", "ahv-check-digit"),
        ("756.1234.5678", "ahv-length"),
        ("757.1234.5678.97", "ahv-prefix"),
        ("756.1234.ABCD.97", "ahv-characters"),
    ],
)
def test_a_mistyped_ahv_number_is_told_by_what_is_wrong_with_it(typed, fault):
    assert refusal_of(AhvNumber(), typed) == fault


def test_an_ahv_number_that_nobody_has_yet_is_null_and_never_blank():
    assert taken(AhvNumber(required=True, allow_none=True), None) is None


@pytest.mark.parametrize(
    "typed", ["032 886 99 31", "0328869931", "+41 32 886 99 31", "+41 (0)32 886 99 31", "0041328869931"]
)
def test_a_swiss_phone_number_is_understood_in_its_usual_forms(typed):
    assert taken(Phone(), typed) == "+41328869931"


def test_a_foreign_phone_number_keeps_its_country():
    assert taken(Phone(), "+33 1 42 68 53 00") == "+33142685300"


@pytest.mark.parametrize(
    "typed", ["12", "abc", "+41 32 886", "+999 123 456 789", "032 886 99 31 ext. 4", "0" * 60]
)
def test_a_phone_number_that_nobody_can_have_is_refused(typed):
    assert refusal_of(Phone(), typed) == "invalid-phone"


@pytest.mark.parametrize(
    "typed", ["2024-02-30", "31.12.1980", "1980-1-2", "19801231", "1980-12-31T00:00", "0000-01-01"]
)
def test_a_date_is_iso_and_in_the_calendar(typed):
    assert refusal_of(Day(), typed) == "invalid-date"


def test_a_birth_date_lies_between_120_years_ago_and_today():
    field = BirthDate(today)
    assert taken(field, "2025-03-01") == TODAY
    assert refusal_of(field, "2025-03-02") == "future-date"
    assert taken(field, "1905-03-01") == date(1905, 3, 1)
    assert refusal_of(field, "1905-02-28") == "too-old-date"


@pytest.mark.parametrize("typed", ["CHE", "ch", "XX", "EU", "Suisse"])
def test_a_country_that_iso_3166_does_not_list_is_refused(typed):
    assert refusal_of(Code("countries"), typed) == "unknown-code"


@pytest.mark.parametrize(
    ("listed", "code"), [("countries", "CH"), ("cantons", "other"), ("reasons.link", "data-agree")]
)
def test_a_listed_code_is_taken(listed, code):
    assert taken(Code(listed), code) == code
    assert refusal_of(Code(listed), code + "x") == "unknown-code"


@pytest.mark.parametrize("typed", ["it", "FR", "fr-CH"])
def test_a_choice_is_one_of_its_words(typed):
    assert taken(Choice(LOCALES), "fr") == "fr"
    assert refusal_of(Choice(LOCALES), typed) == "unknown-code"


@pytest.mark.parametrize("value", ["true", 1, "on"])
def test_acceptance_is_a_boolean(value):
    assert refusal_of(Accepted(), value) == "not-boolean"


def test_the_privacy_policy_must_be_accepted():
    assert taken(Accepted(), True) is True
    assert refusal_of(Accepted(required=True), False) == "must-accept"
    assert faults_of(Accepted(required=True), {}) == {"it": ["missing"]}
    assert refusal_of(Accepted(required=True), None) == "null"


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("0", "out-of-range"),
        ("201", "out-of-range"),
        ("-1", "out-of-range"),
        ("x", "not-integer"),
        ("", "not-integer"),
        ("1.5", "not-integer"),
        ("１", "not-integer"),
        ("9" * 5000, "not-integer"),
    ],
)
def test_a_limit_is_a_whole_number_from_1_to_200(typed, fault):
    assert refusal_of(Count(least=1, most=200), typed) == fault


def test_a_flag_is_true_or_false():
    assert taken(Flag(), "true") is True
    assert taken(Flag(), "false") is False
    assert refusal_of(Flag(), "yes") == "not-boolean"


def test_an_instant_has_a_time_zone_and_a_bare_date_is_a_day_in_switzerland():
    assert taken(Instant(), "2025-12-31T08:00:00Z") == datetime(2025, 12, 31, 8, tzinfo=UTC)
    assert taken(Instant(), "2025-12-31T08:00:00 01:00") == datetime(2025, 12, 31, 7, tzinfo=UTC)
    assert taken(Instant(), "2025-07-01") == datetime(2025, 6, 30, 22, tzinfo=UTC)
    assert taken(Instant(ends=True), "2025-07-01") == datetime(2025, 7, 1, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    "typed", ["2025-12-31T08:00:00", "now", "2025-13-01T00:00:00Z", "9999-12-31", "0001-01-01T00:00:00+14:00"]
)
def test_an_instant_without_zone_or_outside_the_calendar_is_refused(typed):
    assert refusal_of(Instant(ends=True), typed) == "invalid-instant"


def test_unknown_fields_are_named():
    assert faults_of(Text(), {"it": "x", "role": "admin"}) == {"role": ["unknown-field"]}


@pytest.mark.parametrize("name", ["ada@new.example", "7561234567897 is mine", "x" * 51, "\ud800", "", "été"])
def test_what_is_no_field_name_is_not_repeated(name):
    assert faults_of(Text(), {name: "x"}) == {"body": ["unknown-field"]}


@pytest.mark.parametrize("body", [None, [], "text", 1, [{"it": "x"}]])
def test_a_body_that_is_no_object_is_refused_as_a_whole(body):
    assert faults_of(Text(), body) == {"body": ["not-object"]}
