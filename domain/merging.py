"""Two accounts of one person: one goes on, the other is closed and points to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from domain import errors
from domain.fact import Fact
from domain.values import Personal

MERGED, SEPARATED = (
    "accounts-merged",
    "accounts-separated",
)  # why a link came to another account of the same person


@dataclass(frozen=True)
class Merged:
    """into: the account that goes on."""

    into: UUID
    by: UUID
    at: datetime


class Mergeable:
    """A part of `Account`. merged: Merged or None. absorbed: the accounts that were merged into this one."""

    class AccountMerged(Fact):
        """The person has another account, which goes on; this one may not be used, and all its sessions ended."""

        TOPIC = "account.merged"
        into: UUID  # the one that goes on
        reason: str  # a code of the list «merge»
        note: Annotated[str | None, Personal]

        def apply(self, aggregate: "Mergeable") -> None:
            aggregate.merged = Merged(self.into, self.actor, self.timestamp)
            aggregate.email_change = None

    class OtherAccountMerged(Fact):
        """Another account of this person was merged into this one; what is erased here is erased there, too."""

        TOPIC = "account.other-merged"
        other: UUID  # the one that was closed
        reason: str  # a code of the list «merge»
        note: Annotated[str | None, Personal]

        def apply(self, aggregate: "Mergeable") -> None:
            aggregate.absorbed.append(self.other)

    class AccountSeparated(Fact):
        """The merging was undone: this account is what it was before."""

        TOPIC = "account.separated"
        into: UUID  # the one that it was merged into
        reason: str  # a code of the list «unmerge»
        note: Annotated[str | None, Personal]

        def apply(self, aggregate: "Mergeable") -> None:
            aggregate.merged = None

    class OtherAccountSeparated(Fact):
        """The merging was undone: the other account is one of its own again."""

        TOPIC = "account.other-separated"
        other: UUID  # the one that had been closed
        reason: str  # a code of the list «unmerge»
        note: Annotated[str | None, Personal]

        def apply(self, aggregate: "Mergeable") -> None:
            aggregate.absorbed.remove(self.other)

    def merge_into(
        self, kept: "Mergeable", *, reason: str, note: str | None, actor: UUID, now: datetime
    ) -> None:
        """Close this one in favour of another. Raises SameAccount, OwnAccount, AlreadyMerged, AlreadyDecided
        (an erasure), AccountLocked and AccountClosed for the one that is to go on.
        """
        if kept.id == self.id:
            raise errors.SameAccount
        for each in (self, kept):
            each._by_another(actor)
            each._must_be_undecided()
        self.must_not_be_merged()
        kept.must_be_usable()
        said = {"reason": reason, "note": note, "actor": actor, "timestamp": now}
        self.trigger_event(self.AccountMerged, into=kept.id, **said)
        kept.trigger_event(kept.OtherAccountMerged, other=self.id, **said)

    def separate_from(
        self,
        kept: "Mergeable",
        last: "Mergeable",
        *,
        reason: str,
        note: str | None,
        actor: UUID,
        now: datetime,
    ) -> None:
        """Undo the merging. kept: the one it was merged into; last: the one that goes on, where that was merged, too.

        Raises OwnAccount, NotMerged, AlreadyDecided: an erasure that is approved reaches this one.
        """
        if not self.merged:
            raise errors.NotMerged
        for each in (self, kept, last):
            each._by_another(actor)
            each._must_be_undecided()
        said = {"reason": reason, "note": note, "actor": actor, "timestamp": now}
        self.trigger_event(self.AccountSeparated, into=kept.id, **said)
        kept.trigger_event(kept.OtherAccountSeparated, other=self.id, **said)

    def must_not_be_merged(self) -> None:
        """Raises AlreadyMerged."""
        if self.merged:
            raise errors.AlreadyMerged(by=self.merged.by, at=self.merged.at, into=self.merged.into)
