"""The history of one account or of all, as auditors filter it."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import orjson
import pytest
from api_client import PROFILE, Client, running
from auditing import CSV, every_page, position, without_reads
from services import new_database
from tree_side import tampering

from infrastructure.event_mapper import SealedEvent

NAMES = {"position", "leaf_index", "type", "name", "account", "actor", "recorded_at", "data", "erased"}


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with new_database(postgres, template) as database, running(database, home) as house:
        yield house


@pytest.fixture(scope="module")
def auditor(house) -> Client:
    return house.staff("auditor", "auditor@canton.example")


@pytest.fixture(scope="module")
def claire(house) -> Client:
    claire = house.holder("claire@school.example")
    claire.put("/me/profile", PROFILE)
    claire.put("/me/profile", {**PROFILE, "city": "Tavannes"})
    return claire


@pytest.fixture(scope="module")
def others(house) -> list[Client]:
    return [house.holder() for _ in range(3)]


def test_every_event_is_listed_once_in_the_order_of_the_log(house, auditor, claire, others):
    with house.service.pool.connection() as connection:
        rows = connection.execute(
            "SELECT position, topic FROM events WHERE topic <> 'access.read' ORDER BY position"
        ).fetchall()
    for limit in (3, 7, 200):
        items = every_page(auditor, limit, to=rows[-1][0])
        assert [(each["position"], each["type"]) for each in items] == rows
    assert all(each.keys() >= NAMES for each in items)


def test_leaves_are_numbered_without_a_gap(auditor, claire):
    page = auditor.get("/audit/events?limit=200", headers={"Log-Position": position(auditor)}).json
    numbers = [each["leaf_index"] for each in page["items"]]
    assert numbers == list(range(len(numbers)))


def test_an_event_says_what_happened_to_whom_by_whom_with_its_data_opened(auditor, claire):
    sent, moved = (
        each for each in every_page(auditor, account=claire.id) if each["type"].startswith("profile.")
    )
    assert (moved["type"], moved["name"]) == ("profile.corrected", "Personal data corrected")
    assert (moved["account"], moved["actor"]) == (str(claire.id), str(claire.id))
    assert (moved["data"]["city"], sent["data"]["city"]) == ("Tavannes", "Moutier")
    assert moved["data"]["ahv_number"] == "756.••••.••••.97"
    assert moved["erased"] == moved["broken"] == []
    assert "actor" not in moved["data"]


def test_filters_leave_what_agrees_with_all_of_them(auditor, claire, others):
    everything = every_page(auditor)
    asked = {
        "account": str(others[0].id),
        "type": "account.activated",
        "actor": str(claire.id),
    }
    for name, value in asked.items():
        left = every_page(auditor, 2, **{name: value})
        assert left
        assert left == [each for each in everything if each[name] == value], name
    both = every_page(auditor, type="profile.corrected", actor=claire.id)
    assert [each["data"]["city"] for each in both] == ["Tavannes"]
    assert every_page(auditor, type="profile.corrected", account=others[0].id) == []
    assert every_page(auditor, actor=uuid4()) == []


def test_who_is_named_within_an_event_is_not_its_actor(house, auditor, claire):
    """Nor has an event of a later version a name or a class that we know."""
    named = uuid4()
    state = {"actor": str(claire.id), "filters": {"actor": str(named)}}
    stored = SealedEvent(uuid4(), 1, "test.asked", orjson.dumps(state), None, None, None)
    house.service.store.recorder.commit([stored])
    assert every_page(auditor, actor=named) == []
    asked = every_page(auditor, actor=claire.id)[-1]
    assert (asked["type"], asked["name"], asked["account"]) == ("test.asked", "test.asked", None)
    assert asked["data"] == {"filters": {"actor": str(named)}}


def test_a_period_includes_where_it_begins_and_where_it_ends(auditor, claire):
    everything = every_page(auditor)
    first, last = everything[4], everything[9]
    within = [each["position"] for each in everything[4:10]]
    for begin, end in (("position", "position"), ("recorded_at", "recorded_at"), ("position", "recorded_at")):
        found = every_page(auditor, 3, from_=first[begin], to=last[end])
        # What was recorded in one append has one instant.
        assert {each["position"] for each in found} >= set(within)
        assert {each["recorded_at"] for each in found} == {each["recorded_at"] for each in everything[4:10]}
    just_after = datetime.fromisoformat(last["recorded_at"]) + timedelta(microseconds=1)
    left = every_page(auditor, from_=just_after.isoformat().replace("+00:00", "Z"))
    assert left[0]["position"] > last["position"]


def test_a_period_of_days_includes_them_and_may_last_beyond_today(auditor, claire):
    everything = every_page(auditor)
    today = datetime.now(UTC).date()
    yesterday, tomorrow = (today + timedelta(days=days) for days in (-1, 1))
    assert every_page(auditor, from_=yesterday, to=tomorrow) == everything
    assert every_page(auditor, from_=tomorrow) == []
    assert every_page(auditor, to=yesterday - timedelta(days=1)) == []


def test_pages_stay_where_they_are_while_events_come_in(house, auditor, claire):
    before = every_page(auditor)
    items, cursor = [], ""
    while cursor is not None:
        page = auditor.get(f"/audit/events?limit=9{cursor}").json
        items, following = items + page["items"], page["next_cursor"]
        cursor = following and f"&cursor={following}"
        late = house.holder()
    assert without_reads(items) == before
    assert str(late.id) in {each["account"] for each in every_page(auditor)}


def test_an_erased_persons_events_stay_and_name_what_is_gone(house, auditor):
    gone = house.holder()
    with house.service.pool.connection() as connection:
        connection.execute("DELETE FROM data_keys WHERE person = %s", (gone.id,))
    requested = every_page(auditor, account=gone.id, type="account.requested")[0]
    assert sorted(requested["erased"]) == ["device", "email", "family_name", "given_name", "network"]
    assert {requested["data"][name] for name in requested["erased"]} == {None}
    assert requested["data"]["locale"] == "fr"


def test_an_event_that_was_tampered_with_is_shown_as_far_as_it_can_be(house, auditor):
    victim = house.holder()
    with tampering(house.service.conninfo) as owner:
        owner.execute(
            "UPDATE events SET state = overlay(state placing '!' from position('sealed'::bytea in state) + 60)"
            " WHERE originator_id = %s AND originator_version = 1",
            (victim.id,),
        )
    assert every_page(auditor, account=victim.id, type="account.requested")[0]["broken"] == ["device"]


BAD_FILTERS = [
    ("account=x", 422, "account"),
    ("actor=x", 422, "actor"),
    ("type=account.nothing", 422, "type"),
    ("from=yesterday", 422, "from"),
    ("to=2025-02-30", 422, "to"),
    (f"from={10**17}", 422, "from"),
    ("from=2025-03-04&to=2025-03-02", 422, "from"),
    ("from=9&to=8", 422, "from"),
    ("from=2999-01-02&to=2999-01-01", 422, "from"),
    ("limit=201", 422, "limit"),
    ("bom=yes", 422, "bom"),
    ("q=claire", 422, "q"),
    ("cursor=x", 400, None),
    ("account=6f1f2c35-6c1f-4f8e-9a39-0c4a5a4c8a11", 404, None),
]


@pytest.mark.parametrize(("asked", "status", "field"), BAD_FILTERS)
@pytest.mark.parametrize("form", ["application/json", CSV])
def test_a_filter_that_is_none_is_refused_before_anything_is_sent(
    auditor, claire, asked, status, field, form
):
    answer = auditor.get(f"/audit/events?{asked}", headers={"Accept": form})
    assert answer.status_code == status
    assert list(answer.json.get("errors", {})) == ([field] if field else [])


def test_only_auditors_read_the_log(house, claire):
    clerk = house.staff("secretariat", "marc@school.example")
    for client in (claire, clerk):
        for path in ("/audit/events", f"/audit/exports/{uuid4()}"):
            assert client.get(path).status_code == 403
    assert house.client().get("/audit/events").status_code == 401
