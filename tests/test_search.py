"""Finding an account by what somebody types: the beginning of a name, an address or a number, or an AHV number."""

import csv
import io

import pytest
from api_client import Client
from secretariat import reads_of, secretariat, waiting

from domain.search_keys import name_keys, number_keys, search_form

FRESH = {"given_name": "Jürg Émile", "family_name": "Müller-Zbinden", "birth_name": None}


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    with secretariat(postgres, template, tmp_path_factory.mktemp("home")) as house:
        yield house


@pytest.fixture(scope="module")
def clerk(house) -> Client:
    return house.staff("secretariat", "kim.frei@secretariat.example")


@pytest.fixture(scope="module")
def claire(house) -> Client:
    return waiting(house)


@pytest.fixture(scope="module")
def juerg(house) -> Client:
    return waiting(house, ahv_number=None, **FRESH)


def test_a_name_is_found_from_each_of_its_words_in_either_order_and_spelling():
    assert name_keys("Claire", "Rossel", "Jeanneret") == [
        "rossel claire",
        "claire rossel",
        "jeanneret claire",
        "claire jeanneret",
    ]
    assert name_keys("Jürg", "Müller")[:4] == ["muller jurg", "jurg muller", "mueller juerg", "juerg mueller"]
    assert "chetelat elodie montandon" in name_keys("Élodie", "Montandon-Chételat")
    assert name_keys("Ada", None) == ["ada"]
    assert name_keys(None, None) == []
    assert number_keys("R-1001") == ["r 1001", "r1001"]
    assert search_form("  CHÉTELAT–d’Œx ") == "chetelat d oex"


def found(clerk: Client, q: str | None, **more) -> list[str]:
    """E-mail addresses, in the order of the answer, from every page."""
    items, cursor = [], {}
    while True:
        answer = clerk.post("/accounts/search", {"q": q, "limit": 2, **more, **cursor})
        assert answer.status_code == 200, answer.json
        items += answer.json["items"]
        if answer.json["next_cursor"] is None:
            return [item["email"] for item in items]
        cursor = {"cursor": answer.json["next_cursor"]}


def test_somebody_is_found_by_whatever_part_one_knows(house, clerk, claire, juerg):
    clerk.headers["Log-Position"] = house.position()
    for typed in (
        "ross",
        "ROSSEL cl",
        "claire ros",
        "jeanneret",
        claire.email[:9],
        "756.1234.5678.97",
        "7561234567897",
    ):
        assert claire.email in found(clerk, typed), typed
    for typed in ("muller", "Mueller", "MÜLLER zb", "zbinden", "emile", "jürg é"):
        assert found(clerk, typed) == [juerg.email], typed
    for typed in ("osse", "756.1234.5678.96", "756", "-", "nobody", "%", "_", "\\"):
        assert found(clerk, typed) == [], typed


def test_each_account_is_found_once_however_many_of_its_keys_agree(house, clerk, claire, juerg):
    every = found(clerk, "c") + found(clerk, "h")
    assert found(clerk, "c").count(claire.email) == 1
    assert len(found(clerk, "h")) == len(set(found(clerk, "h")))
    assert claire.email in every


def test_filters_narrow_what_is_found(clerk, claire, juerg):
    assert found(clerk, "rossel", canton="JU", link="waiting", locale="fr", state="active") == [claire.email]
    assert found(clerk, "756.1234.5678.97", link="waiting") == [claire.email]
    for more in ({"canton": "NE"}, {"state": "locked"}, {"created_to": "2020-01-01"}, {"link": "linked"}):
        assert found(clerk, "rossel", **more) == [], more
        assert found(clerk, "756.1234.5678.97", **more) == [], more
    everybody = [item["email"] for item in clerk.get("/accounts?limit=200").json["items"]]
    assert found(clerk, None) == found(clerk, "") == everybody


def test_what_was_changed_is_found_under_the_new_name_number_and_address_only(house, clerk):
    ada = waiting(house, ahv_number=None, given_name="Ada", family_name="Quiquerez", birth_name=None)
    profile = house.service.store.profile(house.service.store.account(ada.id).profile_id)
    decision = {"record_number": "R-1002", "reason": "other", "note": None}
    linked = clerk.post(f"/cases/{profile.open_case.id}/link", decision)
    clerk.headers["Log-Position"] = linked.headers["Log-Position"]
    assert found(clerk, "r-1002") == found(clerk, "R1002") == [ada.email]
    assert found(clerk, "r").count(ada.email) == found(clerk, "r1").count(ada.email) == 1
    clerk.post(f"/accounts/{ada.id}/unlink", {"reason": "wrong-record", "note": None})
    changed = {"email": "quelquun@elsewhere.example", "reason": "typing-error", "note": None}
    position = clerk.post(f"/accounts/{ada.id}/correct", changed).headers["Log-Position"]
    clerk.headers["Log-Position"] = position
    assert found(clerk, "r-1002") == found(clerk, ada.email) == []
    assert found(clerk, "Quiq") == found(clerk, "quelquun@") == ["quelquun@elsewhere.example"]


def test_a_cursor_stays_where_it_was_and_is_good_for_its_search_only(house, clerk):
    names = [f"Tschan{letter}" for letter in "bdfh"]
    people = {name: waiting(house, ahv_number=None, given_name="X", family_name=name) for name in names}
    clerk.headers["Log-Position"] = house.position()
    page = clerk.post("/accounts/search", {"q": "tschan", "limit": 2}).json
    waiting(house, ahv_number=None, given_name="X", family_name="Tschana")
    clerk.headers["Log-Position"] = house.position()
    rest = clerk.post("/accounts/search", {"q": "tschan", "cursor": page["next_cursor"]}).json["items"]
    assert [item["family_name"] for item in page["items"] + rest] == names
    assert len(people) == 4
    other = clerk.post("/accounts/search", {"q": "rossel", "cursor": page["next_cursor"]})
    assert (other.status_code, other.json["type"]) == (400, "/problems/bad-cursor")


def test_a_search_comes_as_a_file_and_leaves_a_trace_of_whom_it_found_not_of_what_was_typed(
    house, clerk, claire
):
    answer = clerk.post("/accounts/search", {"q": "rossel", "canton": "JU"}, headers={"Accept": "text/csv"})
    emails = [row["email"] for row in csv.DictReader(io.StringIO(answer.get_data(as_text=True)))]
    assert claire.email in emails
    trace = reads_of(house, clerk)[-1]
    assert (trace["what"], trace["filters"]) == ("account-search", {"canton": "JU", "format": "csv"})
    assert str(claire.id) in trace["accounts"]
    assert "rossel" not in str(trace).lower()
    with house.service.pool.connection() as connection:
        stored = connection.execute("SELECT encode(state, 'escape') FROM events WHERE topic = 'access.read'")
        assert not [state for (state,) in stored if "rossel" in state.lower()]


def test_what_is_no_search_is_refused_by_name(clerk):
    for body in ({"q": 5}, {"limit": "5"}, {"limit": 0}, {"name": "x"}, {"q": "x" * 201}, {"canton": "ZZ"}):
        answer = clerk.post("/accounts/search", body)
        assert answer.status_code == 422, body
        assert list(answer.json["errors"]) == list(body)
    assert clerk.get("/accounts/search").status_code in (404, 405)
