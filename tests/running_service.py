"""The service as an operator has it: `matricule` in processes of its own, on free ports, in a home of its own."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property
from pathlib import Path

import program
import psycopg
from private_rabbitmq import free_ports
from program import PROGRAM, Process
from pyotp import TOTP
from services import folder_for_all
from spec import until

from infrastructure.doorbell import POSTGRES_CHANNEL
from infrastructure.embedded_postgres import EmbeddedPostgres

READY_SECONDS = 60.0
END_SECONDS = 30.0
LEASE_SECONDS = "20.5"  # the shortest that the settings allow

APP = "Wenzels Telefon"  # how people call their authenticator app
# Settings for whoever asks more often, from this one network, than people do.
TIRELESS = {
    "WRONG_PASSWORDS": "1000000",
    "NETWORK_WRONG_PASSWORDS": "1000000",
    "PUBLIC_REQUESTS_AN_HOUR": "1000000",
}
SIGN_UP = {"given_name": "Ada", "family_name": "Keller", "locale": "fr", "accept_privacy_policy": True}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)


class RunningService:
    """Processes that share a home and settings. They end with the block of `a_service`, at the latest."""

    def __init__(self, home: Path, **environ: str) -> None:
        """environ: settings beside the usual ones of a demonstration."""
        self.home = home
        self.port, self.ops_port = free_ports(2)
        self.log = home.parent / "log"
        self.prefix: list[str] | None = None  # before the installed program, as a shell would have it
        self.processes: list[subprocess.Popen | Process] = []
        self._mails: dict[Path, tuple[str, EmailMessage]] = {}  # to whom, and all of it, as they were read
        self.settings = {
            "MATRICULE_HOME": str(home),
            "MATRICULE_DEMO": "1",
            "MATRICULE_PORT": str(self.port),
            "MATRICULE_OPS_PORT": str(self.ops_port),
            "MATRICULE_LOG_LEVEL": "DEBUG",
            "OUTBOX_LEASE_SECONDS": LEASE_SECONDS,
            "DIGEST_AT": "never",  # a test sees the same mails at any hour
            **environ,
        }

    # --- its processes

    def start(self, role: str = "run") -> subprocess.Popen | Process:
        """One more process."""
        with open(self.log, "ab") as log, open(os.devnull) as nothing:
            streams = {"stdin": nothing, "stdout": log, "stderr": log}
            if self.prefix is None:
                process = program.start(role, env=self._environment(), **streams)
            else:
                command = [*self.prefix, PROGRAM, role]
                process = subprocess.Popen(
                    command, env=self._environment(), **streams, start_new_session=True
                )
        self.processes.append(process)
        return process

    def run(self) -> subprocess.Popen | Process:
        """The whole service in one process, ready."""
        process = self.start()
        self.wait_until_ready()
        return process

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            assert self.processes[-1].poll() is None, self.told()
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.ask("GET", "/health/live")
                return self.health()["status"] != "unavailable"
            return False

        until(ready, patience=READY_SECONDS)

    def kill(self, process: subprocess.Popen | Process) -> None:
        """`kill -9`."""
        process.kill()
        process.wait()
        self.processes.remove(process)

    def interrupt(self, process: subprocess.Popen | Process) -> int:
        """Ctrl-C, as a terminal sends it to all processes of the group. Returns the exit status."""
        os.killpg(process.pid, signal.SIGINT)
        status = process.wait(END_SECONDS)
        self.processes.remove(process)
        return status

    def command(self, *arguments: object, typed: str = "") -> subprocess.CompletedProcess[str]:
        """A command beside the service, as somebody calls it who knows the home only."""
        env = {"PATH": os.environ["PATH"], "MATRICULE_HOME": str(self.home)}
        return program.run(*arguments, env=env, typed=typed)

    def told(self) -> str:
        """All that the processes have written, logs at the level DEBUG among it."""
        return self.log.read_text()

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        embedded = self.embedded
        if embedded.is_running:
            embedded.start()  # as the last of its users, for those that were killed cannot
            embedded.stop()

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], **self.settings}

    # --- its doors

    def ask(
        self, method: str, path: str, body: object = None, *, port: int | None = None, **headers: str
    ) -> Answer:
        """body: sent as JSON, bytes as they are. headers: `Accept_Language` for `Accept-Language`."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None and not isinstance(body, bytes):
            body, given = json.dumps(body).encode(), {"Content-Type": "application/json", **given}
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=END_SECONDS)
        with contextlib.closing(connection):
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            return Answer(answer.status, tuple(answer.getheaders()), answer.read())

    def health(self) -> dict:
        return self.ask("GET", "/health/ready", port=self.ops_port).json

    def sign_up(self, email: str, **different: str) -> Answer:
        return self.ask("POST", "/api/v1/accounts", {**SIGN_UP, "email": email, **different})

    def sign_in(self, email: str, password: str) -> Answer:
        """By bearer token."""
        return self.ask("POST", "/api/v1/tokens", {"email": email, "password": password})

    def enrol(self, password: str, **who: str) -> list[str]:
        """Give somebody signed in an authenticator app: its secret and the recovery codes. who: headers."""
        path = "/api/v1/me/second-factors"
        begun = self.ask("POST", f"{path}/totp", {"password": password}, **who).json
        confirmation = {"code": TOTP(begun["secret"]).now(), "label": APP}
        confirmed = self.ask("POST", f"{path}/{begun['id']}/confirm", confirmation, **who)
        return [begun["secret"], *confirmed.json["recovery_codes"]]

    def me(self, token: str) -> Answer:
        return self.ask("GET", "/api/v1/me", Authorization=f"Bearer {token}")

    # --- what it keeps

    @cached_property
    def embedded(self) -> EmbeddedPostgres:
        """Kept, for finding its place starts processes."""
        return EmbeddedPostgres(self.home)

    @property
    def database(self) -> str:
        """Connection string."""
        return self.settings.get("DATABASE_URL") or self.embedded.dsn

    def rows(self, statement: str, *values: object) -> list[tuple]:
        """What a statement answers; none for one that changes something."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def let_leases_end(self) -> None:
        """As if all the time had passed for which a message rests; how the last attempt ended is forgotten.

        The relay hears of it, for its next poll would be a second away.
        """
        self.rows(
            "UPDATE outbox SET leased_until = now(), next_attempt_at = now(), last_error = NULL"
            " WHERE state = 'waiting'"
        )
        self.rows("SELECT pg_notify(%s, 'outbox')", POSTGRES_CHANNEL)

    def wait_for_outbox(self, **states: int) -> None:
        """As soon as exactly so many rows are in these states."""

        def there() -> bool:
            counts = dict(self.rows("SELECT state, count(*) FROM outbox GROUP BY state"))
            return all(counts.get(state, 0) == count for state, count in states.items())

        until(there)

    def mails(self, to: str | None = None) -> list[EmailMessage]:
        """What lies in the folder of the demonstration, oldest first."""
        files = sorted((self.home / "outbox").glob("*.eml"))
        for file in files:
            if file not in self._mails:
                mail = message_from_bytes(file.read_bytes(), policy=policy.default)
                self._mails[file] = str(mail["To"]), mail
        return [mail for address, mail in map(self._mails.get, files) if to in (None, address)]

    def wait_for_mail(self, to: str) -> EmailMessage:
        until(lambda: bool(self.mails(to)))
        return self.mails(to)[0]


@contextlib.contextmanager
def a_service(*, on_disk: bool = False, **environ: str) -> Iterator[RunningService]:
    """A home with nothing in it, and no process yet."""
    with folder_for_all(on_disk=on_disk) as folder:
        service = RunningService(folder / "home", **environ)
        try:
            yield service
        finally:
            service.end()


def password_in(mail: EmailMessage) -> str:
    """The initial password, which stands alone between two empty lines."""
    lines = mail.get_body(("plain",)).get_content().splitlines()
    triples = zip(lines, lines[1:], lines[2:], strict=False)
    [password] = [line for before, line, after in triples if " " not in line and line and not before + after]
    return password
