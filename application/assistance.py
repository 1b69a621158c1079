"""What staff does for an account without changing how it stands: a new initial password, a note."""

from dataclasses import dataclass
from uuid import UUID

from application.deciding import decided_again
from application.ports import Clock, EventLog, Saved


@dataclass(frozen=True)
class Assistance:
    log: EventLog
    clock: Clock

    @decided_again
    def resend(self, account_id: UUID, *, reason: str, note: str | None, actor: UUID) -> Saved:
        """Mail another initial password.

        Raises AccountUnknown, OwnAccount, SignedInAlready, NotInvited, AccountLocked,
        AccountClosed.
        """
        account = self.log.account(account_id)
        account.resend(reason=reason, note=note, actor=actor, now=self.clock.now())
        return self.log.record(account)

    @decided_again
    def note(self, account_id: UUID, note: str, *, actor: UUID) -> Saved:
        """Raises AccountUnknown, OwnAccount."""
        account = self.log.account(account_id)
        account.note_down(note, actor=actor, now=self.clock.now())
        return self.log.record(account)
