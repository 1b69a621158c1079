"""Who has an account, asked at every public door and of every mailbox; named after the ASVS 5.0 (V6.3.8 is level 3)."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from api_client import PASSWORD, Client, House, running
from mailing import change_tokens, delivered, reopening_token, reset_token, text_of
from running_service import SIGN_UP, TIRELESS
from services import new_database

WHY = {"reason": "other", "note": None}
WRONG = "a password of somebody's list"


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


def free() -> str:
    return f"{uuid4()}@school.example"


@pytest.fixture(scope="module")
def known(house, clerk) -> dict[str, Client]:
    """Holders by what is special about their account."""
    known = {name: house.holder(free()) for name in ("active", "second factor", "locked", "closed", "gone")}
    known["second factor"].enrol(house.service.clock.now())
    clerk.post(f"/accounts/{known['locked'].id}/lock", WHY)
    clerk.post(f"/accounts/{known['closed'].id}/close", WHY)
    known["gone"].post("/me/closure", {"password": known["gone"].password})
    delivered(house)
    return known


def shown(answer) -> tuple:
    """Status, words, and all headers but the moment; of a position, which is sealed, the length alone."""
    headers = {name: value for name, value in answer.headers if name not in ("Date", "Recorded-At")}
    headers["Log-Position"] = len(headers.get("Log-Position", ""))
    return answer.status_code, answer.data, tuple(sorted(headers.items(), key=str))


@pytest.mark.parametrize("language", ["fr", "de", "en"])
@pytest.mark.parametrize("door", ["/accounts", "/password-resets"])
def test_v6_3_8_what_is_asked_for_in_public_is_answered_alike_for_every_address(house, known, door, language):
    def ask(email: str) -> tuple:
        body = {**SIGN_UP, "email": email} if door == "/accounts" else {"email": email}
        return shown(house.client(Accept_Language=language).post(door, body))

    answers = {ask(email) for email in [free(), *(holder.email for holder in known.values())]}
    assert len(answers) == 1
    assert {status for status, *_ in answers} == {202}
    house.decide()
    assert {ask(holder.email) for holder in known.values()} == answers


@pytest.mark.parametrize("code", [None, "000000"])
@pytest.mark.parametrize("door", ["/session", "/tokens"])
def test_v6_3_8_a_wrong_password_is_told_alike_whatever_the_account(house, known, door, code):
    answers = {
        shown(
            house.client().post(door, {"email": email, "password": WRONG} | ({"code": code} if code else {}))
        )
        for email in [free(), *(holder.email for holder in known.values())]
    }
    assert [status for status, *_ in answers] == [401]


def used_reset(house: House) -> str:
    holder = house.holder()
    token = reset_token(house, holder)
    house.client().post("/password-resets/complete", {"token": token, "new_password": PASSWORD})
    return token


def used_change(number: int) -> Callable[[House], str]:
    def used(house: House) -> str:
        tokens = change_tokens(house, house.holder(), free())
        house.client().post("/email-changes/object", {"token": tokens[1]})
        return tokens[number]

    return used


def used_reopening(house: House) -> str:
    token = reopening_token(house, house.holder())
    house.client().post("/closures/reopen", {"token": token})
    return token


@pytest.mark.parametrize(
    ("door", "used"),
    [
        ("/password-resets/complete", used_reset),
        ("/email-changes/confirm", used_change(0)),
        ("/email-changes/object", used_change(1)),
        ("/closures/reopen", used_reopening),
    ],
)
def test_v6_3_8_a_token_that_was_good_once_is_told_from_none_that_never_was(house, door, used):
    more = {"new_password": PASSWORD} if door.endswith("complete") else {}
    tokens = [used(house), "A" * 43, "x"]
    answers = {shown(house.client().post(door, {"token": token, **more})) for token in tokens}
    assert [status for status, *_ in answers] == [410]


def test_v6_3_8_whoever_asks_for_an_address_does_not_learn_whose_it_is(house, known):
    def ask(new_email: str) -> tuple:
        holder = house.holder()
        return shown(holder.post("/me/email-changes", {"new_email": new_email, "password": holder.password}))

    answers = {ask(email) for email in [free(), free(), *(holder.email for holder in known.values())]}
    assert [status for status, *_ in answers] == [202]


def test_v6_3_8_the_history_and_the_archive_do_not_tell_either(house, known):
    """Beside the answer: what somebody reads of an address that was asked for, free or taken."""

    def told(new_email: str) -> tuple:
        holder = house.holder()
        wanted = {"new_email": new_email, "password": holder.password}
        position = {"Log-Position": holder.post("/me/email-changes", wanted).headers["Log-Position"]}
        delivered(house)
        items = holder.get("/me/history", headers=position).json["items"]
        archive = holder.post("/me/export", {"password": holder.password}, headers=position).json
        messages = [(each["kind"], each["state"]) for each in archive["messages"]]
        return [item["type"] for item in items], sorted(messages), len(archive["history"])

    assert told(free()) == told(known["active"].email)


# --- mailboxes


def kinds_to(mails: list, email: str) -> list[str]:
    return [mail["X-Matricule-Kind"] for mail in mails if mail["To"] == email]


def test_v6_3_8_of_a_lost_password_nobody_hears_but_the_mailbox_that_has_an_account(house):
    stranger, holder = free(), house.holder()
    delivered(house)
    for email in (stranger, holder.email):
        house.client().post("/password-resets", {"email": email})
    mails = delivered(house)
    assert [(mail["To"], mail["X-Matricule-Kind"]) for mail in mails] == [(holder.email, "password-reset")]


def test_v6_3_8_that_an_address_has_an_account_is_told_to_its_mailbox_alone(house):
    stranger, holder, asking = free(), house.holder(), house.holder()
    delivered(house)
    for email in (stranger, holder.email):
        house.client().post("/accounts", {**SIGN_UP, "email": email})
        asking.post("/me/email-changes", {"new_email": email, "password": asking.password})
    mails = delivered(house)
    assert {mail["To"] for mail in mails} == {stranger, holder.email, asking.email}
    assert sorted(kinds_to(mails, holder.email)) == ["account-exists", "email-change-taken"]
    told = [text_of(mail) for mail in mails if mail["To"] == holder.email]
    assert not [text for text in told if "token=" in text or asking.email in text]
    to_asking = [text_of(mail) for mail in mails if mail["To"] == asking.email]
    assert not [text for text in to_asking if stranger in text or holder.email in text]
