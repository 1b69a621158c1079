"""Accounts as staff sees them: listed, filtered, opened, told as a history, unlinked."""

from datetime import datetime, timedelta

import pytest
from api_client import PROFILE, Client, running
from services import new_database

RECORDS = """\
record_number;ahv_number;family_name;given_name;birth_name;birth_date;email
R-1;756.1234.5678.97;Rossel;Claire;Jeanneret;1980-12-31;linked@school.example
"""


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with new_database(postgres, template) as database, running(database, home) as house:
        file = home / "records.csv"
        file.write_text(RECORDS)
        house.service.records.import_file(file, today=house.service.clock.now().date())
        yield house


@pytest.fixture(scope="module")
def clerk(house) -> Client:
    return house.staff("secretariat", "marc@school.example")


@pytest.fixture(scope="module")
def linked(house, clerk) -> Client:
    """Somebody whose address the record has: linked at once."""
    claire = house.holder("linked@school.example")
    claire.put("/me/profile", PROFILE)
    clerk.headers["Log-Position"] = house.match(claire.id)
    return claire


@pytest.fixture(scope="module")
def many(house) -> list[str]:
    """Ids of accounts, newest first."""
    return [str(house.holder(f"many-{number}@school.example").id) for number in range(7)][::-1]


def every_page(client: Client, query: str = "", limit: int = 2) -> list[str]:
    ids, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/accounts?limit={limit}{query}{cursor and '&cursor=' + cursor}").json
        assert len(page["items"]) <= limit
        ids += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    return ids


def test_accounts_are_listed_newest_first_page_by_page(clerk, many):
    ids = every_page(clerk)
    assert [each for each in ids if each in many] == many
    assert len(ids) == len(set(ids))
    assert ids == [item["id"] for item in clerk.get("/accounts?limit=200").json["items"]]


def test_the_last_page_says_that_it_is_the_last(clerk, linked):
    assert clerk.get("/accounts?link=linked&limit=1").json["next_cursor"] is None


def test_pages_stay_where_they_are_while_accounts_are_added(house, clerk, many):
    before = every_page(clerk)
    first = clerk.get("/accounts?limit=3").json
    newest = str(house.holder("late@school.example").id)
    second = clerk.get(f"/accounts?limit=3&cursor={first['next_cursor']}").json
    assert [item["id"] for item in second["items"]] == before[3:6]
    assert clerk.get("/accounts?limit=1").json["items"][0]["id"] == newest


def test_a_cursor_tells_nothing_and_cannot_be_made_up(clerk, many):
    cursor = clerk.get("/accounts?limit=1").json["next_cursor"]
    assert many[0] not in cursor
    changed = cursor[:-2] + ("A" if cursor[-2] != "A" else "B") + cursor[-1]
    for wrong in (changed, "x", "AAAA", "%C3%A9", cursor + "AAAA", "2025-01-01"):
        answer = clerk.get(f"/accounts?cursor={wrong}")
        assert (answer.status_code, answer.json["type"]) == (400, "/problems/bad-cursor"), wrong


def test_a_cursor_is_good_for_its_own_list(clerk, many):
    cursor = clerk.get("/accounts?limit=1").json["next_cursor"]
    assert clerk.get(f"/cases?cursor={cursor}").json["type"] == "/problems/bad-cursor"
    assert clerk.get(f"/accounts/{many[0]}/timeline?cursor={cursor}").json["type"] == "/problems/bad-cursor"


@pytest.mark.parametrize("query", ["link=linked", "canton=JU", "link=linked&state=active&locale=fr"])
def test_filters_leave_what_agrees(clerk, linked, query):
    assert every_page(clerk, f"&{query}") == [str(linked.id)]


@pytest.mark.parametrize("query", ["link=rejected", "canton=NE", "state=closed", "locale=de"])
def test_filters_leave_out_what_does_not(clerk, linked, query):
    assert clerk.get(f"/accounts?{query}").json == {"items": [], "next_cursor": None}


def test_days_of_creation_include_themselves(clerk, many):
    created = datetime.fromisoformat(clerk.get("/accounts?limit=1").json["items"][0]["created_at"])
    day, next_day = (created + timedelta(days=days) for days in (0, 1))
    assert many[0] in every_page(clerk, f"&created_from={day:%Y-%m-%d}&created_to={next_day:%Y-%m-%d}", 200)
    assert every_page(clerk, f"&created_from={day + timedelta(days=3):%Y-%m-%d}", 200) == []


BAD_FILTERS = [
    *(f"limit={bad}" for bad in ("0", "201", "-1", "x", "")),
    *(f"{name}=nothing-such" for name in ("state", "link", "canton", "locale", "created_from", "created_to")),
    "created_from=2025-02-30",
    "q=claire",
    "cursor=" + "x" * 1001,
    "state=a%00b",
]


@pytest.mark.parametrize("query", BAD_FILTERS)
def test_a_filter_that_is_none_is_refused_by_its_name(clerk, query):
    answer = clerk.get(f"/accounts?{query}")
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [query.partition("=")[0]]


def test_a_sheet_shows_what_was_declared_with_the_ahv_number_masked(clerk, linked):
    sheet = clerk.get(f"/accounts/{linked.id}")
    assert sheet.json["profile"] == {**PROFILE, "phone": "+41328869931", "ahv_number": "756.••••.••••.97"}
    assert sheet.json["email"] == "linked@school.example"
    assert sheet.json["link_state"] == "linked"
    assert sheet.json["link"]["record_number"] == "R-1"
    assert sheet.json["link"]["by"] == "the service"
    assert "1234" not in sheet.get_data(as_text=True)


def test_a_sheet_without_personal_data_says_so(clerk, many):
    sheet = clerk.get(f"/accounts/{many[0]}").json
    assert (sheet["profile"], sheet["link"], sheet["profile_state"]) == (None, None, "missing")


@pytest.mark.parametrize("path", ["/accounts/{}", "/accounts/{}/timeline"])
def test_an_account_that_does_not_exist_is_not_found(clerk, path):
    for unknown in ("b1c3d1de-95bb-4a44-8f0a-4f1d6a0c2f6e", "claire", "1"):
        answer = clerk.get(path.format(unknown))
        assert (answer.status_code, answer.json["type"]) == (404, "/problems/not-found")


def test_a_timeline_tells_every_event_in_order_page_by_page(clerk, linked):
    moments, cursor = [], ""
    while cursor is not None:
        page = clerk.get(f"/accounts/{linked.id}/timeline?limit=2{cursor and '&cursor=' + cursor}").json
        moments += page["items"]
        cursor = page["next_cursor"]
    assert [moment["type"] for moment in moments] == [
        "account.requested",
        "account.password-issued",
        "account.activated",
        "profile.submitted",
        "profile.record-linked",
    ]
    assert [moment["position"] for moment in moments] == sorted(moment["position"] for moment in moments)
    changed = {change["field"]: change["new"] for change in moments[3]["changes"]}
    assert changed["city"] == "Moutier"
    assert changed["ahv_number"] == "756.••••.••••.97"


def test_a_timeline_is_told_in_the_readers_language(clerk, linked):
    told = {
        locale: clerk.get(f"/accounts/{linked.id}/timeline", headers={"Accept-Language": locale}).json[
            "items"
        ][-1]
        for locale in ("fr", "de", "en")
    }
    assert len({moment["sentence"] for moment in told.values()}) == 3
    assert len({moment["name"] for moment in told.values()}) == 3


def test_what_is_not_linked_cannot_be_unlinked(house, clerk):
    anna = house.holder("anna@school.example")
    anna.put("/me/profile", {**PROFILE, "ahv_number": None})
    clerk.headers["Log-Position"] = house.match(anna.id)
    not_linked = clerk.post(f"/accounts/{anna.id}/unlink", {"reason": "wrong-record"})
    assert (not_linked.status_code, not_linked.json["type"]) == (409, "/problems/not-linked")


def test_a_link_is_taken_back_by_a_new_event_and_a_case_decides_anew(house, clerk, linked):
    answer = clerk.post(
        f"/accounts/{linked.id}/unlink", {"reason": "wrong-record", "note": "Asked\nby phone"}
    )
    assert answer.status_code == 204
    assert answer.headers["Recorded-At"]
    clerk.headers["Log-Position"] = answer.headers["Log-Position"]
    sheet = clerk.get(f"/accounts/{linked.id}").json
    assert (sheet["link"], sheet["link_state"]) == (None, "waiting")
    (case,) = [case for case in clerk.get("/cases").json["items"] if case["account"]["id"] == str(linked.id)]
    assert case["cause"] == "unlinked"
    moment = clerk.get(f"/accounts/{linked.id}/timeline").json["items"][-2]
    assert moment["type"] == "profile.record-unlinked"
    assert moment["changes"] == [
        {"field": "record_number", "old": "R-1", "new": None},
        {"field": "reason", "old": None, "new": "Linked to the wrong record"},
        {"field": "note", "old": None, "new": "Asked\nby phone"},
    ]
    again = clerk.post(f"/accounts/{linked.id}/unlink", {"reason": "wrong-record"})
    assert again.json["type"] == "/problems/not-linked"


BAD_BODIES = [
    ({}, "reason"),
    *(({"reason": bad}, "reason") for bad in (None, 1, "", "data-agree", "x" * 201, "a\nb")),
    *(({"reason": "other", "note": bad}, "note") for bad in (1, ["x"], "x" * 2001, "a\0b")),
    ({"reason": "other", "record_number": "R-1"}, "record_number"),
]


@pytest.mark.parametrize(("body", "field"), BAD_BODIES)
def test_a_bad_value_is_refused_beside_its_field(clerk, many, body, field):
    answer = clerk.post(f"/accounts/{many[0]}/unlink", body)
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]
