"""What the use cases need from the outside world; infrastructure fills it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from eventsourcing.domain import Aggregate

from domain.account import Account
from domain.matching import Declared, Record
from domain.profile import Profile

Effect = Callable[[Any], None]
"""A change of the write side that is carried out in the transaction of an append, after it; may refuse."""


class Saved(NamedTuple):
    """How far the log has come with a command. position: 0 where nothing had to be written."""

    position: int
    recorded_at: datetime | None


class Clock(Protocol):
    def now(self) -> datetime:
        """An aware instant, UTC."""


class EventLog(Protocol):
    def account(self, account_id: UUID) -> Account:
        """Raises AccountUnknown."""

    def profile(self, profile_id: UUID) -> Profile:
        """Raises ProfileMissing."""

    def record(self, *aggregates: Aggregate, effects: Iterable[Effect] = ()) -> Saved:
        """Append what they decided and carry out the effects, all or nothing. Raises Conflict, AccountErased."""


class Lookup(Protocol):
    """Finds accounts by what only they have, without holding it readable. Kinds: email, record, ahv."""

    def find(self, kind: str, value: str) -> list[UUID]: ...

    def claim(self, kind: str, value: str, account_id: UUID) -> Effect:
        """Raises EmailTaken or RecordTaken where the kind is unique and another account was first."""

    def release(self, kind: str, account_id: UUID) -> Effect: ...


@dataclass(frozen=True)
class Verified:
    """A password was right. first_sign_in: an initial password that nobody used before."""

    account_id: UUID
    credential_id: UUID
    initial: bool
    first_sign_in: bool

    def replaced_by(self, credential_id: UUID) -> "Verified":
        return Verified(self.account_id, credential_id, initial=False, first_sign_in=False)


class Credentials(Protocol):
    """Password hashes. Every check costs one hash run, whatever it finds; raises TooBusy when too many wait."""

    def verify(self, email: str, password: str, now: datetime) -> Verified | None: ...

    def verify_holder(self, account_id: UUID, password: str, now: datetime) -> Verified | None: ...

    def issue_initial(self, account_id: UUID, expires_at: datetime) -> tuple[str, Effect]:
        """A fresh initial password, and what stores its hash beside the other copies."""

    def keep_only(self, verified: Verified, now: datetime) -> Effect:
        """Mark an initial password as used and let its other copies die."""

    def choose(self, account_id: UUID, password: str) -> tuple[UUID, Effect]:
        """Hash a chosen password now; its id, and what stores it in the place of all others."""


class PasswordQuality(Protocol):
    def is_common(self, password: str) -> bool:
        """Whether it is among the first that somebody would try: listed, well known, repeated or in a row."""


class NewSession(NamedTuple):
    """token: the secret the client keeps. csrf_token: for cookies only."""

    token: str
    csrf_token: str | None
    expires_at: datetime
    store: Effect  # raises WrongCredentials when the password was replaced meanwhile


class Sessions(Protocol):
    def open(self, verified: Verified, kind: str, now: datetime) -> NewSession: ...

    def end(self, token: str) -> None: ...

    def end_all(self, account_id: UUID) -> Effect: ...

    def end_others(self, account_id: UUID, session_id: UUID) -> Effect:
        """End all but this one, which no longer counts as opened with an initial password."""


class Roles(Protocol):
    def of(self, account_id: UUID, now: datetime) -> list[str]: ...

    def set(self, account_id: UUID, role: str, until: Any) -> Effect: ...

    def remove(self, account_id: UUID, role: str) -> Effect: ...


@dataclass(frozen=True)
class AccountRequest:
    """What somebody asked for at the public door."""

    email: str
    given_name: str
    family_name: str
    locale: str
    privacy_policy: str
    asked_at: datetime


class Intake(Protocol):
    def put(self, request: AccountRequest) -> None: ...


class Records(Protocol):
    def candidates(self, declared: Declared) -> Sequence[Record]: ...

    def get(self, record_number: str) -> Record | None: ...


class Cases(Protocol):
    def profile_of(self, case_id: UUID) -> UUID | None:
        """The profile whose case it is, as far as the read model knows."""
