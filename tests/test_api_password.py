"""Choosing a password: this session goes on, all others end."""

import unicodedata

import pytest
from api_client import PASSWORD, Client, running
from services import new_database


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    with (
        new_database(postgres, template) as database,
        running(database, tmp_path_factory.mktemp("home")) as house,
    ):
        yield house


@pytest.fixture
def claire(house) -> Client:
    return house.holder()


def change(client: Client, new_password: str = PASSWORD, current: str | None = None):
    return client.put(
        "/me/password", {"current_password": current or client.password, "new_password": new_password}
    )


def by_token(holder: Client) -> Client:
    token = holder.again().post("/tokens", holder.pair).json["token"]
    return holder.again(Authorization=f"Bearer {token}")


def test_the_new_password_is_good_and_the_old_one_is_not(claire):
    answer = change(claire)
    assert answer.status_code == 204
    assert answer.headers["Log-Position"]
    assert answer.headers["Recorded-At"]
    assert claire.again().post("/session", claire.pair).status_code == 401
    signed_in = claire.again().post("/session", {**claire.pair, "password": PASSWORD})
    assert signed_in.json["initial_password"] is False


def test_this_session_goes_on_under_a_new_cookie_and_a_new_csrf_token(claire):
    before = claire.secret
    change(claire)
    assert claire.secret not in (None, before)
    session = claire.get("/session").json
    assert session["csrf_token"] != claire.headers["X-CSRF-Token"]
    assert session["initial_password"] is False
    assert claire.delete("/session").status_code == 403
    claire.headers["X-CSRF-Token"] = session["csrf_token"]
    assert claire.delete("/session").status_code == 204


def test_all_other_sessions_and_tokens_end(claire):
    other, token, stolen = claire.again(), by_token(claire), claire.again()
    other.sign_in(claire.email, claire.password)
    stolen.secret = claire.secret
    change(claire)
    assert [client.get("/me").status_code for client in (other, token, stolen)] == [401, 401, 401]


def test_a_token_that_changes_the_password_goes_on_and_all_others_end(claire):
    client, other = by_token(claire), by_token(claire)
    client.password = claire.password
    answer = change(client)
    assert answer.status_code == 204
    assert "Set-Cookie" not in answer.headers
    assert client.get("/me").status_code == 200
    assert [each.get("/me").status_code for each in (other, claire)] == [401, 401]


def test_the_current_password_is_asked_for(claire):
    answer = change(claire, current="something else entirely")
    assert (answer.status_code, answer.json["type"]) == (403, "/problems/wrong-password")
    assert claire.get("/me").status_code == 200


def test_a_password_is_taken_as_typed(claire):
    spaced = "  deux espaces devant et derrière  "
    assert change(claire, spaced).status_code == 204
    assert claire.again().post("/session", {**claire.pair, "password": spaced}).status_code == 201
    assert claire.again().post("/session", {**claire.pair, "password": spaced.strip()}).status_code == 401


@pytest.mark.parametrize(
    "bad", ["", "too short", "x" * 14, "x" * 129, "fifteen\0characters", 123456789012345, None]
)
def test_a_password_that_cannot_be_is_refused_beside_its_field(claire, bad):
    answer = change(claire, bad)
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == ["new_password"]
    assert claire.again().post("/session", claire.pair).status_code == 201


@pytest.mark.parametrize(
    ("bad", "code", "said"),
    [
        ("passwordpassword123", "password-common", "Too common"),
        ("x" * 15, "password-common", "Too common"),
        ("sept ponts de Rossel", "password-holds-name", "your family name or given name"),
        ("sept ponts et holder-", "password-holds-name", "your e-mail address"),
        ("sept ponts hep bejune", "password-holds-name", "the name of the institution"),
    ],
)
def test_a_password_that_others_would_guess_is_refused_with_the_reason(claire, bad, code, said):
    answer = change(claire, bad)
    assert (answer.status_code, answer.json["type"]) == (422, f"/problems/{code}")
    ((message,),) = answer.json["errors"].values()
    assert said in message
    assert list(answer.json["errors"]) == ["new_password"]
    assert bad not in answer.text
    assert claire.again().post("/session", claire.pair).status_code == 201


def test_a_password_is_counted_composed_however_its_accents_are_typed(claire):
    longest = "été à Môtiers, " * 8 + "être là"
    assert change(claire, unicodedata.normalize("NFD", longest)).status_code == 204
    for form in ("NFC", "NFD"):
        pair = {**claire.pair, "password": unicodedata.normalize(form, longest)}
        assert claire.again().post("/session", pair).status_code == 201


@pytest.mark.parametrize(
    ("oversized", "status"),
    [("x" * 129, 422), ("e\u0301" * 129, 422), ("\u0301" * 10_000, 422), ("x" * 1_000_000, 413)],
)
def test_an_oversized_password_is_refused_at_the_door(claire, oversized, status):
    for path in ("/session", "/tokens"):
        pair = {**claire.pair, "password": oversized}
        assert claire.again().post(path, pair).status_code == status
    assert change(claire, oversized).status_code == status
    assert change(claire, current=oversized).status_code == status


def test_both_passwords_must_be_there_and_nothing_else(claire):
    answer = claire.put("/me/password", {"password": "x"})
    assert set(answer.json["errors"]) == {"current_password", "new_password", "password"}


def test_the_present_password_is_no_new_one(claire):
    change(claire)
    claire.headers["X-CSRF-Token"] = claire.get("/session").json["csrf_token"]
    answer = change(claire, PASSWORD, current=PASSWORD)
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/password-unchanged")
    assert list(answer.json["errors"]) == ["new_password"]
