"""Links that the secretariat decides: the queue, the sheet, one decision, and who was first."""

from datetime import timedelta

import pytest
from api_client import PROFILE, Client, running
from services import new_database

HEADER = "record_number;ahv_number;family_name;given_name;birth_name;birth_date;email\n"
LINK = {"reason": "identity-checked", "note": "Seen\nat the counter."}
REJECTION = {"reason": "no-record", "note": None}


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with new_database(postgres, template) as database, running(database, home) as house:
        file = home / "records.csv"
        file.write_text(
            HEADER
            + "".join(
                f"R-{number};;Rossel;Claire;Jeanneret;1980-12-31;nobody@other.example\n"
                for number in range(1, 10)
            )
        )
        house.service.records.import_file(file, today=house.service.clock.now().date())
        yield house


@pytest.fixture(scope="module")
def clerk(house) -> Client:
    return house.staff("secretariat", "marc@school.example")


@pytest.fixture(scope="module")
def other_clerk(house) -> Client:
    clerk = house.staff("secretariat", "anna@school.example")
    sent = clerk.put(
        "/me/profile", {**PROFILE, "ahv_number": None, "given_name": "Anna", "family_name": "Voirol"}
    )
    house.service.watermark.wait(("directory",), house.service.watermark.open(sent.headers["Log-Position"]))
    return clerk


@pytest.fixture
def holder(house) -> Client:
    """Somebody who has sent personal data."""
    holder = house.holder()
    holder.put("/me/profile", {**PROFILE, "ahv_number": None})
    return holder


@pytest.fixture
def case(house, clerk, holder) -> dict:
    """The item of the holder's case."""
    clerk.headers["Log-Position"] = house.match(holder.id)
    return case_of(clerk, holder)


def case_of(clerk: Client, holder: Client) -> dict:
    (item,) = [item for item in queue(clerk) if item["account"]["id"] == str(holder.id)]
    return item


def queue(clerk: Client, query: str = "") -> list[dict]:
    return clerk.get(f"/cases?limit=200{query}").json["items"]


def test_a_case_is_listed_with_its_holder_and_its_deadline(clerk, case):
    assert case["state"] == "open"
    assert case["cause"] == "no-ahv-number"
    assert case["late"] is False
    assert case["taken_by"] is None
    assert case["account"]["given_name"] == "Claire"
    assert case["account"]["email"].startswith("holder-")


def test_cases_are_listed_oldest_deadline_first_page_by_page(house, clerk, case):
    with house.service.pool.connection() as connection:
        connection.execute("UPDATE cases SET due = due + (random() * 5)::int - 10")
    items, cursor = [], ""
    while cursor is not None:
        page = clerk.get(f"/cases?limit=1{cursor and '&cursor=' + cursor}").json
        items += page["items"]
        cursor = page["next_cursor"]
    assert [(item["due"], item["id"]) for item in items] == sorted(
        (item["due"], item["id"]) for item in items
    )
    assert items == queue(clerk)


def test_late_cases_are_those_that_are_open_past_their_deadline(house, clerk, case):
    yesterday = house.service.clock.now().date() - timedelta(days=2)
    with house.service.pool.connection() as connection:
        connection.execute("UPDATE cases SET due = %s WHERE case_id = %s", (yesterday, case["id"]))
    assert case["id"] in [item["id"] for item in queue(clerk, "&late=true")]
    assert case["id"] not in [item["id"] for item in queue(clerk, "&late=false")]
    assert case["id"] in [item["id"] for item in queue(clerk, "&state=open")]
    assert case["id"] not in [item["id"] for item in queue(clerk, "&state=linked")]


@pytest.mark.parametrize("query", ["state=new", "late=yes", "limit=0", "account=x", "state=a%0Ab"])
def test_a_filter_that_is_none_is_refused_by_its_name(clerk, query):
    answer = clerk.get(f"/cases?{query}")
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [query.partition("=")[0]]


def test_the_sheet_shows_what_was_declared_and_compares_it_with_each_candidate(clerk, case):
    sheet = clerk.get(f"/cases/{case['id']}")
    assert sheet.headers["ETag"]
    assert sheet.json["profile"]["family_name"] == "Rossel"
    assert sheet.json["link"] is None
    candidate = sheet.json["candidates"][0]
    assert candidate["record_number"].startswith("R-")
    assert candidate["score"] == pytest.approx(sum(field["weight"] for field in candidate["fields"]), abs=0.1)
    assert 0 < candidate["probability"] <= 1
    verdicts = {field["name"]: field["verdict"] for field in candidate["fields"]}
    assert (verdicts["family_name"], verdicts["ahv_number"]) == ("equal", "missing")


def test_a_clerk_links_and_the_sheet_says_so(clerk, case):
    answer = clerk.post(f"/cases/{case['id']}/link", {**LINK, "record_number": "R-1"})
    assert answer.status_code == 200
    assert answer.json["state"] == "linked"
    assert answer.json["link"]["record_number"] == "R-1"
    assert answer.json["decided_at"] == answer.json["link"]["linked_at"]
    position = {"Log-Position": answer.headers["Log-Position"]}
    account = clerk.get(f"/accounts/{case['account']['id']}", headers=position).json
    assert (account["link_state"], account["link"]["record_number"]) == ("linked", "R-1")
    assert account["link"]["by"] == "marc@school.example"


def test_a_clerk_rejects_and_the_holder_reads_it(clerk, case):
    answer = clerk.post(f"/cases/{case['id']}/reject", REJECTION)
    assert answer.status_code == 200
    assert answer.json["state"] == "rejected"
    position = {"Log-Position": answer.headers["Log-Position"]}
    assert clerk.get(f"/accounts/{case['account']['id']}", headers=position).json["link_state"] == "rejected"


@pytest.mark.parametrize("first", ["link", "reject"])
@pytest.mark.parametrize("second", ["link", "reject"])
def test_the_second_clerk_is_told_who_was_first_and_when(clerk, other_clerk, case, first, second):
    bodies = {
        "link": {**LINK, "record_number": f"R-{2 + ['link', 'reject'].index(second)}"},
        "reject": REJECTION,
    }
    decided = other_clerk.post(f"/cases/{case['id']}/{first}", bodies[first])
    assert decided.status_code == 200
    refused = clerk.post(f"/cases/{case['id']}/{second}", bodies[second])
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/already-decided")
    assert refused.json["by"] == "Anna Voirol (anna@school.example)"
    assert refused.json["at"] == decided.json["decided_at"]
    assert refused.json["state"] == decided.json["state"]


@pytest.mark.parametrize("deed", ["link", "reject"])
def test_a_clerk_does_not_decide_about_herself(house, clerk, deed):
    clerk.put("/me/profile", {**PROFILE, "ahv_number": None})
    clerk.headers["Log-Position"] = house.match(clerk.id)
    own = case_of(clerk, clerk)
    body = {**LINK, "record_number": "R-8"} if deed == "link" else REJECTION
    answer = clerk.post(f"/cases/{own['id']}/{deed}", body)
    assert (answer.status_code, answer.json["type"]) == (403, "/problems/own-case")


def test_a_record_that_another_account_holds_is_not_linked_again(house, clerk, other_clerk, case):
    taken = {**LINK, "record_number": "R-5"}
    other = house.holder("other-holder@school.example")
    other.put("/me/profile", {**PROFILE, "ahv_number": None})
    clerk.headers["Log-Position"] = house.match(other.id)
    first = other_clerk.post(f"/cases/{case_of(clerk, other)['id']}/link", taken)
    refused = clerk.post(f"/cases/{case['id']}/link", taken)
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/record-taken")
    assert (refused.json["by"], refused.json["at"]) == (
        "Anna Voirol (anna@school.example)",
        first.json["decided_at"],
    )
    assert clerk.get(f"/cases/{case['id']}").json["state"] == "open"


def test_a_record_that_does_not_exist_is_an_error_of_its_field(clerk, case):
    answer = clerk.post(f"/cases/{case['id']}/link", {**LINK, "record_number": "R-404"})
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/record-unknown")
    assert list(answer.json["errors"]) == ["record_number"]


@pytest.mark.parametrize("deed", ["link", "reject"])
def test_a_decision_on_what_was_seen_is_taken(clerk, case, deed):
    seen = clerk.get(f"/cases/{case['id']}").headers["ETag"]
    body = {**LINK, "record_number": "R-6"} if deed == "link" else REJECTION
    assert clerk.post(f"/cases/{case['id']}/{deed}", body, headers={"If-Match": seen}).status_code == 200


@pytest.mark.parametrize("deed", ["link", "reject"])
def test_a_decision_on_anything_but_the_newest_is_not(clerk, case, deed):
    body = {**LINK, "record_number": "R-7"} if deed == "link" else REJECTION
    stale = clerk.post(f"/cases/{case['id']}/{deed}", body, headers={"If-Match": '"99"'})
    assert (stale.status_code, stale.json["type"]) == (412, "/problems/precondition-failed")
    assert clerk.get(f"/cases/{case['id']}").json["state"] == "open"


@pytest.mark.parametrize("deed", ["link", "reject"])
def test_that_the_holder_corrected_the_data_meanwhile_is_told(clerk, holder, case, deed):
    seen = clerk.get(f"/cases/{case['id']}").headers["ETag"]
    holder.put("/me/profile", {**PROFILE, "ahv_number": None, "city": "Bern"})
    body = {**LINK, "record_number": "R-7"} if deed == "link" else REJECTION
    withdrawn = clerk.post(f"/cases/{case['id']}/{deed}", body, headers={"If-Match": seen})
    assert (withdrawn.status_code, withdrawn.json["type"]) == (409, "/problems/already-decided")
    assert (withdrawn.json["state"], withdrawn.json["by"]) == ("withdrawn", f"Claire Rossel ({holder.email})")


def test_whoever_takes_a_case_again_is_shown_it_and_noted(house, clerk, case):
    def shown() -> list[str]:
        asked = {"Log-Position": house.position()}
        auditor = house.staff("auditor", f"auditor-{next(house.numbers)}@canton.example")
        query = f"account={case['account']['id']}&reader={clerk.id}"
        items = auditor.get(f"/audit/accesses?{query}&limit=200", headers=asked).json["items"]
        return [each["what"] for each in items]

    before = shown()
    assert clerk.post(f"/cases/{case['id']}/take", {}).status_code == 200
    assert shown() == before  # the event of the taking says it
    assert clerk.post(f"/cases/{case['id']}/take", {}).status_code == 200
    assert shown() == [*before, "case"]


@pytest.mark.parametrize("unknown", ["b1c3d1de-95bb-4a44-8f0a-4f1d6a0c2f6e", "claire", "1"])
def test_a_case_that_does_not_exist_is_not_found(clerk, unknown):
    asked = [
        clerk.get(f"/cases/{unknown}"),
        clerk.post(f"/cases/{unknown}/link", {**LINK, "record_number": "R-1"}),
        clerk.post(f"/cases/{unknown}/reject", REJECTION),
    ]
    assert [(answer.status_code, answer.json["type"]) for answer in asked] == [
        (404, "/problems/not-found")
    ] * 3


BAD = [
    *(
        ("link", {**LINK, "record_number": bad}, "record_number")
        for bad in (None, 1, "", "x" * 201, "R\0", "R\n1")
    ),
    *(
        ("link", {**LINK, "record_number": "R-1", "reason": bad}, "reason")
        for bad in (None, 1, "", "no-record")
    ),
    *(
        ("link", {**LINK, "record_number": "R-1", "note": bad}, "note")
        for bad in (1, ["x"], "x" * 2001, "a\tb")
    ),
    ("link", LINK, "record_number"),
    *(("reject", {"reason": bad}, "reason") for bad in (None, 1, "", "data-agree", "x" * 201)),
    *(("reject", {**REJECTION, "note": bad}, "note") for bad in (1, {}, "x" * 2001, "a\0b")),
    ("reject", {}, "reason"),
    ("reject", {**REJECTION, "record_number": "R-1"}, "record_number"),
]


@pytest.mark.parametrize(("deed", "body", "field"), BAD)
def test_a_bad_value_is_refused_beside_its_field_and_nothing_is_decided(clerk, case, deed, body, field):
    answer = clerk.post(f"/cases/{case['id']}/{deed}", body)
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]
    assert clerk.get(f"/cases/{case['id']}").json["state"] == "open"
