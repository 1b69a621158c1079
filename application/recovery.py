"""The way back to an account: by a mailed link, or by two clerks where the mailbox is lost too."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from application.addresses import is_anothers, moved
from application.deciding import decided_again
from application.guesses import Caller, Guesses
from application.passwords import Passwords
from application.ports import (
    Clock,
    Credentials,
    Devices,
    Effect,
    EventLog,
    Intake,
    Links,
    Lookup,
    ResetRequest,
    Saved,
    Sessions,
)
from application.second_factors import Factors
from domain import errors, policies
from domain.account import Account
from domain.fact import Whence
from domain.values import address_key

RESET = "password-reset"  # the kind of link
RECOVERY = "recovery"  # the kind of lookup: whose proposal it is


@dataclass(frozen=True)
class Recovery:
    """link_lifetime: of the link for a new password."""

    log: EventLog
    lookup: Lookup
    links: Links
    credentials: Credentials
    factors: Factors
    passwords: Passwords
    sessions: Sessions
    devices: Devices
    guesses: Guesses
    intake: Intake
    clock: Clock
    new_id: Callable[[], UUID]
    link_lifetime: timedelta
    mails_a_door: int = policies.MAILS_A_DOOR

    def request_reset(self, email: str, whence: Whence, caller: Caller | None = None) -> None:
        """Note, alike for every address, that somebody lost a password; a worker decides (`decide_reset`).

        Raises TooManyRequests.
        """
        self.guesses.at_public_door("password-reset", caller)
        self.intake.put(ResetRequest(email, whence.device, whence.network, self.clock.now()))

    @decided_again
    def decide_reset(self, wanted: ResetRequest, taken_in: Effect) -> Saved:
        """taken_in: removes the request; raises when another worker has decided on it."""
        holders = self.lookup.find("email", address_key(wanted.email))
        if not holders:
            return self.log.record(effects=[taken_in])
        account = self.log.account(holders[0])
        account.request_reset(
            most=self.mails_a_door,
            actor=account.id,
            whence=Whence(wanted.device, wanted.network),
            now=wanted.asked_at,
        )
        return self.log.record(account, effects=[taken_in])

    def reset_link(self, account: Account, request: int) -> str:
        """The token for the mailbox; one for a request that a newer one has replaced is dead."""
        return self.links.make(RESET, account.id, request, self.clock.now() + self.link_lifetime)

    def check_link(self, token: str) -> None:
        """Whether a new password may be chosen by it, before anybody thinks of one. Raises LinkDead."""
        linked = self.links.find(RESET, token, self.clock.now())
        if self.log.account(linked.account_id).reset_request != linked.request:
            raise errors.LinkDead

    @decided_again
    def complete_reset(
        self, token: str, new_password: str, whence: Whence, code: str | None = None
    ) -> tuple[Saved, str]:
        """A new password in the place of all others, initial ones too; every session and token ends.

        With the secret by which the account knows this device from now on: who holds the mailbox gets in while others
        guess.

        code: of the second factor, where one is on. Raises LinkDead, AccountLocked, AccountClosed, SecondFactorNeeded,
        WrongCredentials (a wrong code), TooManyRequests, PasswordTooShort and its like, TooBusy.
        """
        now = self.clock.now()
        linked = self.links.find(RESET, token, now)
        account = self.log.account(linked.account_id)
        account.reset_password(request=linked.request, whence=whence, now=now)
        chosen = self.passwords.acceptable(
            new_password, account, with_second_factor=bool(account.second_factors)
        )
        with self.guesses.in_session(
            account.id, account.id
        ):  # whoever has the mailbox guesses no codes either
            proof = self.factors.check(account.id, account.factor_kinds, code, now)
        if proof.by_recovery_code:
            account.use_recovery_code(whence=whence, now=now)
        _, store = self.credentials.choose(account.id, chosen, now if account.activated else None)
        device, remembered = self.devices.remember(account.id, None, now)
        effects = [*proof.effects, store, *self._signed_out(account), remembered]
        return self.log.record(account, effects=effects), device

    @decided_again
    def propose(
        self, account_id: UUID, email: str, *, reason: str, note: str | None, actor: UUID
    ) -> tuple[UUID, Saved]:
        """The id by which another clerk approves. Raises AccountUnknown, OwnAccount, AccountClosed, EmailTaken."""
        account, recovery_id = self.log.account(account_id), self.new_id()
        if is_anothers(self.lookup, email, account_id):
            raise errors.EmailTaken
        account.propose_recovery(
            recovery_id, email=email, reason=reason, note=note, actor=actor, now=self.clock.now()
        )
        claim = self.lookup.claim(RECOVERY, str(recovery_id), account_id)
        saved = self.log.record(account, effects=[self.lookup.release(RECOVERY, account_id), claim])
        return recovery_id, saved

    @decided_again
    def approve(self, recovery_id: UUID, *, actor: UUID) -> Saved:
        """The proposed address becomes the account's, all sessions end, and its mailbox gets a link for a password.

        Raises RecoveryUnknown, RecoveryLapsed, SamePerson, OwnAccount, AccountClosed, EmailTaken.
        """
        holders = self.lookup.find(RECOVERY, str(recovery_id))
        if not holders:
            raise errors.RecoveryUnknown
        account = self.log.account(holders[0])
        previous = account.email
        email = account.approve_recovery(recovery_id, actor=actor, now=self.clock.now())
        effects = [
            *self._signed_out(account),
            self.lookup.release(RECOVERY, account.id),
            *moved(self.lookup, account, previous, email),
        ]
        return self.log.record(account, effects=effects)

    def _signed_out(self, account: Account) -> list[Effect]:
        """Everywhere, and known nowhere: who has the old password may have used it from a device."""
        return [self.sessions.end_all(account.id), self.devices.forget(account.id)]
