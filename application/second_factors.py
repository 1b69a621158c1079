"""Second factors: enrolled, listed, removed, lost, and asked for at sign-in."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from application.deciding import decided_again
from application.ports import (
    Clock,
    Credentials,
    Devices,
    Effect,
    EventLog,
    PasskeyAnswers,
    Passkeys,
    RecoveryCodes,
    Saved,
    SecondFactors,
    Sessions,
    TotpEnrolment,
    TotpFactors,
    Verified,
)
from application.reauthentication import Evidence, Reauthentication, Shown
from domain import errors
from domain.account import Account
from domain.fact import NOWHERE, Whence


class Held(NamedTuple):
    """A factor as its holder sees it."""

    id: UUID
    kind: str
    label: str | None
    created_at: datetime
    last_used_at: datetime | None


class Proof(NamedTuple):
    """What a sign-in proved besides the password. effects: what uses it up, before all other effects.

    given: False where the account asks for nothing more. by_recovery_code: a fact of the account's.
    """

    given: bool
    effects: tuple[Effect, ...] = ()
    by_recovery_code: bool = False


NOTHING_MORE = Proof(given=False)


@dataclass(frozen=True)
class Factors:
    log: EventLog
    credentials: Credentials
    sessions: Sessions
    devices: Devices
    reauthentication: Reauthentication
    stored: SecondFactors
    totp: TotpFactors
    passkeys: Passkeys
    passkey_answers: PasskeyAnswers
    recovery_codes: RecoveryCodes
    clock: Clock

    # --- at sign-in

    def check(self, account_id: UUID, kinds: Sequence[str], code: str | None, now: datetime) -> Proof:
        """Judge the code beside a right password. kinds: of factors that the account has.

        Raises SecondFactorNeeded, WrongCredentials (a wrong code).
        """
        if not kinds:
            return NOTHING_MORE
        if code is None:
            raise errors.SecondFactorNeeded(factors=list(kinds))
        typed = re.sub(r"[\s-]", "", code)
        if re.fullmatch("[0-9]{6}", typed):
            use, by_recovery_code = self.totp.match(account_id, typed, now), False
        else:
            use, by_recovery_code = self.recovery_codes.match(account_id, typed), True
        if not use:
            raise errors.WrongCredentials
        return Proof(True, (use,), by_recovery_code)

    def ask_for_passkey(self) -> tuple[UUID, dict[str, Any]]:
        """An attempt to sign in by passkey, and what a device answers to."""
        return self.passkey_answers.ask(self.clock.now())

    def check_passkey(
        self, attempt: UUID, credential: dict[str, Any], now: datetime
    ) -> tuple[Verified, Proof]:
        """Whose passkey it is: it stands for password and second factor. Raises PasskeyRefused, WrongCredentials."""
        verified, *use = self.passkey_answers.verify(attempt, credential, now)
        return verified, Proof(True, tuple(use))

    # --- enrolling

    def begin_totp(self, account_id: UUID, evidence: Evidence, *, session_id: UUID) -> TotpEnrolment:
        """A secret for the holder's phone. Raises what `Reauthentication.then` does."""
        account = self.reauthentication.confirm(account_id, evidence, session_id)
        return self.totp.begin(account_id, account.email, self.clock.now())

    def begin_passkey(
        self, account_id: UUID, evidence: Evidence, *, session_id: UUID
    ) -> tuple[UUID, dict[str, Any]]:
        """What the holder's device makes a key with. Raises what `Reauthentication.then` does."""
        account = self.reauthentication.confirm(account_id, evidence, session_id)
        return self.passkeys.begin(account_id, session_id, account.email, self.clock.now())

    @decided_again
    def confirm_totp(
        self,
        account_id: UUID,
        factor_id: UUID,
        code: str,
        label: str | None,
        *,
        session_id: UUID,
        whence: Whence = NOWHERE,
    ) -> tuple[Saved, list[str]]:
        """The secret counts from now on; with the first factor, recovery codes. Raises SecondFactorUnknown, WrongCode,
        SecondFactorsExhausted.
        """
        typed = re.sub(r"[\s-]", "", code)
        keep = self.totp.confirm(account_id, factor_id, typed, self.clock.now())
        return self._enrol(account_id, factor_id, "totp", label, session_id, whence, keep)

    def confirm_passkey(
        self,
        account_id: UUID,
        factor_id: UUID,
        credential: dict[str, Any],
        label: str | None,
        *,
        session_id: UUID,
        whence: Whence = NOWHERE,
    ) -> tuple[Saved, list[str]]:
        """The same for a passkey. Raises SecondFactorUnknown, PasskeyRefused, SecondFactorsExhausted."""
        keep = self.passkeys.confirm(account_id, session_id, factor_id, credential, self.clock.now())
        # The challenge is used up: only what follows is decided again.
        return decided_again(self._enrol)(account_id, factor_id, "passkey", label, session_id, whence, keep)

    # --- having them

    def of(self, account_id: UUID) -> tuple[list[Held], int]:
        """Oldest first, and how many recovery codes are left."""
        account, used = self.log.account(account_id), self.stored.last_used(account_id)
        held = [
            Held(factor_id, factor.kind, factor.label, factor.enrolled_at, used.get(factor_id))
            for factor_id, factor in account.second_factors.items()
        ]
        return held, account.recovery_codes

    def renew_recovery_codes(
        self, account_id: UUID, evidence: Evidence, *, session_id: UUID, whence: Whence = NOWHERE
    ) -> tuple[Saved, list[str]]:
        """Raises NoSecondFactor, what `Reauthentication.then` does."""

        def renew(account: Account, shown: Shown) -> tuple[Saved, list[str]]:
            account.issue_recovery_codes(actor=account_id, whence=whence, now=self.clock.now())
            codes, store = self.recovery_codes.issue(account_id)
            return self.log.record(account, effects=[*shown.effects, store]), codes

        return self.reauthentication.then(account_id, evidence, session_id, renew)

    def remove(
        self,
        account_id: UUID,
        factor_id: UUID,
        evidence: Evidence,
        *,
        session_id: UUID,
        whence: Whence = NOWHERE,
    ) -> Saved:
        """Raises SecondFactorUnknown, PasswordTooShortAlone, what `Reauthentication.then` does."""

        def remove(account: Account, shown: Shown) -> Saved:
            last = account.remove_second_factor(
                factor_id,
                password_is_long=shown.verified.long,
                actor=account_id,
                whence=whence,
                now=self.clock.now(),
            )
            effects = [self.stored.remove(factor_id)]
            if last:
                effects = [self.stored.remove_all(account_id), self.sessions.prove_nothing(account_id)]
            return self.log.record(account, effects=[*shown.effects, *effects])

        return self.reauthentication.then(account_id, evidence, session_id, remove)

    @decided_again
    def reset(self, account_id: UUID, reason: str, note: str | None, *, actor: UUID) -> Saved:
        """For a holder who lost them: all sessions end, no browser is known, and a password too short alone dies.

        Raises AccountUnknown, OwnAccount, NoSecondFactor.
        """
        account = self.log.account(account_id)
        account.reset_second_factors(reason, note, actor=actor, now=self.clock.now())
        effects = [
            self.stored.remove_all(account_id),
            self.credentials.drop_short(account_id),
            self.sessions.end_all(account_id),
            self.devices.forget(account_id),
        ]
        return self.log.record(account, effects=effects)

    def _enrol(
        self,
        account_id: UUID,
        factor_id: UUID,
        kind: str,
        label: str | None,
        session_id: UUID,
        whence: Whence,
        keep: Callable[[Any], None],
    ) -> tuple[Saved, list[str]]:
        account, now = self.log.account(account_id), self.clock.now()
        first = account.enrol_second_factor(factor_id, kind, label, actor=account_id, whence=whence, now=now)
        effects, codes = [keep, self.sessions.prove(account_id, session_id)], []
        if first:
            account.issue_recovery_codes(actor=account_id, whence=whence, now=now)
            codes, store = self.recovery_codes.issue(account_id)
            effects.append(store)
        return self.log.record(account, effects=effects), codes
