"""Erasing a person: proposed by one, approved by another, carried out when the last message has gone.

Carrying out: the register outside the database first, so that no backup brings anybody back; then, in one transaction,
the fact, the data key and all that the write side holds. What stops it in between leaves a person who is not erased
yet, and the next round begins anew.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from application.deciding import decided_again
from application.ports import (
    Clock,
    Effect,
    ErasureBook,
    ErasureEntry,
    ErasureRegister,
    EventLog,
    Saved,
    Traces,
)
from domain import errors
from domain.account import Account
from domain.erasure import Erased, Erasure
from domain.values import ERASED


@dataclass(frozen=True)
class Erasures:
    """patience: how long an erasure waits for the last message."""

    log: EventLog
    book: ErasureBook
    register: ErasureRegister
    traces: Traces
    clock: Clock
    new_id: Callable[[], UUID]
    patience: timedelta

    @decided_again
    def propose(self, account_id: UUID, *, reason: str, actor: UUID) -> tuple[UUID, Saved]:
        """The id by which another person approves.

        Raises AccountUnknown, AccountErased, OwnAccount, AlreadyDecided, AlreadyMerged.
        """
        account, erasure_id = self.log.account(account_id), self.new_id()
        account.propose_erasure(erasure_id, reason=reason, actor=actor, now=self.clock.now())
        return erasure_id, self.log.record(account, effects=[self.book.proposed(erasure_id, account_id)])

    @decided_again
    def approve(self, erasure_id: UUID, *, actor: UUID) -> Saved:
        """Raises ErasureUnknown, AccountErased, OwnAccount, SamePerson, AlreadyDecided, AlreadyMerged."""
        account, now = self.log.account(self._entry(erasure_id).account_id), self.clock.now()
        due = now + self.patience
        account.approve_erasure(erasure_id, due=due, actor=actor, now=now)
        return self.log.record(account, effects=[self.book.approved(erasure_id, due)])

    def get(self, erasure_id: UUID) -> tuple[ErasureEntry, Erasure | None]:
        """How far it is, and what was decided, as far as the log tells. Raises ErasureUnknown."""
        entry = self._entry(erasure_id)
        return entry, self.log.account_or_remains(entry.account_id).erasure

    @decided_again
    def carry_out(self, account_id: UUID) -> Saved:
        """An approved erasure, now; of one that was carried out nothing is left to do. Raises ErasureUnknown.

        What was merged into the account is erased with it, all or nothing. In the register it stands first: what stops
        it in between leaves the account itself to be done.

        Raises what the traces raise while a message to the person is on its way.
        """
        account = self.log.account_or_remains(account_id)
        if account.erased:
            return Saved(0, None)
        erased = account.approved_erasure(self.clock.now())
        parts = [*self._merged(account, erased), (account, erased)]
        return self._erase(*((part, self.register.note(cause)) for part, cause in parts))

    def _merged(self, account: Account, cause: Erased) -> Iterator[tuple[Account, Erased]]:
        """What was merged into it and is not erased yet, each after what was merged into that."""
        for other in map(self.log.account_or_remains, account.absorbed):
            if not other.erased:
                yield from self._merged(other, cause)
                own = {"account_id": other.id, "profile_id": other.profile_id, "erasure_id": self.new_id()}
                yield other, replace(cause, **own)

    def erase_again(self, entries: Iterable[Erased]) -> list[Erased]:
        """Erase whoever stands in the register and is there all the same, from a backup. Gives those who were."""
        return [entry for entry in entries if self._erase_again(entry)]

    @decided_again
    def _erase_again(self, entry: Erased) -> bool:
        try:
            account = self.log.account_or_remains(entry.account_id)
        except errors.AccountUnknown:  # the backup is older than the account
            return False
        if account.erased:
            return False
        self._erase((account, entry))
        return True

    def sweep(self, account_id: UUID) -> None:
        """Let go of what requests that were under way at the erasure have left behind."""
        self.log.record(effects=[self.traces.of(account_id, ()), self.book.swept(account_id)])

    def _entry(self, erasure_id: UUID) -> ErasureEntry:
        entry = self.book.get(erasure_id)
        if entry is None:
            raise errors.ErasureUnknown
        return entry

    def _erase(self, *parts: tuple[Account, Erased]) -> Saved:
        effects: list[Effect] = []
        for account, erased in parts:
            account.erase(erased)
            effects.append(self.traces.of(account.id, _addresses(account, self.clock.now())))
            effects.append(self.book.done(erased))
        return self.log.record(*(account for account, _ in parts), effects=effects)


def _addresses(account: Account, now: datetime) -> set[str]:
    """The person's own: the present one, and former ones that nobody else can have got since."""
    former = {back.email for back in account.take_backs if back.until > now}
    return {address for address in {account.email, *former} if address is not ERASED}
