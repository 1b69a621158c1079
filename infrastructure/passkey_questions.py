"""What passkeys are asked to sign: nobody can foresee it, and it is good for 5 minutes and for one right answer.

Asking stores nothing: what is to be signed is a MAC over who asks, the moment and chance. So a flood of questions fills
nothing, and nobody who has a passkey need ever wait because others have asked. What is stored is that one was answered.
"""

import os
from datetime import UTC, datetime, timedelta
from uuid import UUID

from psycopg import Cursor

from application.ports import Effect
from domain import errors
from infrastructure.keys import Keyring

TO_ANSWER = timedelta(minutes=5)
ANYBODY = "anybody"  # who signs in
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = 1 << 47  # ms, in the year 6429: 48 bits reach beyond what a datetime holds

ANSWERED = "INSERT INTO passkey_answers (attempt, expires_at) VALUES (%s, %s) ON CONFLICT DO NOTHING"


class PasskeyQuestions:
    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def ask(self, who: str, now: datetime) -> tuple[UUID, bytes]:
        """A fresh attempt, and the challenge of 256 bits that it is to answer. who: may answer."""
        attempt = _fresh(now)
        return attempt, self._challenge(attempt, who)

    def challenge(self, attempt: UUID, who: str, now: datetime) -> bytes | None:
        """What was to be signed for an attempt; None when its time is over. For one that nobody asked for, anything."""
        return self._challenge(attempt, who) if now < _ends(attempt) else None

    def _challenge(self, attempt: UUID, who: str) -> bytes:
        return self._keyring.current.digest("passkey-question", f"{attempt} {who}")


def used_up(attempt: UUID, refusal: type[errors.Refused]) -> Effect:
    """Lets an attempt be answered no more. refusal: where it was answered before."""

    def note(cursor: Cursor) -> None:
        if cursor.execute(ANSWERED, (attempt, _ends(attempt))).rowcount == 0:
            raise refusal

    return note


def _fresh(now: datetime) -> UUID:
    """Version 7 (RFC 9562, 5.7): 48 bits of milliseconds, 74 of chance."""
    drawn = int.from_bytes(_milliseconds(now).to_bytes(6, "big") + os.urandom(10), "big")
    drawn &= ~(0xF << 76) & ~(0b11 << 62)
    return UUID(int=drawn | 0x7 << 76 | 0b10 << 62)


def _ends(attempt: UUID) -> datetime:
    """Of whatever came as an attempt."""
    return EPOCH + timedelta(milliseconds=min(attempt.int >> 80, LATEST)) + TO_ANSWER


def _milliseconds(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(milliseconds=1)
