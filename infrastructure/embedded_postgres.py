"""A private PostgreSQL for a service that was given no other: the same engine, in a folder of its own.

It listens on a socket in the file system only, asks for a password that stands in a file beside it, and
belongs to all who use it: the first one starts it, the last one stops it. The server itself keeps the file
`lock` locked as long as one of its processes lives, so that no pid file has to be believed.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from infrastructure.embedded_postgres_data import ADMINISTRATOR, ENVIRONMENT, make_data_folder
from infrastructure.embedded_postgres_place import COMMON_GROUND, EmbeddedPostgresError, Place, find_place

DATABASE = SERVICE = "matricule"  # the service's role owns its database and is nobody beyond it
START_SECONDS = 300.0  # after a crash the log is replayed first
STOP_SECONDS = 60.0  # then the server goes without writing its buffers; the log has it all

# Given at every start: they stand here, not in the folder. Durability is PostgreSQL's own default, full.
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "io_method": "sync",  # no worker processes more: the files are in the system's cache
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A refused row would be logged with its values; whoever sent the statement is told of its errors anyway.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}


class EmbeddedPostgres:
    """The PostgreSQL of one home folder, for any number of processes, but not for two threads at once."""

    def __init__(
        self, home: Path, settings: Mapping[str, str] | None = None, common_ground: Path = COMMON_GROUND
    ) -> None:
        """settings: of the server, over SETTINGS. common_ground: see find_place()."""
        self.home = home.absolute()
        self._settings = {**SETTINGS, **(settings or {})}
        self._common_ground = common_ground
        self._use: IO | None = None  # while one user has this file locked, no other stops the server
        self._server: subprocess.Popen | None = None

    def start(self) -> str:
        """Connection string of the server, which is started unless it runs. Raises EmbeddedPostgresError.

        Called again after the server has died, it starts it again. The string is always the same and holds no
        secret.
        """
        place = self._place
        if self._use is None:
            self._use = _open(place, "users")
            fcntl.flock(self._use, fcntl.LOCK_SH)  # waits while the last user stops it
        try:
            with _open(place, "lock") as lock:
                for _ in _tries(START_SECONDS):
                    if _taken(lock):
                        self._launch(place, lock)
                    elif not _answers(place):
                        continue
                    return self.dsn
            raise EmbeddedPostgresError(f"PostgreSQL in {place.folder} does not answer.{_last_words(place)}")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Say that we need it no longer. Whoever says so last stops the server and waits until it is down."""
        if self._use is None:
            return
        use, self._use = self._use, None
        with use:
            if _taken(use):
                self._shut_down(self._place)

    @property
    def started_here(self) -> bool:
        """Whether the running server is a child of ours."""
        return self._server is not None and self._server.poll() is None

    @property
    def is_running(self) -> bool:
        if not (self.home / "postgresql").exists():
            return False
        with _open(self._place, "lock") as lock:
            return not _taken(lock) and _pid_file(self._place)[7:8] == ["ready"]

    @property
    def dsn(self) -> str:
        """What start() answers, whether the server is running or not."""
        return _conninfo(self._place, DATABASE, SERVICE)

    @property
    def administrator(self) -> str:
        """The connection string of whoever may do all on this server; the service never uses it."""
        return _conninfo(self._place, "postgres", ADMINISTRATOR)

    @cached_property
    def _place(self) -> Place:
        return find_place(self.home, self._common_ground)

    def _launch(self, place: Place, lock: IO) -> None:
        make_data_folder(place, lock)
        place.make_socket_folder()
        if place.log.exists():
            place.log.replace(place.log.with_suffix(".log.1"))
        (place.data / "postmaster.pid").unlink(missing_ok=True)  # nobody lives: the lock is ours
        settings = {**self._settings, "unix_socket_directories": f'"{place.socket_folder}"'}
        with _open(place, place.log.name) as log:
            self._server = subprocess.Popen(
                [place.programs / "postgres", "-D", place.data]
                + [f"--{name}={value}" for name, value in settings.items()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=ENVIRONMENT,
                start_new_session=True,  # the terminal's Ctrl-C is for us; we stop it when we are done
                pass_fds=[lock.fileno()],
                **place.as_server(),
            )
        for _ in _tries(START_SECONDS):
            if _answers(place):
                return
            if self._server.poll() is not None:
                break
        raise EmbeddedPostgresError(f"PostgreSQL in {place.folder} does not start.{_last_words(place)}")

    def _shut_down(self, place: Place) -> None:
        with _open(place, "lock") as lock:
            for how in (signal.SIGINT, signal.SIGQUIT):  # fast, which ends all sessions; then at once
                pid = self._server.pid if self.started_here else _postmaster(place)
                if pid and not _taken(lock):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, how)
                if any(_taken(lock) for _ in _tries(STOP_SECONDS)):
                    break
            else:
                raise EmbeddedPostgresError(
                    f"PostgreSQL in {place.folder} does not stop.{_last_words(place)}"
                )
        if self._server:
            self._server.wait()
        if place.socket_folder.parent != place.folder and place.socket_folder.exists():
            place.socket_folder.rmdir()


def _answers(place: Place) -> bool:
    """Whether the server takes connections; makes the service's role and database when they are missing."""
    if _pid_file(place)[7:8] != ["ready"]:
        return False
    try:
        conninfo = _conninfo(place, "postgres", ADMINISTRATOR)
        with psycopg.connect(conninfo, autocommit=True, connect_timeout=5) as connection:
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
                _make_database(connection, place)
    except psycopg.OperationalError:
        return False
    return True


def _make_database(connection: psycopg.Connection, place: Place) -> None:
    password = place.passfile.read_text().strip().rpartition(":")[2]
    role = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(SERVICE), sql.Literal(password))
    with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        connection.execute(role)
    with contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
        connection.execute(f"CREATE DATABASE {DATABASE} OWNER {SERVICE}")


def _conninfo(place: Place, database: str, user: str) -> str:
    # The empty password keeps PGPASSWORD of the environment out: the one in the file counts.
    return make_conninfo(
        host=str(place.socket_folder),
        port=5432,
        user=user,
        dbname=database,
        password="",
        passfile=str(place.passfile),
    )


def _pid_file(place: Place) -> list[str]:
    """Lines of PostgreSQL's own note: process id first, status at index 7."""
    try:
        return [line.strip() for line in (place.data / "postmaster.pid").read_text().splitlines()]
    except FileNotFoundError:
        return []


def _postmaster(place: Place) -> int | None:
    """Process id of the server, which works in its data folder; None where the note is an old one."""
    try:
        pid = int(_pid_file(place)[0])
        return pid if os.path.samefile(f"/proc/{pid}/cwd", place.data) else None
    except (IndexError, OSError):
        return None


def _open(place: Place, name: str) -> IO:
    file = os.open(place.folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    place.give(place.folder / name)
    return os.fdopen(file, "a")


def _taken(file: IO) -> bool:
    """Whether we could lock `file` for ourselves alone, which lasts until it is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _tries(seconds: float) -> Iterator[None]:
    """One try every 10 ms, as long as there is time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.01)


def _last_words(place: Place) -> str:
    lines = place.log.read_text(errors="replace").splitlines() if place.log.exists() else []
    return "".join(f"\n  {line}" for line in [f"{place.log} ends:", *lines[-5:]])
