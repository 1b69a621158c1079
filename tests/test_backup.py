"""`matricule backup` and `restore`: all or nothing, whole or refused, and nobody comes back who was erased."""

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import program
import psycopg
import pytest
from erasing import erased_by_two
from running_service import RunningService, a_service, password_in
from services import new_database
from spec import until

ADA, BEN = "ada@example.org", "ben@example.org"


@pytest.fixture
def service(database_url) -> Iterator[RunningService]:
    with a_service(DATABASE_URL=database_url, ERASURE_MAIL_HOURS="0.001") as service:
        yield service


@pytest.fixture
def elsewhere() -> Iterator[RunningService]:
    """Another home, with a copy of the master key and an own PostgreSQL; of the register, when a test brings it."""
    with a_service() as other:
        other.home.mkdir()
        yield other


def backed_up(service: RunningService, name: str = "backup") -> Path:
    folder = service.home.parent / name
    done = service.command("backup", str(folder))
    assert done.returncode == 0, done.stderr
    return folder


def bring(service: RunningService, other: RunningService, *files: str) -> None:
    for name in files:
        (other.home / name).write_bytes((service.home / name).read_bytes())
        (other.home / name).chmod(0o600)


def in_use(service: RunningService, email: str) -> tuple[str, str]:
    """Password and token of somebody who has signed in."""
    service.sign_up(email)
    password = password_in(service.wait_for_mail(email))
    return password, service.sign_in(email, password).json["token"]


def test_from_an_old_backup_everything_comes_back_but_whoever_was_erased_since(service, elsewhere):
    service.run()
    (ada_password, ada), (ben_password, ben) = in_use(service, ADA), in_use(service, BEN)
    ada_id, ben_id = (service.me(token).json["id"] for token in (ada, ben))
    folder = backed_up(service)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert not [*folder.glob("import*")]
    key = (service.home / "master.key").read_text().split()[1]
    assert not [file for file in folder.iterdir() if key.encode() in file.read_bytes()]
    erased_by_two(service, ada_id)
    assert service.mails(ADA)[-1]["X-Matricule-Kind"] == "erased"

    bring(service, elsewhere, "master.key", "checkpoint.key")
    refused = elsewhere.command("restore", str(folder))
    assert refused.returncode == 1
    assert "register of erasures" in refused.stderr

    bring(service, elsewhere, "erasures.jsonl")
    done = elsewhere.command("restore", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["erased_again"] == 1
    elsewhere.run()
    assert elsewhere.sign_in(ADA, ada_password).status == 401
    assert elsewhere.me(ben).status == 401
    assert elsewhere.sign_in(BEN, ben_password).status == 201
    facts = elsewhere.rows("SELECT topic FROM events WHERE originator_id = %s ORDER BY position", ada_id)
    assert facts[-1] == ("account.erased",)
    assert elsewhere.rows("SELECT person FROM data_keys WHERE person::text IN (%s, %s)", ada_id, ben_id) != []
    assert elsewhere.rows("SELECT count(*) FROM data_keys WHERE person = %s", ada_id) == [(0,)]
    assert elsewhere.rows("SELECT state, email FROM directory WHERE account_id = %s", ada_id) == [
        ("erased", None)
    ]
    elsewhere.sign_up(ADA)
    until(lambda: bool(elsewhere.mails(ADA)))  # a new person
    assert elsewhere.rows("SELECT count(*) FROM data_keys WHERE person = %s", ada_id) == [(0,)]


def test_a_database_that_came_back_in_another_way_is_cleared_before_anything_else(service):
    running = service.run()
    _, ada = in_use(service, ADA)
    ada_id = service.me(ada).json["id"]
    service.interrupt(running)
    entry = dict.fromkeys(("account_id", "profile_id", "erasure_id", "proposed_by", "approved_by"), ada_id)
    line = json.dumps({**entry, "reason": "request-of-holder", "at": "2025-09-01T12:00:00+00:00"})
    (service.home / "erasures.jsonl").write_text(line + "\n")
    told = service.command("history", ada_id, "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["items"][-1]["type"] == "account.erased"
    assert ADA not in told.stdout


def test_what_is_there_is_not_overwritten():
    with a_service() as service:
        service.run()
        in_use(service, ADA)
        folder, before = backed_up(service), service.rows("SELECT * FROM events ORDER BY position")
        again = service.command("backup", str(folder))
        assert (again.returncode, "not empty" in again.stderr) == (1, True)
        running = service.command("restore", str(folder))
        assert (running.returncode, "already running" in running.stderr) == (1, True)
        service.interrupt(service.processes[-1])
        full = service.command("restore", str(folder))
        assert (full.returncode, "not empty" in full.stderr) == (1, True)
        service.run()
        assert service.rows("SELECT * FROM events ORDER BY position") == before


@pytest.fixture(scope="module")
def taken(postgres, template) -> Iterator[tuple[RunningService, Path]]:
    """A service that is down again, and its backup."""
    with new_database(postgres, template) as database, a_service(DATABASE_URL=database) as service:
        running = service.run()
        in_use(service, ADA)
        folder = backed_up(service)
        service.last = service.rows("SELECT max(position) FROM events")
        service.interrupt(running)
        yield service, folder


@pytest.fixture
def copied(taken, tmp_path) -> Path:
    """A copy of the backup, to be spoilt."""
    return shutil.copytree(taken[1], tmp_path / "backup")


@pytest.mark.parametrize(
    ("file", "spoil", "words"),
    [
        ("events.copy", lambda old: old[:-20], "bytes instead of"),
        ("events.copy", lambda old: bytes([old[0] ^ 1]) + old[1:], "not as it was written"),
        ("lookup.copy", None, "cannot be read"),
        ("erasures.jsonl", lambda old: old + b"{}\n", "not as it was written"),
        ("manifest.json", lambda old: old[:-20], "broken"),
        ("manifest.json", None, "no backup"),
        ("manifest.json", lambda old: old.replace(b'"format": 1', b'"format": 9'), "format 9"),
    ],
)
def test_a_backup_that_is_not_whole_is_refused_before_anything_is_done(
    taken, copied, elsewhere, file, spoil, words
):
    bring(taken[0], elsewhere, "master.key", "erasures.jsonl", "checkpoint.key")
    path = copied / file
    if spoil:
        path.write_bytes(spoil(path.read_bytes()))
    else:
        path.unlink()
    refused = elsewhere.command("restore", str(copied))
    assert (refused.returncode, "Traceback" in refused.stderr) == (1, False)
    assert words in " ".join(refused.stderr.split())
    assert not (elsewhere.home / "postgresql").exists()


def restored(
    database: str, service: RunningService, folder: Path, *more: str
) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], **service.settings, "DATABASE_URL": database}
    return program.run("restore", folder, *more, env=environ)


def tables(database: str) -> list[tuple]:
    with psycopg.connect(database) as connection:
        return connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        ).fetchall()


@pytest.fixture
def empty(postgres) -> Iterator[str]:
    with new_database(postgres) as database:
        yield database


def test_what_fails_in_the_middle_leaves_an_empty_database(taken, copied, elsewhere, empty):
    bring(taken[0], elsewhere, "master.key", "erasures.jsonl", "checkpoint.key")
    manifest = json.loads((copied / "manifest.json").read_bytes())
    (table,) = [table for table in manifest["tables"] if table["name"] == "outbox"]
    table["rows"] += 1
    (copied / "manifest.json").write_text(json.dumps(manifest))
    refused = restored(empty, elsewhere, copied)
    assert (refused.returncode, "rows instead of" in refused.stderr) == (1, True)
    assert tables(empty) == []


def test_of_a_newer_version_nothing_is_restored(taken, copied, elsewhere, empty):
    bring(taken[0], elsewhere, "master.key", "erasures.jsonl", "checkpoint.key")
    manifest = copied / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"0007_passwords", b"9999_tomorrow"))
    refused = restored(empty, elsewhere, copied)
    assert (refused.returncode, "newer version" in refused.stderr) == (1, True)
    assert tables(empty) == []


def test_under_another_master_key_nothing_is_restored(taken, copied, elsewhere, empty):
    bring(taken[0], elsewhere, "erasures.jsonl", "checkpoint.key")
    for line, words in (("1", "another master key"), ("2", "generation 1 of the master key")):
        (elsewhere.home / "master.key").write_text(f"{line} {'A' * 43}=\n")
        (elsewhere.home / "master.key").chmod(0o600)
        refused = restored(empty, elsewhere, copied)
        assert refused.returncode == 1
        assert words in " ".join(refused.stderr.split())
    assert tables(empty) == []


def test_a_log_that_ends_before_what_was_published_is_told(taken, copied, elsewhere, empty):
    bring(taken[0], elsewhere, "master.key", "erasures.jsonl", "checkpoint.key")
    service = taken[0]
    service.run()
    in_use(service, f"{uuid4()}@example.org")
    note = service.command("audit", "checkpoint").stdout
    service.interrupt(service.processes[-1])
    (elsewhere.home / "checkpoints").mkdir()
    (elsewhere.home / "checkpoints" / "2025-09-01.checkpoint").write_text(note)
    told = restored(empty, elsewhere, copied, "--json")
    assert told.returncode == 1
    assert json.loads(told.stdout)["log"]["ok"] is False


def test_a_backup_in_a_database_of_another_server_goes_on_behind_its_last_event(
    taken, copied, elsewhere, empty
):
    bring(taken[0], elsewhere, "master.key", "erasures.jsonl", "checkpoint.key")
    done = restored(empty, elsewhere, copied, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["log"]["ok"]
    elsewhere.settings["DATABASE_URL"] = empty
    elsewhere.run()
    in_use(elsewhere, BEN)
    assert elsewhere.rows("SELECT max(position) FROM events") > taken[0].last
    assert elsewhere.rows("SELECT count(*) FROM lookup WHERE kind = 'email'") == [(2,)]


def test_doctor_says_when_the_register_lacks_somebody(service):
    service.run()
    _, ada = in_use(service, ADA)
    erased_by_two(service, service.me(ada).json["id"])
    well = service.command("doctor")
    assert "the register knows 1 people" in well.stdout
    (service.home / "erasures.jsonl").unlink()
    ill = service.command("doctor")
    assert ill.returncode == 1
    assert "lacks 1 people" in ill.stdout
    (service.home / "erasures.jsonl").write_text("{}\n")
    broken = service.command("doctor")
    assert broken.returncode == 1
    assert "broken in line 1" in broken.stdout
