"""`matricule audit events`, `as-of` and `diff`, as an auditor or operator types them."""

import csv
import hashlib
import json
import re
from datetime import datetime

import pytest
from api_client import PROFILE, Client, House, running
from click.testing import CliRunner, Result
from services import new_database

from api.cli import commands
from domain.calendar import ZURICH
from infrastructure.signed_notes import opened


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with new_database(postgres, template) as database, running(database, home) as house:
        house.environment = {
            "MATRICULE_HOME": str(home),
            "DATABASE_URL": database,
            "MATRICULE_DEMO": "1",
            "COLUMNS": "200",
        }
        yield house


@pytest.fixture(scope="module")
def claire(house) -> Client:
    claire = house.holder("claire@school.example")
    claire.put("/me/profile", PROFILE)
    moved = claire.put("/me/profile", {**PROFILE, "city": "Tavannes"})
    claire.moved = moved.headers["Recorded-At"]
    return claire


def typed(house: House, *words: object) -> Result:
    return CliRunner().invoke(commands, ["audit", *map(str, words)], env=house.environment)


def told(house: House, *words: object) -> dict:
    """What a command answers in JSON."""
    result = typed(house, *words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_state_is_printed_for_programs_as_the_api_tells_it(house, claire):
    then = told(house, "as-of", claire.id, claire.moved)
    assert then["profile"]["city"] == "Tavannes"
    assert then["profile"]["ahv_number"] == "756.••••.••••.97"
    assert told(house, "as-of", claire.email, then["position"])["profile"] == then["profile"]
    assert told(house, "as-of", claire.id, then["position"] - 1)["profile"]["city"] == "Moutier"
    assert told(house, "as-of", claire.id, today())["profile"]["city"] == "Tavannes"


def today() -> str:
    return datetime.now(ZURICH).date().isoformat()


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", ("Localité", "Date de naissance")),
        ("de", ("Ort", "Geburtsdatum")),
        ("en", ("City", "Date of birth")),
    ],
)
def test_a_state_is_printed_for_people_in_their_language(house, claire, language, words):
    printed = typed(house, "as-of", claire.id, claire.moved, "--language", language).stdout
    assert "Tavannes" in printed
    assert "31.12.1980" in printed
    for word in words:
        assert word in printed


def test_what_changed_is_printed_with_who_did_it(house, claire):
    before = told(house, "as-of", claire.id, claire.moved)["position"] - 1
    (change,) = [
        each for each in told(house, "diff", claire.id, before)["changes"] if each["field"] == "city"
    ]
    assert (change["old"], change["new"], change["by"]) == (
        "Moutier",
        "Tavannes",
        "la ou le titulaire",
    )
    printed = typed(house, "diff", claire.id, before, "--language", "en").stdout
    for word in ("City", "Moutier", "Tavannes", "Personal data corrected", "the account holder"):
        assert word in printed
    assert told(house, "diff", claire.id, before, before) == {"changes": [], "erased": []}
    assert told(house, "diff", claire.id, today(), today())["changes"]


def test_events_are_printed_page_by_page(house, claire):
    items = told(house, "events", "--account", claire.email)["items"]
    assert [each["type"] for each in items if not each["type"].startswith("access.")] == [
        "account.requested",
        "account.password-issued",
        "account.activated",
        "profile.submitted",
        "profile.corrected",
    ]
    first = told(house, "events", "--account", claire.id, "--limit", 2)
    assert first["items"] == items[:2]
    rest = told(house, "events", "--account", claire.id, "--from", first["next_position"])
    assert rest["items"] == items[2:]
    assert rest["next_position"] is None
    printed = typed(house, "events", "--account", claire.id, "--limit", 2, "--language", "en")
    assert "Account requested" in printed.stdout
    assert "There are more" in printed.stderr


def test_events_are_filtered_by_type_actor_and_period(house, claire):
    found = told(house, "events", "--type", "profile.corrected", "--actor", claire.id, "--from", claire.moved)
    assert [each["data"]["city"] for each in found["items"]] == ["Tavannes"]
    assert told(house, "events", "--type", "profile.corrected", "--to", today())["items"] == found["items"]


def test_numbers_are_whole_for_a_purpose_which_is_noted(house, claire, tmp_path):
    whole, masked = PROFILE["ahv_number"], "756.••••.••••.97"
    narrow = ("events", "--account", claire.id, "--type", "profile.submitted")
    file = tmp_path / "submitted.jsonl"

    def shown(*more: str) -> list[str | None]:
        diff = told(house, "diff", claire.id, 1, *more)["changes"]
        told(house, *narrow, "--output", file, *more)
        return [
            told(house, "as-of", claire.id, today(), *more)["profile"]["ahv_number"],
            next(each["new"] for each in diff if each["field"] == "ahv_number"),
            told(house, *narrow, *more)["items"][0]["data"]["ahv_number"],
            json.loads(file.read_text())["data"]["ahv_number"],
        ]

    assert shown() == [masked] * 4
    assert shown("--purpose", "audit") == [whole] * 4
    noted = [
        (each["data"]["what"], each["data"]["purpose"])
        for each in told(house, "events", "--type", "access.read", "--limit", 200)["items"]
    ]
    assert noted[-10:] == [
        ("diff", None), ("export", None), ("export", None), ("as-of", None), ("events", None),
        ("diff", "audit"), ("export", "audit"), ("export", "audit"), ("as-of", "audit"), ("events", "audit"),
    ]  # fmt: skip
    assert typed(house, "as-of", claire.id, today(), "--purpose", "curiosity").exit_code == 2


def test_a_file_has_its_manifest_beside_it(house, claire, tmp_path):
    file = tmp_path / "claire.csv"
    written = typed(house, "events", "--account", claire.id, "--output", file, "--bom", "--json")
    manifest = json.loads(written.stdout)
    assert re.search(r"^events .* (\d+)/\1 ", written.stderr, re.MULTILINE)  # the bar, at its end
    assert file.stat().st_mode & 0o077 == 0
    assert manifest["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    note = (tmp_path / "claire.csv.manifest").read_text()
    text, _ = opened(note, [house.service.checkpoints.verifier])
    assert json.loads(text)["sha256"] == manifest["sha256"]
    with file.open(encoding="utf-8-sig", newline="") as written:
        rows = list(csv.DictReader(written))
    assert len(rows) == manifest["count"] > 0
    assert {row["account"] for row in rows} == {str(claire.id)}


def test_lines_go_where_a_program_reads_them(house, claire):
    result = typed(house, "events", "--account", claire.id, "--jsonl")
    items = [json.loads(line) for line in result.stdout.splitlines()]
    assert items == told(house, "events", "--account", claire.id)["items"]


def test_what_the_command_line_reads_is_noted(house, claire):
    for words in (
        ("as-of", claire.id, 10**6 * 4),
        ("as-of", claire.id, today()),
        ("diff", claire.id, today()),
    ):
        typed(house, *words)
    typed(house, "events", "--account", claire.id, "--jsonl")
    auditor = house.staff("auditor", "auditor@canton.example")
    seen = auditor.get("/audit/accesses?limit=200").json["items"]
    by_operator = [each for each in seen if each["role"] == "operator"]
    assert {"as-of", "diff", "events", "export"} <= {each["what"] for each in by_operator}
    begun, ended = [each for each in by_operator if each["what"] == "export"][-2:]
    assert begun["filters"] == ended["filters"] == {"account": str(claire.id), "format": "jsonl"}
    assert begun["accounts"] == [str(claire.id)]
    assert ended["count"] > 1


WRONG = [
    (("as-of", "ACCOUNT", "yesterday"), 2, "INSTANT|POSITION"),
    (("as-of", "ACCOUNT", "2999-01-01"), 2, "future"),
    (("as-of", "ACCOUNT", str(10**17)), 2, "does not reach"),
    (("as-of", "ACCOUNT", "1"), 1, "did not exist yet"),
    (("as-of", "b1c3d1de-95bb-4a44-8f0a-4f1d6a0c2f6e", "2025-01-01"), 1, "Not found"),
    (("as-of", "nobody@school.example", "2025-01-01"), 1, "No account"),
    (("diff", "ACCOUNT", "9", "8"), 2, "Exchange"),
    (("events", "--from", "yesterday"), 2, "--from"),
    (("events", "--from", "2025-03-04", "--to", "2025-03-02"), 2, "Exchange"),
    (("events", "--type", "account.nothing"), 2, "--type"),
    (("events", "--account", "b1c3d1de-95bb-4a44-8f0a-4f1d6a0c2f6e"), 1, "Not found"),
]


@pytest.mark.parametrize(("words", "status", "says"), WRONG)
def test_a_wrong_use_is_told_in_the_readers_language(house, claire, words, status, says):
    words = [str(claire.id) if word == "ACCOUNT" else word for word in words]
    result = typed(house, *words, "--language", "en")
    assert result.exit_code == status, result.output
    assert says in result.stderr
    assert result.stdout == ""
