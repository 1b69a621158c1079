"""Attacks on the links in mails, one kind after the other; each is named after its requirement of the ASVS 5.0."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from api_client import PASSWORD, PUBLIC_URL, Client, House, running
from mailing import change_tokens, reopening_token, reset_token
from running_service import TIRELESS
from services import new_database

DOORS = {  # by kind of link
    "reset": "/password-resets/complete",
    "confirm": "/email-changes/confirm",
    "object": "/email-changes/object",
    "take back": "/email-changes/object",
    "reopen": "/closures/reopen",
}
PAGES = ["password-reset", "email-change", "email-change/object", "reopen"]
WHY = {"reason": "other", "note": None}


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory) -> Iterator[House]:
    with (
        new_database(postgres, template) as database,
        running(database, tmp_path_factory.mktemp("home"), **TIRELESS) as house,
    ):
        yield house


@pytest.fixture(scope="module")
def clerk(house) -> Client:
    return house.staff("secretariat", "clerk@school.example")


@dataclass
class Link:
    """Of one kind, in the mailbox of somebody of its own."""

    kind: str
    house: House
    holder: Client
    token: str = ""

    def follow(self, token: str | None = None, *, door: str | None = None):
        """Status and problem. token, door: where they are not its own."""
        door = door or self.kind
        body = {"token": self.token if token is None else token}
        if door == "reset":
            body["new_password"] = PASSWORD
        answer = self.house.client().post(DOORS[door], body)
        problem = answer.json["type"].removeprefix("/problems/") if answer.status_code >= 400 else None
        return answer.status_code, problem

    def ask(self) -> None:
        """For one more of this kind."""
        if self.kind == "reset":
            self.token = reset_token(self.house, self.holder)
        elif self.kind == "reopen":
            if self.token:  # closed already
                assert self.works()
                self.holder.sign_in(self.holder.email, self.holder.password)
            self.token = reopening_token(self.house, self.holder)
        else:
            confirm, object_ = change_tokens(self.house, self.holder, f"{uuid4()}@school.example")
            if self.kind == "take back":
                assert self.follow(confirm, door="confirm")[0] == 200
            self.token = confirm if self.kind == "confirm" else object_

    def works(self) -> bool:
        return self.follow()[0] in (200, 204)


DEAD = (410, "token-dead")


@pytest.fixture(params=list(DOORS))
def link(house, request) -> Link:
    link = Link(request.param, house, house.holder())
    link.ask()
    return link


def test_v6_4_3_a_link_works_once(link):
    assert link.works()
    assert link.follow() == DEAD


def test_v6_4_3_scanners_that_open_a_link_first_use_nothing_up(link):
    """Mail scanners follow every link to its end, with GET and HEAD; the token stays where no script reads it."""
    browser = link.house.app.test_client()
    for path in [*PAGES, f"api/v1{DOORS[link.kind]}"]:
        for method in ("HEAD", "GET"):
            address = f"{PUBLIC_URL}/{path}?token={link.token}"
            answer = browser.open(address, base_url=PUBLIC_URL, method=method)
            for cookie in answer.headers.getlist("Set-Cookie"):
                assert {"HttpOnly", "SameSite=Lax", "Max-Age=3600"} <= set(cookie.split("; "))
            seen = {name: value for name, value in answer.headers if name != "Set-Cookie"}
            assert link.token not in str(seen) + answer.text
            if "Location" in seen:
                end = browser.open(seen["Location"], base_url=PUBLIC_URL, method=method)
                assert link.token not in str(end.headers) + end.text
    assert link.works()


@pytest.mark.parametrize(
    "bent",
    [
        lambda token: token[:-1],
        lambda token: token[:22],
        lambda token: token + "A",
        lambda token: token[1:],
        lambda token: token.swapcase(),
        lambda token: token + "=",
        lambda token: f"{token}%00",
        lambda token: f"{token}é",
    ],
)
def test_v6_4_3_a_token_that_was_cut_or_bent_is_dead_and_the_whole_one_is_not(link, bent):
    assert link.follow(bent(link.token)) == DEAD
    assert link.works()


def test_v6_4_3_a_token_of_one_kind_opens_no_door_of_another(link):
    for door, path in DOORS.items():
        if path != DOORS[link.kind]:
            assert link.follow(door=door) == DEAD
    assert link.works()


def test_v6_4_3_a_token_is_nobodys_session(link):
    for headers in ({"Authorization": f"Bearer {link.token}"}, {"Cookie": f"matricule_session={link.token}"}):
        assert link.house.client().get("/me", headers=headers).status_code == 401


def test_v6_4_3_a_token_that_has_expired_is_dead(link):
    with link.house.service.pool.connection() as connection:
        expired = connection.execute(
            "UPDATE links SET expires_at = now() WHERE account_id = %s", [link.holder.id]
        )
        assert expired.rowcount >= 1
    assert link.follow() == DEAD


@pytest.mark.parametrize("kind", [kind for kind in DOORS if kind != "take back"])
def test_v6_4_3_a_newer_link_is_the_only_one(house, kind):
    link = Link(kind, house, house.holder())
    link.ask()
    older = link.token
    link.ask()
    assert link.follow(older) == DEAD
    assert link.works()
    assert link.follow(older) == DEAD


def test_v6_4_3_one_accounts_link_changes_no_other(house):
    """All of the others' passwords, addresses and sessions stay as they are."""
    other = house.holder()
    for kind in DOORS:
        link = Link(kind, house, house.holder())
        link.ask()
        assert link.works()
    assert other.get("/me").json["email"] == other.email
    assert other.again().post("/session", other.pair).status_code == 201


def test_v6_4_3_of_two_changes_each_former_mailbox_has_its_own_way_back(house):
    """No newer link replaces the one that undoes a change: else a second change would shake off the first mailbox."""
    link = Link("take back", house, house.holder())
    link.ask()
    first = link.token
    link.ask()
    assert link.follow(first) == (200, None)
    assert link.follow(first) == link.follow() == DEAD
    assert house.service.store.account(link.holder.id).email == link.holder.email


@pytest.mark.parametrize("deed", ["lock", "close"])
def test_v7_4_2_with_the_account_end_its_sessions_and_tokens(house, clerk, deed):
    holder = house.holder()
    token = holder.again().post("/tokens", holder.pair).json["token"]
    bearer = holder.again(Authorization=f"Bearer {token}")
    assert clerk.post(f"/accounts/{holder.id}/{deed}", WHY).status_code == 204
    assert [each.get("/me").status_code for each in (holder, bearer)] == [401, 401]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("reset", (403, "account-closed")),
        ("confirm", DEAD),
        ("object", DEAD),  # nothing is left to cancel
        ("take back", (200, None)),  # the address comes back, the account does not
        ("reopen", DEAD),
    ],
)
def test_v7_4_2_no_link_goes_round_the_closing_of_an_account(house, clerk, kind, told):
    link = Link(kind, house, house.holder())
    link.ask()
    assert clerk.post(f"/accounts/{link.holder.id}/close", WHY).status_code == 204
    assert link.follow() == told
    assert link.holder.again().post("/session", link.holder.pair).json["type"] == "/problems/account-closed"


@pytest.mark.parametrize("kind", ["reset", "confirm", "object", "take back"])
def test_v7_4_2_no_link_opens_a_locked_account(house, clerk, kind):
    link = Link(kind, house, house.holder())
    link.ask()
    assert clerk.post(f"/accounts/{link.holder.id}/lock", WHY).status_code == 204
    link.follow()
    account = house.service.store.account(link.holder.id)
    assert (account.state, account.email) == ("locked", link.holder.email)
    assert house.client().post("/session", link.holder.pair).json["type"] == "/problems/account-locked"


def test_v6_4_3_a_link_for_a_new_password_does_not_go_round_the_second_factor(house):
    link = Link("reset", house, house.holder())
    link.holder.enrol(house.service.clock.now())
    link.ask()
    assert link.follow() == (401, "second-factor-needed")
    body = {"token": link.token, "new_password": PASSWORD, "code": "000000"}
    wrong = house.client().post(DOORS["reset"], body)
    assert (wrong.status_code, wrong.json["type"]) == (401, "/problems/wrong-credentials")
    assert link.holder.get("/me").status_code == 200
