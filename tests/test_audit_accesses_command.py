"""`matricule audit accesses`: who was shown whose data, at the command line, which leaves a trace itself."""

import json
from subprocess import CompletedProcess

import command_line
import pytest
from api_client import House, running

from domain.values import OPERATOR


@pytest.fixture
def house(database_url, tmp_path):
    with running(database_url, tmp_path) as house:
        yield house


def matricule(house: House, *arguments: str) -> CompletedProcess[str]:
    house.service.watermark.wait(
        ("accesses", "account_accesses"), house.service.watermark.open(house.position())
    )
    return command_line.matricule(house, *arguments)


def items(house: House, *arguments: str) -> list[dict]:
    asked = matricule(house, "audit", "accesses", "--json", *arguments)
    assert asked.returncode == 0, asked.stderr
    return json.loads(asked.stdout)["items"]


def test_accesses_are_printed_by_account_and_reader_and_the_printing_is_one(house):
    clerk, claire = house.staff("secretariat", "clerk@school.example"), house.holder()
    clerk.get(f"/accounts/{claire.id}?purpose=linking")
    [access] = items(house, "--account", str(claire.id))
    assert (access["reader"], access["by"], access["role"]) == (str(clerk.id), clerk.email, "secretariat")
    assert (access["what"], access["purpose"]) == ("account", "linking")
    [own] = items(house, "--reader", str(OPERATOR), "--language", "en")
    assert (own["by"], own["role"], own["what"]) == ("operations", "operator", "accesses")
    assert own["accounts"] == [str(claire.id)]
    assert own["filters"] == {"account": str(claire.id), "kind": "read"}
    assert [each["what"] for each in items(house, "--account", str(clerk.id), "--kind", "sign-in")] == [
        "signed-in"
    ]


def test_for_people_they_are_a_table_in_their_language(house):
    clerk, claire = house.staff("secretariat", "clerk@school.example"), house.holder()
    clerk.get(f"/accounts/{claire.id}?purpose=linking")
    table = matricule(house, "audit", "accesses", "--language", "de").stdout
    for said in (clerk.email, "Kontoblatt", str(claire.id)):
        assert said in table


def test_the_history_at_the_command_line_leaves_a_trace(house):
    claire = house.holder()
    assert matricule(house, "history", claire.email).returncode == 0
    [access] = items(house, "--account", str(claire.id))
    assert (access["reader"], access["what"]) == (str(OPERATOR), "timeline")


def test_what_is_no_account_or_day_is_used_wrongly(house):
    house.holder()
    assert matricule(house, "audit", "accesses", "--account", "rossel").returncode == 2
    assert matricule(house, "audit", "accesses", "--from", "yesterday").returncode == 2
