"""What is done with accounts: asked for, opened, signed in to, given a password and roles."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from application.deciding import decided_again
from application.guesses import Caller, Guesses
from application.passwords import Passwords
from application.ports import (
    AccountRequest,
    Clock,
    Credentials,
    Devices,
    Effect,
    EventLog,
    FailedSignIn,
    FailedSignIns,
    Intake,
    Lookup,
    NewSession,
    Roles,
    Saved,
    Sessions,
    Verified,
)
from application.reauthentication import Evidence, PasskeyAnswer, Reauthentication, Shown
from application.second_factors import Factors, Proof
from domain import errors, policies
from domain.access import Access
from domain.account import Account
from domain.fact import NOWHERE, Whence
from domain.imported import ORIGIN
from domain.passwords import composed
from domain.values import LOCALES, SYSTEM, address_key

DEFAULT_LOCALE = LOCALES[0]
BARRED = {"locked": errors.AccountLocked, "closed": errors.AccountClosed}
FAILED = (errors.WrongCredentials, *BARRED.values())  # a sign-in was judged, and let nobody in


@dataclass(frozen=True)
class SignedIn:
    """token, csrf_token and device (cookies only) are for the client alone. second_factor: it was asked for."""

    account_id: UUID
    roles: list[str]
    initial_password: bool
    second_factor: bool
    token: str
    csrf_token: str | None
    expires_at: datetime
    saved: Saved
    device: str | None = None


@dataclass(frozen=True)
class Accounts:
    """initial_password_lifetime: from issue, used or not. mails_a_door: that strangers can cause an hour."""

    log: EventLog
    lookup: Lookup
    credentials: Credentials
    factors: Factors
    passwords: Passwords
    sessions: Sessions
    devices: Devices
    guesses: Guesses
    roles: Roles
    intake: Intake
    failed: FailedSignIns
    reauthentication: Reauthentication
    clock: Clock
    new_id: Callable[[], UUID]
    initial_password_lifetime: timedelta
    mails_a_door: int = policies.MAILS_A_DOOR

    def request(
        self,
        email: str,
        given_name: str,
        family_name: str,
        locale: str,
        privacy_policy: str,
        caller: Caller | None = None,
        whence: Whence = NOWHERE,
    ) -> None:
        """Note, alike for every address, that somebody wants an account; a worker decides (`decide_request`).

        Raises TooManyRequests.
        """
        self.guesses.at_public_door("sign-up", caller)
        names, now = (given_name, family_name), self.clock.now()
        self.intake.put(
            AccountRequest(email, *names, locale, privacy_policy, now, whence.device, whence.network)
        )

    @decided_again
    def decide_request(self, wanted: AccountRequest, taken_in: Effect) -> Saved:
        """A new account, or a note that its holder's address was used again.

        taken_in: removes the request; raises when another worker has decided on it.
        """
        holders = self.lookup.holders("email", address_key(wanted.email))
        whence = Whence(wanted.device, wanted.network)
        if holders and not self.lookup.find("email", address_key(wanted.email)):
            return self.log.record(effects=[taken_in])  # its former mailbox may still take it back
        if holders:
            account = self.log.account(holders[0])
            account.request_again(most=self.mails_a_door, whence=whence, now=wanted.asked_at)
            return self.log.record(account, effects=[taken_in])
        account_id = self.new_id()
        account = Account.request(
            account_id,
            profile_id=self.new_id(),
            email=wanted.email,
            given_name=wanted.given_name,
            family_name=wanted.family_name,
            locale=wanted.locale,
            origin="sign-up",
            privacy_policy=wanted.privacy_policy,
            actor=account_id,
            whence=whence,
            now=wanted.asked_at,
        )
        try:
            return self.log.record(account, effects=[self._claim(account), taken_in])
        except errors.EmailTaken:
            raise errors.Conflict from None

    @decided_again
    def issue_initial_password(self, account_id: UUID) -> str:
        """A fresh initial password for the message that carries it: its only readable copy.

        Raises SignedInAlready, InitialPasswordsExhausted.
        """
        account, now = self.log.account(account_id), self.clock.now()
        expires_at = now + self.initial_password_lifetime
        account.issue_password(expires_at=expires_at, actor=SYSTEM, now=now)
        password, store = self.credentials.issue_initial(account_id, expires_at)
        self.log.record(account, effects=[store])
        return password

    def sign_in(
        self,
        email: str,
        password: str,
        kind: str,
        code: str | None = None,
        whence: Whence = NOWHERE,
        caller: Caller | None = None,
    ) -> SignedIn:
        """Open a session (`cookie`) or a token (`bearer`). code: of the second factor, or a recovery code.

        Raises WrongCredentials, TooManyRequests, TooBusy; to whoever knows the password SecondFactorNeeded,
        AccountLocked, AccountClosed.
        """
        with (
            self._noting_failures(address_key(email), whence),
            self.guesses.at_sign_in(address_key(email), caller) as device,
        ):
            return self._sign_in(email, password, kind, code, whence, device)

    @decided_again
    def _sign_in(
        self,
        email: str,
        password: str,
        kind: str,
        code: str | None,
        whence: Whence,
        known: str | None,
    ) -> SignedIn:
        """known: the secret of the device, where the account knows it."""
        now = self.clock.now()
        verified = self.credentials.verify(
            address_key(email), composed(password), now, known=known is not None
        )
        if not verified:
            raise errors.WrongCredentials
        if verified.barred:
            raise BARRED[verified.barred]
        try:
            proof = self.factors.check(verified.account_id, verified.factors, code, now)
        except errors.SecondFactorNeeded as needed:
            needed.proved = verified
            raise
        return self._enter(verified, proof, kind, whence, known, now)

    def sign_in_with_code(
        self,
        email: str,
        proved: Verified,
        code: str,
        kind: str,
        whence: Whence = NOWHERE,
        caller: Caller | None = None,
    ) -> SignedIn:
        """The second step, for whoever was asked for more. proved: by the first one, a few minutes ago.

        A wrong code counts as a wrong password does. Raises WrongCredentials (also where the account was barred or its
        password replaced meanwhile), TooManyRequests.
        """
        with (
            self._noting_failures(address_key(email), whence),
            self.guesses.at_sign_in(address_key(email), caller) as device,
        ):
            return self._sign_in_with_code(proved, code, kind, whence, device)

    @decided_again
    def _sign_in_with_code(
        self, proved: Verified, code: str, kind: str, whence: Whence, known: str | None
    ) -> SignedIn:
        now = self.clock.now()
        proof = self.factors.check(proved.account_id, proved.factors, code, now)
        return self._enter(proved, proof, kind, whence, known, now)

    def sign_in_by_passkey(
        self,
        attempt: UUID,
        credential: dict[str, Any],
        kind: str,
        whence: Whence = NOWHERE,
    ) -> SignedIn:
        """The same without a password.

        Raises PasskeyRefused (malformed), WrongCredentials, AccountLocked, AccountClosed. There is nothing to guess, so
        nobody waits because others have guessed. The device is a new one: the secret that it has may be planted.
        """
        now = self.clock.now()
        with self._noting_failures(None, whence):
            verified, proof = self.factors.check_passkey(attempt, credential, now)
            if verified.barred:
                raise BARRED[verified.barred]
            return self._enter(verified, proof, kind, whence, None, now)

    @contextmanager
    def _noting_failures(self, email: str | None, whence: Whence) -> Iterator[None]:
        try:
            yield
        except FAILED:
            self.failed.put(FailedSignIn(email, whence.device, whence.network, self.clock.now()))
            raise

    def _enter(
        self,
        verified: Verified,
        proof: Proof,
        kind: str,
        whence: Whence,
        known: str | None,
        now: datetime,
    ) -> SignedIn:
        account_id, device = verified.account_id, None
        entered = Access.sign_in(
            self.new_id(),
            account=account_id,
            session_kind=kind,
            passkey=verified.by_passkey,
            second_factor=proof.given,
            whence=whence,
            now=now,
        )
        noted: list[Account | Access] = [entered]
        session = self.sessions.open(verified, kind, whence, now, second_factor=proof.given)
        effects = [*proof.effects, session.store]
        if kind == "cookie":
            device, remembered = self.devices.remember(account_id, known, now)
            effects.append(remembered)
        if verified.first_sign_in or proof.by_recovery_code:
            noted.insert(0, account := self.log.account(account_id))
            account.activate(imported_link=self._has_imported_link(account), whence=whence, now=now)
            if proof.by_recovery_code:
                account.use_recovery_code(whence=whence, now=now)
        if verified.first_sign_in:
            effects.append(self.credentials.keep_only(verified, now))
        try:
            saved = self.log.record(*noted, effects=effects)
        except errors.AccountErased:
            raise errors.WrongCredentials from None
        roles = self.roles.of(account_id, now)
        return SignedIn(account_id, roles, verified.initial, proof.given, *session[:3], saved, device)

    def _has_imported_link(self, account: Account) -> bool:
        if account.origin != ORIGIN:
            return False
        try:
            link = self.log.profile(account.profile_id).link
        except errors.ProfileMissing:
            return False
        return link is not None and link.is_imported

    def sign_out(self, token: str) -> None:
        self.sessions.end(token)

    def change_password(
        self,
        account_id: UUID,
        evidence: Evidence,
        new_password: str,
        *,
        session_id: UUID,
        kind: str,
        second_factor: bool = False,
        device: str | None = None,
        whence: Whence = NOWHERE,
    ) -> tuple[Saved, NewSession | None]:
        """Take a new password and end every session but the one that asks: by cookie it goes on under a new secret,
        by bearer token as it is. device: the secret of the browser that asks, which alone stays known.

        Raises PasswordUnchanged, what `Passwords.acceptable` and `Reauthentication.then` do.
        """

        def change(account: Account, shown: Shown) -> tuple[Saved, NewSession | None]:
            now = self.clock.now()
            chosen = self.passwords.acceptable(
                new_password, account, with_second_factor=bool(account.second_factors)
            )
            if self._is_present(chosen, account_id, evidence):
                raise errors.PasswordUnchanged
            account.change_password(actor=account_id, whence=whence, now=now)
            credential_id, store = self.credentials.choose(account_id, chosen, now)
            effects = [*shown.effects, store, self.devices.forget(account_id, but=device)]
            if kind == "bearer":
                others = self.sessions.end_others(account_id, session_id)
                goes_on = self.sessions.no_longer_initial(session_id)
                return self.log.record(account, effects=[*effects, others, goes_on]), None
            session = self.sessions.open(
                shown.verified.replaced_by(credential_id), kind, whence, now, second_factor=second_factor
            )
            effects += [self.sessions.end_all(account_id), session.store]
            return self.log.record(account, effects=effects), session

        return self.reauthentication.then(account_id, evidence, session_id, change)

    def _is_present(self, chosen: str, account_id: UUID, evidence: Evidence) -> bool:
        """Whether it is the password that stands: who came by passkey did not type that one."""
        if isinstance(evidence, PasskeyAnswer):
            return self.credentials.has(account_id, chosen)
        return chosen == composed(evidence)

    @decided_again
    def change_locale(self, account_id: UUID, locale: str, whence: Whence = NOWHERE) -> Saved:
        """The language of pages and messages. Raises AccountLocked, AccountClosed."""
        account = self.log.account(account_id)
        account.change_locale(locale, whence=whence, now=self.clock.now())
        return self.log.record(account)

    @decided_again
    def grant(self, role: str, email: str, until: date | None, *, actor: UUID) -> tuple[UUID, Saved]:
        """Give a role to the account with that address, which is made where there is none. Raises RoleUnknown."""
        now = self.clock.now()
        holders = self.lookup.find("email", address_key(email))
        effects = []
        if holders:
            account = self.log.account(holders[0])
        else:
            account = Account.request(
                self.new_id(),
                profile_id=self.new_id(),
                email=email,
                given_name=None,
                family_name=None,
                locale=DEFAULT_LOCALE,
                origin="granted",
                privacy_policy=None,
                actor=actor,
                now=now,
            )
            effects.append(self._claim(account))
        account.grant(role, until=until, actor=actor, now=now)
        return account.id, self.log.record(
            account, effects=[*effects, self.roles.set(account.id, role, until)]
        )

    @decided_again
    def revoke(self, role: str, email: str, *, actor: UUID) -> tuple[UUID, Saved]:
        """Raises AccountUnknown, RoleUnknown."""
        holders = self.lookup.find("email", address_key(email))
        if not holders:
            raise errors.AccountUnknown
        if role not in policies.ROLES:
            raise errors.RoleUnknown(role=role)
        account = self.log.account(holders[0])
        account.revoke(role, actor=actor, now=self.clock.now())
        return account.id, self.log.record(account, effects=[self.roles.remove(account.id, role)])

    def _claim(self, account: Account) -> Effect:
        return self.lookup.claim("email", address_key(account.email), account.id)
