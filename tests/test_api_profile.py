"""One's own account and personal data: sent, shown, corrected, and each field judged."""

from datetime import date, datetime, timedelta

import pytest
from api_client import PROFILE, Client, running
from services import new_database

from domain.calendar import ZURICH, linking_deadline
from infrastructure.translations import LOCALES, table

LINE_BREAK, NUL, LONG = "a\nb", "a\0b", "x" * 201
TEXTS = ("given_name", "family_name", "birth_name", "street", "postal_code", "city")
CODES = ("sex", "nationality", "country", "function", "school", "canton")
OPTIONAL = ("birth_name", "phone", "function", "school")


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    with (
        new_database(postgres, template) as database,
        running(database, tmp_path_factory.mktemp("home")) as house,
    ):
        yield house


@pytest.fixture(scope="module")
def nobody_yet(house) -> Client:
    """Somebody who has sent nothing, and whose every attempt is refused."""
    return house.holder("empty@school.example")


@pytest.fixture
def claire(house) -> Client:
    return house.holder()


def in_years(years: int, days: int = 0) -> str:
    today = datetime.now(ZURICH).date()
    return (date(today.year + years, today.month, min(today.day, 28)) + timedelta(days=days)).isoformat()


def test_a_new_account_says_that_the_personal_data_are_missing(claire):
    me = claire.get("/me").json
    assert (me["state"], me["profile_state"], me["link_state"], me["link_due"]) == (
        "active",
        "missing",
        "none",
        None,
    )
    answer = claire.get("/me/profile")
    assert (answer.status_code, answer.json["type"]) == (404, "/problems/profile-missing")


def test_personal_data_are_sent_and_shown_in_their_usual_form(claire):
    sent = claire.put("/me/profile", PROFILE)
    assert sent.status_code == 200
    assert sent.json == {**PROFILE, "phone": "+41328869931"}
    shown = claire.get("/me/profile")
    assert shown.json == sent.json
    assert shown.headers["ETag"] == sent.headers["ETag"]
    assert shown.headers["Cache-Control"] == "no-store"


def test_whoever_sends_the_position_back_reads_what_was_written(house, claire):
    sent = claire.put("/me/profile", PROFILE)
    me = claire.get("/me", headers={"Log-Position": sent.headers["Log-Position"]}).json
    assert me["profile_state"] == "submitted"
    assert me["link_state"] == "waiting"
    due = linking_deadline(house.service.clock.now(), house.service.institution.working_days)
    assert me["link_due"] == due.isoformat()


def test_an_answer_to_a_command_says_when_it_was_recorded_to_the_microsecond(claire):
    recorded = claire.put("/me/profile", PROFILE).headers["Recorded-At"]
    assert len(recorded) == len("2025-09-01T08:00:00.000000Z")
    assert recorded.endswith("Z")


def test_the_same_data_again_write_nothing(claire):
    claire.put("/me/profile", PROFILE)
    again = claire.put("/me/profile", PROFILE)
    assert again.status_code == 200
    assert "Recorded-At" not in again.headers
    waited = claire.get("/me", headers={"Log-Position": again.headers["Log-Position"]})
    assert waited.status_code == 200


@pytest.mark.parametrize("token", ["", "1", "AAAA", "é", "A" * 60, "=", "🙂".encode().decode("latin-1")])
def test_a_position_that_was_not_given_by_us_is_refused(nobody_yet, token):
    answer = nobody_yet.get("/me", headers={"Log-Position": token})
    assert (answer.status_code, answer.json["type"]) == (400, "/problems/bad-log-position")


def test_a_position_that_is_not_reached_yet_asks_to_come_back_soon(house, nobody_yet):
    ahead = house.service.watermark.seal(2**62)
    answer = nobody_yet.get("/me", headers={"Log-Position": ahead})
    assert (answer.status_code, answer.json["type"]) == (503, "/problems/soon")
    assert answer.headers["Retry-After"] == "1"


def test_a_correction_of_what_was_seen_is_taken_and_a_stale_one_is_not(claire):
    seen = claire.put("/me/profile", PROFILE).headers["ETag"]
    corrected = claire.put("/me/profile", {**PROFILE, "city": "Biel/Bienne"}, headers={"If-Match": seen})
    assert corrected.status_code == 200
    assert corrected.headers["ETag"] != seen
    stale = claire.put("/me/profile", {**PROFILE, "city": "Bern"}, headers={"If-Match": seen})
    assert (stale.status_code, stale.json["type"]) == (412, "/problems/precondition-failed")
    assert claire.get("/me/profile").json["city"] == "Biel/Bienne"


@pytest.mark.parametrize("tag", ['"7"', "7", '"x"', '"-1"', '"²"', '"1", "2"', f'"{"9" * 5000}"'])
def test_a_version_that_is_not_the_newest_is_stale_whatever_it_looks_like(claire, tag):
    answer = claire.put("/me/profile", PROFILE, headers={"If-Match": tag.encode().decode("latin-1")})
    assert answer.status_code == 412
    assert claire.get("/me/profile").status_code == 404


def test_only_the_whole_tag_names_a_version(claire):
    seen = claire.put("/me/profile", PROFILE).headers["ETag"]
    for tag in (seen.strip('"'), f"W/{seen}"):
        answer = claire.put("/me/profile", {**PROFILE, "city": "Bern"}, headers={"If-Match": tag})
        assert answer.status_code == 412


def test_any_version_will_do_where_the_client_says_so(claire):
    assert claire.put("/me/profile", PROFILE, headers={"If-Match": "*"}).status_code == 200


def test_who_has_no_ahv_number_yet_says_so_and_other_fields_may_be_missing(claire):
    short = {name: value for name, value in PROFILE.items() if name not in OPTIONAL}
    sent = claire.put("/me/profile", {**short, "ahv_number": None})
    assert sent.status_code == 200
    assert {sent.json[name] for name in ("ahv_number", *OPTIONAL)} == {None}


def test_blank_means_missing_and_white_space_is_dropped(claire):
    sent = claire.put("/me/profile", {**PROFILE, "city": "  Moutier ", "school": " ", "phone": ""})
    assert (sent.json["city"], sent.json["school"], sent.json["phone"]) == ("Moutier", None, None)


BAD = [
    *((name, bad) for name in PROFILE for bad in (1, True, ["a"], {"a": 1}, NUL, LINE_BREAK, LONG)),
    *((name, bad) for name in PROFILE if name not in OPTIONAL for bad in ("", "  ")),
    *((name, None) for name in PROFILE if name not in (*OPTIONAL, "ahv_number")),
    *((name, "XX") for name in CODES),
    *(
        ("ahv_number", bad)
        for bad in ("756.1234.5678.98", "756.1234.5678", "7571234567897", "756.1234.5678.9A")
    ),
    *(("birth_date", bad) for bad in ("31.12.1980", "1980-02-30", in_years(0, 32), in_years(-121), "1980")),
    *(("phone", bad) for bad in ("123", "phone", "+41 32")),
]


@pytest.mark.parametrize(("field", "value"), BAD)
def test_a_bad_value_is_refused_beside_its_field_and_nothing_is_written(nobody_yet, field, value):
    answer = nobody_yet.put("/me/profile", {**PROFILE, field: value})
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]
    assert "Log-Position" not in answer.headers
    assert nobody_yet.get("/me/profile").status_code == 404


@pytest.mark.parametrize("field", [name for name in PROFILE if name not in OPTIONAL])
def test_a_missing_field_is_named(nobody_yet, field):
    rest = {name: value for name, value in PROFILE.items() if name != field}
    answer = nobody_yet.put("/me/profile", rest)
    assert answer.json["errors"] == {field: ["This field is required."]}


def test_all_that_is_wrong_is_told_at_once_and_unknown_fields_too(nobody_yet):
    answer = nobody_yet.put("/me/profile", {**PROFILE, "sex": "x", "city": "", "roles": ["secretariat"]})
    assert set(answer.json["errors"]) == {"sex", "city", "roles"}
    assert answer.json["errors"]["roles"] == ["There is no such field. Remove it."]


@pytest.mark.parametrize("locale", LOCALES)
def test_faults_are_told_in_the_readers_language(nobody_yet, locale):
    answer = nobody_yet.put(
        "/me/profile", {**PROFILE, "birth_date": in_years(0, 32)}, headers={"Accept-Language": locale}
    )
    assert answer.json["errors"] == {"birth_date": [table(locale, "problems", "fields")["future-date"]]}


def test_a_refusal_repeats_nothing_that_was_typed(nobody_yet):
    typed = {
        **PROFILE,
        "ahv_number": "756.9217.0769.84",
        "phone": "079 555 01 01 01",
        "street": "Secret\0 Lane",
    }
    answer = nobody_yet.put("/me/profile", {**typed, "ada@new.example": "x"})
    told = answer.get_data(as_text=True)
    assert set(answer.json["errors"]) == {"ahv_number", "phone", "street", "body"}
    assert not [secret for secret in ("9217", "555", "Secret", "ada@") if secret in told]
