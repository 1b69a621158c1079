"""Holders of imported accounts are asked in: one after the other, each once."""

from dataclasses import dataclass
from uuid import UUID

from application.deciding import decided_again
from application.ports import Clock, EventLog
from domain import errors


@dataclass(frozen=True)
class Invitations:
    log: EventLog
    clock: Clock

    @decided_again
    def invite(self, account_id: UUID, *, actor: UUID) -> bool:
        """Whether the holder is written to now; not who came, was asked in, locked or erased meanwhile."""
        try:
            account = self.log.account(account_id)
        except errors.AccountErased:
            return False
        if not account.awaits_invitation or account.erasure:
            return False
        account.invite(actor=actor, now=self.clock.now())
        self.log.record(account)
        return True
