"""Attacks on mails: where links lead, and who gets them; each is named after its requirement of the ASVS 5.0."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from api_client import HOST, PUBLIC_URL, House, running
from mailing import delivered, text_of
from running_service import SIGN_UP, TIRELESS
from services import new_database

EVIL = "evil.example"


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory) -> Iterator[House]:
    with (
        new_database(postgres, template) as database,
        running(database, tmp_path_factory.mktemp("home"), **TIRELESS) as house,
    ):
        yield house


# --- links

CLAIMED = [
    {"X-Forwarded-Host": EVIL},
    {"X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "https", "X-Forwarded-Port": "444"},
    {"X-Forwarded-Server": EVIL, "X-Host": EVIL, "X-Original-Host": EVIL},
    {"Forwarded": f"for=192.0.2.1;host={EVIL};proto=https"},
    {"Origin": f"https://{EVIL}", "Referer": f"https://{EVIL}/"},
]


@pytest.mark.parametrize("claimed", CLAIMED, ids=lambda claimed: "+".join(claimed))
def test_v1_2_2_every_mailed_link_leads_to_our_own_address_whatever_was_claimed(house, claimed):
    holder, leaving, new = house.holder(), house.holder(), f"{uuid4()}@school.example"
    delivered(house)
    asked = [
        house.client(**claimed).post("/accounts", {**SIGN_UP, "email": new}),
        house.client(**claimed).post("/password-resets", {"email": holder.email}),
        holder.post(
            "/me/email-changes", {"new_email": f"x{new}", "password": holder.password}, headers=claimed
        ),
        leaving.post("/me/closure", {"password": leaving.password}, headers=claimed),
    ]
    assert [answer.status_code for answer in asked] == [202] * 4
    mails = delivered(house)
    assert {mail["X-Matricule-Kind"] for mail in mails} == {
        "initial-password",
        "password-reset",
        "email-change-confirm",
        "email-change-notice",
        "account-closed",
    }
    for mail in mails:
        assert EVIL not in mail.as_string()
        links = [line for line in text_of(mail).splitlines() if "://" in line]
        assert [link for link in links if "token=" in link and not link.startswith(f"{PUBLIC_URL}/")] == []
        assert f"{PUBLIC_URL}/" in mail.get_body(("html",)).get_content()


def ask_for_reset(house: House, host: str) -> tuple[int, list]:
    """The answer's status, and the mails that were sent for it."""
    holder = house.holder()
    delivered(house)
    browser = house.app.test_client()
    answer = browser.post("/api/v1/password-resets", json={"email": holder.email}, headers={"Host": host})
    return answer.status_code, delivered(house)


@pytest.mark.parametrize("host", [EVIL, f"{HOST}:8000@{EVIL}", f"{HOST}.{EVIL}", f"{EVIL}#{HOST}"])
def test_v1_2_2_a_request_by_a_strange_host_is_refused_and_mails_nobody(house, host):
    assert ask_for_reset(house, host) == (400, [])


@pytest.mark.parametrize("host", ["localhost", "localhost:1", f"{HOST}:81"])
def test_v1_2_2_not_even_one_of_our_own_hosts_decides_where_a_link_leads(house, host):
    status, (mail,) = ask_for_reset(house, host)
    assert status == 202
    assert f"\n{PUBLIC_URL}/password-reset?token=" in text_of(mail)


# --- recipients

BREAKS = ["\r\n", "\n", "\r", "\0", "\x0b", "\x0c", "\x1e", "\x85"]
LINES = ["\u2028", "\u2029"]  # which are no control characters, and may stand in a name


@pytest.mark.parametrize("broken", BREAKS)
def test_v1_3_11_no_field_of_a_public_door_begins_a_line_of_a_mail(house, broken):
    injected = f"{broken}Bcc: eve@{EVIL}"
    holder = house.holder()
    bodies = [
        ("/accounts", {**SIGN_UP, "email": f"ada@school.example{injected}"}),
        ("/accounts", {**SIGN_UP, "email": "ada@school.example", "given_name": f"Ada{injected}"}),
        ("/accounts", {**SIGN_UP, "email": "ada@school.example", "family_name": f"Keller{injected}"}),
        ("/password-resets", {"email": f"{holder.email}{injected}"}),
        ("/me/email-changes", {"new_email": f"a@b.example{injected}", "password": holder.password}),
    ]
    delivered(house)
    assert {holder.post(path, body).status_code for path, body in bodies} == {422}
    assert delivered(house) == []


@pytest.mark.parametrize("broken", LINES)
def test_v1_3_11_no_name_that_may_be_adds_a_recipient(house, broken):
    email = f"{uuid4()}@school.example"
    delivered(house)
    name = f"Ada{broken}Bcc: eve@{EVIL}{broken}{broken}https://{EVIL}/"
    asked = house.client().post("/accounts", {**SIGN_UP, "email": email, "given_name": name})
    assert asked.status_code == 202
    (mail,) = delivered(house)
    assert (mail["To"], mail["Bcc"], mail["Cc"]) == (email, None, None)
    assert EVIL not in mail.as_string()


@pytest.mark.parametrize(
    "address",
    [
        "ada@school.example,eve@evil.example",
        "ada@school.example;eve@evil.example",
        '"a b"@evil.example',
        "<ada@school.example>",
        "ada@[127.0.0.1]",
        "ada@school.example%0aBcc:eve@evil.example",
    ],
)
def test_v1_3_11_an_address_is_one_address(house, address):
    assert house.client().post("/password-resets", {"email": address}).status_code == 422
