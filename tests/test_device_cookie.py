"""The cookie by which a browser is known again: how it is set, and what it spares its owner."""

from collections.abc import Iterator
from dataclasses import replace
from http.cookies import SimpleCookie

import pytest
from api_client import HOST, PASSWORD, Client, House, running, with_waits_that_do_not_end
from services import new_database

from api.app import create_app
from api.identity import DEVICE_COOKIE

HTTPS = "https://127.0.0.1:8000"


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory) -> Iterator[House]:
    with (
        new_database(postgres, template) as database,
        running(database, tmp_path_factory.mktemp("home"), NETWORK_WRONG_PASSWORDS="1000") as house,
    ):
        yield with_waits_that_do_not_end(house)


@pytest.fixture
def claire(house) -> Client:
    return house.holder()


def cookies(answer) -> SimpleCookie:
    found = SimpleCookie()
    for header in answer.headers.getlist("Set-Cookie"):
        found.load(header)
    return found


def secret(client: Client) -> str | None:
    cookie = client.browser.get_cookie(DEVICE_COOKIE, domain=HOST)
    return cookie and cookie.value


def test_the_cookie_is_kept_for_a_year_out_of_reach_for_scripts_and_other_sites(claire):
    cookie = cookies(claire.again().post("/session", claire.pair))[DEVICE_COOKIE]
    assert (cookie["max-age"], cookie["path"], cookie["samesite"]) == ("31536000", "/", "Lax")
    assert cookie["httponly"]
    assert not cookie["secure"]
    assert not cookie["domain"]


def test_where_the_service_is_reached_by_https_the_cookie_is_bound_to_it(house, claire):
    settings = replace(house.service.settings, public_url=HTTPS, allowed_hosts=frozenset([HOST]))
    app = create_app(replace(house.service, settings=settings))
    cookie = cookies(claire.again(app).post("/session", claire.pair))[f"__Host-{DEVICE_COOKIE}"]
    assert cookie["secure"]
    assert cookie["httponly"]
    assert cookie["path"] == "/"


def test_the_cookie_survives_signing_out_and_lets_its_owner_in_while_others_wait(house, claire):
    before = secret(claire)
    assert claire.delete("/session").status_code == 204
    stranger = house.client()
    wrong = {**claire.pair, "password": "a guess"}
    statuses = [stranger.post("/session", wrong).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    assert house.client().post("/session", claire.pair).status_code == 429
    assert claire.post("/session", claire.pair).status_code == 201
    assert claire.post("/tokens", claire.pair).status_code == 201
    assert secret(claire) == before


def test_a_new_password_leaves_the_browser_known_in_which_it_was_chosen_and_no_other(house, claire):
    other = claire.again()
    other.sign_in(claire.email, claire.password)
    change = {"current_password": claire.password, "new_password": PASSWORD}
    assert claire.put("/me/password", change).status_code == 204
    wrong, right = ({"email": claire.email, "password": word} for word in ("a guess", PASSWORD))
    while house.client().post("/session", wrong).status_code != 429:
        pass
    assert other.post("/session", right).status_code == 429
    assert claire.post("/session", right).status_code == 201


def test_a_refusal_sets_no_cookie(house, claire):
    answer = house.client().post("/session", {**claire.pair, "password": "a guess"})
    assert cookies(answer) == {}


def test_whoever_has_to_wait_is_told_how_long(house, claire):
    wrong = {**claire.pair, "password": "a guess"}
    answers = [house.client().post(door, wrong) for door in ("/session", "/tokens") * 3]
    assert answers[-1].status_code == 429
    assert answers[-1].json["type"] == "/problems/too-many-requests"
    assert answers[-1].headers["Retry-After"] == "1"


def test_a_password_that_is_tried_in_a_session_is_counted_there(house, claire):
    change = {"current_password": "a guess", "new_password": PASSWORD}
    answers = [claire.put("/me/password", change) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [403] * 5 + [429]
    assert answers[-1].headers["Retry-After"] == "1"
    assert claire.get("/me").status_code == 200
    assert claire.again().post("/session", claire.pair).status_code == 201


def test_a_refused_attempt_can_be_repeated_with_the_same_key(house, claire):
    wrong = {**claire.pair, "password": "a guess"}
    for _ in range(5):
        house.client().post("/session", wrong)
    key = {"Idempotency-Key": "one-attempt"}
    answers = [house.client().post("/session", wrong, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [429, 429]
    assert "Idempotent-Replayed" not in answers[1].headers
