"""Whether an account may be used: locked by staff or by an objection, closed by its holder or by staff."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from domain import errors, policies
from domain.fact import Fact, Whence
from domain.values import Personal


@dataclass(frozen=True)
class Lock:
    reason: str  # a code of the list «lock»
    at: datetime


@dataclass(frozen=True)
class Closure:
    """request: the version of the event. by_holder: only then its holder may come back alone."""

    request: int
    at: datetime
    by_holder: bool


class Standing:
    """A part of `Account`. locked: Lock or None. closure: Closure or None."""

    class AccountLocked(Fact):
        """The account may not be used until staff unlocks it; all sessions ended."""

        TOPIC = "account.locked"
        reason: str  # a code of the list «lock»
        note: Annotated[str | None, Personal]

        def apply(self, aggregate: "Standing") -> None:
            aggregate.locked = Lock(self.reason, self.timestamp)
            aggregate.email_change = None

    class AccountUnlocked(Fact):
        """The account may be used again."""

        TOPIC = "account.unlocked"
        reason: str  # a code of the list «unlock»
        note: Annotated[str | None, Personal]

        def apply(self, aggregate: "Standing") -> None:
            aggregate.locked = None

    class AccountClosed(Fact, Whence):
        """The account was closed; its address stays reserved, and its holder may come back for a while."""

        TOPIC = "account.closed"
        reason: str | None  # a code of the list «close»; none: by the holder
        note: Annotated[str | None, Personal]

        def apply(self, aggregate: "Standing") -> None:
            aggregate.closure = Closure(self.originator_version, self.timestamp, self.reason is None)
            aggregate.email_change = None

    class AccountReopened(Fact, Whence):
        """The holder came back by the link of the closing message."""

        TOPIC = "account.reopened"

        def apply(self, aggregate: "Standing") -> None:
            aggregate.closure = None

    @property
    def is_closed(self) -> bool:
        """By its holder, by staff, or because another account of the person goes on instead."""
        return bool(self.closure or self.merged)

    def must_be_usable(self) -> None:
        """Raises AccountClosed, AccountLocked."""
        if self.is_closed:
            raise errors.AccountClosed
        if self.locked:
            raise errors.AccountLocked

    def lock(self, *, reason: str, note: str | None, actor: UUID, now: datetime) -> None:
        """A locked one stays as it is; one that its holder closed is locked when she comes back. Raises OwnAccount."""
        self._by_another(actor)
        if not self.locked:
            self.trigger_event(self.AccountLocked, reason=reason, note=note, actor=actor, timestamp=now)

    def unlock(self, *, reason: str, note: str | None, actor: UUID, now: datetime) -> None:
        """Raises OwnAccount."""
        self._by_another(actor)
        if self.locked:
            self.trigger_event(self.AccountUnlocked, reason=reason, note=note, actor=actor, timestamp=now)

    def close(
        self, *, reason: str | None, note: str | None, whence: Whence, actor: UUID, now: datetime
    ) -> None:
        """A closed one stays as it is, but for one that staff closes after its holder: the way back ends.

        reason: none where its holder closes it. Raises OwnAccount.
        """
        if reason is not None:
            self._by_another(actor)
        if not self.closure or (reason is not None and self.closure.by_holder):
            said = {"reason": reason, "note": note, **vars(whence)}
            self.trigger_event(self.AccountClosed, actor=actor, timestamp=now, **said)

    def reopen(self, *, request: int, whence: Whence, now: datetime) -> None:
        """request: the closing that the link was sent for. Raises LinkDead."""
        closure = self.closure
        if not closure or closure.request != request or not closure.by_holder:
            raise errors.LinkDead
        if self.merged or now > closure.at + policies.CLOSURE_GRACE:
            raise errors.LinkDead
        self.trigger_event(self.AccountReopened, actor=self.id, timestamp=now, **vars(whence))

    def _by_another(self, actor: UUID) -> None:
        if actor == self.id:
            raise errors.OwnAccount
