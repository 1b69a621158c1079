"""The servers that tests need: found running, else started here, installed first where that is possible."""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from kombu import Connection
from private_rabbitmq import PROGRAM, PrivateRabbitMQ, answers
from psycopg.conninfo import make_conninfo

from infrastructure.embedded_postgres import EmbeddedPostgres

INSTALLING = Path(tempfile.gettempdir()) / f"matricule-tests-{os.geteuid()}.lock"
USUAL_BROKER = "amqp://guest:guest@127.0.0.1:5672//"
SHELL_TOOLS = ("curl", "jq")

PREFIX = "matricule-test-"
MEMORY, ROOM = Path("/dev/shm"), 4 << 30  # bytes


class PrivatePostgres:
    """A PostgreSQL for one test, which may do to it what it likes."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self._server = EmbeddedPostgres(folder / "home", settings)

    def start(self) -> str:
        """Connection string, the same after each start."""
        return self._server.start()

    @property
    def administrator(self) -> str:
        """Connection string of whoever may do all."""
        return self._server.administrator

    def stop(self) -> None:
        self._server.stop()

    def kill(self) -> None:
        """`kill -9` of all its processes."""
        note = self._server.home / "postgresql" / "data" / "postmaster.pid"
        first = int(note.read_text().splitlines()[0])
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        for pid in (first, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def folder_for_all(*, on_disk: bool = False) -> Iterator[Path]:
    """A folder that every user of the machine may enter: a server of ours never runs as root.

    on_disk: not in memory, for whoever measures what a disk takes.
    """
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=None if on_disk else _in_memory()) as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@contextlib.contextmanager
def private_postgres(*, on_disk: bool = False, **settings: str) -> Iterator[PrivatePostgres]:
    """A server of our own. settings: PostgreSQL's."""
    with folder_for_all(on_disk=on_disk) as folder:
        server = PrivatePostgres(folder, **settings)
        try:
            yield server
        finally:
            server.stop()


def start_for_many_databases(server: PrivatePostgres) -> str:
    """Connection string of the service's role, which may make databases and drop them, whoever is at work there."""
    own = server.start()
    with psycopg.connect(server.administrator, autocommit=True) as connection:
        connection.execute("ALTER ROLE matricule CREATEDB")
        connection.execute("GRANT pg_signal_backend TO matricule")  # autovacuum is somebody else
    return own


@contextlib.contextmanager
def any_postgres() -> Iterator[str]:
    """Connection string of the server at DATABASE_URL, else of one of our own, quick and not durable."""
    if given := os.environ.get("DATABASE_URL"):
        try:
            psycopg.connect(given, connect_timeout=10).close()
        except psycopg.OperationalError as fault:
            pytest.exit(f"The PostgreSQL at DATABASE_URL cannot be used: {fault}", returncode=3)
        yield given
        return
    quick = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}
    with private_postgres(**quick) as server:
        yield start_for_many_databases(server)


def _in_memory() -> str | None:
    """A folder in memory, where there is room: a database is copied there in a twentieth of the time, and what a
    server has written is no safer on disk from a `kill -9`."""
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    return str(MEMORY) if roomy else None


@contextlib.contextmanager
def new_database(server: str, template: str = "template1") -> Iterator[str]:
    """Connection string of a new database on a server, dropped at the end whoever is still connected."""
    name = f"matricule_test_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as operator:
        operator.execute(f'CREATE DATABASE {name} TEMPLATE "{template}" STRATEGY file_copy')
        try:
            yield make_conninfo(server, dbname=name)
        finally:
            operator.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def any_rabbitmq() -> Iterator[str]:
    """URL of a virtual host of RabbitMQ: at BROKER_URL, on this machine, or of a server of our own."""
    given = os.environ.get("BROKER_URL")
    if given and not answers(given):
        pytest.exit("The RabbitMQ at BROKER_URL does not answer.", returncode=3)
    url = given or (USUAL_BROKER if answers(USUAL_BROKER) else None)
    if url:
        with _virtual_host(url) as own:
            yield own
        return
    with private_rabbitmq() as server:
        yield server.start()


@contextlib.contextmanager
def private_rabbitmq() -> Iterator[PrivateRabbitMQ]:
    """A server of our own, which a test may kill."""
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=_in_memory()) as folder:
        server = PrivateRabbitMQ(Path(folder))
        try:
            yield server
        finally:
            server.kill()


@contextlib.contextmanager
def _virtual_host(url: str) -> Iterator[str]:
    """One of our own where we may make one, so that no other queue is in the way; else the one of the URL."""
    name = f"matricule-test-{uuid4().hex}"
    user = Connection(url).userid
    if not (_may_control(url) and _rabbitmqctl("add_vhost", name)):
        yield url
        return
    try:
        _rabbitmqctl("set_permissions", "-p", name, user, ".*", ".*", ".*")
        yield Connection(url).clone(virtual_host=name).as_uri(include_password=True)
    finally:
        _rabbitmqctl("delete_vhost", name)


def _may_control(url: str) -> bool:
    return Connection(url).hostname in ("127.0.0.1", "localhost") and shutil.which("rabbitmqctl") is not None


def _rabbitmqctl(*arguments: str) -> bool:
    return subprocess.run(["rabbitmqctl", "--quiet", *arguments], capture_output=True).returncode == 0


def install_what_is_missing(fixtures: set[str]) -> None:
    """What these fixtures start. Before the first test, whose time would be over before the installation is."""
    own = "broker_url" in fixtures and not os.environ.get("BROKER_URL") and not answers(USUAL_BROKER)
    # One of the processes that run the tests installs, the others wait.
    with INSTALLING.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (own or "private_broker" in fixtures) and not Path(PROGRAM).exists():
            _install_rabbitmq()
        if "chromium" in fixtures and not chromium_program():
            _install("chromium", instead="The journeys need a browser: apt-get install chromium.")
        if "shell_tools" in fixtures:
            for tool in SHELL_TOOLS:
                if not shutil.which(tool):
                    _install(tool, instead=f"The example in the shell needs {tool}: apt-get install {tool}.")


def chromium_program() -> str | None:
    """The path of the distribution's browser."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def _install_rabbitmq() -> None:
    """Without a server that starts with the machine or stays behind."""
    _install(
        "rabbitmq-server",
        instead="The tests need RabbitMQ: apt-get install rabbitmq-server, or set BROKER_URL.",
    )
    if shutil.which("systemctl"):
        subprocess.run(["systemctl", "disable", "rabbitmq-server"], capture_output=True)


def _install(package: str, *, instead: str) -> None:
    """From the distribution. instead: what to say where that cannot be done."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        pytest.exit(instead, returncode=3)
    start_nothing = Path("/usr/sbin/policy-rc.d")
    ours = not start_nothing.exists()
    if ours:
        start_nothing.write_text("#!/bin/sh\nexit 101\n")
        start_nothing.chmod(0o755)
    try:
        for command in (("update",), ("install", "--yes", "--no-install-recommends", package)):
            subprocess.run(
                ["apt-get", "--quiet", *command],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                check=True,
            )
    finally:
        if ours:
            start_nothing.unlink()
