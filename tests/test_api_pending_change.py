"""A change of address that is only asked for lives as long as whoever asked is trusted: by cookie and by token."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from api_client import PASSWORD, Client, House, running
from mailing import change_tokens, delivered, reset_token, text_of
from running_service import TIRELESS
from services import new_database


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory) -> Iterator[House]:
    with (
        new_database(postgres, template) as database,
        running(database, tmp_path_factory.mktemp("home"), **TIRELESS, MAILS_AN_HOUR="6") as house,
    ):
        yield house


@pytest.fixture
def claire(house) -> Client:
    return house.holder()


def by_cookie(claire: Client) -> Client:
    other = claire.again()
    other.sign_in(claire.email, claire.password)
    other.id = claire.id
    return other


def by_token(claire: Client) -> Client:
    token = claire.again().post("/tokens", claire.pair).json["token"]
    other = claire.again(Authorization=f"Bearer {token}")
    other.id = claire.id
    return other


def id_of(session: Client) -> str:
    (own,) = [each["id"] for each in session.get("/me/sessions").json["items"] if each["current"]]
    return own


def end_one(by: Client, ended: Client):
    return by.delete(f"/me/sessions/{id_of(ended)}")


def end_others(by: Client, _ended: Client):
    return by.delete("/me/sessions")


def confirmed(house: House, token: str) -> int:
    return house.client().post("/email-changes/confirm", {"token": token}).status_code


both = pytest.mark.parametrize("enter", [by_cookie, by_token])
Ending = Callable[[Client, Client], object]


@both
@pytest.mark.parametrize("by", [by_cookie, by_token], ids=["from a cookie", "from a token"])
@pytest.mark.parametrize("end", [end_one, end_others])
def test_it_dies_when_the_session_that_asked_is_ended_from_the_list(house, claire, enter, by, end: Ending):
    asking, another = enter(claire), by(claire)
    confirm, object_ = change_tokens(house, asking, f"{uuid4()}@school.example")
    delivered(house)
    assert end(another, asking).status_code == 204
    assert asking.get("/me").status_code == 401
    (told,) = delivered(house)
    assert (told["X-Matricule-Kind"], told["To"]) == ("email-change-cancelled", claire.email)
    assert "session" in text_of(told)
    assert confirmed(house, confirm) == 410
    assert house.client().post("/email-changes/object", {"token": object_}).status_code == 410
    assert another.get("/me").json["email"] == claire.email


@both
def test_it_lives_on_when_another_session_is_ended_or_all_but_the_one_that_asked(house, claire, enter):
    asking, another, third = enter(claire), by_cookie(claire), by_token(claire)
    confirm, _ = change_tokens(house, asking, f"{uuid4()}@school.example")
    assert end_one(another, third).status_code == 204
    assert end_others(asking, another).status_code == 204
    assert confirmed(house, confirm) == 200


@pytest.mark.parametrize(
    ("enter", "leave"), [(by_cookie, "/session"), (by_token, "/session"), (by_token, "/tokens/current")]
)
def test_it_lives_on_when_whoever_asked_signs_out(house, claire, enter, leave):
    """People sign out, and open the new mailbox elsewhere."""
    asking = enter(claire)
    confirm, _ = change_tokens(house, asking, f"{uuid4()}@school.example")
    assert asking.delete(leave).status_code == 204
    assert asking.get("/me").status_code == 401
    assert confirmed(house, confirm) == 200


@both
@pytest.mark.parametrize("how", ["chosen by the one that asked", "chosen by another", "reset"])
def test_it_dies_with_the_password(house, claire, enter, how):
    asking, another = enter(claire), by_cookie(claire)
    confirm, _ = change_tokens(house, asking, f"{uuid4()}@school.example")
    if how == "reset":
        body = {"token": reset_token(house, claire), "new_password": PASSWORD}
        answer = house.client().post("/password-resets/complete", body)
    else:
        body = {"current_password": claire.password, "new_password": PASSWORD}
        answer = (another if how == "chosen by another" else asking).put("/me/password", body)
    assert answer.status_code == 204
    assert confirmed(house, confirm) == 410


def test_how_often_one_may_ask_in_an_hour_is_the_setting(house):
    holder = house.holder()
    answers = [
        holder.post("/me/email-changes", {"new_email": f"n{n}@new.example", "password": holder.password})
        for n in range(7)
    ]
    assert [answer.status_code for answer in answers] == [202] * 6 + [429]
