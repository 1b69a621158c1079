"""Nobody's data outside their place: the whole path is walked, and then all is read that others may come to see."""

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from people import ZEBULONIA
from running_service import APP, Answer, RunningService, a_service, password_in
from spec import until

EMAIL, CLERK, STRANGER = "zebulonia.quux@geheim.example", "wenzel@kanzlei.example", "niemand@nirgends.example"
WRONG_PASSWORD, NEW_PASSWORD = "falsches Kennwort 4711", "sept ponts au bord du Doubs"
NOTE = "Ausweis am Schalter\nvorgelegt, Frau Quuxmüller"
# What they are stored as.
FORMS = ["7569217076985", "+41795550177", "79 555 01 77", "79 555 0177"]
# Read models for staff; the institution's own register, and which of its records nobody has looked at yet.
OPEN_BY_PURPOSE = {"directory", "finder", "records", "changed_records", "portfolio"}


class Tap:
    """A line to the broker that hears what is said on it."""

    def __init__(self, broker_url: str) -> None:
        there = urlsplit(broker_url)
        self._there = (there.hostname, there.port)
        self._door = socket.create_server(("127.0.0.1", 0))
        port = self._door.getsockname()[1]
        self.url = there._replace(netloc=f"{there.netloc.rpartition('@')[0]}@127.0.0.1:{port}").geturl()
        self.heard = bytearray()
        self._start(self._take_calls)

    def close(self) -> None:
        self._door.close()

    @staticmethod
    def _start(target, *arguments) -> None:
        threading.Thread(target=target, args=arguments, daemon=True).start()

    def _take_calls(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                server = socket.create_connection(self._there)
                self._start(self._carry, client, server)
                self._start(self._carry, server, client)

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with source, target, suppress(OSError):
            while data := source.recv(65536):
                self.heard += data
                target.sendall(data)


@pytest.fixture
def tap(broker_url) -> Iterator[Tap]:
    tap = Tap(broker_url)
    yield tap
    tap.close()


class Walk:
    """Everything that a person and a clerk do, and what they were answered."""

    def __init__(self, service: RunningService) -> None:
        self.service = service
        self.refused: list[Answer] = []
        self.secrets = [EMAIL, CLERK, STRANGER, WRONG_PASSWORD, NEW_PASSWORD, *NOTE.split("\n"), *FORMS]
        self.secrets += [value for name, value in ZEBULONIA.items() if len(value) > 2 and name != "sex"]

    def ask(self, method: str, path: str, body: object = None, *, expected: int, **headers: str) -> Answer:
        answer = self.service.ask(method, f"/api/v1{path}", body, **headers)
        assert answer.status == expected, answer
        if answer.status >= 400:
            self.refused.append(answer)
        return answer

    def comes_in(self, email: str) -> dict[str, str]:
        """Headers of whoever has signed in with the password of the mail: cookie and CSRF token."""
        mail = self.service.wait_for_mail(email)
        pair = {"email": email, "password": password_in(mail)}
        answer = self.ask("POST", "/session", pair, expected=201)
        cookies = [value.partition(";")[0] for name, value in answer.headers if name == "Set-Cookie"]
        token = self.ask("POST", "/tokens", pair, expected=201).json["token"]
        link = re.search(r"token=(\S+)", mail.get_body(("plain",)).get_content())[1]
        self.service.ask("GET", f"/?token={link}")
        self.secrets += [pair["password"], *(cookie.partition("=")[2] for cookie in cookies), token, link]
        return {"Cookie": "; ".join(cookies), "X_CSRF_Token": answer.json["csrf_token"]}

    def path(self) -> None:
        names = {name: ZEBULONIA[name] for name in ("given_name", "family_name")}
        self.service.sign_up(EMAIL, **names)
        self.ask("POST", "/tokens", {"email": EMAIL, "password": WRONG_PASSWORD}, expected=401)
        self.ask("POST", "/tokens", {"email": STRANGER, "password": WRONG_PASSWORD}, expected=401)
        her = self.comes_in(EMAIL)
        self.ask("PUT", "/me/profile", ZEBULONIA, expected=200, Idempotency_Key=EMAIL, **her)
        assert self.service.command("grant", "secretariat", CLERK).returncode == 0
        clerk = self.comes_in(CLERK)
        self.secrets += [APP, *self.service.enrol(password_in(self.service.mails(CLERK)[0]), **clerk)]
        until(lambda: bool(self.ask("GET", "/cases", expected=200, **clerk).json["items"]))
        [case] = self.ask("GET", "/cases", expected=200, **clerk).json["items"]
        self.ask("GET", f"/cases/{case['id']}", expected=200, **clerk)
        [record] = self.service.rows(
            "SELECT record_number, family_name, street, email FROM records WHERE email IS NOT NULL LIMIT 1"
        )
        self.secrets += record
        decision = {"record_number": record[0], "reason": "identity-checked", "note": NOTE}
        self.ask("POST", f"/cases/{case['id']}/link", decision, expected=200, Idempotency_Key=EMAIL, **clerk)
        self.refusals(her)
        self.crashes(her)
        current = password_in(self.service.mails(EMAIL)[0])
        change = {"current_password": current, "new_password": NEW_PASSWORD}
        self.ask("PUT", "/me/password", change, expected=204, **her)
        until(lambda: len(self.service.mails(EMAIL)) == 3)  # initial password, link, password changed

    def refusals(self, her: dict[str, str]) -> None:
        """Whatever is wrong, she typed it."""
        wrong = {**ZEBULONIA, "ahv_number": "756.9217.0769.84", "birth_date": "1871-02-03", EMAIL: EMAIL}
        self.secrets += ["7569217076984", "756.9217.0769.84", "1871-02-03"]
        self.ask("PUT", "/me/profile", wrong, expected=422, **her)
        self.ask("PUT", "/me/profile", {**ZEBULONIA, "city": "Seldwyla\0"}, expected=422, **her)
        self.ask("PUT", "/me/profile", {**ZEBULONIA, "phone": EMAIL, "sex": EMAIL}, expected=422, **her)
        self.ask("PUT", "/me/profile", json.dumps(ZEBULONIA).encode()[:-1], expected=400, **{
            "Content_Type": "application/json", **her
        })  # fmt: skip
        form = f"email={quote(EMAIL)}".encode()
        self.ask("POST", "/tokens", form, expected=415, Content_Type="application/x-www-form-urlencoded")
        self.ask("POST", "/tokens", {"email": EMAIL, "password": NEW_PASSWORD * 3000}, expected=413)
        self.ask("PUT", "/me/profile", ZEBULONIA, expected=412, If_Match=f'"{EMAIL}"', **her)
        self.ask("PUT", "/me/profile", ZEBULONIA, expected=403, Cookie=her["Cookie"])
        self.ask("GET", "/me", expected=400, Log_Position=EMAIL, **her)
        self.ask("GET", f"/accounts/{quote(EMAIL)}?q={quote(EMAIL)}", expected=404, **her)
        self.ask("GET", f"/accounts/{ZEBULONIA['birth_name']}", expected=404, **her)
        self.ask("GET", f"/accounts?email={quote(EMAIL)}&cursor=x", expected=403, **her)
        self.ask("GET", "/me", expected=401, Authorization=f"Bearer {EMAIL}")
        change = {"current_password": WRONG_PASSWORD, "new_password": NEW_PASSWORD}
        self.ask("PUT", "/me/password", change, expected=403, **her)

    def crashes(self, her: dict[str, str]) -> None:
        """PostgreSQL refuses a row, which its error quotes, in each of the places that write one."""
        rows = self.service.rows
        current = password_in(self.service.mails(EMAIL)[0])
        change = {"current_password": current, "new_password": NEW_PASSWORD}
        rows("ALTER TABLE credentials ADD CONSTRAINT broken CHECK (kind <> 'chosen')")
        self.ask("PUT", "/me/password", change, expected=500, **her)
        rows("ALTER TABLE credentials DROP CONSTRAINT broken")
        rows("ALTER TABLE records RENAME TO lost")
        rows("ALTER TABLE directory ADD CONSTRAINT broken CHECK (false) NOT VALID")
        self.ask("PUT", "/me/profile", {**ZEBULONIA, "city": "Seldwyla am Berg"}, expected=200, **her)
        until(lambda: rows("SELECT count(*) FROM parked_streams") == [(1,)])
        until(lambda: rows("SELECT last_error FROM outbox WHERE last_error LIKE 'unexpected%'") != [])
        rows("ALTER TABLE lost RENAME TO records")


def stored(service: RunningService) -> dict[str, bytes]:
    """All tables but those that are open by purpose, every value as it stands."""
    with psycopg.connect(service.database) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        return {
            f"table {table}": b"\n".join(
                value if isinstance(value, bytes) else str(value).encode()
                for row in connection.execute(f'SELECT * FROM "{table}"')
                for value in row
            )
            for (table,) in tables
            if table not in OPEN_BY_PURPOSE
        }


def spellings(secret: str) -> set[bytes]:
    """In UTF-8, in JSON without other letters than ASCII's, and in an address."""
    return {secret.encode(), json.dumps(secret)[1:-1].encode(), quote(secret).encode()}


def test_no_log_queue_table_or_error_answer_holds_what_somebody_typed_or_was_given(tap):
    with a_service(BROKER_URL=tap.url) as service:
        service.run()
        # A request is gone as soon as it is decided on, a sign-in that failed as soon as it is a fact.
        for table, copy in (("intake", "requests"), ("failed_sign_ins", "failures")):
            service.rows(f"CREATE TABLE {copy} AS SELECT * FROM {table}")
            service.rows(
                f"CREATE RULE kept AS ON INSERT TO {table} DO ALSO INSERT INTO {copy} VALUES (NEW.*)"
            )
        walk = Walk(service)
        walk.path()
        seen = {
            "logs": service.log.read_bytes(),
            "PostgreSQL's log": Path(service.home, "postgresql", "server.log").read_bytes(),
            "broker": bytes(tap.heard),
            "error answers": repr(walk.refused).encode(),
            **stored(service),
        }
        for where in ("requests", "failures", "events", "outbox", "idempotency", "parked_streams"):
            assert seen[f"table {where}"]
        assert seen["PostgreSQL's log"]
        (one,) = service.rows("SELECT id::text FROM outbox LIMIT 1")[0]
        assert one.encode() in seen["broker"]
        assert b"CheckViolation" in seen["logs"]
        assert len(walk.refused) > 14
    found = {
        (where, secret)
        for where, all_of_it in seen.items()
        for secret in walk.secrets
        if any(spelling in all_of_it for spelling in spellings(secret))
    }
    assert not found
