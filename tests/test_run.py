"""`matricule run`: alone, with real servers beside it, a second time, and at its end."""

import os
import pwd
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier, Literal
from running_service import RunningService, a_service, password_in
from services import new_database
from spec import until

ADA, BEN = "ada@school.example", "ben@school.example"
REAL = ("DATABASE_URL", "BROKER_URL", "SMTP_URL")


@contextmanager
def an_installed_service(**environ: str) -> Iterator[RunningService]:
    """Started by the very file that an operator starts."""
    with a_service(**environ) as service:
        service.prefix = []
        yield service


@pytest.fixture
def ordinary_database(postgres) -> Iterator[str]:
    """An empty database that belongs to a role which may do nothing beside."""
    name, password = f"matricule_test_{uuid4().hex}", uuid4().hex
    with new_database(postgres) as database, psycopg.connect(database, autocommit=True) as connection:
        if not connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()[0]:
            yield database  # our own role is one
            return
        role, its_database = Identifier(name), Identifier(connection.info.dbname)
        connection.execute(SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, Literal(password)))
        connection.execute(SQL("ALTER DATABASE {} OWNER TO {}").format(its_database, role))
        try:
            yield make_conninfo(database, user=name, password=password)
        finally:
            connection.execute(SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(role))
            connection.execute(SQL("DROP ROLE {}").format(role))


def comes_in(service: RunningService, email: str, mail: EmailMessage) -> str:
    """The first sign-in, with the password of the mail. Returns the token."""
    signed_in = service.sign_in(email, password_in(mail))
    assert signed_in.status == 201, signed_in.body
    token = signed_in.json["token"]
    assert service.me(token).json["email"] == email
    return token


def processes_of(home: Path) -> list[str]:
    """Command lines of all processes that work in a home or were started for it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            if str(home) in f"{told.decode(errors='replace')} {os.readlink(process / 'cwd')}":
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:  # gone meanwhile, or not ours
            continue
    return found


@pytest.mark.parametrize("real", [*((one,) for one in REAL), REAL])
def test_each_part_can_be_a_real_server_with_no_other_change(real, ordinary_database, broker_url, smtp):
    urls = dict(zip(REAL, (ordinary_database, broker_url, smtp.url), strict=True))
    with a_service(**{name: urls[name] for name in real}) as service:
        service.run()
        assert service.sign_up(ADA).status == 202
        mail = smtp.wait_for(to=ADA)[0] if "SMTP_URL" in real else service.wait_for_mail(ADA)
        comes_in(service, ADA, mail)
        assert (service.home / "postgresql").exists() == ("DATABASE_URL" not in real)
        assert bool(service.mails()) == ("SMTP_URL" not in real)


def test_a_second_one_in_the_same_home_says_so_and_leaves_the_first_alone():
    with a_service() as service:
        service.run()
        second = service.start()
        assert second.wait(30) == 1
        assert "already running" in service.told()
        service.sign_up(ADA)
        comes_in(service, ADA, service.wait_for_mail(ADA))
        assert service.health()["status"] == "ready"


def test_ctrl_c_ends_everything_and_nothing_is_lost():
    with an_installed_service() as service:
        running = service.run()
        service.sign_up(ADA)
        token = comes_in(service, ADA, service.wait_for_mail(ADA))
        assert any("postgres" in command for command in processes_of(service.home))
        assert service.interrupt(running) == 0
        assert "nothing is lost" in service.told()
        assert processes_of(service.home) == []
        service.prefix = None
        service.run()
        assert service.me(token).json["email"] == ADA


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_stopped_while_it_starts_it_leaves_nothing_running(how):
    with a_service() as service:
        starting = service.start()
        until((service.home / "postgresql" / "data" / "postmaster.pid").exists)
        os.kill(starting.pid, how)
        assert starting.wait(30) in (0, 128 + how)
        assert processes_of(service.home) == []


def test_a_port_that_is_taken_is_said_and_nothing_is_left_running(smtp):
    port = smtp.url.rpartition(":")[2]
    with a_service(MATRICULE_PORT=port) as service:
        status = service.start().wait(30)
        assert status == 1
        assert "MATRICULE_PORT" in service.told()
        assert processes_of(service.home) == []


def test_without_its_broker_it_answers_and_the_doctor_finds_the_fault():
    with a_service(BROKER_URL="amqp://guest:guest@127.0.0.1:1//") as service:
        service.run()
        assert service.sign_up(ADA).status == 202
        assert service.health()["status"] == "degraded"
        doctor = service.command("doctor")
        assert doctor.returncode == 1
        assert "broker: does not answer" in doctor.stdout
        assert "correct BROKER_URL" in doctor.stdout


def test_it_runs_as_another_user_than_root_too():
    """Who is not root already, has run all the others so."""
    with an_installed_service() as service:
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(service.home.parent, nobody.pw_uid, nobody.pw_gid)
            service.prefix = [
                "setpriv",
                f"--reuid={nobody.pw_uid}",
                f"--regid={nobody.pw_gid}",
                "--clear-groups",
                # Our own folder may be one that root keeps to itself.
                "--inh-caps=+dac_read_search",
                "--ambient-caps=+dac_read_search",
            ]
        service.run()
        service.sign_up(ADA)
        comes_in(service, ADA, service.wait_for_mail(ADA))
