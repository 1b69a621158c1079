"""What changes the way in asks once more who it is: the password, or a passkey of the account."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from application.deciding import decided_again
from application.guesses import Guesses
from application.ports import Clock, Credentials, Effect, EventLog, PasskeyAnswers, Sessions, Verified
from domain import errors
from domain.account import Account
from domain.passwords import composed

R = TypeVar("R")


class PasskeyAnswer(NamedTuple):
    """attempt: the question that was asked. credential: what the device signed, JSON as browsers know it."""

    attempt: UUID
    credential: dict[str, Any]


Evidence = str | PasskeyAnswer  # a password as typed, or a passkey's answer


class Shown(NamedTuple):
    """Who was asked showed who she is. effects: go into the transaction of what she asked for, before all others."""

    verified: Verified
    effects: tuple[Effect, ...]


@dataclass(frozen=True)
class Reauthentication:
    log: EventLog
    credentials: Credentials
    passkey_answers: PasskeyAnswers
    sessions: Sessions
    guesses: Guesses
    clock: Clock

    def ask_for_passkey(self, account_id: UUID, session_id: UUID) -> tuple[UUID, dict[str, Any]]:
        """A question to the passkeys of the account, that this session alone may answer. Raises NoPasskey."""
        return self.passkey_answers.ask_holder(account_id, session_id, self.clock.now())

    def then(
        self, account_id: UUID, evidence: Evidence, session_id: UUID, decide: Callable[[Account, Shown], R]
    ) -> R:
        """What `decide` makes of the account, once its holder showed who she is; decided again after a lost race.

        Raises WrongPassword, WrongPasskey, TooManyRequests, TooBusy; SessionEnded where its effects are carried out.
        """
        still_open = self.sessions.still_open(session_id)
        answered = None
        if isinstance(evidence, PasskeyAnswer):
            # Once: its effect refuses a passkey that was removed since. There is nothing to guess, so nobody waits.
            answered, *used = self.passkey_answers.verify_holder(
                account_id, session_id, *evidence, self.clock.now()
            )

        @decided_again
        def attempt() -> R:
            # Loaded before the check, so that a password replaced after it is a conflict.
            account = self.log.account(account_id)
            if answered:
                return decide(account, Shown(answered, (still_open, *used)))
            with self.guesses.in_session(account_id, session_id):
                verified = self.credentials.verify_holder(account_id, composed(evidence), self.clock.now())
                if not verified:
                    raise errors.WrongPassword
            return decide(account, Shown(verified, (still_open,)))

        return attempt()

    def confirm(self, account_id: UUID, evidence: Evidence, session_id: UUID) -> Account:
        """The account of whoever shows that it is hers, for what is no command. Raises what `then` does."""

        def let_in(account: Account, shown: Shown) -> Account:
            self.log.record(effects=shown.effects)
            return account

        return self.then(account_id, evidence, session_id, let_in)
