"""Changing an account's address: asked for, confirmed, objected to, corrected by staff."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from application.addresses import is_anothers, moved, taken_back
from application.deciding import decided_again
from application.ports import Clock, Credentials, Devices, EventLog, Links, Lookup, Saved, Sessions
from application.reauthentication import Evidence, Reauthentication, Shown
from domain import policies
from domain.account import Account
from domain.address_change import PendingChange
from domain.fact import Whence

CONFIRM, OBJECT = "email-change", "email-objection"  # kinds of links


@dataclass(frozen=True)
class AddressChanges:
    """confirmation_lifetime: of the link in the new mailbox. mails_a_door: that one account can cause an hour."""

    log: EventLog
    lookup: Lookup
    links: Links
    credentials: Credentials
    sessions: Sessions
    devices: Devices
    reauthentication: Reauthentication
    clock: Clock
    confirmation_lifetime: timedelta
    mails_a_door: int = policies.MAILS_A_DOOR

    def ask(
        self, account_id: UUID, new_email: str, evidence: Evidence, *, session_id: UUID, whence: Whence
    ) -> Saved:
        """The same for every address; whether it can be had is told to its mailbox alone.

        Raises EmailUnchanged, what `Reauthentication.then` does.
        """

        def request(account: Account, shown: Shown) -> Saved:
            account.request_email_change(
                new_email,
                most=self.mails_a_door,
                session_id=session_id,
                whence=whence,
                now=self.clock.now(),
            )
            return self.log.record(account, effects=shown.effects)

        return self.reauthentication.then(account_id, evidence, session_id, request)

    def pending(self, account_id: UUID) -> PendingChange | None:
        """What was asked for and may still be confirmed."""
        change = self.log.account(account_id).email_change
        in_time = change and self.clock.now() < change.since + self.confirmation_lifetime
        return change if in_time else None

    @decided_again
    def withdraw(self, account_id: UUID, whence: Whence) -> Saved:
        """By its holder, who needs to show nothing for that: it alters nothing."""
        account = self.log.account(account_id)
        account.withdraw_email_change(whence=whence, now=self.clock.now())
        return self.log.record(account)

    def confirmation_link(self, account: Account, request: int) -> str | None:
        """The token for the new mailbox; None where the address has an account already.

        The worker that mails it makes it; a change that is no longer wanted gets a dead one.
        """
        change = account.email_change
        if change and change.request == request and is_anothers(self.lookup, change.email, account.id):
            return None
        return self.links.make(CONFIRM, account.id, request, self.clock.now() + self.confirmation_lifetime)

    def objection_link(self, account: Account, request: int) -> str:
        """The token for the former mailbox: before the change it cancels it, for a while after it takes it back."""
        expires_at = self.clock.now() + policies.TAKE_BACK + self.confirmation_lifetime
        return self.links.make(OBJECT, account.id, request, expires_at)

    @decided_again
    def confirm(self, token: str, whence: Whence) -> Saved:
        """From the new mailbox. Raises LinkDead, EmailTaken, AccountLocked, AccountClosed."""
        now = self.clock.now()
        linked = self.links.find(CONFIRM, token, now)
        account = self.log.account(linked.account_id)
        previous = account.email
        email = account.confirm_email_change(request=linked.request, whence=whence, now=now)
        return self.log.record(account, effects=moved(self.lookup, account, previous, email))

    @decided_again
    def object(self, token: str, whence: Whence) -> tuple[str, Saved]:
        """From the former mailbox: `cancelled` before the change, `taken-back` after it. Raises LinkDead."""
        now = self.clock.now()
        linked = self.links.find(OBJECT, token, now)
        account = self.log.account(linked.account_id)
        back = account.object_to_email_change(request=linked.request, whence=whence, now=now)
        if not back:
            return "cancelled", self.log.record(account)
        effects = [
            *taken_back(self.lookup, account),
            self.credentials.bar(account.id, account.state),
            self.sessions.end_all(account.id),
            self.devices.forget(account.id),
        ]
        return "taken-back", self.log.record(account, effects=effects)

    @decided_again
    def correct(self, account_id: UUID, email: str, *, reason: str, note: str | None, actor: UUID) -> Saved:
        """By staff. Raises AccountUnknown, EmailTaken, OwnAccount, AccountClosed."""
        account = self.log.account(account_id)
        previous = account.email
        account.correct_email(email, reason=reason, note=note, actor=actor, now=self.clock.now())
        return self.log.record(account, effects=moved(self.lookup, account, previous, account.email))
