"""An account as of an instant and what changed since, as auditors and the secretariat ask for it."""

from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from api_client import PROFILE, Client, running
from services import new_database

from domain.calendar import ZURICH

RECORDS = """\
record_number;ahv_number;family_name;given_name;birth_name;birth_date;email
R-1;756.1234.5678.97;Rossel;Claire;Jeanneret;1980-12-31;linked@school.example
"""
TICK = timedelta(microseconds=1)


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with new_database(postgres, template) as database, running(database, home) as house:
        file = home / "records.csv"
        file.write_text(RECORDS)
        house.service.records.import_file(file, today=house.service.clock.now().date())
        yield house


@pytest.fixture(scope="module")
def auditor(house) -> Client:
    return house.staff("auditor", "auditor@canton.example")


@pytest.fixture(scope="module")
def clerk(house) -> Client:
    return house.staff("secretariat", "marc@school.example")


@pytest.fixture(scope="module")
def claire(house) -> Client:
    """Who sent her data, was linked at once, and has moved since: `recorded` knows the instants."""
    claire = house.holder("linked@school.example")
    claire.recorded = {"sent": recorded(claire.put("/me/profile", PROFILE))}
    house.match(claire.id)
    claire.recorded["moved"] = recorded(claire.put("/me/profile", {**PROFILE, "city": "Tavannes"}))
    return claire


def recorded(answer) -> datetime:
    return datetime.fromisoformat(answer.headers["Recorded-At"])


def query(**given: object) -> str:
    def written(value: object) -> str:
        return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)

    return "?" + "&".join(f"{name.rstrip('_')}={written(value)}" for name, value in given.items())


def today() -> date:
    return datetime.now(ZURICH).date()


def as_of(client: Client, holder: Client, **given: object) -> dict:
    answer = client.get(f"/audit/accounts/{holder.id}{query(**given)}")
    assert answer.status_code == 200, answer.json
    return answer.json


def test_the_state_of_an_instant_is_told_as_it_was(auditor, claire):
    then = as_of(auditor, claire, as_of=claire.recorded["moved"] - TICK)
    assert then["profile"] == {**PROFILE, "phone": "+41328869931", "ahv_number": "756.••••.••••.97"}
    assert then["link"]["record_number"] == "R-1"
    assert then["link"]["by"] == "the service"
    assert then["last_event"]["type"] == "profile.record-linked"
    assert then["as_of"] == (claire.recorded["moved"] - TICK).isoformat().replace("+00:00", "Z")
    assert (then["case"], then["pending"], then["erased"]) == (None, [], [])
    assert as_of(auditor, claire, as_of=claire.recorded["moved"])["profile"]["city"] == "Tavannes"


def test_the_present_is_what_the_holder_sees(house, auditor, claire):
    seen = claire.get("/me", headers={"Log-Position": house.position()}).json
    assert as_of(auditor, claire)["account"] == seen
    assert as_of(auditor, claire, as_of=today())["account"] == seen


def test_before_the_data_were_sent_there_is_no_profile(auditor, claire):
    then = as_of(auditor, claire, as_of=claire.recorded["sent"] - TICK)
    assert (then["profile"], then["link"]) == (None, None)
    assert then["account"]["profile_state"] == "missing"
    assert then["account"]["link_due"] is None


def test_instant_and_position_tell_the_same(auditor, claire):
    then = as_of(auditor, claire, as_of=claire.recorded["sent"])
    again = as_of(auditor, claire, at_position=then["position"])
    assert {**again, "as_of": then["as_of"]} == then
    assert again["last_event"]["position"] == then["position"]


def test_the_secretariat_asks_on_the_accounts_own_path_and_nowhere_else(auditor, clerk, claire):
    asked = query(as_of=claire.recorded["sent"])
    assert clerk.get(f"/accounts/{claire.id}{asked}").json == as_of(
        auditor, claire, as_of=claire.recorded["sent"]
    )
    changes = query(from_=claire.recorded["sent"])
    assert (
        clerk.get(f"/accounts/{claire.id}/diff{changes}").json
        == auditor.get(f"/audit/accounts/{claire.id}/diff{changes}").json
    )
    for path in (f"/audit/accounts/{claire.id}", f"/audit/accounts/{claire.id}/diff{changes}"):
        assert clerk.get(path).status_code == 403
        assert claire.get(path).status_code == 403


def test_what_changed_is_told_with_old_and_new_value_by_whom_and_when(auditor, claire):
    found = auditor.get(f"/audit/accounts/{claire.id}/diff{query(from_=claire.recorded['sent'])}").json
    (city,) = [each for each in found["changes"] if each["field"] == "city"]
    assert (city["old"], city["new"], city["type"]) == ("Moutier", "Tavannes", "profile.corrected")
    assert (city["actor"], city["by"]) == (str(claire.id), "the account holder")
    assert datetime.fromisoformat(city["at"]) == claire.recorded["moved"]
    (record,) = [each for each in found["changes"] if each["field"] == "record_number"]
    assert (record["old"], record["new"], record["by"]) == (None, "R-1", "the service")


def test_what_changed_is_asked_by_instants_positions_and_days_alike(auditor, claire):
    sent, moved = (
        as_of(auditor, claire, as_of=claire.recorded[name])["position"] for name in ("sent", "moved")
    )
    path, day = f"/audit/accounts/{claire.id}/diff", today()
    by_instants = auditor.get(path + query(from_=claire.recorded["sent"], to=claire.recorded["moved"])).json
    assert by_instants == auditor.get(path + query(from_=sent, to=moved)).json
    assert by_instants == auditor.get(path + query(from_=sent, to=claire.recorded["moved"])).json
    whole = auditor.get(path + query(from_=day - timedelta(days=1), to=day)).json["changes"]
    assert whole[0]["type"] == "account.requested"
    assert whole[-len(by_instants["changes"]) :] == by_instants["changes"]


def test_a_number_is_masked_in_what_changed_too(auditor, claire):
    answer = auditor.get(f"/audit/accounts/{claire.id}/diff{query(from_=1)}")
    (number,) = [each for each in answer.json["changes"] if each["field"] == "ahv_number"]
    assert (number["old"], number["new"]) == (None, "756.••••.••••.97")
    assert "1234" not in answer.get_data(as_text=True)


def test_before_the_first_event_the_answer_is_not_yet(auditor, house):
    before = house.service.clock.now()
    late = house.holder()
    for path in (query(as_of=before), query(at_position=1), f"/diff{query(from_=1, to=2)}"):
        answer = auditor.get(f"/audit/accounts/{late.id}{path}")
        assert (answer.status_code, answer.json["type"]) == (404, "/problems/not-yet"), path


def test_an_account_that_never_was_is_not_found(auditor, clerk):
    for asked in ("", query(at_position=1), f"/diff{query(from_=1)}"):
        answer = auditor.get(f"/audit/accounts/{uuid4()}{asked}")
        assert (answer.status_code, answer.json["type"]) == (404, "/problems/not-found")
    assert clerk.get(f"/accounts/{uuid4()}{query(at_position=1)}").status_code == 404


BAD_POINTS = [
    ("?as_of=yesterday", "as_of"),
    ("?as_of=2025-02-30", "as_of"),
    ("?as_of=2025-03-03T08:00:00", "as_of"),
    ("?as_of=7", "as_of"),
    ("?as_of=2999-01-01T00:00:00Z", "as_of"),
    ("?as_of=2999-01-01", "as_of"),
    ("/diff?from=0001-01-01", "from"),
    ("?at_position=-1", "at_position"),
    ("?at_position=x", "at_position"),
    (f"?at_position={10**17}", "at_position"),
    (f"?at_position={10**30}", "at_position"),
    ("?at_position=1&as_of=2025-03-03", "at_position"),
    ("?at=2025-03-03", "at"),
    ("/diff", "from"),
    ("/diff?from=", "from"),
    ("/diff?from=2&to=1", "from"),
    ("/diff?from=2025-03-04&to=2025-03-02", "from"),
    ("/diff?from=2025-03-03T08:00:00Z&to=2025-03-03T07:59:59Z", "from"),
    ("/diff?from=2999-01-01", "from"),
    ("/diff?from=1&to=2999-01-01", "to"),
    (f"/diff?from=1&to={10**17}", "to"),
    ("/diff?from=x", "from"),
]


@pytest.mark.parametrize(("asked", "field"), BAD_POINTS)
@pytest.mark.parametrize("language", ["fr", "de", "en"])
def test_a_point_that_is_none_is_refused_by_its_name_with_what_to_do(
    auditor, clerk, claire, asked, field, language
):
    for client, path in ((auditor, "/audit/accounts"), (clerk, "/accounts")):
        answer = client.get(f"{path}/{claire.id}{asked}", headers={"Accept-Language": language})
        assert answer.status_code == 422, answer.json
        assert list(answer.json["errors"]) == [field]


def test_after_an_erasure_what_was_personal_is_null_and_named(house, auditor):
    gone = house.holder()
    gone.put("/me/profile", {**PROFILE, "ahv_number": None})
    sent = recorded(gone.put("/me/profile", {**PROFILE, "ahv_number": None, "city": "Tavannes"}))
    with house.service.pool.connection() as connection:
        connection.execute("DELETE FROM data_keys WHERE person = %s", (gone.id,))
    then = as_of(auditor, gone, as_of=sent)
    assert {"account.email", "account.given_name", "profile.city", "profile.ahv_number"} <= set(
        then["erased"]
    )
    assert then["account"]["email"] is None
    assert {name for name, value in then["profile"].items() if value is not None} == {"canton"}
    found = auditor.get(f"/audit/accounts/{gone.id}/diff{query(from_=sent - TICK)}").json
    assert "city" in found["erased"]
    assert {(each["old"], each["new"]) for each in found["changes"]} == {(None, None)}
    assert {each["by"] for each in found["changes"]} == {"the account holder"}
