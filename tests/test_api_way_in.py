"""Lost passwords, other addresses, sessions elsewhere, the end of an account: over JSON."""

from uuid import uuid4

import pytest
from api_client import FIREFOX, PASSWORD, Client, running
from mailing import change_tokens, reset_token
from services import new_database

WHY = {"reason": "other", "note": None}


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


@pytest.fixture(scope="module")
def clerk(house) -> Client:
    return house.staff("secretariat", "clerk@school.example")


@pytest.fixture(scope="module")
def colleague(house) -> Client:
    return house.staff("secretariat", "colleague@school.example")


# --- lost password


def test_a_mailed_link_gives_a_new_password_once(house, claire):
    token = reset_token(house, claire)
    body = {"token": token, "new_password": PASSWORD}
    assert house.client().post("/password-resets/complete", body).status_code == 204
    assert claire.get("/me").status_code == 401
    assert claire.again().post("/session", {**claire.pair, "password": PASSWORD}).status_code == 201
    again = house.client().post("/password-resets/complete", body)
    assert (again.status_code, again.json["type"]) == (410, "/problems/token-dead")


def test_the_door_for_lost_passwords_answers_nobody_more_than_another(house, claire):
    known = house.client().post("/password-resets", {"email": claire.email})
    unknown = house.client().post("/password-resets", {"email": f"{uuid4()}@school.example"})
    for answer in (known, unknown):
        assert "Log-Position" not in answer.headers
    assert (known.status_code, known.data, sorted(known.headers)) == (
        unknown.status_code,
        unknown.data,
        sorted(unknown.headers),
    )


@pytest.mark.parametrize("path", ["/email-changes/confirm", "/email-changes/object", "/closures/reopen"])
@pytest.mark.parametrize("token", ["x", "é" * 200, "' OR 1=1 --"])
def test_a_token_that_nobody_was_sent_is_gone(house, path, token):
    answer = house.client().post(path, {"token": token})
    assert answer.status_code == 410


# --- another address


def test_the_confirmation_changes_the_address_and_the_objection_takes_it_back(house, claire):
    new_email = f"{uuid4()}@school.example"
    confirm, object_ = change_tokens(house, claire, new_email)
    assert claire.get("/me").json["email"] == claire.email

    answer = house.client().post("/email-changes/confirm", {"token": confirm})
    assert (answer.status_code, answer.json) == (200, {"state": "changed"})
    assert claire.again().post("/session", {**claire.pair, "email": new_email}).status_code == 201

    answer = house.client().post("/email-changes/object", {"token": object_})
    assert answer.json == {"state": "taken-back"}
    locked = claire.again().post("/session", claire.pair)
    assert (locked.status_code, locked.json["type"]) == (403, "/problems/account-locked")


def test_an_objection_before_the_confirmation_cancels(house, claire):
    confirm, object_ = change_tokens(house, claire, f"{uuid4()}@school.example")
    assert house.client().post("/email-changes/object", {"token": object_}).json == {"state": "cancelled"}
    assert house.client().post("/email-changes/confirm", {"token": confirm}).status_code == 410


def test_an_address_that_is_taken_is_refused_at_the_confirmation(house, claire):
    new_email = f"{uuid4()}@school.example"
    confirm, _ = change_tokens(house, claire, new_email)
    house.holder(new_email)
    answer = house.client().post("/email-changes/confirm", {"token": confirm})
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/email-taken")


def test_asking_for_another_address_wants_the_password_and_another_address(claire):
    wrong = claire.post("/me/email-changes", {"new_email": "a@school.example", "password": "wrong"})
    assert (wrong.status_code, wrong.json["type"]) == (403, "/problems/wrong-password")
    same = claire.post("/me/email-changes", {"new_email": claire.email, "password": claire.password})
    assert (same.status_code, list(same.json["errors"])) == (422, ["new_email"])


# --- sessions


def test_a_session_says_from_which_device_and_place_it_is_used(claire):
    phone = claire.again(User_Agent=FIREFOX)
    phone.sign_in(claire.email, claire.password)
    items = claire.get("/me/sessions").json["items"]
    assert [item["current"] for item in items].count(True) == 1
    assert "Firefox · Windows" in [item["device"] for item in items]
    assert {item["place"] for item in items} == {"local network"}


def test_one_other_session_is_ended_or_all(claire):
    first, second, third = claire.again(), claire.again(), claire.again()
    for other in (first, second, third):
        other.sign_in(claire.email, claire.password)
    (first_id,) = [item["id"] for item in first.get("/me/sessions").json["items"] if item["current"]]

    assert claire.delete(f"/me/sessions/{first_id}").status_code == 204
    assert [each.get("/me").status_code for each in (claire, first, second)] == [200, 401, 200]
    assert claire.delete(f"/me/sessions/{first_id}").status_code == 404
    assert claire.delete("/me/sessions").status_code == 204
    assert [each.get("/me").status_code for each in (claire, second, third)] == [200, 401, 401]


def test_sessions_and_second_factors_are_told_page_by_page(house, claire):
    for _ in range(2):
        claire.again().sign_in(claire.email, claire.password)
    whole = claire.get("/me/sessions?limit=50").json
    assert (len(whole["items"]), whole["next_cursor"]) == (3, None)
    first = claire.get("/me/sessions?limit=2").json
    rest = claire.get(f"/me/sessions?limit=2&cursor={first['next_cursor']}").json
    assert [each["id"] for each in first["items"] + rest["items"]] == [each["id"] for each in whole["items"]]
    assert rest["next_cursor"] is None
    claire.enrol(house.service.clock.now())
    factors = claire.get("/me/second-factors?limit=200").json
    assert (len(factors["items"]), factors["next_cursor"]) == (1, None)
    for path in ("/me/sessions", "/me/second-factors"):
        assert claire.get(f"{path}?limit=201").status_code == 422
        assert claire.get(f"{path}?cursor={first['next_cursor']}x").json["type"] == "/problems/bad-cursor"


def test_another_persons_session_is_not_found(house, claire):
    (hers,) = house.holder().get("/me/sessions").json["items"]
    assert claire.delete(f"/me/sessions/{hers['id']}").status_code == 404


# --- the end, and what is held


def test_whoever_closes_the_account_is_out_and_comes_back_by_the_link(house, claire):
    assert claire.post("/me/closure", {"password": "wrong"}).status_code == 403
    assert claire.post("/me/closure", {"password": claire.password}).status_code == 202
    closed = claire.again().post("/session", claire.pair)
    assert (closed.status_code, closed.json["type"]) == (403, "/problems/account-closed")
    token = house.service.standings.reopening_link(house.service.store.account(claire.id))
    assert house.client().post("/closures/reopen", {"token": token}).status_code == 204
    assert claire.again().post("/session", claire.pair).status_code == 201


def test_the_history_says_what_when_from_where_and_by_whom(house, claire, clerk):
    note = "Somebody called and pretended to be her."
    clerk.post(f"/accounts/{claire.id}/lock", {"reason": "suspected-misuse", "note": note})
    clerk.post(f"/accounts/{claire.id}/unlock", {"reason": "other", "note": None})
    back = claire.again(User_Agent=FIREFOX)
    back.sign_in(claire.email, claire.password)
    changed = back.put("/me/password", {"current_password": claire.password, "new_password": PASSWORD})
    items = back.get("/me/history", headers={"Log-Position": changed.headers["Log-Position"]}).json["items"]
    locked, last = next(item for item in items if item["type"] == "account.locked"), items[-1]
    assert locked["by"].endswith("(clerk@school.example)") or locked["by"] == "clerk@school.example"
    assert [change["field"] for change in locked["changes"]] == ["reason"]
    assert (last["type"], last["device"], last["place"]) == (
        "account.password-changed",
        "Firefox · Windows",
        "local network",
    )


# --- what staff does


def test_two_clerks_bring_a_holder_back_whose_mailbox_is_lost(house, claire, clerk, colleague):
    new_email = f"{uuid4()}@school.example"
    wanted = {"email": new_email, "reason": "mailbox-lost", "note": "Passport seen."}
    proposed = clerk.post(f"/accounts/{claire.id}/recovery", wanted)
    assert (proposed.status_code, proposed.json["state"]) == (201, "proposed")
    assert {"Log-Position", "Recorded-At"} <= set(proposed.headers.keys())
    path = f"/recoveries/{proposed.json['id']}/approve"
    refused = clerk.post(path)
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/same-person")
    assert colleague.post(path).status_code == 204
    assert colleague.post(path).status_code == 404
    account = house.service.store.account(claire.id)
    assert account.email == new_email


def test_a_clerk_corrects_an_address(house, claire, clerk):
    new_email = f"{uuid4()}@school.example"
    wanted = {"email": new_email, "reason": "typing-error", "note": None}
    answer = clerk.post(f"/accounts/{claire.id}/correct", wanted)
    assert answer.status_code == 204
    shown = clerk.get(f"/accounts/{claire.id}", headers={"Log-Position": answer.headers["Log-Position"]})
    assert shown.json["email"] == new_email


def test_what_one_clerk_corrects_alone_opens_nothing_and_the_former_mailbox_takes_it_back(
    house, claire, clerk
):
    """Of an account in use: password, factor and sessions stay; both mailboxes are told (test_mails_from_where.py)."""
    claire.enrol(house.service.clock.now())
    new_email = f"{uuid4()}@school.example"
    correction = {"email": new_email, "reason": "typing-error", "note": None}
    answer = clerk.post(f"/accounts/{claire.id}/correct", correction)
    seen = {"Log-Position": answer.headers["Log-Position"]}
    assert claire.get("/me", headers=seen).json["email"] == new_email
    house.client().post("/password-resets", {"email": new_email})
    house.decide()
    account = house.service.store.account(claire.id)
    token = house.service.recovery.reset_link(account, account.reset_request)
    answer = house.client().post("/password-resets/complete", {"token": token, "new_password": PASSWORD})
    assert (answer.status_code, answer.json["type"]) == (401, "/problems/second-factor-needed")

    (back,) = account.take_backs
    objection = house.service.address_changes.objection_link(account, max(back.requests))
    answer = house.client().post("/email-changes/object", {"token": objection})
    assert answer.json == {"state": "taken-back"}
    account = house.service.store.account(claire.id)
    assert (account.email, account.state) == (claire.email, "locked")


def test_a_clerk_closes_an_account_and_the_directory_says_so(house, claire, clerk):
    answer = clerk.post(f"/accounts/{claire.id}/close", {"reason": "duplicate", "note": None})
    shown = clerk.get(f"/accounts/{claire.id}", headers={"Log-Position": answer.headers["Log-Position"]})
    assert shown.json["state"] == "closed"


@pytest.mark.parametrize("deed", ["lock", "unlock", "close"])
def test_nobody_does_it_to_themselves_and_holders_do_it_to_nobody(claire, clerk, deed):
    assert clerk.post(f"/accounts/{clerk.id}/{deed}", WHY).status_code == 403
    assert claire.post(f"/accounts/{clerk.id}/{deed}", WHY).status_code == 403
    assert clerk.post(f"/accounts/{uuid4()}/{deed}", WHY).status_code == 404
