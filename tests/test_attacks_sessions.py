"""Attacks on sessions and roles, each named after its requirement of the ASVS 5.0."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from api_client import PASSWORD, PROFILE, Client, House, running
from running_service import TIRELESS
from services import new_database
from walking import state_of, walked


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


@pytest.fixture(scope="module")
def victim(house) -> dict[str, object]:
    return anothers(house)


def anothers(house: House) -> dict[str, object]:
    """Ids of what is another's, which all exist, by their name in paths."""
    victim, clerk = house.holder(), house.staff("secretariat", f"{uuid4()}@school.example")
    victim.enrol(house.service.clock.now())
    victim.put("/me/profile", {**PROFILE, "ahv_number": None})
    matched = {"Log-Position": house.match(victim.id)}
    proposal = {"email": f"{uuid4()}@school.example", "reason": "mailbox-lost", "note": None}
    (case_id,) = [
        item["id"]
        for item in clerk.get("/cases", headers=matched).json["items"]
        if item["account"]["id"] == str(victim.id)
    ]
    return {
        "account_id": victim.id,
        "session_id": victim.get("/me/sessions").json["items"][0]["id"],
        "factor_id": victim.get("/me/second-factors").json["items"][0]["id"],
        "case_id": case_id,
        "recovery_id": clerk.post(f"/accounts/{victim.id}/recovery", proposal).json["id"],
    }


# --- fixation


def test_v7_2_4_a_session_planted_before_sign_in_is_not_the_one_after_it(house):
    attacker, browser = house.holder(), house.holder().again()
    planted = browser.secret = attacker.secret
    victim = house.holder()
    browser.sign_in(victim.email, victim.password)
    assert browser.secret != planted
    thief = house.client()
    thief.secret = planted
    assert thief.get("/session").status_code == 401


@pytest.mark.parametrize("made_up", ["A" * 43, "x", "0"])
def test_v7_2_4_a_secret_that_somebody_made_up_is_never_taken_over(house, made_up):
    holder = house.holder()
    browser = holder.again()
    browser.secret = made_up
    browser.sign_in(holder.email, holder.password)
    assert browser.secret != made_up
    thief = house.client()
    thief.secret = made_up
    assert thief.get("/session").status_code == 401


@pytest.mark.parametrize("header", ["X-Session", "X-Matricule-Session", "Session"])
def test_v7_2_1_a_session_comes_by_cookie_or_bearer_token_and_in_no_other_way(house, header):
    holder = house.holder()
    assert house.client().get("/me", headers={header: holder.secret}).status_code == 401
    assert house.client().get(f"/me?matricule_session={holder.secret}").status_code in (401, 422)


def test_v3_3_1_every_cookie_that_a_door_sets_is_out_of_reach_for_scripts_and_other_sites(house):
    holder = house.holder()
    again = holder.again()
    change = {"current_password": holder.password, "new_password": PASSWORD}
    answers = [
        again.post("/session", holder.pair),
        holder.put("/me/password", change),
        house.holder().delete("/session"),
    ]
    leaving = house.holder()
    answers.append(leaving.post("/me/closure", {"password": leaving.password}))
    for answer in answers:
        cookies = answer.headers.getlist("Set-Cookie")
        assert cookies
        for cookie in cookies:
            assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; ")), cookie
            assert "Domain" not in cookie


# --- another site


@pytest.mark.parametrize("token", [None, "", "another's", "x" * 43])
def test_v3_5_1_no_unsafe_request_by_cookie_does_anything_without_the_sessions_own_token(
    house, clerk, victim, token
):
    browser = Client(house.app, clerk.headers)
    browser.secret = clerk.secret
    del browser.headers["X-CSRF-Token"]
    if token is not None:
        other = house.holder().headers["X-CSRF-Token"]
        browser.headers["X-CSRF-Token"] = other if token == "another's" else token
    before = state_of(house)
    tried = 0
    for operation in walked(house, unsafe=True, **victim):
        if operation.facts.get("signed_in"):
            answer = browser.ask(operation.method, operation.path, json=operation.body)
            assert (answer.status_code, answer.json["type"]) == (403, "/problems/csrf-failed"), operation
            tried += 1
    assert tried > 20
    assert state_of(house) == before


# --- another's things


ROLES = ["holder", "secretariat", "auditor", "data-protection", "operator"]


@pytest.mark.parametrize("role", ROLES)
def test_v8_2_1_no_role_does_what_is_anothers_even_where_all_ids_are_known(house, victim, role):
    email = f"{role}-{uuid4()}@school.example"
    client = house.holder(email) if role == "holder" else house.staff(role, email)
    before = state_of(house)
    tried = 0
    for operation in walked(house, **victim):
        roles = operation.facts.get("roles")
        if not roles or role in roles:
            continue
        answer = client.ask(operation.method, operation.path, json=operation.body)
        assert (answer.status_code, answer.json["type"]) == (403, "/problems/not-allowed"), operation
        tried += 1
    assert tried >= 10, tried
    assert state_of(house) == before


def test_v8_2_2_nothing_under_me_is_found_by_the_id_of_anothers(house, victim):
    """Nor is it told from what does not exist."""
    holder = house.holder()
    before = state_of(house)
    tried = 0
    for operation in walked(house, **victim):
        (theirs,) = set(operation.path.split("/")) & set(map(str, victim.values())) or {None}
        if not theirs or not operation.path.startswith("/me/"):
            continue
        body = operation.body and operation.body | {"password": holder.password}
        body = {name: body[name] for name in operation.body} if body else None
        anothers_answer, nobodys = (
            holder.ask(operation.method, path, json=body)
            for path in (operation.path, operation.path.replace(theirs, str(uuid4())))
        )
        assert (nobodys.status_code, nobodys.json) == (anothers_answer.status_code, anothers_answer.json)
        assert (nobodys.status_code, nobodys.json["type"]) == (404, "/problems/not-found"), operation
        tried += 1
    assert tried >= 3
    assert state_of(house) == before


# --- caches


def test_v14_3_2_no_personal_answer_may_be_kept(house, clerk):
    """Every answer of every operation, refused or not, but for the two lists that are the same for everybody."""
    ids, kept, statuses = anothers(house), set(), set()
    for client in (house.client(), house.holder(), clerk):
        for operation in walked(house, **ids):
            if operation.method == "DELETE" and not operation.body:  # which would sign the client out
                continue
            answer = client.ask(operation.method, operation.path, json=operation.body)
            statuses.add(answer.status_code)
            if answer.headers["Cache-Control"] != "no-store":
                kept.add(operation.path)
    assert kept == {"/codes", "/services"}
    assert statuses >= {200, 201, 202, 204, 401, 403, 404, 409, 410}
    assert clerk.get("/session").status_code == 200
