"""The way back to an account whose password, or whose mailbox too, is lost."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from domain import errors, policies
from domain.fact import NOWHERE, Fact, Whence
from domain.values import Personal


@dataclass(frozen=True)
class ProposedRecovery:
    """until: when it may no longer be approved."""

    id: UUID
    email: str
    reason: str
    note: str | None
    by: UUID
    until: datetime


class Recovery:
    """A part of `Account`. reset_request: the version of the newest request that still waits for its link to be used.

    reset_asked_at: when, the last hour's. recovery: ProposedRecovery or None.
    """

    class PasswordResetRequested(Fact, Whence):
        """Somebody asked for a way back; the account's mailbox gets a link, and older ones are dead."""

        TOPIC = "account.password-reset-requested"

        def apply(self, aggregate: "Recovery") -> None:
            aggregate.reset_request = self.originator_version
            aggregate.reset_asked_at.append(self.timestamp)

    class PasswordReset(Fact, Whence):
        """Whoever opened the mailed link chose a new password; all sessions ended."""

        TOPIC = "account.password-reset"

        def apply(self, aggregate: "Recovery") -> None:
            aggregate.reset_request = None
            aggregate.email_change = None
            aggregate.end_recovery(self.timestamp)

    class RecoveryProposed(Fact):
        """A clerk checked the identity of a holder whose mailbox is lost; another one must approve."""

        TOPIC = "account.recovery-proposed"
        recovery_id: UUID  # by which it is approved
        email: Annotated[str, Personal]  # the new one
        reason: str  # a code of the list «recovery»
        note: Annotated[str | None, Personal]

        def apply(self, aggregate: "Recovery") -> None:
            aggregate.recovery = ProposedRecovery(
                self.recovery_id,
                self.email,
                self.reason,
                self.note,
                self.actor,
                self.timestamp + policies.RECOVERY_PROPOSAL,
            )

    class RecoveryApproved(Fact):
        """A second clerk approved: the new address becomes the account's and gets a link for a new password."""

        TOPIC = "account.recovery-approved"

        def apply(self, aggregate: "Recovery") -> None:
            aggregate.recovery = None
            aggregate.email_change = None

    def request_reset(
        self, *, most: int = policies.MAILS_A_DOOR, actor: UUID, whence: Whence, now: datetime
    ) -> None:
        """Silent once `most` messages an hour were caused from outside."""
        recent = [at for at in self.reset_asked_at if now - at < policies.DOOR_WINDOW]
        if len(recent) < most:
            self.trigger_event(self.PasswordResetRequested, actor=actor, timestamp=now, **vars(whence))

    def reset_password(self, *, request: int, whence: Whence, now: datetime) -> None:
        """request: what the link was sent for. Raises LinkDead, AccountLocked, AccountClosed."""
        if self.reset_request != request:
            raise errors.LinkDead
        self.must_be_usable()
        self.trigger_event(self.PasswordReset, actor=self.id, timestamp=now, **vars(whence))

    def propose_recovery(
        self, recovery_id: UUID, *, email: str, reason: str, note: str | None, actor: UUID, now: datetime
    ) -> None:
        """A newer proposal takes the place of an older one. Raises OwnAccount, AccountClosed."""
        self._by_another(actor)
        if self.is_closed:
            raise errors.AccountClosed
        said = {"recovery_id": recovery_id, "email": email, "reason": reason, "note": note}
        self.trigger_event(self.RecoveryProposed, actor=actor, timestamp=now, **said)

    def open_recovery(self, now: datetime) -> ProposedRecovery | None:
        """What was proposed and may still be approved."""
        return self.recovery if self.recovery and now < self.recovery.until else None

    def end_recovery(self, at: datetime) -> None:
        """Whoever chooses a password has found the way in."""
        if self.recovery:
            self.recovery = replace(self.recovery, until=min(self.recovery.until, at))

    def approve_recovery(self, recovery_id: UUID, *, actor: UUID, now: datetime) -> str:
        """The address that is now the account's.

        Raises RecoveryUnknown, RecoveryLapsed, SamePerson, OwnAccount, AccountClosed.
        """
        self._by_another(actor)
        if not self.recovery or self.recovery.id != recovery_id:
            raise errors.RecoveryUnknown
        if now >= self.recovery.until:
            raise errors.RecoveryLapsed
        if self.recovery.by == actor:
            raise errors.SamePerson
        if self.is_closed:
            raise errors.AccountClosed
        proposed = self.recovery
        self.trigger_event(self.RecoveryApproved, actor=actor, timestamp=now)
        said = {"reason": "request-of-holder", "note": proposed.note}
        self.correct_email(proposed.email, **said, actor=actor, now=now)
        # Where a clerk sits is nothing to the holder.
        self.trigger_event(self.PasswordResetRequested, actor=actor, timestamp=now, **vars(NOWHERE))
        return proposed.email
