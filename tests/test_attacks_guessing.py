"""Whoever guesses codes has to wait; each attack is named after its requirement of the ASVS 5.0."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from api_client import PASSWORD, Client, House, running, with_waits_that_do_not_end
from mailing import reset_token
from services import new_database
from walking import walked

FREE = 3  # wrong ones, before a wait
WRONG_CODE = "000000"


@pytest.fixture
def house(postgres, template, tmp_path) -> Iterator[House]:
    with (
        new_database(postgres, template) as database,
        running(database, tmp_path, WRONG_PASSWORDS=str(FREE)) as house,
    ):
        yield house


@pytest.fixture
def secured(house) -> Client:
    """Signed in, with an app."""
    holder = house.holder()
    holder.enrol(house.service.clock.now())
    return holder


def next_code(house: House, holder: Client) -> str:
    return holder.codes.at(house.service.clock.now() + timedelta(seconds=30))


@pytest.mark.parametrize("door", ["/session", "/tokens"])
def test_v6_3_1_whoever_has_the_password_cannot_go_on_guessing_codes(house, secured, door):
    """Also where each guess is paused by a sign-in without a code, which is none."""
    thief = with_waits_that_do_not_end(house)

    def guess(**code: str) -> int:
        return thief.client().post(door, secured.pair | code).status_code

    told = [(guess(code=WRONG_CODE), guess()) for _ in range(FREE)]
    assert [wrong for wrong, _ in told] == [401] * FREE
    assert guess(code=next_code(house, secured)) == 429


def test_v6_3_1_whoever_has_the_mailbox_cannot_go_on_guessing_codes(house, secured):
    token = reset_token(house, secured)
    body = {"token": token, "new_password": PASSWORD}

    def guess(**code: str) -> int:
        return house.client().post("/password-resets/complete", body | code).status_code

    assert [guess(code=WRONG_CODE) for _ in range(FREE)] == [401] * FREE
    assert guess(code=next_code(house, secured)) == 429
    assert secured.get("/me").status_code == 200


def test_v6_3_1_a_newer_link_gives_no_further_guesses(house, secured):
    def guess() -> int:
        body = {"token": reset_token(house, secured), "new_password": PASSWORD, "code": WRONG_CODE}
        return house.client().post("/password-resets/complete", body).status_code

    assert [guess() for _ in range(FREE + 1)] == [401] * FREE + [429]


def test_v6_3_1_whoever_has_a_session_cannot_go_on_guessing_the_password_at_any_door(house):
    """Each door counts with all others; the right one is refused too."""
    holder, tried = house.holder(), 0
    for number in range(FREE):
        assert holder.post("/me/closure", {"password": f"wrong {number}"}).status_code == 403
    for operation in walked(house, unsafe=True):
        for field in {"password", "current_password"} & set(operation.body or {}):
            if operation.facts.get("signed_in"):
                body = operation.body | {field: holder.password}
                assert holder.ask(operation.method, operation.path, json=body).status_code == 429, operation
                tried += 1
    assert tried >= 7
