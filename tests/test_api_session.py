"""Signing in and out, by cookie and by token, and what protects either."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from api_client import FRONTEND, PUBLIC_URL, Client, running
from services import new_database

from api.app import create_app
from api.described import facts_of
from api.documentation import operations, path_of

CLAIRE = "claire@school.example"
HTTPS = "https://account.school.example"


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    with (
        new_database(postgres, template) as database,
        running(database, tmp_path_factory.mktemp("home")) as house,
    ):
        yield house


@pytest.fixture(scope="module")
def claire(house) -> Client:
    """Signed in by cookie; her pair is good for more."""
    return house.holder(CLAIRE)


def by_token(holder: Client) -> Client:
    token = holder.again().post("/tokens", holder.pair).json["token"]
    return holder.again(Authorization=f"Bearer {token}")


def by_cookie(holder: Client) -> Client:
    client = holder.again()
    client.sign_in(holder.email, holder.password)
    return client


def test_signing_in_tells_who_one_is_and_that_the_first_password_stands(claire):
    answer = claire.again().post("/session", claire.pair)
    assert answer.status_code == 201
    assert answer.json["account"]["email"] == CLAIRE
    assert answer.json["account"]["state"] == "active"
    assert answer.json["roles"] == []
    assert answer.json["initial_password"] is True
    assert answer.json["csrf_token"]


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(claire):
    cookie = claire.again().post("/session", claire.pair).headers["Set-Cookie"]
    assert cookie.startswith("matricule_session=")
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert "Domain" not in cookie


def test_where_the_service_is_reached_by_https_cookies_and_browsers_are_bound_to_it(house, claire):
    settings = replace(house.service.settings, public_url=HTTPS, allowed_hosts=frozenset(["127.0.0.1"]))
    app = create_app(replace(house.service, settings=settings))
    answer = claire.again(app).post("/session", claire.pair)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-matricule_session=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_a_wrong_pair_is_told_alike_whichever_part_is_wrong(house, claire):
    wrong_password = house.client().post("/session", {**claire.pair, "password": "something else"})
    wrong_address = house.client().post("/session", {**claire.pair, "email": "nobody@school.example"})
    assert wrong_password.status_code == wrong_address.status_code == 401
    assert wrong_password.json == wrong_address.json
    assert wrong_password.json["type"] == "/problems/wrong-credentials"
    assert "Set-Cookie" not in wrong_password.headers


def test_addresses_are_compared_without_case(claire):
    assert (
        claire.again().post("/session", {**claire.pair, "email": "CLAIRE@School.Example"}).status_code == 201
    )


def test_who_is_not_signed_in_has_no_session(house):
    assert house.client().get("/session").status_code == 401


def test_the_session_is_shown_with_its_csrf_token(claire):
    signed_in = by_cookie(claire)
    shown = signed_in.get("/session")
    assert shown.json["csrf_token"] == signed_in.headers["X-CSRF-Token"]
    assert shown.headers["Cache-Control"] == "no-store"


def test_signing_in_again_makes_a_new_secret_and_ends_the_one_before(claire):
    client = by_cookie(claire)
    before = client.secret
    client.sign_in(claire.email, claire.password)
    assert client.secret != before
    old = claire.again()
    old.secret = before
    assert old.get("/session").status_code == 401


def test_signing_out_ends_the_session_and_takes_the_cookie_back(claire):
    client = by_cookie(claire)
    secret = client.secret
    assert client.delete("/session").status_code == 204
    assert client.secret is None
    client.secret = secret
    assert client.get("/session").status_code == 401


@pytest.mark.parametrize("token", [None, "", "wrong", "é"])
def test_a_cookie_alone_changes_nothing(claire, token):
    client = by_cookie(claire)
    headers = client.headers.copy()
    del client.headers["X-CSRF-Token"]
    for ask in (lambda **h: client.delete("/session", **h), lambda **h: client.put("/me/profile", {}, **h)):
        answer = ask(headers={} if token is None else {"X-CSRF-Token": token})
        assert answer.status_code == 403
        assert answer.json["type"] == "/problems/csrf-failed"
    client.headers = headers
    assert client.get("/session").status_code == 200


def test_another_sessions_csrf_token_is_none(claire):
    one, other = by_cookie(claire), by_cookie(claire)
    assert one.delete("/session", headers={"X-CSRF-Token": other.headers["X-CSRF-Token"]}).status_code == 403


def test_a_token_opens_the_door_without_cookie_and_csrf_token(claire):
    client = by_token(claire)
    assert client.get("/me").json["email"] == CLAIRE
    assert client.get("/session").json["csrf_token"] is None
    assert client.put("/me/profile", {}).status_code == 422
    assert client.delete("/tokens/current").status_code == 204
    assert client.get("/me").status_code == 401


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic Y2xhaXJlOng=", "é"]
)
def test_whoever_names_a_wrong_token_is_not_let_in_by_cookie_either(claire, authorization):
    assert by_cookie(claire).get("/me", headers={"Authorization": authorization}).status_code == 401


def test_a_cookies_secret_is_no_token_and_a_token_no_cookie(claire):
    secret = by_cookie(claire).secret
    assert claire.again(Authorization=f"Bearer {secret}").get("/me").status_code == 401
    token = by_token(claire).headers["Authorization"].removeprefix("Bearer ")
    client = claire.again()
    client.secret = token
    assert client.get("/me").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": PUBLIC_URL},
        {"Sec-Fetch-Site": "same-origin", "Origin": PUBLIC_URL},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-site", "Origin": FRONTEND},
    ],
)
def test_one_signs_in_from_our_own_pages_allowed_frontends_and_programs(claire, headers):
    assert claire.again().post("/session", claire.pair, headers=headers).status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": PUBLIC_URL},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"{PUBLIC_URL}.evil.example"},
    ],
)
def test_nobody_is_signed_in_from_another_site(claire, headers):
    answer = claire.again().post("/session", claire.pair, headers=headers)
    assert answer.status_code == 403
    assert answer.json["type"] == "/problems/csrf-failed"
    assert "Set-Cookie" not in answer.headers


def test_every_door_but_the_public_ones_wants_a_session(house):
    public = {
        ("post", "/accounts"),
        ("post", "/session"),
        ("post", "/session/passkey"),
        ("post", "/session/passkey/options"),
        ("post", "/tokens"),
        ("post", "/password-resets"),
        ("post", "/password-resets/complete"),
        ("post", "/email-changes/confirm"),
        ("post", "/email-changes/object"),
        ("post", "/closures/reopen"),
        ("get", "/codes"),
        ("get", "/services"),
        ("get", "/places"),
        ("get", "/audit/checkpoint"),
        ("get", "/audit/key"),
        ("get", "/audit/tile/{tile}"),
    }
    guarded = set()
    for rule, method in operations(house.app):
        path = path_of(rule).removeprefix("/api/v1")
        if (method, path) in public:
            continue
        guarded.add((method, path))
        some = re.sub("{[a-z_]+}", CASE_ID, path)
        answer = house.client().ask(method.upper(), some)
        assert (answer.status_code, answer.json["type"]) == (401, "/problems/not-signed-in"), (method, path)
    assert len(guarded) > 10


CASE_ID = "b1c3d1de-95bb-4a44-8f0a-4f1d6a0c2f6e"
MAY = {  # what each role may do on staff's paths
    "holder": set(),
    "secretariat": {"read accounts", "read cases", "read statistics", "read imports", "write"},
    "auditor": {"read accounts", "read cases", "read audit"},
    "data-protection": {"read accounts", "read erasures", "erase"},
    "operator": {"read statistics"},
}


@pytest.mark.parametrize("role", MAY)
def test_a_role_may_do_what_is_its_own_on_staffs_paths(house, role):
    email = f"{role}@school.example"
    client = house.holder(email) if role == "holder" else house.staff(role, email)
    assert client.get("/session").json["roles"] == ([] if role == "holder" else [role])
    for rule, method in operations(house.app):
        if not facts_of(house.app.view_functions[rule.endpoint]).get("roles"):
            continue
        path = path_of(rule).removeprefix("/api/v1")
        deed = "erase" if "/erasure" in path else "write"
        if (method, path) == ("post", "/accounts/search"):  # what was typed is no part of an address
            deed = "read accounts"
        deed = deed if method != "get" else f"read {path.split('/')[1]}"
        some = re.sub("{[a-z_]+}", CASE_ID, path)
        refused = client.ask(method.upper(), some).status_code == 403
        assert refused == (deed not in MAY[role]), (method, path)


def test_a_mandate_ends_with_its_last_day(house):
    today = house.service.clock.now().date()
    assert (
        house.staff("auditor", "now@school.example", until=today + timedelta(days=1))
        .get("/cases")
        .status_code
        == 200
    )
    over = house.staff("auditor", "over@school.example", until=today - timedelta(days=2))
    assert over.get("/session").json["roles"] == []
    assert over.get("/cases").status_code == 403


def test_a_session_that_has_run_out_is_none(house, claire):
    client = by_cookie(claire)
    with house.service.pool.connection() as connection:
        connection.execute("UPDATE sessions SET expires_at = now() WHERE account_id = %s", (claire.id,))
    assert client.get("/me").status_code == 401
