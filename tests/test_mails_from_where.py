"""What mailboxes are told when something happens to a way in: when, from where, and to which of them."""

from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage
from uuid import uuid4

import pytest
from api_client import FIREFOX, Client, House, running
from mailing import change_tokens, delivered, text_of
from running_service import SIGN_UP, TIRELESS
from services import new_database

from domain.calendar import ZURICH

FROM = ("Device: Firefox · Windows", "Place or network: local network")
EVIL = "https://evil.example"
STRANGE = f"Mozilla/5.0 (Windows NT 10.0; {EVIL}) Gecko/20100101 Firefox/128.0 {EVIL}"


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


@pytest.fixture
def claire(house) -> Client:
    """Somebody whose mailbox is empty, and who reads English."""
    email = free()
    house.client().post("/accounts", {**SIGN_UP, "email": email, "locale": "en"})
    house.decide()
    claire = house.client(User_Agent=FIREFOX)
    house.service.watermark.wait(("directory",), house.service.watermark.open(house.position()))
    claire.sign_in(email, house.initial_password(email))
    delivered(house)
    return claire


def free() -> str:
    return f"{uuid4()}@school.example"


def mails(house: House) -> dict[tuple[str, str], EmailMessage]:
    """What goes out now, by kind and recipient."""
    return {(mail["X-Matricule-Kind"], mail["To"]): mail for mail in delivered(house)}


def says_when_and_from_where(mail: EmailMessage) -> bool:
    today = datetime.now(ZURICH).strftime("%d.%m.%Y")
    return today in text_of(mail) and all(line in text_of(mail).splitlines() for line in FROM)


def says_when_alone(mail: EmailMessage) -> bool:
    today = datetime.now(ZURICH).strftime("%d.%m.%Y")
    return today in text_of(mail) and "Device:" not in text_of(mail) and "network" not in text_of(mail)


@pytest.mark.parametrize("asked_before", [False, True])
def test_whose_mailbox_somebody_typed_at_the_door_learns_when_and_from_where(house, claire, asked_before):
    email = claire.email if asked_before else free()
    wanted = {**SIGN_UP, "email": email, "locale": "en"}
    house.client(User_Agent=FIREFOX).post("/accounts", wanted)
    (told,) = mails(house).values()
    assert told["X-Matricule-Kind"] == ("account-exists" if asked_before else "initial-password")
    assert says_when_and_from_where(told)


def test_of_another_address_both_mailboxes_learn_when_and_from_where(house, claire):
    new, taken = free(), house.holder().email
    delivered(house)
    claire.post("/me/email-changes", {"new_email": taken, "password": claire.password})
    told = mails(house)
    assert told.keys() == {("email-change-taken", taken), ("email-change-notice", claire.email)}
    assert all(map(says_when_and_from_where, told.values()))

    confirm, _ = change_tokens(house, claire, new)
    told = mails(house)
    assert told.keys() == {("email-change-confirm", new), ("email-change-notice", claire.email)}
    assert all(map(says_when_and_from_where, told.values()))

    house.client(User_Agent=FIREFOX).post("/email-changes/confirm", {"token": confirm})
    told = mails(house)
    assert told.keys() == {("email-changed", new), ("email-changed-previous", claire.email)}
    assert all(map(says_when_and_from_where, told.values()))


def test_of_a_clerks_correction_both_mailboxes_learn_when(house, clerk, claire):
    new = free()
    correction = {"email": new, "reason": "typing-error", "note": None}
    clerk.browser.environ_base["HTTP_USER_AGENT"] = FIREFOX
    assert clerk.post(f"/accounts/{claire.id}/correct", correction).status_code == 204
    told = mails(house)
    assert told.keys() == {("email-changed", new), ("email-changed-previous", claire.email)}
    assert all(map(says_when_alone, told.values()))


def propose(house: House, clerk: Client, holder: Client, email: str) -> str:
    proposal = {"email": email, "reason": "mailbox-lost", "note": "A passport, seen."}
    return clerk.post(f"/accounts/{holder.id}/recovery", proposal).json["id"]


def test_the_stored_address_learns_at_once_that_another_is_proposed(house, clerk, claire):
    new = free()
    propose(house, clerk, claire, new)
    told = mails(house)
    assert told.keys() == {("recovery-proposed", claire.email)}
    (mail,) = told.values()
    assert says_when_alone(mail)
    for unsaid in (new, "passport", clerk.email):
        assert unsaid not in mail.as_string()
    assert f"{new[0]}•••" in text_of(mail)


def test_also_where_it_is_approved_before_the_mail_is_sent(house, clerk, claire):
    new, colleague = free(), house.staff("secretariat", free())
    delivered(house)
    recovery_id = propose(house, clerk, claire, new)
    assert colleague.post(f"/recoveries/{recovery_id}/approve").status_code == 204
    assert mails(house).keys() == {
        ("recovery-proposed", claire.email),
        ("email-changed-previous", claire.email),
        ("email-changed", new),
        ("password-reset", new),
    }


def test_v1_3_11_no_mailbox_reads_what_a_stranger_typed_but_its_own_address(house, claire):
    """Names of an account that is asked for, and how a browser calls itself."""
    names = {"given_name": f"Win a prize {EVIL}", "family_name": f"Click {EVIL}"}
    stranger, other = house.client(User_Agent=STRANGE), house.holder()
    delivered(house)
    for email in (claire.email, free()):
        stranger.post("/accounts", {**SIGN_UP, **names, "email": email, "locale": "en"})
    other.post(
        "/me/email-changes",
        {"new_email": claire.email, "password": other.password},
        headers={"User-Agent": STRANGE},
    )
    told = mails(house)
    assert {kind for kind, _ in told} == {
        "account-exists",
        "initial-password",
        "email-change-taken",
        "email-change-notice",
    }
    for mail in told.values():
        for typed in (EVIL, "evil", "prize", "Click"):
            assert typed not in mail.as_string() + text_of(mail)
    assert other.email not in told["email-change-taken", claire.email].as_string()
