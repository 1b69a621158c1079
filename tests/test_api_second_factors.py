"""Second factors over JSON: enrolled, asked for at both doors, lost and reset; and staff without one."""

import re
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from uuid import uuid4

import pytest
from api_client import FIREFOX, HOST, PASSWORD, PUBLIC_URL, Client, running
from authenticator import Authenticator
from pyotp import TOTP
from running_service import TIRELESS
from services import new_database

from api.described import facts_of
from api.documentation import operations, path_of
from api.identity import DEVICE_COOKIE
from domain.values import OPERATOR

OWN = "/me/second-factors"
CASE_ID = "b1c3d1de-95bb-4a44-8f0a-4f1d6a0c2f6e"


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    with (
        new_database(postgres, template) as database,
        running(database, tmp_path_factory.mktemp("home"), **TIRELESS) as house,
    ):
        yield house


@pytest.fixture(scope="module")
def clerk(house) -> Client:
    return house.staff("secretariat", "marc@school.example")


@pytest.fixture
def claire(house) -> Client:
    """Signed in, with a password alone."""
    return house.holder()


@pytest.fixture
def secured(house, claire) -> Client:
    """Signed in, with an app and `recovery_codes`."""
    claire.recovery_codes = claire.enrol(house.service.clock.now())
    return claire


def begin(client: Client, kind: str) -> dict:
    answer = client.post(f"{OWN}/{kind}", {"password": client.password})
    assert answer.status_code == 201, answer.json
    return answer.json


def confirm(client: Client, factor_id: str, **body):
    return client.post(f"{OWN}/{factor_id}/confirm", body)


def next_code(client: Client, now: datetime) -> str:
    """One that was not used to enrol: its app is half a minute ahead."""
    return client.codes.at(now + timedelta(seconds=30))


def told(answer) -> tuple[int, str]:
    return answer.status_code, answer.json["type"].removeprefix("/problems/")


def kinds_of(client: Client) -> list[str]:
    return [item["kind"] for item in client.get(OWN).json["items"]]


# --- enrolling and having them


def test_an_app_is_enrolled_in_two_steps_and_recovery_codes_are_shown_once(house, claire):
    begun = begin(claire, "totp")
    assert set(begun) == {"id", "secret", "otpauth_uri", "qr_svg"}
    assert claire.get(OWN).json == {"items": [], "recovery_codes": 0, "next_cursor": None}
    code = TOTP(begun["secret"]).at(house.service.clock.now())
    answer = confirm(claire, begun["id"], code=code, label="  Téléphone ")
    assert answer.status_code == 200
    assert answer.headers["Log-Position"]
    assert len(answer.json["recovery_codes"]) == 10
    listed = claire.get(OWN).json
    assert listed["recovery_codes"] == 10
    (item,) = listed["items"]
    assert (item["id"], item["kind"], item["label"], item["last_used_at"]) == (
        begun["id"],
        "totp",
        "Téléphone",
        None,
    )


def test_a_passkey_is_enrolled_and_opens_the_door_without_a_password(claire):
    device, begun = Authenticator(PUBLIC_URL), begin(claire, "passkeys")
    answer = confirm(claire, begun["id"], credential=device.make(begun["options"]))
    assert len(answer.json["recovery_codes"]) == 10
    guest = claire.again()
    question = guest.post("/session/passkey/options").json
    opened = guest.post(
        "/session/passkey",
        {"attempt": question["attempt"], "credential": device.answer(question["options"])},
    )
    assert opened.status_code == 201
    assert opened.json["account"]["email"] == claire.email
    assert opened.json["second_factor"] == "used"
    assert guest.get("/me").status_code == 200


def test_a_second_factor_more_brings_no_codes(secured):
    device, begun = Authenticator(PUBLIC_URL), begin(secured, "passkeys")
    answer = confirm(secured, begun["id"], credential=device.make(begun["options"]))
    assert answer.json == {"recovery_codes": []}
    assert kinds_of(secured) == ["totp", "passkey"]


def test_new_recovery_codes_are_shown_once_on_request(secured):
    answer = secured.post(f"{OWN}/recovery-codes", {"password": secured.password})
    assert answer.status_code == 201
    assert not set(answer.json["recovery_codes"]) & set(secured.recovery_codes)
    body = {**secured.pair, "code": secured.recovery_codes[0]}
    assert told(secured.again().post("/session", body)) == (401, "wrong-credentials")
    body = {**secured.pair, "code": answer.json["recovery_codes"][0]}
    assert secured.again().post("/session", body).status_code == 201
    assert secured.get(OWN).json["recovery_codes"] == 9


def test_without_a_factor_there_are_no_recovery_codes(claire):
    answer = claire.post(f"{OWN}/recovery-codes", {"password": claire.password})
    assert told(answer) == (409, "no-second-factor")


def test_a_factor_is_removed_with_the_password_and_sign_in_asks_no_more(secured):
    (item,) = secured.get(OWN).json["items"]
    answer = secured.delete(f"{OWN}/{item['id']}", json={"password": secured.password})
    assert answer.status_code == 204
    assert kinds_of(secured) == []
    opened = secured.again().post("/session", secured.pair)
    assert (opened.status_code, opened.json["second_factor"]) == (201, "none")


def test_a_short_password_keeps_the_last_factor(house, secured):
    _, store = house.service.accounts.credentials.choose(secured.id, "sept ponts", house.service.clock.now())
    house.service.store.record(effects=[store])
    (item,) = secured.get(OWN).json["items"]
    answer = secured.delete(f"{OWN}/{item['id']}", json={"password": "sept ponts"})
    assert told(answer) == (409, "password-too-short-alone")
    assert kinds_of(secured) == ["totp"]


def test_the_password_is_asked_for_again(secured):
    (item,) = secured.get(OWN).json["items"]
    wrong = {"password": "something else entirely"}
    asked = [
        *(secured.post(f"{OWN}/{kind}", wrong) for kind in ("totp", "passkeys", "recovery-codes")),
        secured.delete(f"{OWN}/{item['id']}", json=wrong),
    ]
    assert [told(answer) for answer in asked] == [(403, "wrong-password")] * 4


def test_a_wrong_code_confirms_nothing(house, claire):
    begun = begin(claire, "totp")
    answer = confirm(claire, begun["id"], code="000000")
    assert told(answer) == (422, "wrong-code")
    assert list(answer.json["errors"]) == ["code"]
    code = TOTP(begun["secret"]).at(house.service.clock.now())
    assert confirm(claire, begun["id"], code=code).status_code == 200
    assert told(confirm(claire, begun["id"], code=code)) == (404, "not-found")


def test_a_passkey_for_another_origin_confirms_nothing(claire):
    begun = begin(claire, "passkeys")
    answer = confirm(
        claire, begun["id"], credential=Authenticator("https://evil.example").make(begun["options"])
    )
    assert told(answer) == (422, "passkey-refused")
    assert list(answer.json["errors"]) == ["credential"]


def test_another_session_of_the_same_person_does_not_confirm_a_passkey(claire):
    other, begun = claire.again(), begin(claire, "passkeys")
    other.sign_in(claire.email, claire.password)
    answer = confirm(other, begun["id"], credential=Authenticator(PUBLIC_URL).make(begun["options"]))
    assert told(answer) == (404, "not-found")


def test_anothers_factor_is_not_found(house, claire, secured):
    other = house.holder()
    (item,) = secured.get(OWN).json["items"]
    answer = other.delete(f"{OWN}/{item['id']}", json={"password": other.password})
    assert told(answer) == (404, "not-found")
    assert told(confirm(other, item["id"], code="000000")) == (404, "not-found")


def test_a_secret_is_not_told_again_under_the_same_key(claire):
    key = {"Idempotency-Key": "once"}
    body = {"password": claire.password}
    assert claire.post(f"{OWN}/totp", body, headers=key).status_code == 201
    assert told(claire.post(f"{OWN}/totp", body, headers=key)) == (409, "idempotency-secret")


def test_answers_with_secrets_are_kept_by_nobody(claire):
    answer = claire.post(f"{OWN}/totp", {"password": claire.password})
    assert answer.headers["Cache-Control"] == "no-store"


# --- both doors


@pytest.mark.parametrize("door", ["/session", "/tokens"])
def test_neither_door_opens_without_the_code(house, secured, door):
    guest = secured.again()
    missing = guest.post(door, secured.pair)
    assert told(missing) == (401, "second-factor-needed")
    assert missing.json["factors"] == ["totp"]
    assert "Set-Cookie" not in missing.headers
    wrong = guest.post(door, {**secured.pair, "code": "000000"})
    assert told(wrong) == (401, "wrong-credentials")
    code = next_code(secured, house.service.clock.now())
    opened = guest.post(door, {**secured.pair, "code": code})
    assert (opened.status_code, opened.json["second_factor"]) == (201, "used")
    assert told(guest.post(door, {**secured.pair, "code": code})) == (401, "wrong-credentials")


@pytest.mark.parametrize("door", ["/session", "/tokens"])
def test_a_recovery_code_opens_either_door_once(secured, door):
    body = {**secured.pair, "code": secured.recovery_codes[3].upper()}
    assert secured.again().post(door, body).status_code == 201
    assert told(secured.again().post(door, body)) == (401, "wrong-credentials")


@pytest.mark.parametrize("door", ["/session", "/tokens"])
def test_that_a_code_is_asked_for_is_told_to_nobody_who_does_not_know_the_password(house, secured, door):
    wrong = {**secured.pair, "password": "something else entirely"}
    nobody = {**wrong, "email": "nobody@school.example"}
    answers = [
        house.client().post(door, body | code)
        for body in (wrong, nobody)
        for code in ({}, {"code": "000000"}, {"code": secured.recovery_codes[0]})
    ]
    assert {told(answer) for answer in answers} == {(401, "wrong-credentials")}
    assert len({answer.data for answer in answers}) == 1


@pytest.mark.parametrize("door", ["/session", "/tokens"])
def test_a_code_beside_an_account_that_asks_for_none_is_passed_over(claire, door):
    assert claire.again().post(door, {**claire.pair, "code": "000000"}).status_code == 201


def test_a_replayed_passkey_answer_opens_nothing(claire):
    device, begun = Authenticator(PUBLIC_URL), begin(claire, "passkeys")
    confirm(claire, begun["id"], credential=device.make(begun["options"]))
    question = claire.again().post("/session/passkey/options").json
    body = {"attempt": question["attempt"], "credential": device.answer(question["options"])}
    assert claire.again().post("/session/passkey", body).status_code == 201
    assert told(claire.again().post("/session/passkey", body)) == (401, "wrong-credentials")


def test_a_device_secret_that_was_planted_is_not_taken_over_by_a_passkey(claire):
    device, begun = Authenticator(PUBLIC_URL), begin(claire, "passkeys")
    confirm(claire, begun["id"], credential=device.make(begun["options"]))
    browser = claire.again()
    browser.browser.set_cookie(DEVICE_COOKIE, "planted", domain=HOST)
    question = browser.post("/session/passkey/options").json
    body = {"attempt": question["attempt"], "credential": device.answer(question["options"])}
    assert browser.post("/session/passkey", body).status_code == 201
    assert browser.browser.get_cookie(DEVICE_COOKIE, domain=HOST).value != "planted"


def test_a_passkey_opens_nothing_from_another_site(claire):
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = claire.again().post("/session/passkey", {"attempt": CASE_ID, "credential": {}}, headers=headers)
    assert told(answer) == (403, "csrf-failed")


# --- staff


@pytest.fixture
def newcomer(house):
    """A clerk who has signed in for the first time."""
    email = f"clerk-{uuid4().hex[:8]}@school.example"
    _, saved = house.service.accounts.grant("secretariat", email, None, actor=OPERATOR)
    return house._signed_in(email, saved)


def test_staff_without_a_factor_signs_in_and_is_led_to_enrol_one(house, newcomer):
    assert newcomer.get("/session").json["second_factor"] == "required"
    assert told(newcomer.get("/cases")) == (403, "second-factor-required")
    assert newcomer.get("/me").status_code == 200
    newcomer.enrol(house.service.clock.now())
    assert newcomer.get("/session").json["second_factor"] == "used"
    assert newcomer.get("/cases").status_code == 200


def test_no_path_of_staff_is_open_without_a_factor(house, newcomer):
    token = newcomer.again().post("/tokens", newcomer.pair)
    assert token.json["second_factor"] == "required"
    by_token = newcomer.again(Authorization=f"Bearer {token.json['token']}")
    asked = 0
    for rule, method in operations(house.app):
        roles = facts_of(house.app.view_functions[rule.endpoint]).get("roles", ())
        if "secretariat" in roles:
            path = path_of(rule).removeprefix("/api/v1")
            path = re.sub(r"{\w+_id}", CASE_ID, path)
            for client in (newcomer, by_token):
                assert told(client.ask(method.upper(), path)) == (403, "second-factor-required"), path
            asked += 1
    assert asked > 5


def test_a_token_that_was_made_before_does_not_become_one_of_staff(house, newcomer):
    token = newcomer.again().post("/tokens", newcomer.pair).json["token"]
    newcomer.enrol(house.service.clock.now())
    assert newcomer.again(Authorization=f"Bearer {token}").get("/me").status_code == 401


def test_a_token_of_staff_is_made_with_a_code(house, newcomer):
    newcomer.enrol(house.service.clock.now())
    assert told(newcomer.again().post("/tokens", newcomer.pair)) == (401, "second-factor-needed")
    body = {**newcomer.pair, "code": next_code(newcomer, house.service.clock.now())}
    token = newcomer.again().post("/tokens", body).json["token"]
    assert newcomer.again(Authorization=f"Bearer {token}").get("/cases").status_code == 200


def test_staff_that_removes_the_last_factor_is_staff_no_longer(house, newcomer):
    newcomer.enrol(house.service.clock.now())
    (item,) = newcomer.get(OWN).json["items"]
    newcomer.delete(f"{OWN}/{item['id']}", json={"password": newcomer.password})
    assert told(newcomer.get("/cases")) == (403, "second-factor-required")


def test_a_role_given_to_somebody_at_work_asks_for_a_factor_at_once(house, claire):
    house.service.accounts.grant("secretariat", claire.email, None, actor=OPERATOR)
    assert claire.get("/session").json["second_factor"] == "required"
    assert told(claire.get("/cases")) == (403, "second-factor-required")


def test_a_new_password_keeps_staff_at_work(house, newcomer):
    newcomer.enrol(house.service.clock.now())
    newcomer.put("/me/password", {"current_password": newcomer.password, "new_password": PASSWORD})
    assert newcomer.get("/cases").status_code == 200


# --- lost


def test_staff_resets_what_somebody_lost_and_it_stands_in_the_history(house, clerk, secured):
    body = {"reason": "device-lost", "note": "Seen\nat the counter."}
    answer = clerk.post(f"/accounts/{secured.id}/second-factor-reset", body)
    assert answer.status_code == 204
    assert secured.get("/me").status_code == 401
    opened = secured.again().post("/session", secured.pair)
    assert (opened.status_code, opened.json["second_factor"]) == (201, "none")
    position = {"Log-Position": answer.headers["Log-Position"]}
    timeline = clerk.get(f"/accounts/{secured.id}/timeline", headers=position).json["items"]
    (moment,) = [item for item in timeline if item["type"] == "account.second-factor-reset"]
    assert moment["by"] == "marc@school.example"
    assert [change["new"] for change in moment["changes"]] == [
        "Device lost or broken",
        "Seen\nat the counter.",
    ]


def test_nobody_resets_their_own(clerk):
    answer = clerk.post(f"/accounts/{clerk.id}/second-factor-reset", {"reason": "device-lost"})
    assert told(answer) == (403, "own-account")


def test_where_nothing_is_there_to_reset_that_is_told(clerk, claire):
    path = "/accounts/{}/second-factor-reset"
    body = {"reason": "device-lost"}
    assert told(clerk.post(path.format(claire.id), body)) == (409, "no-second-factor")
    assert told(clerk.post(path.format(CASE_ID), body)) == (404, "not-found")


def test_only_the_secretariat_resets(house, secured):
    body = {"reason": "device-lost"}
    for role in ("auditor", "data-protection", "operator"):
        other = house.staff(role, f"{role}-{secured.id}@school.example")
        answer = other.post(f"/accounts/{secured.id}/second-factor-reset", body)
        assert told(answer) == (403, "not-allowed")
    answer = house.holder().post(f"/accounts/{secured.id}/second-factor-reset", body)
    assert told(answer) == (403, "not-allowed")
    assert kinds_of(secured) == ["totp"]


# --- what the holder is told by mail


def mailed(house, holder: Client) -> list[str]:
    """Kinds of the mails about second factors that go out to somebody now."""
    parts, sent = house.service, []
    handlers = parts.deliveries.handlers()
    with parts.pool.connection() as connection:
        (reached,) = connection.execute("SELECT max(position) FROM events").fetchone()
    parts.watermark.wait(("outbox",), reached)
    for item_id in parts.outbox_queue.due(1000):
        item = parts.outbox_queue.claim(item_id, 60)
        if item and item.account_id == holder.id and item.kind.startswith(("second-factor", "recovery-code")):
            handlers[item.kind](item)
            (path,) = (parts.settings.home / "outbox").glob(f"*{item_id.hex[:8]}*.eml")
            mail = message_from_bytes(path.read_bytes(), policy=policy.default)
            assert mail["To"] == holder.email
            if item.kind != "second-factor-reset":  # where staff sits is nothing to the holder
                assert "Firefox" in mail.get_body(("plain",)).get_content()
            sent.append(mail["X-Matricule-Kind"])
    return sorted(sent)


def test_the_holder_is_told_of_each_change_and_from_where_by_mail(house, clerk, claire):
    claire.browser.environ_base["HTTP_USER_AGENT"] = FIREFOX
    claire.enrol(house.service.clock.now())
    assert mailed(house, claire) == ["recovery-codes-issued", "second-factor-added"]
    claire.post(f"{OWN}/recovery-codes", {"password": claire.password})
    assert mailed(house, claire) == ["recovery-codes-issued"]
    codes = claire.post(f"{OWN}/recovery-codes", {"password": claire.password}).json["recovery_codes"]
    claire.again(User_Agent=FIREFOX).post("/session", {**claire.pair, "code": codes[0]})
    assert mailed(house, claire) == ["recovery-code-used", "recovery-codes-issued"]
    (item,) = claire.get(OWN).json["items"]
    claire.delete(f"{OWN}/{item['id']}", json={"password": claire.password})
    assert mailed(house, claire) == ["second-factor-removed"]
    claire.enrol(house.service.clock.now())
    clerk.post(f"/accounts/{claire.id}/second-factor-reset", {"reason": "device-lost"})
    assert "second-factor-reset" in mailed(house, claire)


# --- every fault beside its field


@pytest.mark.parametrize("kind", ["totp", "passkeys", "recovery-codes"])
@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"password"}),
        ({"password": None}, {"password"}),
        ({"password": ""}, {"password"}),
        ({"password": 1}, {"password"}),
        ({"password": "x" * 129}, {"password"}),
        ({"password": "x\0"}, {"password"}),
        ({"password": "x", "kind": "totp"}, {"kind"}),
        ([], {"body"}),
    ],
)
def test_a_password_that_cannot_be_is_refused_beside_its_field(claire, kind, body, fields):
    answer = claire.post(f"{OWN}/{kind}", body)
    assert answer.status_code == 422
    assert set(answer.json["errors"]) == fields


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"code"}),
        ({"code": None}, {"code"}),
        ({"code": ""}, {"code"}),
        ({"code": 492039}, {"code"}),
        ({"code": "1" * 65}, {"code"}),
        ({"code": "492\0039"}, {"code"}),
        ({"credential": None}, {"credential"}),
        ({"credential": "x"}, {"credential"}),
        ({"credential": ["x"]}, {"credential"}),
        ({"code": "492039", "credential": {}}, {"credential"}),
        ({"code": "492039", "label": 1}, {"label"}),
        ({"code": "492039", "label": "x" * 201}, {"label"}),
        ({"code": "492039", "label": "x\n"}, {"label"}),
        ({"code": "492039", "password": "x"}, {"password"}),
    ],
)
def test_a_confirmation_that_cannot_be_is_refused_beside_its_field(claire, body, fields):
    answer = confirm(claire, CASE_ID, **body)
    assert answer.status_code == 422, answer.json
    assert set(answer.json["errors"]) == fields


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"attempt", "credential"}),
        ({"attempt": "1", "credential": {}}, {"attempt"}),
        ({"attempt": 1, "credential": {}}, {"attempt"}),
        ({"attempt": None, "credential": None}, {"attempt", "credential"}),
        ({"attempt": CASE_ID, "credential": "x"}, {"credential"}),
        ({"attempt": CASE_ID, "credential": {}}, {"credential"}),
        ({"attempt": CASE_ID, "credential": {"id": "x", "rawId": "x"}}, {"credential"}),
        ({"attempt": CASE_ID, "credential": {}, "email": "x"}, {"email"}),
    ],
)
def test_a_passkey_answer_that_cannot_be_is_refused_beside_its_field(house, body, fields):
    answer = house.client().post("/session/passkey", body)
    assert answer.status_code == 422, answer.json
    assert set(answer.json["errors"]) == fields


@pytest.mark.parametrize("code", [1, True, ["1"], {"a": 1}, "1" * 65, "1\t", "\0"])
@pytest.mark.parametrize("door", ["/session", "/tokens"])
def test_a_code_that_cannot_be_is_refused_beside_its_field(house, door, code):
    answer = house.client().post(door, {"email": "a@b.example", "password": "x", "code": code})
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == ["code"]


@pytest.mark.parametrize("code", [None, "", "  "])
def test_a_code_of_nothing_is_none(secured, code):
    assert told(secured.again().post("/session", {**secured.pair, "code": code})) == (
        401,
        "second-factor-needed",
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "reason"),
        ({"reason": "lost"}, "reason"),
        ({"reason": 1}, "reason"),
        ({"reason": "device-lost", "note": 1}, "note"),
        ({"reason": "device-lost", "note": "x" * 2001}, "note"),
        ({"reason": "device-lost", "actor": "x"}, "actor"),
    ],
)
def test_a_reset_that_cannot_be_is_refused_beside_its_field(clerk, secured, body, field):
    answer = clerk.post(f"/accounts/{secured.id}/second-factor-reset", body)
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]
    assert kinds_of(secured) == ["totp"]


def test_a_factor_id_that_is_none_is_not_found(claire):
    assert told(claire.post(f"{OWN}/1/confirm", {"code": "492039"})) == (404, "not-found")
    assert told(claire.delete(f"{OWN}/{CASE_ID}", json={"password": claire.password})) == (404, "not-found")
