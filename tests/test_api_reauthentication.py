"""The password, or a passkey in its place, wherever a body asks for it again; and a passkey's door during an attack."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from api_client import PASSWORD, PUBLIC_URL, Client, House, running, with_waits_that_do_not_end
from authenticator import Authenticator
from running_service import SIGN_UP, TIRELESS
from services import new_database
from walking import Operation, walked

OPTIONS = "/me/reauthentication/options"
PASSWORDS = {"password", "current_password"}


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory) -> Iterator[House]:
    with (
        new_database(postgres, template) as database,
        running(database, tmp_path_factory.mktemp("home"), **TIRELESS) as house,
    ):
        yield house


@pytest.fixture
def claire(house) -> Client:
    return with_passkey(house)


def with_passkey(house: House) -> Client:
    """Somebody signed in, who has a passkey on her `device`, and a long password."""
    client, device = house.holder(), Authenticator(PUBLIC_URL)
    begun = client.post("/me/second-factors/passkeys", {"password": client.password}).json
    made = client.post(
        f"/me/second-factors/{begun['id']}/confirm", {"credential": device.make(begun["options"])}
    )
    assert made.status_code == 200
    client.device, client.factor_id = device, UUID(begun["id"])
    return client


def shown(client: Client) -> dict:
    """A passkey's answer for the session in which the client is."""
    asked = client.post(OPTIONS)
    assert asked.status_code == 201, asked.json
    return {
        "attempt": asked.json["attempt"],
        "credential": client.device.answer(asked.json["options"]),
    }


def told(answer) -> tuple[int, str]:
    return answer.status_code, answer.json["type"].removeprefix("/problems/")


def asking_again(house: House, **ids: object) -> list[Operation]:
    """All operations inside a session that ask for the password."""
    found = [
        operation
        for operation in walked(house, unsafe=True, **ids)
        if operation.facts.get("signed_in") and PASSWORDS & set(operation.body or {})
    ]
    assert len(found) >= 8
    return found


def by_passkey(operation: Operation, passkey: object, **different: object) -> dict:
    body = {name: value for name, value in operation.body.items() if name not in PASSWORDS}
    return {**body, **different, "passkey": passkey}


@pytest.mark.parametrize("kind", ["cookie", "bearer"])
def test_whoever_has_signed_in_by_passkey_does_everything_without_a_password(house, kind):
    for operation in asking_again(house):
        enrolled = with_passkey(house)
        client = signed_in_by_passkey(house, enrolled) if kind == "cookie" else by_token(house, enrolled)
        path = next(
            each.path
            for each in asking_again(house, factor_id=enrolled.factor_id)
            if (each.method, each.path.split("/")[:3]) == (operation.method, operation.path.split("/")[:3])
            and len(each.path.split("/")) == len(operation.path.split("/"))
            and each.path.rsplit("/", 1)[1] in (operation.path.rsplit("/", 1)[1], str(enrolled.factor_id))
        )
        body = by_passkey(operation, shown(client))
        answer = client.ask(operation.method, path, json=body)
        assert answer.status_code in (200, 201, 202, 204), (operation, answer.json)
        again = client.ask(operation.method, path, json=body)
        assert again.status_code in (401, 403), operation  # the session may have ended with it


def signed_in_by_passkey(house: House, enrolled: Client) -> Client:
    client = enrolled.again()
    asked = client.post("/session/passkey/options").json
    body = {"attempt": asked["attempt"], "credential": enrolled.device.answer(asked["options"])}
    opened = client.post("/session/passkey", body)
    assert opened.status_code == 201, opened.json
    client.headers["X-CSRF-Token"] = opened.json["csrf_token"]
    client.device = enrolled.device
    return client


def by_token(house: House, enrolled: Client) -> Client:
    codes = enrolled.post("/me/second-factors/recovery-codes", {"password": enrolled.password}).json
    body = {**enrolled.pair, "code": codes["recovery_codes"][0]}
    token = house.client().post("/tokens", body).json["token"]
    client = enrolled.again(Authorization=f"Bearer {token}")
    client.device = enrolled.device
    return client


def test_one_of_the_two_is_asked_for_and_not_both(house, claire):
    for operation in asking_again(house):
        (name,) = PASSWORDS & set(operation.body)
        body = {key: value for key, value in operation.body.items() if key != name}
        none = claire.ask(operation.method, operation.path, json=body)
        assert (none.status_code, list(none.json["errors"])) == (422, [name]), operation
        both = by_passkey(operation, shown(claire)) | {name: claire.password}
        refused = claire.ask(operation.method, operation.path, json=both)
        assert (refused.status_code, refused.json["errors"]) == (
            422,
            {"passkey": ["Give one or the other, not both."]},
        ), operation


@pytest.mark.parametrize(
    ("passkey", "fields"),
    [
        (None, {"passkey"}),
        ("x", {"passkey"}),
        ([], {"passkey"}),
        ({}, {"passkey.attempt", "passkey.credential"}),
        ({"attempt": "1", "credential": {}}, {"passkey.attempt"}),
        ({"attempt": str(uuid4()), "credential": "x"}, {"passkey.credential"}),
        ({"attempt": str(uuid4()), "credential": {}, "email": "x"}, {"passkey.email"}),
    ],
)
def test_an_answer_that_cannot_be_is_refused_beside_its_field(claire, passkey, fields):
    answer = claire.post("/me/closure", {"passkey": passkey})
    assert (answer.status_code, set(answer.json["errors"])) == (422, fields)


def test_an_answer_of_nobodys_anothers_or_another_session_is_wrong(house, claire):
    other = with_passkey(house)
    elsewhere = signed_in_by_passkey(house, claire)
    nobodys = {"attempt": str(uuid4()), "credential": {}}
    for passkey in (nobodys, shown(other), shown(elsewhere)):
        answer = claire.post("/me/export", {"passkey": passkey})
        assert told(answer) == (403, "wrong-passkey")


def test_an_answer_is_good_once_also_at_another_door(claire):
    passkey = shown(claire)
    assert claire.post("/me/export", {"passkey": passkey}).status_code == 200
    assert told(claire.post("/me/export", {"passkey": passkey})) == (403, "wrong-passkey")
    assert told(claire.post("/me/closure", {"passkey": passkey})) == (403, "wrong-passkey")
    assert claire.get("/me").status_code == 200


def test_whoever_has_no_passkey_is_told_so(house):
    assert told(house.holder().post(OPTIONS)) == (409, "no-passkey")


def test_nobody_asks_who_is_not_signed_in_or_comes_from_elsewhere(house, claire):
    assert told(house.client().post(OPTIONS)) == (401, "not-signed-in")
    del claire.headers["X-CSRF-Token"]
    assert told(claire.post(OPTIONS)) == (403, "csrf-failed")


# --- while others attack


def test_v6_1_1_a_passkey_opens_the_door_while_its_holders_address_and_network_are_attacked(
    postgres, template, tmp_path
):
    """From a browser that nobody knows, in the network from which all the guesses come."""
    limits = {"PUBLIC_REQUESTS_AN_HOUR": "20", "NETWORK_WRONG_PASSWORDS": "20"}
    with new_database(postgres, template) as database, running(database, tmp_path, **limits) as house:
        holder = with_passkey(house)
        stranger, guesser = house.client(), with_waits_that_do_not_end(house).client()
        guess = {"email": holder.email, "password": "a guess of mine, it is"}
        statuses = {guesser.post("/session", guess).status_code for _ in range(40)}
        assert statuses == {401, 429}
        for number in range(20):
            stranger.post("/accounts", {**SIGN_UP, "email": f"{number}@school.example"})
        assert stranger.post("/accounts", {**SIGN_UP, "email": "a@school.example"}).status_code == 429
        for _ in range(60):
            assert stranger.post("/session/passkey/options").status_code == 201
            nobodys = {"attempt": str(uuid4()), "credential": {}}
            assert stranger.post("/session/passkey", nobodys).status_code == 422

        assert guesser.post("/session", holder.pair).status_code == 429
        inside = signed_in_by_passkey(house, holder)
        assert inside.get("/me").json["email"] == holder.email
        change = {"passkey": shown(inside), "new_password": PASSWORD}
        assert inside.put("/me/password", change).status_code == 204
