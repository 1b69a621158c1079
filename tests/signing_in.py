"""How people of the tests sign in and change their passwords."""

import unicodedata
from random import Random
from uuid import UUID, uuid4

import pytest
from people import AURELIE_ADDRESS, DAY

from application.guesses import Caller
from domain import errors

MY_PASSWORD = "quiet otter behind the mill"
ELSEWHERE = "198.51.100.7"


def signed_in(here, password: str, kind: str = "cookie", email: str = AURELIE_ADDRESS):
    return here.accounts.sign_in(email, password, kind)


def a_session(here, account_id: UUID, session_id: UUID | None = None) -> UUID:
    """Of another browser of hers than those in which the test signs in."""
    session_id, now = session_id or uuid4(), here.clock.now()
    with here.pool.connection() as connection:
        connection.execute(
            "INSERT INTO sessions (digest, id, account_id, kind, initial_password, created_at, last_seen_at,"
            " expires_at) VALUES (%s, %s, %s, 'bearer', false, %s, %s, %s)",
            (session_id.bytes * 2, session_id, account_id, now, now, now + DAY),
        )
    return session_id


def change(here, account_id, session, current: str, new: str, kind: str = "cookie"):
    found = here.sessions.find(session.token, here.clock.now())
    _, fresh = here.accounts.change_password(account_id, current, new, session_id=found.session_id, kind=kind)
    return fresh


def in_use(here, email: str = AURELIE_ADDRESS):
    """The id of an account whose holder has signed in and chosen `MY_PASSWORD`."""
    account_id = here.opened(email)
    initial = here.accounts.issue_initial_password(account_id)
    change(here, account_id, signed_in(here, initial, email=email), initial, MY_PASSWORD)
    return account_id


def refused(here, password: str, email: str = AURELIE_ADDRESS) -> bool:
    with pytest.raises(errors.WrongCredentials):
        here.accounts.sign_in(email, password, "cookie")
    return True


def tried(
    here, password: str, *, network: str = ELSEWHERE, device: str | None = None, email: str = AURELIE_ADDRESS
) -> str:
    """How an attempt from outside to sign in ends: `in`, or the refusal's code."""
    try:
        here.accounts.sign_in(email, password, "cookie", caller=Caller(network, device))
    except errors.Refused as refusal:
        return refusal.code
    return "in"


def alive(here, token: str) -> bool:
    return here.sessions.find(token, here.clock.now()) is not None


def random_password(seed: int, length: int) -> str:
    """Of all characters that can be printed. length: in code points, composed."""
    random, text = Random(seed), ""
    while len(text) < length:
        first, last = random.choice([(0x20, 0x7F), (0xA0, 0x250), (0x250, 0xD800), (0xE000, 0x20000)])
        text = unicodedata.normalize("NFC", text + chr(random.randrange(first, last)))
        text = "".join(filter(str.isprintable, text))[:length]
    return text
