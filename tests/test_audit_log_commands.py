"""`matricule audit checkpoint`, `verify-all` and `reconcile`, as an operator and a program read them."""

import json

import pytest
from api_client import House, running
from command_line import matricule
from services import new_database
from tree_side import tampering

from infrastructure.signed_notes import Checkpoint, opened


@pytest.fixture
def house(postgres, template, tmp_path):
    with new_database(postgres, template) as database, running(database, tmp_path) as house:
        house.holder()
        house.service.watermark.wait(("tree", "directory"), house.service.watermark.open(house.position()))
        yield house


def tampered(house: House) -> int:
    """The position of an event that the database's owner changes."""
    with tampering(house.service.conninfo) as owner:
        ((position,),) = owner.execute(
            "UPDATE events SET recorded_at = recorded_at - interval '1 day'"
            " WHERE position = (SELECT max(position) FROM events WHERE originator_version = 2) RETURNING position"
        ).fetchall()
    return position


def test_a_checkpoint_is_signed_and_printed(house):
    printed = matricule(house, "audit", "checkpoint")
    assert printed.returncode == 0, printed.stderr
    checkpoints = house.service.checkpoints
    signed = Checkpoint.read(opened(printed.stdout, [checkpoints.verifier])[0])
    assert signed == Checkpoint(checkpoints.origin, checkpoints.latest().size, checkpoints.latest().root)
    again = json.loads(matricule(house, "audit", "checkpoint", "--json").stdout)
    assert (again["size"], again["checkpoint"]) == (signed.size, printed.stdout)


def test_an_honest_log_verifies_in_the_readers_language(house, tmp_path):
    note = matricule(house, "audit", "checkpoint").stdout
    (tmp_path / "outside.txt").write_text(note)
    checked = matricule(house, "audit", "verify-all", "--checkpoint", str(tmp_path / "outside.txt"))
    assert (checked.returncode, checked.stdout.strip()[:3]) == (0, "All")
    assert "concordent" in matricule(house, "audit", "verify-all", "--language", "fr").stdout
    found = json.loads(matricule(house, "audit", "verify-all", "--json").stdout)
    assert (found["ok"], found["position"], found["problem"]) == (True, None, None)


def test_a_log_that_was_changed_is_found_and_the_event_named(house):
    position = tampered(house)
    told = matricule(house, "audit", "verify-all", "--language", "de")
    assert told.returncode == 1
    assert f"Position {position}" in told.stderr
    found = json.loads(matricule(house, "audit", "verify-all", "--json").stdout)
    assert (found["ok"], found["position"], found["problem"]) == (False, position, "event-differs")


def test_a_published_checkpoint_in_its_folder_is_compared_by_itself(house):
    publish = next(role for role in house.service.tick() if role.name == "publish")
    publish.step()
    (file,) = house.service.settings.checkpoint_dir.iterdir()
    file.write_text(file.read_text("utf-8").replace("\n\n", "\nanother line\n\n"), "utf-8")
    found = json.loads(matricule(house, "audit", "verify-all", "--json").stdout)
    assert (found["ok"], found["problem"]) == (False, "checkpoint-not-signed")


def test_read_models_that_differ_from_the_log_are_told(house):
    assert matricule(house, "audit", "reconcile").returncode == 0
    assert json.loads(matricule(house, "audit", "reconcile", "--json").stdout) == {"differences": []}
    with house.service.pool.connection() as owner:
        ((account_id,),) = owner.execute("UPDATE directory SET locale = 'de' RETURNING account_id").fetchall()
    assert reads(house) == []
    told = matricule(house, "audit", "reconcile")
    assert told.returncode == 1
    assert reads(house) == [{"role": "operator", "accounts": [str(account_id)], "shown": 1}]
    assert str(account_id) in told.stdout
    assert json.loads(matricule(house, "audit", "reconcile", "--json").stdout)["differences"] == [
        {
            "table": "directory",
            "key": {"account_id": str(account_id)},
            "column": "locale",
            "live": "de",
            "replayed": "fr",
            "account": str(account_id),
        }
    ]
    assert len(reads(house)) == 2


def reads(house: House) -> list[dict]:
    """What was noted of what reconciling has shown."""
    with house.service.pool.connection() as connection:
        states = connection.execute("SELECT state FROM events WHERE topic = 'access.read' ORDER BY position")
        noted = [json.loads(state) for (state,) in states]
    return [
        {name: each[name] for name in ("role", "accounts", "shown")}
        for each in noted
        if each["what"] == "reconcile"
    ]
