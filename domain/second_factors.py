"""What an account asks for besides the password: its second factors, and the codes for whoever lost them."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, NamedTuple
from uuid import UUID

from domain import errors, policies
from domain.address_change import PendingChange
from domain.fact import NOWHERE, Fact, Whence
from domain.values import Personal


class Factor(NamedTuple):
    """kind: totp | passkey. label: what the holder calls it, ERASED with the person."""

    kind: str
    label: str | None
    enrolled_at: datetime


class SecondFactors:
    """A part of `Account`: these facts stand on its stream, under its topics.

    second_factors: id → Factor. recovery_codes: how many are left.
    """

    id: UUID
    second_factors: dict[UUID, Factor]
    recovery_codes: int
    email_change: PendingChange | None
    trigger_event: Callable[..., None]  # the aggregate's
    must_be_usable: Callable[[], None]

    class SecondFactorEnrolled(Fact, Whence):
        """The holder added a second factor and showed that it works; sign-in asks for one from now on."""

        TOPIC = "account.second-factor-enrolled"
        class_version = 2
        factor_id: UUID
        kind: str  # totp | passkey
        label: Annotated[str | None, Personal]  # what the holder calls it

        def apply(self, aggregate: "SecondFactors") -> None:
            aggregate.second_factors[self.factor_id] = Factor(self.kind, self.label, self.timestamp)

        upcast_v1_v2 = staticmethod(Whence.unknown)

    class SecondFactorRemoved(Fact, Whence):
        """The holder removed a second factor; after the last one the password is enough again."""

        TOPIC = "account.second-factor-removed"
        class_version = 2
        factor_id: UUID
        kind: str  # totp | passkey

        def apply(self, aggregate: "SecondFactors") -> None:
            aggregate.second_factors.pop(self.factor_id, None)
            aggregate.recovery_codes = aggregate.recovery_codes if aggregate.second_factors else 0

        upcast_v1_v2 = staticmethod(Whence.unknown)

    class SecondFactorReset(Fact):
        """Staff removed all second factors of somebody who had lost them; every session ended."""

        TOPIC = "account.second-factor-reset"
        reason: str  # a code of the list «second-factor-reset»
        note: Annotated[str | None, Personal]

        def apply(self, aggregate: "SecondFactors") -> None:
            aggregate.second_factors = {}
            aggregate.recovery_codes = 0
            aggregate.email_change = None

    class RecoveryCodesIssued(Fact, Whence):
        """Recovery codes were shown to the holder, once; earlier ones are void. Only their digests were kept."""

        TOPIC = "account.recovery-codes-issued"
        class_version = 2
        count: int

        def apply(self, aggregate: "SecondFactors") -> None:
            aggregate.recovery_codes = self.count

        upcast_v1_v2 = staticmethod(Whence.unknown)

    class RecoveryCodeUsed(Fact, Whence):
        """A recovery code stood in for the second factor; it is void now."""

        TOPIC = "account.recovery-code-used"
        class_version = 2
        left: int  # how many are still good

        def apply(self, aggregate: "SecondFactors") -> None:
            aggregate.recovery_codes = self.left

        upcast_v1_v2 = staticmethod(Whence.unknown)

    @property
    def factor_kinds(self) -> list[str]:
        return sorted({factor.kind for factor in self.second_factors.values()})

    def enrol_second_factor(
        self,
        factor_id: UUID,
        kind: str,
        label: str | None,
        *,
        actor: UUID,
        whence: Whence = NOWHERE,
        now: datetime,
    ) -> bool:
        """Add a factor; whether it is the only one, with which recovery codes go. Raises SecondFactorsExhausted."""
        self.must_be_usable()
        if len(self.second_factors) >= policies.SECOND_FACTORS:
            raise errors.SecondFactorsExhausted
        said = {"factor_id": factor_id, "kind": kind, "label": label, **vars(whence)}
        self.trigger_event(self.SecondFactorEnrolled, actor=actor, timestamp=now, **said)
        return len(self.second_factors) == 1

    def remove_second_factor(
        self,
        factor_id: UUID,
        *,
        password_is_long: bool,
        actor: UUID,
        whence: Whence = NOWHERE,
        now: datetime,
    ) -> bool:
        """Remove a factor; whether it was the last. Raises SecondFactorUnknown, PasswordTooShortAlone.

        password_is_long: long enough to be all that is asked for.
        """
        self.must_be_usable()
        factor = self.second_factors.get(factor_id)
        if not factor:
            raise errors.SecondFactorUnknown
        if len(self.second_factors) == 1 and not password_is_long:
            raise errors.PasswordTooShortAlone
        said = {"factor_id": factor_id, "kind": factor.kind, **vars(whence)}
        self.trigger_event(self.SecondFactorRemoved, actor=actor, timestamp=now, **said)
        return not self.second_factors

    def reset_second_factors(self, reason: str, note: str | None, *, actor: UUID, now: datetime) -> None:
        """Remove all factors for somebody who lost them. Raises OwnAccount, NoSecondFactor."""
        if actor == self.id:
            raise errors.OwnAccount
        if not self.second_factors:
            raise errors.NoSecondFactor
        self.trigger_event(self.SecondFactorReset, reason=reason, note=note, actor=actor, timestamp=now)

    def issue_recovery_codes(self, *, actor: UUID, whence: Whence = NOWHERE, now: datetime) -> None:
        """Note that new recovery codes take the place of any earlier ones. Raises NoSecondFactor."""
        self.must_be_usable()
        if not self.second_factors:
            raise errors.NoSecondFactor
        said = {"count": policies.RECOVERY_CODES, **vars(whence)}
        self.trigger_event(self.RecoveryCodesIssued, actor=actor, timestamp=now, **said)

    def use_recovery_code(self, *, whence: Whence = NOWHERE, now: datetime) -> None:
        """Note that one of the codes let its holder in."""
        said = {"left": max(0, self.recovery_codes - 1), **vars(whence)}
        self.trigger_event(self.RecoveryCodeUsed, actor=self.id, timestamp=now, **said)
