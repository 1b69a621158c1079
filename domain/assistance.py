"""What staff does for an account without changing how it stands."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from domain import errors
from domain.fact import Fact
from domain.values import Personal


class Assisted:
    """A part of `Account`."""

    class InitialPasswordResent(Fact):
        """Staff had a new initial password sent; earlier ones stay good for as long as they would have been."""

        TOPIC = "account.initial-password-resent"
        reason: str  # a code of the list «resend»
        note: Annotated[str | None, Personal]

        def apply(self, aggregate: "Assisted") -> None:
            aggregate.initial_passwords = 0

    class AccountNoted(Fact):
        """Staff wrote something down about the account, for colleagues."""

        TOPIC = "account.noted"
        note: Annotated[str, Personal]

        def apply(self, aggregate: "Assisted") -> None:
            pass

    def resend(self, *, reason: str, note: str | None, actor: UUID, now: datetime) -> None:
        """Raises OwnAccount, SignedInAlready, NotInvited, AccountLocked, AccountClosed."""
        self._by_another(actor)
        self.must_be_usable()
        if self.activated:
            raise errors.SignedInAlready
        if self.awaits_invitation:
            raise errors.NotInvited
        self.trigger_event(self.InitialPasswordResent, reason=reason, note=note, actor=actor, timestamp=now)

    def note_down(self, note: str, *, actor: UUID, now: datetime) -> None:
        """Raises OwnAccount."""
        self._by_another(actor)
        self.trigger_event(self.AccountNoted, note=note, actor=actor, timestamp=now)
