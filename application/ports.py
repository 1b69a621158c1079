"""What the use cases need from the outside world; infrastructure fills it."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from eventsourcing.domain import Aggregate

from domain.account import Account
from domain.erasure import Erased
from domain.fact import Whence
from domain.persons import Declared, Record
from domain.portfolio import Item, Place, Seen, Wanted
from domain.profile import Profile
from domain.weighing import Census

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
        """Raises AccountUnknown, AccountErased."""

    def account_or_remains(self, account_id: UUID) -> Account:
        """Also one that was erased. Raises AccountUnknown."""

    def profile(self, profile_id: UUID) -> Profile:
        """Raises ProfileMissing."""

    def record(self, *aggregates: Aggregate, effects: Iterable[Effect] = ()) -> Saved:
        """Append what they decided and carry out the effects, all or nothing. Raises Conflict, AccountErased."""

    def unmoved(self, account_id: UUID, aggregate: Aggregate) -> Effect:
        """What is decided rests on the aggregate as it was loaded. The effect raises Conflict where it has moved on.

        Of two commands that look at each other's streams with the same account_id, the second one sees the first.
        """


class BulkLog(Protocol):
    """Many at once."""

    def accounts(self, account_ids: Collection[UUID]) -> dict[UUID, Account]: ...

    def profiles(self, profile_ids: Collection[UUID]) -> dict[UUID, Profile]:
        """Those that there are."""

    def record(self, *aggregates: Aggregate, effects: Iterable[Effect] = ()) -> Saved:
        """As for `EventLog`, up to 4,096 events."""


class BulkLookup(Protocol):
    """Many at once."""

    def holders_of(self, kind: str, values: Collection[str]) -> dict[str, tuple[UUID, bool]]:
        """Who has each, or may take it back (True). For kinds that one alone may have."""

    def claim_all(self, claims: Sequence[tuple[str, str, UUID]]) -> Effect:
        """claims: kind, value, account. Raises EmailTaken or RecordTaken where another was first."""

    def release_all(self, kinds: Sequence[str], account_ids: Collection[UUID]) -> Effect: ...


class Lookup(Protocol):
    """Finds accounts by what only they have, without holding it readable. Kinds: email, record, ahv, recovery."""

    def find(self, kind: str, value: str) -> list[UUID]: ...

    def holders(self, kind: str, value: str) -> list[UUID]:
        """The same, and whoever had it a short while ago and may take it back."""

    def claim(self, kind: str, value: str, account_id: UUID) -> Effect:
        """Raises EmailTaken or RecordTaken where the kind is unique and another account was first."""

    def reserve(self, kind: str, value: str, account_id: UUID, until: datetime) -> Effect: ...

    def release(self, kind: str, account_id: UUID) -> Effect: ...


@dataclass(frozen=True)
class Verified:
    """A password, or a passkey, was right. first_sign_in: nobody signed in with it before.

    barred: `locked`, `closed` or None. long: long enough to be all that is asked for. factors: the kinds that are asked
    for besides (totp, passkey).
    """

    account_id: UUID
    credential_id: UUID
    initial: bool
    first_sign_in: bool
    barred: str | None = None
    long: bool = True
    by_passkey: bool = False
    factors: Sequence[str] = ()

    def replaced_by(self, credential_id: UUID) -> "Verified":
        return Verified(self.account_id, credential_id, initial=False, first_sign_in=False)


class Credentials(Protocol):
    """Password hashes. Every check costs one hash run, whatever it finds; raises TooBusy when too many wait."""

    def verify(self, email: str, password: str, now: datetime, *, known: bool = False) -> Verified | None:
        """known: by a device of the account, for which places are kept free."""

    def verify_holder(self, account_id: UUID, password: str, now: datetime) -> Verified | None: ...

    def has(self, account_id: UUID, password: str) -> bool:
        """Whether it is one of hers, also one that has run out."""

    def issue_initial(self, account_id: UUID, expires_at: datetime) -> tuple[str, Effect]:
        """A fresh initial password, and what stores its hash beside the other copies."""

    def keep_only(self, verified: Verified, now: datetime) -> Effect:
        """Mark an initial password as used and let its other copies die."""

    def choose(self, account_id: UUID, password: str, used_at: datetime | None) -> tuple[UUID, Effect]:
        """Hash a chosen password now; its id, and what stores it in the place of all others.

        used_at: when its holder was signed in with it; None: that comes first.
        """

    def bar(self, account_id: UUID, barred: str | None) -> Effect:
        """Let nobody in, `locked` or `closed`; None: let her in again."""

    def drop_short(self, account_id: UUID) -> Effect:
        """Let a password die that is too short without a second factor."""


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
    def open(
        self, verified: Verified, kind: str, whence: Whence, now: datetime, *, second_factor: bool = False
    ) -> NewSession: ...

    def end_one(self, account_id: UUID, session_id: UUID) -> Effect:
        """Raises SessionUnknown."""

    def end(self, token: str) -> None: ...

    def end_all(self, account_id: UUID) -> Effect: ...

    def end_others(self, account_id: UUID, session_id: UUID) -> Effect:
        """End all but this one."""

    def still_open(self, session_id: UUID) -> Effect:
        """What is asked for from it is done only while it is. Raises SessionEnded."""

    def no_longer_initial(self, session_id: UUID) -> Effect:
        """Note that the password it was opened with has been replaced by a chosen one."""

    def prove(self, account_id: UUID, session_id: UUID) -> Effect:
        """Let this one count as opened with a second factor, and end all opened without. Raises SessionEnded."""

    def prove_nothing(self, account_id: UUID) -> Effect:
        """Let none count as opened with a second factor."""


class Devices(Protocol):
    """Browsers in which an account's holder signed in before."""

    def knows(self, email: str, secret: str, now: datetime) -> bool:
        """Whether the secret is that of a device of the account which has this very address."""

    def remember(self, account_id: UUID, known: str | None, now: datetime) -> tuple[str, Effect]:
        """The secret for a device from which somebody signs in, and what stores it. known: its own, if it has one."""

    def forget(self, account_id: UUID, *, but: str | None = None) -> Effect:
        """Let the account know no device any more. but: the secret of one that it goes on to know."""


class Bucket(NamedTuple):
    """Attempts that may be made: `size` at once, and one comes back in every `refill`.

    growing: when they are used up, one more may be made after 1 s, 2 s, 4 s …, at most `refill`. whose: told to nobody.
    """

    kind: str
    whose: str
    size: int
    refill: timedelta
    growing: bool = False


class Throttle(Protocol):
    def take(self, buckets: Sequence[Bucket], now: datetime) -> Any:
        """Take one attempt from each bucket, or none from any. Raises TooManyRequests."""

    def give_back(self, taken: Any) -> None:
        """As if the attempt had not been made."""

    def forgive(self, taken: Any) -> None:
        """As if none had been made at these buckets."""


class SecondFactors(Protocol):
    """Which second factors an account has."""

    def last_used(self, account_id: UUID) -> dict[UUID, datetime]: ...

    def remove(self, factor_id: UUID) -> Effect: ...

    def remove_all(self, account_id: UUID) -> Effect:
        """Recovery codes too, and what was about to be enrolled."""


class TotpEnrolment(NamedTuple):
    """secret, otpauth_uri and qr_svg (the same as a picture) are for the holder alone."""

    factor_id: UUID
    secret: str
    otpauth_uri: str
    qr_svg: str


class TotpFactors(Protocol):
    """Codes of six digits from a shared secret and the time; no code is taken twice."""

    def begin(self, account_id: UUID, email: str, now: datetime) -> TotpEnrolment: ...

    def confirm(self, account_id: UUID, factor_id: UUID, code: str, now: datetime) -> Effect:
        """Raises SecondFactorUnknown, WrongCode."""

    def match(self, account_id: UUID, code: str, now: datetime) -> Effect | None:
        """What uses a right code up; it raises WrongCredentials where it was used before."""


class Passkeys(Protocol):
    """Key pairs in people's devices. Options and credentials are JSON as browsers know it."""

    def begin(
        self, account_id: UUID, session_id: UUID, email: str, now: datetime
    ) -> tuple[UUID, dict[str, Any]]: ...

    def confirm(
        self, account_id: UUID, session_id: UUID, factor_id: UUID, credential: dict[str, Any], now: datetime
    ) -> Effect:
        """Raises SecondFactorUnknown, PasskeyRefused."""


class PasskeyAnswers(Protocol):
    """Questions to passkeys, and whose it is that answered."""

    def ask(self, now: datetime) -> tuple[UUID, dict[str, Any]]: ...

    def verify(
        self, attempt: UUID, credential: dict[str, Any], now: datetime
    ) -> tuple[Verified, Effect, Effect]:
        """Whose passkey answered, and what uses up answer and count. Raises PasskeyRefused (malformed),
        WrongCredentials.
        """

    def ask_holder(self, account_id: UUID, session_id: UUID, now: datetime) -> tuple[UUID, dict[str, Any]]:
        """The same for one account in one session. Raises NoPasskey."""

    def verify_holder(
        self, account_id: UUID, session_id: UUID, attempt: UUID, credential: dict[str, Any], now: datetime
    ) -> tuple[Verified, Effect, Effect]:
        """Raises WrongPasskey."""


class RecoveryCodes(Protocol):
    """Codes that let their holder in once each, without the second factor."""

    def issue(self, account_id: UUID) -> tuple[list[str], Effect]: ...

    def match(self, account_id: UUID, code: str) -> Effect | None:
        """What uses a right code up; it raises WrongCredentials where somebody was quicker."""


class Roles(Protocol):
    def of(self, account_id: UUID, now: datetime) -> list[str]: ...

    def having(self, role: str, now: datetime) -> list[UUID]: ...

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
    device: str | None = None
    network: str | None = None


@dataclass(frozen=True)
class ResetRequest:
    """Somebody lost a password, and says with which address."""

    email: str
    device: str | None
    network: str | None
    asked_at: datetime


@dataclass(frozen=True)
class FailedSignIn:
    """email: as `domain.values.address_key` gives it; None where none was typed, for a passkey."""

    email: str | None
    device: str | None
    network: str | None
    at: datetime


class FailedSignIns(Protocol):
    """Those that a worker has not made facts of yet. Taking one in costs the same for every address."""

    def put(self, failed: FailedSignIn) -> None: ...


class Intake(Protocol):
    def put(self, request: AccountRequest | ResetRequest) -> None: ...


class Linked(NamedTuple):
    """What a mailed link was sent for. request: the version of the account's event that asked for it."""

    account_id: UUID
    request: int


class Links(Protocol):
    """Tokens in mailed links. Kinds: password-reset, email-change, email-objection, reopening."""

    def make(self, kind: str, account_id: UUID, request: int, expires_at: datetime) -> str:
        """A fresh token, good from now on."""

    def find(self, kind: str, token: str, now: datetime) -> Linked:
        """Raises LinkDead for an unknown or expired one; whether it was used, the account says."""


class Records(Protocol):
    def candidates(self, declared: Declared, account_address: str) -> Sequence[Record]:
        """Those that may be the person's, 200 at most; first those that agree in number, or name and birth date."""

    def census(self, declared: Declared) -> Census:
        """How many people there are, and how many bear the names that were declared."""

    def get(self, record_number: str) -> Record | None: ...

    def create(self, record: Record, canton: str) -> Effect:
        """Raises RecordsNotWritable. The effect raises RecordExists where the register has the AHV number, and Conflict
        where the record's own is in use.
        """

    def survivor(self, record_number: str) -> str | None:
        """The record that one which is gone was made one with, also by way of others."""

    def known(self, record_numbers: Sequence[str]) -> frozenset[str]:
        """Those of them that there are."""

    def sample(self, size: int) -> Sequence[Record]:
        """So many records, or all: always the same ones, in an order that says nothing."""


class PortfolioItems(Protocol):
    """What is published about records. reader: the account for which `new` is told."""

    def page(
        self, record_number: str, wanted: Wanted, *, reader: UUID, after: Place | None, limit: int | None
    ) -> Sequence[Item]: ...

    def get(self, record_number: str, item_id: UUID, *, reader: UUID) -> Item | None:
        """None where there is none, or it is about another record."""

    def see(self, reader: UUID, items: Sequence[Item], now: datetime) -> None:
        """They are no longer new, until they change."""

    def seen(self, record_number: str, *, reader: UUID) -> Sequence[Seen]:
        """The latest first, with what has changed since."""


class Cases(Protocol):
    def profile_of(self, case_id: UUID) -> UUID | None:
        """The profile whose case it is, as far as the read model knows."""


class ErasureEntry(NamedTuple):
    """How far an erasure is. state: proposed | approved | done."""

    id: UUID
    account_id: UUID
    state: str
    done_at: datetime | None


class ErasureBook(Protocol):
    """Erasures by their ids, one an account; what was decided stands in the log."""

    def get(self, erasure_id: UUID) -> ErasureEntry | None: ...

    def proposed(self, erasure_id: UUID, account_id: UUID) -> Effect:
        """In the place of an older proposal."""

    def approved(self, erasure_id: UUID, due: datetime) -> Effect:
        """due: until then it waits for the last message."""

    def done(self, erased: Erased) -> Effect: ...

    def swept(self, account_id: UUID) -> Effect: ...


class ErasureRegister(Protocol):
    """Who was erased, kept outside the database."""

    def note(self, erased: Erased) -> Erased:
        """On disk when it returns; what is noted of this account already counts."""


class Traces(Protocol):
    """What the write side holds about a person besides the log."""

    def of(self, account_id: UUID, addresses: Collection[str]) -> Effect:
        """Deletes all of it; raises while a message to the person is on its way."""
