"""Evidence over the API and at the command line: who gets it, what it holds, and the trace that it leaves."""

import json
import stat
from collections.abc import Iterator

import pytest
from api_client import PROFILE, Client, House, running
from running_service import a_service
from services import new_database

from api import verify

NOBODY = "00000000-0000-4000-8000-00000000000f"


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory) -> Iterator[House]:
    with (
        new_database(postgres, template) as database_url,
        running(database_url, tmp_path_factory.mktemp("home")) as house,
    ):
        yield house


@pytest.fixture(scope="module")
def claire(house) -> Client:
    claire = house.holder("claire@school.example")
    assert claire.put("/me/profile", PROFILE).status_code == 200
    return claire


@pytest.fixture(scope="module")
def auditor(house) -> Client:
    return house.staff("auditor", "auditor@canton.example")


def key_of(house: House) -> verify.Key:
    return verify.Key.read(str(house.service.checkpoints.verifier))


def test_an_auditor_gets_a_file_that_proves_itself(house, claire, auditor):
    answer = auditor.get(f"/audit/accounts/{claire.id}/bundle")
    assert answer.status_code == 200
    report = verify.examine(answer.data, key_of(house))
    assert [finding.code for finding in report.findings] == []
    assert (report.bundle["account"], report.proven) == (str(claire.id), len(report.bundle["events"]))
    assert report.bundle["as_of"]["account"]["email"] == "claire@school.example"
    size = report.bundle["checkpoint"]["size"]
    assert answer.headers["Content-Disposition"] == f'attachment; filename="evidence-{claire.id}-{size}.json"'


def test_it_holds_what_was_written_just_before(house, auditor):
    claire = house.holder()
    before = verify.read_json(auditor.get(f"/audit/accounts/{claire.id}/bundle").data)
    assert claire.put("/me/profile", PROFILE).status_code == 200
    after = verify.read_json(auditor.get(f"/audit/accounts/{claire.id}/bundle").data)
    topics = [event["topic"] for event in after["events"]]
    assert topics[: len(before["events"])] == [event["topic"] for event in before["events"]]
    assert "profile.submitted" in topics[len(before["events"]) :]


def test_a_number_wants_a_purpose(house, claire, auditor):
    path = f"/audit/accounts/{claire.id}/bundle"
    assert b"7561234567897" not in auditor.get(path).data
    assert b"7561234567897" in auditor.get(f"{path}?purpose=audit").data
    assert auditor.get(f"{path}?purpose=curiosity").status_code == 422


def test_that_it_was_taken_is_recorded_with_its_purpose(house, claire, auditor):
    auditor.get(f"/audit/accounts/{claire.id}/bundle?purpose=legal-duty")
    accesses = auditor.get(
        f"/audit/accesses?account={claire.id}", headers={"Log-Position": house.position()}
    ).json
    taken = [each for each in accesses["items"] if each["what"] == "bundle"]
    assert taken[-1]["reader"] == str(auditor.id)
    assert taken[-1]["purpose"] == "legal-duty"


@pytest.mark.parametrize("role", ["secretariat", "data-protection", "operator"])
def test_nobody_else_gets_it(house, claire, role):
    asking = house.staff(role, f"{role}@school.example")
    assert asking.get(f"/audit/accounts/{claire.id}/bundle").status_code == 403
    assert claire.get(f"/audit/accounts/{claire.id}/bundle").status_code == 403
    assert house.client().get(f"/audit/accounts/{claire.id}/bundle").status_code == 401


def test_of_nobody_there_is_none(auditor):
    assert auditor.get(f"/audit/accounts/{NOBODY}/bundle").status_code == 404


def test_at_the_command_line_it_is_written_for_its_owner_alone_and_checked_there(tmp_path):
    with a_service() as service:
        service.run()
        service.sign_up("ada@school.example")
        service.wait_for_mail("ada@school.example")
        file = tmp_path / "evidence.json"
        written = service.command("audit", "bundle", "ada@school.example", "--output", str(file), "--json")
        assert written.returncode == 0, written.stderr
        told = json.loads(written.stdout)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        checked = service.command("verify", str(file), "--key", told["key"], "--json")
        assert checked.returncode == 0, checked.stdout
        assert json.loads(checked.stdout)["proven"] == told["events"] >= 2
        printed = service.command("audit", "bundle", "ada@school.example")
        assert verify.examine(printed.stdout.encode()).findings == []
        assert service.command("audit", "bundle", NOBODY).returncode == 1
        assert service.command("audit", "bundle", "ada@school.example", "--purpose", "x").returncode == 2
