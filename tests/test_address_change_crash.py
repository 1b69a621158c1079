"""`kill -9` between each pair of steps of a change of address.

Afterwards the account is in one of two states and is found by its address alone, and both mailboxes are told the truth.
"""

import http.client
import json
from dataclasses import dataclass, field
from itertools import count

import pytest
from pausing import Step, paused
from running_service import TIRELESS, RunningService, a_service, password_in
from services import new_database
from spec import until
from test_way_in_mails import mail_of, post, token_in

NUMBERS = count()
ASKED, CHANGED, TAKEN_BACK = (
    f"topic = 'account.email-{what}'" for what in ("change-requested", "changed", "change-taken-back")
)

# The steps in their order; until the commit, what was under way has not happened.
ASKING = [
    Step("before it is noted", "INSERT", "events", f"NEW.{ASKED}"),
    Step("noted, before the commit", "COMMIT", "events", f"NEW.{ASKED}"),
]
ASKED_FOR = [
    Step(
        "committed, before the messages are derived", "INSERT", "outbox", "NEW.kind = 'email-change-confirm'"
    ),
    Step(
        "derived, before a worker takes one",
        "UPDATE",
        "outbox",
        "NEW.kind = 'email-change-confirm' AND NEW.attempts > OLD.attempts",
    ),
    Step("before the link to confirm is made", "INSERT", "links", "NEW.kind = 'email-change'"),
    Step("before the link to object is made", "INSERT", "links", "NEW.kind = 'email-objection'"),
    Step(
        "mailed, before that is noted",
        "UPDATE",
        "outbox",
        "NEW.kind = 'email-change-confirm' AND NEW.state = 'sent'",
    ),
]
CONFIRMING = [
    Step("before it is noted", "INSERT", "events", f"NEW.{CHANGED}"),
    Step("noted, before the new address is claimed", "INSERT", "lookup", "NEW.kind = 'email'"),
    Step("claimed, before the former is reserved", "UPDATE", "lookup", "NEW.reserved_until IS NOT NULL"),
    Step("reserved, before the commit", "COMMIT", "events", f"NEW.{CHANGED}"),
]
CONFIRMED = [
    Step("committed, before the messages are derived", "INSERT", "outbox", "NEW.kind = 'email-changed'"),
    Step("derived, before the way back is made", "INSERT", "links", "NEW.kind = 'email-objection'"),
    Step(
        "mailed, before that is noted",
        "UPDATE",
        "outbox",
        "NEW.kind = 'email-changed-previous' AND NEW.state = 'sent'",
    ),
]
OBJECTING = [
    Step("before it is noted", "INSERT", "events", f"NEW.{TAKEN_BACK}"),
    Step("noted, before the addresses are let go", "DELETE", "lookup"),
    Step("let go, before the former is claimed", "INSERT", "lookup", "NEW.kind = 'email'"),
    Step("claimed, before the account is barred", "UPDATE", "credentials", "NEW.barred = 'locked'"),
    Step("barred, before the sessions end", "DELETE", "sessions"),
    Step("ended, before the browsers are forgotten", "DELETE", "devices"),
    Step("forgotten, before the commit", "COMMIT", "events", f"NEW.{TAKEN_BACK}"),
]
OBJECTED = [
    Step(
        "committed, before the messages are derived", "INSERT", "outbox", "NEW.kind = 'email-change-undone'"
    ),
    Step(
        "mailed, before that is noted",
        "UPDATE",
        "outbox",
        "NEW.kind = 'email-change-undone' AND NEW.state = 'sent'",
    ),
]


def at(steps: list[Step]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("step", steps, ids=str)


@pytest.fixture(scope="module")
def service(postgres, template):
    with (
        new_database(postgres, template) as database,
        a_service(DATABASE_URL=database, MATRICULE_LOG_LEVEL="INFO", **TIRELESS) as service,
    ):
        service.run()
        yield service


@dataclass
class Person:
    """Somebody with an address of old and one to be, and a session."""

    service: RunningService
    old: str
    new: str
    password: str = ""
    bearer: str = ""
    id: str = ""
    requests: list[http.client.HTTPConnection] = field(default_factory=list)

    @property
    def wanted(self) -> dict[str, str]:
        return {"new_email": self.new, "password": self.password}

    def send(self, path: str, body: dict[str, str]) -> None:
        """Without hearing what becomes of it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.bearer}"}
        connection.request("POST", f"/api/v1{path}", json.dumps(body), headers)
        self.requests.append(connection)

    def post(self, path: str, body: dict[str, str]):
        return post(self.service, path, body, self.bearer if path.startswith("/me") else None)

    def mail(self, kind: str, to: str) -> str:
        """The token of the newest of that kind."""
        count = max(1, len(self.mails(kind, to)))
        return token_in(self.service, mail_of(self.service, kind, to, count))

    def mails(self, kind: str, to: str) -> list:
        return [mail for mail in self.service.mails(to) if mail["X-Matricule-Kind"] == kind]

    def all_is_sent(self) -> bool:
        until(lambda: not self.service.rows("SELECT FROM outbox WHERE state = 'waiting'"))
        return True

    def untold(self, *kinds: str) -> bool:
        """Nobody was told of what has not happened, though all is sent that waited."""
        self.all_is_sent()
        return not any(self.mails(kind, to) for kind in kinds for to in (self.old, self.new))

    def signs_in_with(self) -> dict[str, int]:
        """What each address answers to the right password."""
        return {email: self.service.sign_in(email, self.password).status for email in (self.old, self.new)}

    def found(self) -> tuple[int, int]:
        """By how many addresses the account is found, and how many are kept for it."""
        ((found, reserved),) = self.service.rows(
            "SELECT count(*) FILTER (WHERE reserved_until IS NULL), count(reserved_until) FROM lookup"
            " WHERE account_id = %s AND kind = 'email'",
            self.id,
        )
        return found, reserved

    def has_the_old_one(self) -> bool:
        return (self.signs_in_with(), self.found()) == ({self.old: 201, self.new: 401}, (1, 0))

    def has_the_new_one(self) -> bool:
        return (self.signs_in_with(), self.found()) == ({self.old: 401, self.new: 201}, (1, 1))

    def is_locked_with_the_old_one(self) -> bool:
        return (self.signs_in_with(), self.found()) == ({self.old: 403, self.new: 401}, (1, 0))


@pytest.fixture
def ada(service):
    name = f"ada.{next(NUMBERS)}"
    ada = Person(service, f"{name}@example.org", f"{name}.new@example.org")
    service.sign_up(ada.old)
    ada.password = password_in(service.wait_for_mail(ada.old))
    ada.bearer = service.sign_in(ada.old, ada.password).json["token"]
    ada.id = service.me(ada.bearer).json["id"]
    yield ada
    for connection in ada.requests:
        connection.close()


def killed_at(step: Step, ada: Person, path: str, body: dict[str, str], *, carried_out: bool = False) -> None:
    """What was asked for came to the step and no further, or its commit was carried out and nobody heard of it."""
    service = ada.service
    with paused(service, step) as pause:
        ada.send(path, body)
        pause.reached()
        service.kill(service.processes[-1])
        pause.go_on() if carried_out else pause.undo()
    service.run()
    service.let_leases_end()


# --- asked for


@at(ASKING)
def test_killed_while_it_is_asked_for_nothing_was_asked_and_nobody_is_told(ada, step):
    killed_at(step, ada, "/me/email-changes", ada.wanted)
    assert ada.untold("email-change-confirm", "email-change-notice")
    assert ada.has_the_old_one()
    assert ada.post("/me/email-changes", ada.wanted).status == 202
    confirmed_by_both(ada)


def test_killed_once_that_is_committed_both_mailboxes_are_told_though_nobody_was_answered(ada):
    killed_at(ASKING[-1], ada, "/me/email-changes", ada.wanted, carried_out=True)
    confirmed_by_both(ada)


@at(ASKED_FOR)
def test_killed_while_both_mailboxes_are_told_they_are_told(ada, step):
    killed_at(step, ada, "/me/email-changes", ada.wanted)
    confirmed_by_both(ada)


def confirmed_by_both(ada: Person) -> None:
    """Both know of it, nothing has changed, and the newest link of each is good."""
    confirm = ada.mail("email-change-confirm", ada.new)
    ada.mail("email-change-notice", ada.old)
    assert ada.has_the_old_one()
    assert ada.untold("email-changed", "email-changed-previous")
    assert ada.post("/email-changes/confirm", {"token": confirm}).json == {"state": "changed"}
    assert ada.has_the_new_one()


# --- confirmed


@pytest.fixture
def asked(ada) -> Person:
    """With the link to `confirm`, and all mails sent."""
    ada.post("/me/email-changes", ada.wanted)
    ada.confirm = {"token": ada.mail("email-change-confirm", ada.new)}
    ada.mail("email-change-notice", ada.old)
    assert ada.all_is_sent()
    return ada


@at(CONFIRMING)
def test_killed_while_it_is_confirmed_it_is_the_old_address_and_nobody_is_told(asked, step):
    killed_at(step, asked, "/email-changes/confirm", asked.confirm)
    assert asked.has_the_old_one()
    assert asked.untold("email-changed", "email-changed-previous")
    assert asked.post("/email-changes/confirm", asked.confirm).status == 200
    changed_for_both(asked)


def test_killed_once_that_is_committed_it_is_the_new_address_though_nobody_was_answered(asked):
    killed_at(CONFIRMING[-1], asked, "/email-changes/confirm", asked.confirm, carried_out=True)
    changed_for_both(asked)


@at(CONFIRMED)
def test_killed_while_both_are_told_of_it_they_are_told(asked, step):
    killed_at(step, asked, "/email-changes/confirm", asked.confirm)
    changed_for_both(asked)


def changed_for_both(ada: Person) -> None:
    """Both know of it, the link is used up, and the former mailbox has a way back."""
    assert ada.has_the_new_one()
    assert ada.post("/email-changes/confirm", ada.confirm).status == 410
    mail_of(ada.service, "email-changed", ada.new)
    back = ada.mail("email-changed-previous", ada.old)
    assert ada.untold("email-change-taken-back", "email-change-undone")
    assert ada.post("/email-changes/object", {"token": back}).json == {"state": "taken-back"}
    assert ada.is_locked_with_the_old_one()


# --- taken back


@pytest.fixture
def changed(asked) -> Person:
    """With the link `back`, and all mails sent."""
    asked.post("/email-changes/confirm", asked.confirm)
    asked.back = {"token": asked.mail("email-changed-previous", asked.old)}
    assert asked.all_is_sent()
    return asked


@at(OBJECTING)
def test_killed_while_it_is_taken_back_it_is_the_new_address_and_nobody_is_told(changed, step):
    killed_at(step, changed, "/email-changes/object", changed.back)
    assert changed.has_the_new_one()
    assert changed.untold("email-change-taken-back", "email-change-undone")
    assert changed.service.me(changed.bearer).status == 200
    assert changed.post("/email-changes/object", changed.back).json == {"state": "taken-back"}
    taken_back_for_both(changed)


def test_killed_once_that_is_committed_it_is_the_old_address_though_nobody_was_answered(changed):
    killed_at(OBJECTING[-1], changed, "/email-changes/object", changed.back, carried_out=True)
    taken_back_for_both(changed)


@at(OBJECTED)
def test_killed_while_both_are_told_that_it_was_taken_back_they_are_told(changed, step):
    killed_at(step, changed, "/email-changes/object", changed.back)
    taken_back_for_both(changed)


def taken_back_for_both(ada: Person) -> None:
    assert ada.is_locked_with_the_old_one()
    assert ada.service.me(ada.bearer).status == 401
    assert ada.post("/email-changes/object", ada.back).status == 410
    mail_of(ada.service, "email-change-taken-back", ada.old)
    mail_of(ada.service, "email-change-undone", ada.new)
