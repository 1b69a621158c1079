"""What changes the way in asks for the password again."""

from dataclasses import dataclass
from uuid import UUID

from application.guesses import Guesses
from application.ports import Clock, Credentials, EventLog, Verified
from domain import errors
from domain.account import Account
from domain.passwords import composed


@dataclass(frozen=True)
class Reauthentication:
    log: EventLog
    credentials: Credentials
    guesses: Guesses
    clock: Clock

    def account(self, account_id: UUID, password: str, session_id: UUID) -> Account:
        """Of whoever knows its password. Raises WrongPassword, TooManyRequests, TooBusy."""
        return self.verified(account_id, password, session_id)[0]

    def verified(self, account_id: UUID, password: str, session_id: UUID) -> tuple[Account, Verified]:
        # Loaded before the check, so that a password replaced after it is a conflict.
        account = self.log.account(account_id)
        with self.guesses.in_session(account_id, session_id):
            verified = self.credentials.verify_holder(account_id, composed(password), self.clock.now())
            if not verified:
                raise errors.WrongPassword
        return account, verified
