"""Changing the e-mail address: asked for, confirmed from the new mailbox, objected to from the old one."""

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Annotated
from uuid import UUID

from domain import errors, policies
from domain.fact import NOWHERE, Fact, Whence
from domain.standing import Lock
from domain.values import Personal, address_key


@dataclass(frozen=True)
class PendingChange:
    """request: the version of the event that asked. session_id: the session that asked."""

    request: int
    email: str
    session_id: UUID
    since: datetime


@dataclass(frozen=True)
class TakeBack:
    """A change that its former mailbox may still undo. requests: the events whose messages hold the link."""

    email: str  # the former
    requests: frozenset[int]
    until: datetime


class AddressChange:
    """A part of `Account`. email_change: PendingChange or None; it alters nothing. take_backs: the oldest first."""

    class EmailChangeRequested(Fact, Whence):
        """The holder asked for another address; both mailboxes are told, and nothing has changed yet."""

        TOPIC = "account.email-change-requested"
        email: Annotated[str, Personal]  # the new one
        session_id: UUID  # that asked

        def apply(self, aggregate: "AddressChange") -> None:
            aggregate.email_change = PendingChange(
                self.originator_version, self.email, self.session_id, self.timestamp
            )
            aggregate.email_changes_asked_at.append(self.timestamp)

    class EmailChangeCancelled(Fact, Whence):
        """A change that was asked for will not be made."""

        TOPIC = "account.email-change-cancelled"
        cause: str  # objection | session-ended | withdrawn

        def apply(self, aggregate: "AddressChange") -> None:
            aggregate.email_change = None

    class EmailChanged(Fact, Whence):
        """The account has another address; the former one is reserved for a while, and may take this back."""

        TOPIC = "account.email-changed"
        email: Annotated[str, Personal]  # the new one
        previous: Annotated[str, Personal]  # the notice goes there
        request: int | None  # the version of the event that asked; none: staff corrected it
        reason: str | None  # a code of the lists «correct» and «recovery», where staff did it
        note: Annotated[str | None, Personal]

        def apply(self, aggregate: "AddressChange") -> None:
            requests = {self.originator_version} | ({self.request} if self.request else set())
            until = self.timestamp + policies.TAKE_BACK
            aggregate.take_backs.append(TakeBack(self.previous, frozenset(requests), until))
            aggregate.email = self.email
            aggregate.email_change = None
            aggregate.reset_request = None  # a link in the former mailbox must not open the account

    class EmailChangeTakenBack(Fact, Whence):
        """Whoever has the former mailbox took the change back: its address is the account's again, which is locked."""

        TOPIC = "account.email-change-taken-back"
        email: Annotated[str, Personal]  # the one restored
        previous: Annotated[str, Personal]  # the one taken away
        request: int  # the message that held the link

        def apply(self, aggregate: "AddressChange") -> None:
            place = next(n for n, each in enumerate(aggregate.take_backs) if self.request in each.requests)
            del aggregate.take_backs[place:]
            aggregate.email = self.email
            aggregate.email_change = None
            aggregate.reset_request = None
            aggregate.locked = Lock("suspected-misuse", self.timestamp)

    def request_email_change(
        self,
        email: str,
        *,
        most: int = policies.MAILS_A_DOOR,
        session_id: UUID,
        whence: Whence,
        now: datetime,
    ) -> None:
        """most: an hour. Raises EmailUnchanged, TooManyRequests, AccountLocked, AccountClosed."""
        self.must_be_usable()
        if address_key(email) == address_key(self.email):
            raise errors.EmailUnchanged
        recent = [at for at in self.email_changes_asked_at if now - at < policies.DOOR_WINDOW]
        if len(recent) >= most:  # whose mailboxes these are, nobody has shown yet
            wait = recent[-most] + policies.DOOR_WINDOW - now
            raise errors.TooManyRequests(retry_after=ceil(wait.total_seconds()))
        said = {"email": email, "session_id": session_id, **vars(whence)}
        self.trigger_event(self.EmailChangeRequested, actor=self.id, timestamp=now, **said)

    def confirm_email_change(self, *, request: int, whence: Whence, now: datetime) -> str:
        """The new address. request: what the link was sent for. Raises LinkDead, AccountLocked, AccountClosed."""
        if not self.email_change or self.email_change.request != request:
            raise errors.LinkDead
        self.must_be_usable()
        said = {"request": request, "reason": None, "note": None, **vars(whence)}
        email = self.email_change.email
        self.trigger_event(
            self.EmailChanged, email=email, previous=self.email, actor=self.id, timestamp=now, **said
        )
        return email

    def object_to_email_change(self, *, request: int, whence: Whence, now: datetime) -> TakeBack | None:
        """What was taken back; None where the change was only pending, and is cancelled. Raises LinkDead."""
        if self.email_change and self.email_change.request == request:
            self._cancel("objection", whence, now)
            return None
        back = next((each for each in self.take_backs if request in each.requests), None)
        if not back or now > back.until:
            raise errors.LinkDead
        self.trigger_event(
            self.EmailChangeTakenBack,
            email=back.email,
            previous=self.email,
            request=request,
            actor=self.id,
            timestamp=now,
            **vars(whence),
        )
        return back

    def withdraw_email_change(self, *, whence: Whence, now: datetime) -> None:
        """By whoever asked for it; where nothing is pending, nothing changes."""
        if self.email_change:
            self._cancel("withdrawn", whence, now)

    def correct_email(self, email: str, *, reason: str, note: str | None, actor: UUID, now: datetime) -> None:
        """By staff. The same address changes nothing. Raises OwnAccount, AccountClosed."""
        self._by_another(actor)
        if self.is_closed:
            raise errors.AccountClosed
        if email != self.email:
            said = {"request": None, "reason": reason, "note": note, **vars(NOWHERE)}
            self.trigger_event(
                self.EmailChanged, email=email, previous=self.email, actor=actor, timestamp=now, **said
            )

    def session_ended(self, ended: UUID | None, *, kept: UUID, whence: Whence, now: datetime) -> None:
        """Its holder ended a session (None: all but `kept`): a change that was asked for from it is cancelled."""
        change = self.email_change
        if change and (change.session_id == ended if ended else change.session_id != kept):
            self._cancel("session-ended", whence, now)

    def _cancel(self, cause: str, whence: Whence, now: datetime) -> None:
        self.trigger_event(
            self.EmailChangeCancelled, cause=cause, actor=self.id, timestamp=now, **vars(whence)
        )
