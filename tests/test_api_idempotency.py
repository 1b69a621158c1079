"""A POST that is sent again with its key is answered again, not carried out again."""

import psycopg
import pytest
from api_client import House, running

REQUEST = {
    "email": "new@school.example",
    "given_name": "Zoé",
    "family_name": "Müller",
    "locale": "de",
    "accept_privacy_policy": True,
}
KEY = {"Idempotency-Key": "5f0a4c1e-retry"}


@pytest.fixture
def house(database_url, tmp_path):
    with running(database_url, tmp_path) as house:
        yield house


def waiting(house: House) -> int:
    return len(list(house.service.intake.waiting(1000)))


def test_the_same_request_is_carried_out_once_and_answered_alike(house):
    first = house.client().post("/accounts", REQUEST, headers=KEY)
    again = house.client().post("/accounts", REQUEST, headers=KEY)
    assert (first.status_code, first.get_data()) == (again.status_code, again.get_data())
    assert first.headers["Content-Type"] == again.headers["Content-Type"]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert waiting(house) == 1


def test_a_repeated_command_bears_the_same_position(house):
    claire, marc = house.holder("claire@school.example"), house.staff("secretariat", "marc@school.example")
    path = f"/accounts/{claire.id}/unlink"
    first = marc.post(path, {"reason": "other"}, headers=KEY)
    again = marc.post(path, {"reason": "other"}, headers=KEY)
    assert first.status_code == again.status_code == 404  # no profile yet; refusals are kept too
    assert first.json == again.json
    assert again.headers["Idempotent-Replayed"] == "true"


def test_the_key_of_another_request_is_refused(house):
    house.client().post("/accounts", REQUEST, headers=KEY)
    other = house.client().post("/accounts", {**REQUEST, "email": "other@school.example"}, headers=KEY)
    assert (other.status_code, other.json["type"]) == (409, "/problems/idempotency-conflict")
    assert waiting(house) == 1


def test_a_request_whose_first_attempt_has_no_answer_yet_is_not_carried_out(house):
    house.client().post("/accounts", REQUEST, headers=KEY)
    with psycopg.connect(house.service.conninfo) as other_process:
        other_process.execute("UPDATE idempotency SET status = NULL, headers = NULL, body = NULL")
    again = house.client().post("/accounts", REQUEST, headers=KEY)
    assert (again.status_code, again.json["type"]) == (409, "/problems/idempotency-running")
    assert waiting(house) == 1


def test_a_key_holds_for_one_door(house):
    claire = house.holder("claire@school.example")
    doors = {"/accounts": REQUEST, "/tokens": claire.pair, "/session": claire.pair}
    answers = [claire.again().post(door, body, headers=KEY).status_code for door, body in doors.items()]
    assert answers == [202, 201, 201]


def test_keys_are_each_callers_own(house):
    claire, marc = house.holder("claire@school.example"), house.holder("marc@school.example")
    tokens = [client.post("/tokens", client.pair, headers=KEY).status_code for client in (claire, marc)]
    assert tokens == [201, 409]  # asked without a session: the caller is anybody
    secretaries = [house.staff("secretariat", f"{name}@school.example") for name in ("anna", "beat")]
    for clerk, reason in zip(secretaries, ("other", "wrong-record"), strict=True):
        answer = clerk.post(f"/accounts/{claire.id}/unlink", {"reason": reason}, headers=KEY)
        assert "Idempotent-Replayed" not in answer.headers
        assert answer.status_code == 404


@pytest.mark.parametrize("door", ["/session", "/tokens"])
def test_an_answer_that_holds_a_secret_is_not_given_twice(house, door):
    claire = house.holder("claire@school.example")
    assert claire.again().post(door, claire.pair, headers=KEY).status_code == 201
    again = claire.again().post(door, claire.pair, headers=KEY)
    assert (again.status_code, again.json["type"]) == (409, "/problems/idempotency-secret")
    assert "Set-Cookie" not in again.headers


def test_a_refused_sign_in_is_answered_again(house):
    wrong = {"email": "claire@school.example", "password": "wrong"}
    answers = [house.client().post("/session", wrong, headers=KEY) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[1].headers["Idempotent-Replayed"] == "true"


def test_input_that_was_refused_may_be_mended_under_its_key(house):
    assert house.client().post("/accounts", {**REQUEST, "email": "x"}, headers=KEY).status_code == 422
    assert house.client().post("/accounts", REQUEST, headers=KEY).status_code == 202


FAULT = """
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION USING ERRCODE = '{code}', MESSAGE = 'new@school.example'; END $$;
    CREATE TRIGGER fail BEFORE INSERT ON intake FOR EACH STATEMENT EXECUTE FUNCTION fail();
"""


@pytest.mark.parametrize(("code", "status"), [("57P01", 503), ("22000", 500)])
def test_after_a_fault_the_key_is_free_again(house, code, status):
    with psycopg.connect(house.service.conninfo, autocommit=True) as operator:
        operator.execute(FAULT.format(code=code))
        failed = house.client().post("/accounts", REQUEST, headers=KEY)
        operator.execute("DROP TRIGGER fail ON intake")
    assert failed.status_code == status
    assert "new@" not in failed.get_data(as_text=True)
    again = house.client().post("/accounts", REQUEST, headers=KEY)
    assert again.status_code == 202
    assert "Idempotent-Replayed" not in again.headers
    assert waiting(house) == 1


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb", "é"])
def test_a_key_that_is_none_is_refused(house, key):
    answer = house.client().post("/accounts", REQUEST, headers={"Idempotency-Key": key})
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == ["Idempotency-Key"]


def test_the_database_sees_neither_key_nor_body_nor_answer(house):
    house.client().post("/accounts", REQUEST, headers=KEY)
    with psycopg.connect(house.service.conninfo) as operator:
        (row,) = operator.execute("SELECT t::text, digest, request, body FROM idempotency AS t")
    stored = row[0].encode() + b"".join(map(bytes, row[1:]))
    assert not [word for word in (b"new@school", b"Zo", b"retry", b"accepted") if word in stored]
