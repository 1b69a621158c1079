"""Whoever is shown others' data leaves a trace: who read what, told to auditors and to whom the data belong."""

import json
import re

import pytest
from api_client import PREFIX, PROFILE, Client, House, running
from services import new_database

from api.described import facts_of
from api.documentation import operations, path_of
from domain import policies
from infrastructure.history import LISTS
from infrastructure.note_failures import NoteFailures
from infrastructure.translations import LOCALES, table

AHV, MASKED = "756.1234.5678.97", "756.••••.••••.97"


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    with (
        new_database(postgres, template) as database,
        running(database, tmp_path_factory.mktemp("home")) as house,
    ):
        yield house


@pytest.fixture(scope="module")
def auditor(house) -> Client:
    return house.staff("auditor", "auditor@canton.example")


@pytest.fixture
def clerk(house) -> Client:
    """Who has read nothing yet."""
    return house.staff("secretariat", f"clerk-{next(house.numbers)}@school.example")


@pytest.fixture
def claire(house) -> Client:
    """Whose data were declared, and nobody has seen them."""
    claire = house.holder()
    claire.put("/me/profile", PROFILE)
    return claire


@pytest.fixture
def case(house, claire) -> str:
    """The address of her case: no record is hers."""
    house.service.watermark.wait(("cases",), house.service.watermark.open(house.match(claire.id)))
    ((case_id,),) = rows(house, "SELECT case_id FROM cases WHERE account_id = %s", claire.id)
    return f"/cases/{case_id}"


def rows(house: House, statement: str, *values: object) -> list[tuple]:
    with house.service.pool.connection() as connection:
        return connection.execute(statement, values).fetchall()


def accesses(house: House, auditor: Client, query: str) -> list[dict]:
    answer = auditor.get(f"/audit/accesses?limit=200&{query}", headers={"Log-Position": house.position()})
    assert answer.status_code == 200, answer.json
    return answer.json["items"]


def read(client: Client, path: str) -> dict:
    answer = client.get(path)
    assert answer.status_code == 200, answer.json
    return answer.json


def last_events(house: House, count: int = 1) -> list[tuple]:
    return rows(house, "SELECT topic, account_id, state FROM events ORDER BY position DESC LIMIT %s", count)


# --- what leaves a trace


def test_who_read_an_account_is_told_with_role_and_kind(house, auditor, clerk, claire):
    read(clerk, f"/accounts/{claire.id}")
    read(clerk, f"/accounts/{claire.id}/timeline")
    [sheet, timeline] = accesses(house, auditor, f"account={claire.id}")
    assert (sheet["what"], timeline["what"]) == ("account", "timeline")
    assert (sheet["reader"], sheet["role"], sheet["by"]) == (str(clerk.id), "secretariat", clerk.email)
    assert (sheet["account"], sheet["accounts"]) == (str(claire.id), [str(claire.id)])
    assert (sheet["purpose"], sheet["count"], sheet["filters"]) == (None, 1, {})
    assert timeline["count"] == len(read(clerk, f"/accounts/{claire.id}/timeline")["items"])


def test_what_somebody_read_is_told_in_order(house, auditor, clerk, claire, case):
    paths = [f"/accounts/{claire.id}", case, "/accounts", "/cases", f"/accounts/{claire.id}/timeline"]
    for path in paths:
        read(clerk, path)
    found = accesses(house, auditor, f"reader={clerk.id}")
    assert [each["what"] for each in found] == ["account", "case", "accounts", "cases", "timeline"]
    assert [each["position"] for each in found] == sorted(each["position"] for each in found)


def test_of_a_list_the_accounts_shown_are_named_and_the_filters(house, auditor, clerk, claire):
    page = read(clerk, "/accounts?limit=2&state=active&created_from=2025-09-01")
    [access] = accesses(house, auditor, f"reader={clerk.id}")
    assert access["accounts"] == [item["id"] for item in page["items"]]
    assert (access["account"], access["count"]) == (None, 2)
    assert access["filters"] == {"state": "active", "created_from": "2025-08-31T22:00:00Z"}
    assert access in accesses(house, auditor, f"account={page['items'][1]['id']}")


def test_each_page_of_a_list_is_an_access_of_its_own(house, auditor, clerk, claire):
    first = read(clerk, "/accounts?limit=1")
    second = read(clerk, f"/accounts?limit=1&cursor={first['next_cursor']}")
    assert [each["accounts"] for each in accesses(house, auditor, f"reader={clerk.id}")] == [
        [first["items"][0]["id"]],
        [second["items"][0]["id"]],
    ]


def test_a_list_of_cases_names_whose_they_are(house, auditor, clerk, claire, case):
    page = read(clerk, "/cases?state=open")
    [access] = accesses(house, auditor, f"reader={clerk.id}")
    assert access["accounts"] == [item["account"]["id"] for item in page["items"]]
    assert access["filters"] == {"state": "open"}


def test_that_accesses_were_asked_for_is_an_access(house, auditor, clerk, claire):
    read(clerk, f"/accounts/{claire.id}")
    accesses(house, auditor, f"account={claire.id}")
    last = accesses(house, auditor, f"account={claire.id}&reader={auditor.id}")[-1]
    assert (last["what"], last["role"], last["count"]) == ("accesses", "auditor", 1)
    assert last["filters"] == {"account": str(claire.id), "kind": "read"}


def test_every_read_on_staffs_paths_leaves_a_trace(house, auditor, claire, case):
    """Of all that the API has for staff, as the document lists it: whoever adds a read notes it.

    Checkpoints, proofs and manifests are hashes, in which nobody's data are shown.
    """
    some = {"account_id": str(claire.id), "case_id": case.removeprefix("/cases/")}
    for rule, method in operations(house.app):
        if rule.endpoint.startswith("audit-proofs.") or "export_id" in rule.arguments:
            continue
        if method != "get" or "auditor" not in facts_of(house.app.view_functions[rule.endpoint]).get(
            "roles", ()
        ):
            continue
        path = re.sub("{([a-z_]+)}", lambda name: some[name[1]], path_of(rule).removeprefix(PREFIX))
        read(auditor, path + ("?from=2025-01-01" if path.endswith("/diff") else ""))
        [(topic, reader, _)] = last_events(house)
        assert (topic, reader) == ("access.read", auditor.id), path


def test_what_is_refused_or_not_there_shows_nothing_and_leaves_nothing(house, clerk, claire):
    before = last_events(house)
    assert clerk.get(f"/accounts/{claire.id}?q=Rossel").status_code == 422
    assert clerk.get("/accounts?q=Rossel").status_code == 422
    assert clerk.get("/accounts?state=Rossel").status_code == 422
    assert clerk.get("/accounts/6f1f2c35-6c1f-4f8e-9a39-0c4a5a4c8a11").status_code == 404
    assert claire.get(f"/accounts/{claire.id}").status_code == 403
    assert last_events(house) == before


def test_what_a_holder_reads_of_herself_leaves_nothing(house, claire):
    before = last_events(house)
    for path in ("/me", "/me/profile", "/me/history", "/me/sessions"):
        read(claire, path)
    assert last_events(house) == before


def test_what_was_typed_into_a_search_or_a_name_stands_in_no_event(house, clerk, claire):
    for path in (
        "/accounts?q=Seldwyla",
        "/accounts?canton=Seldwyla",
        "/accounts/search?q=Seldwyla",
        "/accounts",
    ):
        clerk.get(path)
    clerk.post("/accounts/search", {"q": "Seldwyla"})
    held = b"".join(bytes(state) for (state,) in rows(house, "SELECT state FROM events"))
    for typed in (b"Seldwyla", b"Rossel", b"Moutier", claire.email.encode(), AHV.encode()):
        assert typed not in held


def test_a_read_that_cannot_be_noted_shows_nothing(house, clerk, claire, case):
    paths = [f"/accounts/{claire.id}", f"/accounts/{claire.id}/timeline", "/accounts", case, "/cases"]
    with house.service.pool.connection() as connection:
        connection.execute(
            "ALTER TABLE events ADD CONSTRAINT broken CHECK (topic <> 'access.read') NOT VALID"
        )
    try:
        for path in paths:
            answer = clerk.get(path)
            assert answer.status_code == 500
            assert claire.email not in answer.text
    finally:
        with house.service.pool.connection() as connection:
            connection.execute("ALTER TABLE events DROP CONSTRAINT broken")


# --- for whom numbers are unmasked


def test_a_number_is_shown_whole_for_a_purpose_which_is_noted(house, auditor, clerk, claire, case):
    for path, what in ((f"/accounts/{claire.id}", "account"), (case, "case")):
        assert read(clerk, path)["profile"]["ahv_number"] == MASKED
        assert accesses(house, auditor, f"reader={clerk.id}")[-1]["purpose"] is None
        assert read(clerk, f"{path}?purpose=linking")["profile"]["ahv_number"] == AHV
        last = accesses(house, auditor, f"reader={clerk.id}")[-1]
        assert (last["what"], last["purpose"], last["accounts"]) == (what, "linking", [str(claire.id)])
        assert read(auditor, f"{path}?purpose=audit")["profile"]["ahv_number"] == AHV


def test_a_purpose_that_nobody_knows_is_refused(clerk, claire, case):
    for path in (f"/accounts/{claire.id}", case):
        answer = clerk.get(f"{path}?purpose=curiosity")
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["purpose"])


def test_in_lists_and_after_decisions_numbers_stay_masked(house, clerk, claire, case):
    assert clerk.get("/accounts?purpose=linking").status_code == 422
    rejected = clerk.post(f"{case}/reject", {"reason": "no-record"})
    assert rejected.json["profile"]["ahv_number"] == MASKED


# --- asking for accesses


def test_accesses_are_narrowed_by_time(house, auditor, clerk, claire):
    for _ in range(3):
        read(clerk, f"/accounts/{claire.id}")
    first, second, third = accesses(house, auditor, f"account={claire.id}")
    found = accesses(house, auditor, f"account={claire.id}&from={second['at']}&to={third['at']}")
    assert found == [second]
    assert accesses(house, auditor, f"account={claire.id}&reader={auditor.id}&to={first['at']}") == []


def test_pages_of_accesses_are_stable_while_more_come(house, auditor, clerk, claire):
    for _ in range(3):
        read(clerk, f"/accounts/{claire.id}")
    query = f"/audit/accesses?reader={clerk.id}&limit=2"
    auditor.headers["Log-Position"] = house.position()
    first = read(auditor, query)
    read(clerk, "/cases")
    auditor.headers["Log-Position"] = house.position()
    second = read(auditor, f"{query}&cursor={first['next_cursor']}")
    del auditor.headers["Log-Position"]
    assert [each["what"] for each in first["items"] + second["items"]] == ["account"] * 3 + ["cases"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize("query", ["account=x", "reader=Rossel", "from=yesterday", "kind=x", "cursor=x"])
def test_what_no_access_is_asked_by_is_refused(auditor, query):
    assert auditor.get(f"/audit/accesses?{query}").status_code in (400, 422)


def test_only_auditors_ask_for_accesses(house, clerk, claire):
    for client in (clerk, claire, house.staff("data-protection", "dpo@school.example")):
        assert client.get("/audit/accesses").status_code == 403


def test_sign_ins_good_and_failed_are_asked_for_apart(house, auditor, claire):
    again = claire.again()
    again.sign_in(claire.email, claire.password)
    fail(house, claire)
    found = accesses(house, auditor, f"account={claire.id}&kind=sign-in")
    assert [each["what"] for each in found] == ["signed-in", "signed-in", "sign-in-failed"]
    assert (found[1]["reader"], found[1]["role"], found[1]["account"]) == (
        str(claire.id),
        None,
        str(claire.id),
    )
    assert (found[2]["by"], found[2]["count"]) == ("somebody unknown", 2)
    assert accesses(house, auditor, f"account={claire.id}&reader={claire.id}") == []


def fail(house: House, claire: Client, times: int = 2) -> None:
    for _ in range(times):
        pair = {"email": claire.email, "password": "a wrong password"}
        assert claire.again(User_Agent="curl/8").post("/session", pair).status_code == 401
    NoteFailures(house.service.failed_sign_ins, house.service.accesses).note_waiting()


# --- what holders see


def own_history(house: House, claire: Client, language: str = "en", query: str = "") -> list[dict]:
    headers = {"Log-Position": house.position(), "Accept-Language": language}
    answer = claire.get(f"/me/history?limit=200{query}", headers=headers)
    assert answer.status_code == 200, answer.json
    return answer.json["items"]


def test_a_holder_sees_who_was_shown_her_data(house, clerk, auditor, claire):
    read(clerk, f"/accounts/{claire.id}?purpose=linking")
    read(auditor, "/accounts?limit=200")
    seen, listed = (each for each in own_history(house, claire) if each["type"] == "access.read")
    assert seen["by"] == clerk.email
    assert seen["sentence"] == (
        "The data were shown to the secretariat: account sheet. Purpose: Linking an account to a record."
    )
    assert listed["sentence"] == "The data were shown to an auditor: list of accounts."
    assert (seen["device"], seen["place"]) == (None, None)  # the reader's own


def test_a_holder_sees_her_sign_ins_good_and_failed_and_from_where(house, claire):
    fail(house, claire)
    signed_in, failed = (
        each
        for each in own_history(house, claire)
        if each["type"] in ("access.signed-in", "access.sign-in-failed")
    )
    assert (signed_in["by"], signed_in["sentence"]) == ("the account holder", "Sign-in with a browser.")
    assert (failed["by"], failed["sentence"]) == ("somebody unknown", "Failed attempts to sign in: 2.")
    assert (failed["device"], failed["place"]) == ("curl", "local network")


def test_events_and_accesses_stand_in_the_order_of_the_log_page_by_page(house, clerk, claire):
    for city in ("Delémont", "Porrentruy"):
        for _ in range(3):
            read(clerk, f"/accounts/{claire.id}")
        claire.put("/me/profile", {**PROFILE, "city": city})
    whole = own_history(house, claire)
    types = [each["type"] for each in whole]
    assert types[-8:] == [*["access.read"] * 3, "profile.corrected"] * 2
    paged, cursor = [], ""
    while cursor is not None:
        page = read(claire, f"/me/history?limit=2{cursor and '&cursor=' + cursor}")
        paged, cursor = paged + page["items"], page["next_cursor"]
    assert paged == whole


def test_the_timeline_for_staff_holds_what_happened_and_no_accesses(house, clerk, claire):
    read(clerk, f"/accounts/{claire.id}")
    clerk.headers["Log-Position"] = house.position()
    types = {each["type"] for each in read(clerk, f"/accounts/{claire.id}/timeline")["items"]}
    assert "profile.submitted" in types
    assert not any(each.startswith("access.") for each in types)


def test_her_archive_holds_the_accesses(house, clerk, claire):
    read(clerk, f"/accounts/{claire.id}")
    claire.headers["Log-Position"] = house.position()
    archive = claire.post("/me/export", {"password": claire.password}).json
    assert [each["type"] for each in archive["accesses"]] == ["access.signed-in", "access.read"]
    assert clerk.email in json.dumps(archive["accesses"])
    assert not any(each["type"].startswith("access.") for each in archive["history"])


def test_another_holder_sees_none_of_it(house, clerk, claire):
    other = house.holder()
    read(clerk, f"/accounts/{claire.id}")
    assert not any(each["type"] == "access.read" for each in own_history(house, other))


@pytest.mark.parametrize("language", LOCALES)
def test_kinds_of_reads_and_roles_have_names_in_every_language(language):
    assert set(table(language, "codes", "reads")) == set(policies.READS)
    assert set(table(language, "codes", "roles")) == set(policies.ROLES)
    assert LISTS["access.read"] == {"role": "roles", "what": "reads", "purpose": "purposes"}
