"""The end of a person's data: proposed by one, approved by another, carried out by the service."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain import errors
from domain.fact import Fact
from domain.values import SYSTEM


@dataclass(frozen=True)
class Erasure:
    """One that was proposed. due: from when on it no longer waits for the last message; none until it is approved."""

    id: UUID
    reason: str
    proposed_by: UUID
    proposed_at: datetime
    approved_by: UUID | None = None
    approved_at: datetime | None = None
    due: datetime | None = None

    @property
    def state(self) -> str:
        """proposed | approved"""
        return "approved" if self.approved_by else "proposed"


@dataclass(frozen=True)
class Erased:
    """What is known of an erasure for ever, in the log and outside of it; nothing of it is personal."""

    account_id: UUID
    profile_id: UUID
    erasure_id: UUID
    reason: str
    proposed_by: UUID
    approved_by: UUID
    at: datetime


class Erasable:
    """A part of `Account`. erasure: Erasure or None. erased: whether it was carried out."""

    class ErasureProposed(Fact):
        """Whoever answers for data protection wants the person's data erased; another one must approve."""

        TOPIC = "account.erasure-proposed"
        erasure_id: UUID  # by which it is approved
        reason: str  # a code of the list «erasure»

        def apply(self, aggregate: "Erasable") -> None:
            aggregate.erasure = Erasure(self.erasure_id, self.reason, self.actor, self.timestamp)

    class ErasureApproved(Fact):
        """A second person approved: the holder gets a last message, and then the data are erased."""

        TOPIC = "account.erasure-approved"
        erasure_id: UUID  # which one
        due: datetime  # the erasure waits for that message no longer than this

        def apply(self, aggregate: "Erasable") -> None:
            proposed = aggregate.erasure
            aggregate.erasure = Erasure(
                proposed.id,
                proposed.reason,
                proposed.proposed_by,
                proposed.proposed_at,
                self.actor,
                self.timestamp,
                self.due,
            )

    class AccountErased(Fact):
        """The person's data key was destroyed: what it sealed reads as erased; events, order and proofs remain."""

        TOPIC = "account.erased"
        KEYLESS = True  # it seals nothing, and is appended where the key is gone already, too
        erasure_id: UUID  # which one
        reason: str  # a code of the list «erasure»
        proposed_by: UUID
        approved_by: UUID

        def apply(self, aggregate: "Erasable") -> None:
            aggregate.erased = True

    @property
    def erasure_is_approved(self) -> bool:
        return self.erasure is not None and self.erasure.approved_by is not None

    def propose_erasure(self, erasure_id: UUID, *, reason: str, actor: UUID, now: datetime) -> None:
        """A newer proposal takes the place of an older one. Raises OwnAccount, AlreadyDecided, AlreadyMerged.

        A person's erasure is decided at the account that goes on, and reaches those that were merged into it.
        """
        self._by_another(actor)
        self.must_not_be_merged()
        self._must_be_undecided()
        self.trigger_event(
            self.ErasureProposed, erasure_id=erasure_id, reason=reason, actor=actor, timestamp=now
        )

    def approve_erasure(self, erasure_id: UUID, *, due: datetime, actor: UUID, now: datetime) -> None:
        """Raises OwnAccount, ErasureUnknown, SamePerson, AlreadyDecided, AlreadyMerged."""
        self._by_another(actor)
        self.must_not_be_merged()
        if not self.erasure or self.erasure.id != erasure_id:
            raise errors.ErasureUnknown
        self._must_be_undecided()
        if self.erasure.proposed_by == actor:
            raise errors.SamePerson
        self.trigger_event(self.ErasureApproved, erasure_id=erasure_id, due=due, actor=actor, timestamp=now)

    def approved_erasure(self, now: datetime) -> Erased:
        """What is to be carried out now. Raises ErasureUnknown where nothing was approved."""
        if not self.erasure_is_approved:
            raise errors.ErasureUnknown
        chosen = self.erasure
        return Erased(
            self.id,
            self.profile_id,
            chosen.id,
            chosen.reason,
            chosen.proposed_by,
            chosen.approved_by,
            now,
        )

    def erase(self, erased: Erased) -> None:
        """Note that it was carried out; what happened before it was approved is known from its facts alone."""
        if not self.erased:
            self.trigger_event(
                self.AccountErased,
                erasure_id=erased.erasure_id,
                reason=erased.reason,
                proposed_by=erased.proposed_by,
                approved_by=erased.approved_by,
                actor=SYSTEM,
                timestamp=erased.at,
            )

    def _must_be_undecided(self) -> None:
        if self.erasure_is_approved:
            chosen = self.erasure
            raise errors.AlreadyDecided(by=chosen.approved_by, at=chosen.approved_at, state="approved")
