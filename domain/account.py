"""An account: a person's way in."""

from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from eventsourcing.domain import Aggregate

from domain import errors, policies
from domain.address_change import AddressChange
from domain.assistance import Assisted
from domain.erasure import Erasable
from domain.fact import NOWHERE, Fact, Whence
from domain.imported import Imported
from domain.merging import Mergeable
from domain.recovery import Recovery
from domain.second_factors import SecondFactors
from domain.standing import Standing
from domain.values import Personal


class Account(
    AddressChange, Assisted, Erasable, Imported, Mergeable, Recovery, SecondFactors, Standing, Aggregate
):
    """A person's way in: one address, one standing, one history.

    email, given_name, family_name: str, or ERASED. activated: whether the holder has ever signed in. roles: role → last
    day or None.
    """

    TOPIC = "account"

    class Event(Fact):
        pass

    class AccountRequested(Event, Aggregate.Created, Whence):
        """Somebody asked for an account with an address that had none."""

        TOPIC = "account.requested"
        class_version = 2
        email: Annotated[str, Personal]
        given_name: Annotated[str | None, Personal]
        family_name: Annotated[str | None, Personal]
        locale: str
        profile_id: UUID  # the stream that will hold the personal data
        origin: str  # sign-up | granted
        privacy_policy: str | None  # the version accepted

        def apply(self, aggregate: "Account") -> None:
            aggregate.begin(self, self.origin)
            aggregate.asked_at.append(self.timestamp)

        upcast_v1_v2 = staticmethod(Whence.unknown)

    Created = AccountRequested  # the library's name for the first fact
    FIRST = (AccountRequested.TOPIC, Imported.AccountImported.TOPIC)  # with which an account begins

    class AccountRequestedAgain(Event, Whence):
        """Somebody asked for an account with the address of this one; its mailbox is told."""

        TOPIC = "account.requested-again"
        class_version = 2

        def apply(self, aggregate: "Account") -> None:
            aggregate.asked_at.append(self.timestamp)

        upcast_v1_v2 = staticmethod(Whence.unknown)

    class PasswordIssued(Event):
        """An initial password was made for the message that carries it; only its hash was kept, and not here."""

        TOPIC = "account.password-issued"
        copy: int  # 1, 2 or 3 of one request
        expires_at: datetime

        def apply(self, aggregate: "Account") -> None:
            aggregate.initial_passwords = self.copy

    class AccountActivated(Event, Whence):
        """The holder signed in for the first time."""

        TOPIC = "account.activated"
        class_version = 3
        imported_link: bool | None  # a file had linked it to a record, whose address is told; none: not noted

        def apply(self, aggregate: "Account") -> None:
            aggregate.activated = True

        upcast_v1_v2 = staticmethod(Whence.unknown)

        @staticmethod
        def upcast_v2_v3(state: dict[str, Any]) -> None:
            state["imported_link"] = None

    class PasswordChanged(Event, Whence):
        """The holder chose a new password; every other session ended, and an address asked for is forgotten."""

        TOPIC = "account.password-changed"
        class_version = 2

        def apply(self, aggregate: "Account") -> None:
            aggregate.reset_request = None
            aggregate.email_change = None
            aggregate.end_recovery(self.timestamp)

        upcast_v1_v2 = staticmethod(Whence.unknown)

    class SessionsEnded(Event, Whence):
        """The holder ended one of the other sessions, or all of them."""

        TOPIC = "account.sessions-ended"
        session_id: UUID | None  # none: all others

        def apply(self, aggregate: "Account") -> None:
            pass

    class LocaleChanged(Event, Whence):
        """The holder chose another language, for pages and messages."""

        TOPIC = "account.locale-changed"
        locale: str

        def apply(self, aggregate: "Account") -> None:
            aggregate.locale = self.locale

    class RoleGranted(Event):
        """The account was given a role, for staff work or an audit mandate."""

        TOPIC = "account.role-granted"
        role: str
        until: date | None  # the mandate's last day

        def apply(self, aggregate: "Account") -> None:
            aggregate.roles[self.role] = self.until

    class RoleRevoked(Event):
        """A role was taken away."""

        TOPIC = "account.role-revoked"
        role: str

        def apply(self, aggregate: "Account") -> None:
            aggregate.roles.pop(self.role, None)

    def begin(self, first: "AccountRequested | Imported.AccountImported", origin: str) -> None:
        """What holds of every account that is new."""
        self.email = first.email
        self.given_name = first.given_name
        self.family_name = first.family_name
        self.locale = first.locale
        self.profile_id = first.profile_id
        self.origin = origin
        self.activated = False
        self.invited = False
        self.locked = None
        self.closure = None
        self.merged = None
        self.absorbed = []
        self.initial_passwords = 0
        self.asked_at = []
        self.reset_request = None
        self.reset_asked_at = []
        self.recovery = None
        self.email_change = None
        self.email_changes_asked_at = []
        self.take_backs = []
        self.roles = {}
        self.second_factors = {}
        self.recovery_codes = 0
        self.erasure = None
        self.erased = False

    @property
    def state(self) -> str:
        """requested | active | locked | closed | erased"""
        if self.erased:
            return "erased"
        if self.is_closed or self.locked:
            return "closed" if self.is_closed else "locked"
        return "active" if self.activated else "requested"

    @classmethod
    def request(
        cls,
        account_id: UUID,
        *,
        profile_id: UUID,
        email: str,
        given_name: str | None,
        family_name: str | None,
        locale: str,
        origin: str,
        privacy_policy: str | None,
        actor: UUID,
        whence: Whence = NOWHERE,
        now: datetime,
    ) -> Self:
        """A new account. now: the moment of asking, which may lie before the moment of deciding."""
        return cls._create(
            cls.AccountRequested,
            id=account_id,
            profile_id=profile_id,
            email=email,
            given_name=given_name,
            family_name=family_name,
            locale=locale,
            origin=origin,
            privacy_policy=privacy_policy,
            actor=actor,
            timestamp=now,
            **vars(whence),
        )

    def request_again(
        self, *, most: int = policies.MAILS_A_DOOR, whence: Whence = NOWHERE, now: datetime
    ) -> None:
        """Note that it was asked for again; silent once `most` messages an hour were caused from outside."""
        recent = [at for at in self.asked_at if now - at < policies.DOOR_WINDOW]
        if len(recent) < most:
            self.trigger_event(self.AccountRequestedAgain, actor=self.id, timestamp=now, **vars(whence))

    def issue_password(self, *, expires_at: datetime, actor: UUID, now: datetime) -> None:
        """Note that one more initial password was made.

        Raises SignedInAlready, InitialPasswordsExhausted, AccountLocked, AccountClosed.
        """
        if self.activated:
            raise errors.SignedInAlready
        self.must_be_usable()
        if self.initial_passwords >= policies.INITIAL_PASSWORDS_A_REQUEST:
            raise errors.InitialPasswordsExhausted
        self.trigger_event(
            self.PasswordIssued,
            copy=self.initial_passwords + 1,
            expires_at=expires_at,
            actor=actor,
            timestamp=now,
        )

    def activate(self, *, imported_link: bool = False, whence: Whence = NOWHERE, now: datetime) -> None:
        """Note the first sign-in; later ones change nothing. imported_link: a file had linked it to a record."""
        if not self.activated:
            said = {"imported_link": imported_link, **vars(whence)}
            self.trigger_event(self.AccountActivated, actor=self.id, timestamp=now, **said)

    def change_password(self, *, actor: UUID, whence: Whence = NOWHERE, now: datetime) -> None:
        """Raises AccountClosed, AccountLocked: the password may have been checked before."""
        self.must_be_usable()
        self.trigger_event(self.PasswordChanged, actor=actor, timestamp=now, **vars(whence))

    def end_sessions(self, ended: UUID | None, *, kept: UUID, whence: Whence, now: datetime) -> None:
        """Note that the holder ended a session (None: all but `kept`)."""
        self.session_ended(ended, kept=kept, whence=whence, now=now)
        said = {"session_id": ended, **vars(whence)}
        self.trigger_event(self.SessionsEnded, actor=self.id, timestamp=now, **said)

    def change_locale(self, locale: str, *, whence: Whence = NOWHERE, now: datetime) -> None:
        """The same language changes nothing. Raises AccountLocked, AccountClosed."""
        self.must_be_usable()
        if locale != self.locale:
            self.trigger_event(
                self.LocaleChanged, locale=locale, actor=self.id, timestamp=now, **vars(whence)
            )

    def grant(self, role: str, *, until: date | None, actor: UUID, now: datetime) -> None:
        """Give a role; the same one with the same end changes nothing. Raises RoleUnknown."""
        if role not in policies.ROLES:
            raise errors.RoleUnknown(role=role)
        if role not in self.roles or self.roles[role] != until:
            self.trigger_event(self.RoleGranted, role=role, until=until, actor=actor, timestamp=now)

    def revoke(self, role: str, *, actor: UUID, now: datetime) -> None:
        if role in self.roles:
            self.trigger_event(self.RoleRevoked, role=role, actor=actor, timestamp=now)
