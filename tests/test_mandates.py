"""A mandate ends with its last day in Switzerland: on every path of staff, in whatever session."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from api_client import PREFIX, Client, House, running
from write_side import StandingClock

from api.described import facts_of
from api.documentation import operations, path_of

LAST_DAY = date(2025, 9, 30)
EVENING = datetime(2025, 9, 30, 21, 30, tzinfo=UTC)  # 23:30 in Zurich
SOME_ID = "b1c3d1de-95bb-4a44-8f0a-4f1d6a0c2f6e"


@pytest.fixture
def clock():
    return StandingClock(EVENING)


@pytest.fixture
def house(database_url, tmp_path, clock):
    with running(database_url, tmp_path, clock) as house:
        yield house


@pytest.fixture
def auditor(house) -> Client:
    """By cookie, with a mandate that ends today."""
    return house.staff("auditor", "auditor@canton.example", LAST_DAY)


@pytest.fixture
def by_token(house, auditor, clock) -> Client:
    clock.goes_on(timedelta(minutes=1))  # a code is good once
    pair = auditor.pair | {"code": auditor.codes.at(clock.now())}
    opened = house.client().post("/tokens", pair)
    assert opened.status_code == 201, opened.json
    return house.client(Authorization=f"Bearer {opened.json['token']}")


def refused(house: House, client: Client) -> dict[str, bool]:
    """Of each path that an auditor reads, whether it is refused."""
    found = {}
    for rule, method in operations(house.app):
        if method == "get" and "auditor" in facts_of(house.app.view_functions[rule.endpoint]).get(
            "roles", ()
        ):
            path = re.sub("{[a-z_]+}", SOME_ID, path_of(rule)).removeprefix(PREFIX)
            found[path] = client.get(path).status_code == 403
    return found


def test_a_mandate_ends_with_its_last_day_in_sessions_that_are_open(house, auditor, by_token, clock):
    for client in (auditor, by_token):
        answers = refused(house, client)
        assert len(answers) > 4
        assert not any(answers.values()), answers
    clock.at = datetime(2025, 9, 30, 21, 59, 59, 999999, tzinfo=UTC)
    assert not any(refused(house, auditor).values())
    clock.at = datetime(2025, 9, 30, 22, 0, tzinfo=UTC)  # midnight
    for client in (auditor, by_token):
        answers = refused(house, client)
        assert all(answers.values()), answers
        assert client.get("/me").json["roles"] == []


def test_who_signs_in_after_the_last_day_has_no_role(house, auditor, clock):
    clock.at = datetime(2025, 9, 30, 22, 0, tzinfo=UTC)
    again = auditor.again()
    opened = again.post("/session", auditor.pair | {"code": auditor.codes.at(clock.now())})
    assert (opened.status_code, opened.json["roles"]) == (201, [])
    assert all(refused(house, again).values())


def test_a_mandate_that_is_prolonged_goes_on_in_the_same_session(house, auditor, clock):
    clock.at = datetime(2025, 9, 30, 22, 0, tzinfo=UTC)
    assert all(refused(house, auditor).values())
    house.service.accounts.grant("auditor", auditor.email, date(2025, 12, 31), actor=auditor.id)
    assert not any(refused(house, auditor).values())
