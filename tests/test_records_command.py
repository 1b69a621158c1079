"""`matricule records`, and all that shows how the mirror stands, beside the running service."""

import json

import pytest
from records_register import Register, a_record, send, serving
from running_service import a_service
from spec import until

SECRET = "s3cret-of-the-register"


@pytest.fixture
def register() -> Register:
    return Register(*(a_record(number) for number in range(1, 13)), page=5)


def test_records_come_from_the_register_and_its_faults_are_seen_everywhere(register, database_url, tmp_path):
    with (
        serving(register) as url,
        a_service(
            DATABASE_URL=database_url, RECORDS_URL=url.replace("//", f"//matricule:{SECRET}@")
        ) as service,
    ):
        service.run()
        until(lambda: service.health()["records"]["records"] == 12)
        health = service.health()
        assert (health["status"], health["records"]["source"], health["records"]["fault"]) == (
            "ready",
            url,
            None,
        )
        assert "matricule_records_fault 0.0" in metrics(service)

        register.act = lambda handler, page: send(handler, b"", status=503)
        refresh = service.command("records", "refresh")
        assert refresh.returncode == 1
        said = " ".join(refresh.stderr.split())
        assert f"{url} answers with an error (HTTP 503). The older records stay in use." in said
        status = service.command("records", "status")
        assert status.returncode == 1
        assert "12 of them" in status.stdout
        assert "HTTP 503" in status.stdout
        doctor = service.command("doctor")
        assert doctor.returncode == 0
        assert f"records: {url} answers with an error (HTTP 503), since" in doctor.stdout
        assert service.health()["status"] == "degraded"
        assert "matricule_records_fault 1.0" in metrics(service)

        register.act = lambda handler, page: False
        register.change(*register.records[1:], a_record(13, phone=791234567))
        refresh = service.command("records", "refresh", "--json")
        assert refresh.returncode == 1
        report = json.loads(refresh.stdout)
        assert (report["read"], report["unchanged"], report["gone"], report["refused"]) == (12, 11, 1, 1)
        assert [(each["record_number"], each["field"]) for each in report["refusals"]] == [("R-13", "phone")]
        assert report["refusals"][0]["why"].startswith("This is no text.")
        assert service.health()["records"]["refused"] == 1

        file = tmp_path / "records.csv"
        file.write_text("record_number;sex\nR-1;F\n")
        refused = service.command("import", "records", str(file))
        assert refused.returncode == 1
        assert "RECORDS_URL" in refused.stderr
        commands = (refresh, status, doctor, refused)
        told = service.told() + "".join(each.stdout + each.stderr for each in commands)
        assert SECRET not in told + metrics(service) + json.dumps(service.health())


def metrics(service) -> str:
    return service.ask("GET", "/metrics", port=service.ops_port).body.decode()
