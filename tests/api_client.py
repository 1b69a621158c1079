"""The JSON door over real parts: a database with its projections running, accounts in it, and clients.

Every answer that a client gets is held to the OpenAPI document.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from jsonschema_rs import Draft202012Validator
from pyotp import TOTP
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse
from write_side import CHEAP, StandingClock

from api.app import create_app
from api.documentation import openapi_document, path_of
from api.identity import COOKIE
from application.ports import AccountRequest, Clock, Saved
from domain.values import OPERATOR, address_key
from infrastructure.bootstrap import Service, service
from infrastructure.password_hash import Costs
from infrastructure.settings import Settings

PREFIX = "/api/v1"
HOST = "127.0.0.1"
PUBLIC_URL = f"http://{HOST}:8000"
FRONTEND = "https://front.school.example"
PASSWORD = "sept ponts au bord du Doubs"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"

PROFILE = {
    "ahv_number": "756.1234.5678.97",
    "given_name": "Claire",
    "family_name": "Rossel",
    "birth_name": "Jeanneret",
    "birth_date": "1980-12-31",
    "sex": "female",
    "nationality": "CH",
    "street": "Rue de la Gare 12",
    "postal_code": "2740",
    "city": "Moutier",
    "country": "CH",
    "phone": "032 886 99 31",
    "function": "teacher-cycle-1",
    "school": "moutier",
    "canton": "JU",
}


def nothing(*_: object) -> None:
    """An effect that does nothing."""


@contextmanager
def running(
    database_url: str, home: Path, clock: Clock | None = None, costs: Costs = CHEAP, **environ: str
) -> Iterator["House"]:
    """A house on a migrated database; its projections run, its other work is done when a test asks for it.

    clock: None for the machine's. costs: of a password's hash.
    """
    settings = Settings.from_environment(
        {
            "MATRICULE_HOME": str(home),
            "MATRICULE_DEMO": "1",
            "CORS_ORIGINS": FRONTEND,
            "PUBLIC_URL": PUBLIC_URL,
            **environ,
        }
    )
    with service(settings, database_url, clock, costs) as parts:
        stop = threading.Event()
        threads = [threading.Thread(target=role.run, args=(stop,), daemon=True) for role in parts.project()]
        for thread in threads:
            thread.start()
        try:
            yield House(parts, create_app(parts))
        finally:
            stop.set()
            for thread in threads:
                thread.join(10)


def with_waits_that_do_not_end(house: "House") -> "House":
    """The same, where time stands still for whoever has to wait before the next attempt."""
    accounts, now = house.service.accounts, house.service.clock.now()
    guesses = replace(accounts.guesses, clock=StandingClock(now))
    parts = replace(house.service, accounts=replace(accounts, guesses=guesses))
    return House(parts, create_app(parts))


@dataclass
class House:
    service: Service
    app: Flask
    numbers: Iterator[int] = field(default_factory=count)

    def client(self, **headers: str) -> "Client":
        return Client(self.app, {"Accept-Language": "en", **headers})

    def holder(self, email: str | None = None) -> "Client":
        """Signed in with an initial password. email: of its own where none is said."""
        email = email or f"holder-{next(self.numbers)}@school.example"
        asked_at = self.service.clock.now()
        wanted = AccountRequest(email, "Claire", "Rossel", "fr", "2018-08-27", asked_at)
        return self._signed_in(email, self.service.accounts.decide_request(wanted, nothing))

    def staff(self, role: str, email: str, until: date | None = None) -> "Client":
        """Signed in, with a second factor."""
        _, saved = self.service.accounts.grant(role, email, until, actor=OPERATOR)
        client = self._signed_in(email, saved)
        client.enrol(self.service.clock.now())
        return client

    def initial_password(self, email: str) -> str:
        return self.service.accounts.issue_initial_password(self.account_id(email))

    def account_id(self, email: str) -> UUID:
        (account_id,) = self.service.accounts.lookup.find("email", address_key(email))
        return account_id

    def decide(self) -> None:
        """On all that was asked for at the public doors."""
        decide, *_ = self.service.work()
        decide.decide_waiting()

    def position(self) -> str:
        """A `Log-Position` up to which everything is appended."""
        with self.service.pool.connection() as connection:
            (last,) = connection.execute("SELECT max(position) FROM events").fetchone()
        return self.service.watermark.seal(last)

    def match(self, account_id: UUID) -> str:
        """Let the matching decide, as a worker does. Returns a `Log-Position`."""
        saved = self.service.linking.match(account_id, settled=nothing)
        return self.service.watermark.seal(saved.position)

    def _signed_in(self, email: str, made: Saved) -> "Client":
        self.service.watermark.wait(("directory",), made.position)
        client = self.client()
        client.sign_in(email, self.initial_password(email))
        return client


class Client:
    """Somebody's program. Once signed in by cookie it sends the CSRF token with whatever it asks."""

    def __init__(self, app: Flask, headers: dict[str, str]) -> None:
        self.app = app
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.browser = app.test_client()
        self.id: UUID | None = None
        self.email = self.password = ""
        self.codes: TOTP | None = None

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.ask("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.ask("POST", path, json=json, **options)

    def put(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.ask("PUT", path, json=json, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self.ask("DELETE", path, **options)

    def ask(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any
    ) -> TestResponse:
        """path: without the API's prefix."""
        if options.get("json") is None:
            options.pop("json", None)
        answer = self.browser.open(
            PREFIX + path,
            method=method,
            base_url=PUBLIC_URL,
            headers={**self.headers, **(headers or {})},
            **options,
        )
        hold_to_document(self.app, method, PREFIX + path.partition("?")[0], answer)
        return answer

    def sign_in(self, email: str, password: str) -> TestResponse:
        answer = self.post("/session", {"email": email, "password": password})
        assert answer.status_code == 201, answer.json
        self.headers["X-CSRF-Token"] = answer.json["csrf_token"]
        self.id, self.email, self.password = UUID(answer.json["account"]["id"]), email, password
        return answer

    def enrol(self, now: datetime) -> list[str]:
        """Add an authenticator app, whose `codes` may be asked from now on; the recovery codes."""
        begun = self.post("/me/second-factors/totp", {"password": self.password})
        self.codes = TOTP(begun.json["secret"])
        path = f"/me/second-factors/{begun.json['id']}/confirm"
        confirmed = self.post(path, {"code": self.codes.at(now)})
        assert confirmed.status_code == 200, confirmed.json
        return confirmed.json["recovery_codes"]

    def again(self, app: Flask | None = None, **headers: str) -> "Client":
        """The same person, not signed in, with another program."""
        client = Client(app or self.app, {"Accept-Language": "en", **headers})
        client.email, client.password = self.email, self.password
        return client

    @property
    def secret(self) -> str | None:
        """What the cookie holds."""
        cookie = self.browser.get_cookie(COOKIE, domain=HOST)
        return cookie and cookie.value

    @secret.setter
    def secret(self, value: str) -> None:
        self.browser.set_cookie(COOKIE, value, domain=HOST)

    @property
    def pair(self) -> dict[str, str]:
        return {"email": self.email, "password": self.password}


def hold_to_document(app: Flask, method: str, path: str, answer: TestResponse) -> None:
    """Fails where the OpenAPI document does not foresee the answer: its status, type, body or headers."""
    try:
        rule, _ = app.url_map.bind("").match(path, method, return_rule=True)
    except HTTPException:
        return
    operation = openapi_document()["paths"][path_of(rule)][method.lower()]
    foreseen = operation["responses"].get(str(answer.status_code))
    assert foreseen is not None, (
        f"{method} {rule.rule} is not said to answer {answer.status_code}: {answer.json}"
    )
    if "content" not in foreseen:
        assert answer.get_data() == b""
        return
    content = foreseen["content"][answer.content_type]
    validator = _validator(path_of(rule), method.lower(), str(answer.status_code), answer.content_type)
    validator.validate(answer.json if answer.is_json else answer.get_data().decode("utf-8", "replace"))
    if answer.status_code >= 400:
        assert answer.json["type"].removeprefix("/problems/") in content["examples"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@cache
def _validator(path: str, method: str, status: str, media_type: str) -> Draft202012Validator:
    """Of one described answer: OpenAPI 3.1 describes it in JSON Schema of 2020-12."""
    described = openapi_document()
    content = described["paths"][path][method]["responses"][status]["content"][media_type]
    schema = {**content["schema"], "components": described["components"]}
    return Draft202012Validator(schema, validate_formats=True)
