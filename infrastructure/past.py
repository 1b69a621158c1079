"""An account as it stood at any point of the log, folded from its events alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from domain import policies
from domain.account import Account
from domain.calendar import ZURICH
from domain.case import Case
from domain.errors import AccountUnknown, NotYet
from domain.profile import Link, Profile
from domain.values import ERASED
from infrastructure.event_mapper import Keyless, SealedEvent, SealingMapper
from infrastructure.event_store import EventStore
from infrastructure.instants import Cut
from infrastructure.prepared import Prepared
from infrastructure.sealing import SHORTEST

STREAM = Prepared("""
    SELECT originator_version, topic, state, position, recorded_at
    FROM events WHERE originator_id = $1 AND position <= $2 ORDER BY originator_version
""")
FIRST = Prepared("SELECT topic, state FROM events WHERE originator_id = $1 AND originator_version = 1")
KEY = Prepared("SELECT generation, wrapped FROM data_keys WHERE person = $1")


class Happened(NamedTuple):
    """An event in its place. event: its personal fields hold what is `sealed` in them."""

    position: int
    recorded_at: datetime
    topic: str
    event: Any
    sealed: dict[str, str]


@dataclass(frozen=True)
class Pending:
    """kind: email-change | closure | recovery | erasure."""

    kind: str
    since: datetime


class State:
    """Account and profile of one person, to which events are added in the order of the log.

    Their personal values are as stored, for most are never looked at: `opened` says what one is.
    """

    def __init__(self, open_field: Callable[[Happened, str], Any]) -> None:
        self._open = open_field
        self._happened: list[Happened] = []
        self.account: Account | None = None
        self.profile: Profile | None = None
        self.link_due: date | None = None
        self._recovery_proposed_at: datetime | None = None

    def add(self, happened: Happened) -> None:
        event = happened.event
        self._happened.append(happened)
        if self.account is None or event.originator_id == self.account.id:
            self.account = event.mutate(self.account)
        else:
            self.profile = event.mutate(self.profile)
            self.link_due = getattr(event, "due", self.link_due)
        if isinstance(event, Account.RecoveryProposed):
            self._recovery_proposed_at = event.timestamp

    def opened(self, value: Any) -> Any:
        """A value of this state; ERASED where the key is gone."""
        if not (isinstance(value, str) and len(value) >= SHORTEST):
            return value
        for happened in reversed(self._happened):
            for name, sealed in happened.sealed.items():
                if sealed is value:
                    return self._open(happened, name)
        return value

    @property
    def last(self) -> Happened:
        return self._happened[-1]

    @property
    def link(self) -> Link | None:
        return self.profile.link if self.profile else None

    @property
    def case(self) -> Case | None:
        """The one opened last."""
        cases = self.profile.cases if self.profile else {}
        return cases[next(reversed(cases))] if cases else None

    def roles(self, at: datetime) -> list[str]:
        """Those that are not over."""
        day = at.astimezone(ZURICH).date()
        return sorted(role for role, until in self.account.roles.items() if until is None or until >= day)

    def pending(self, at: datetime) -> list[Pending]:
        """What was begun and neither done nor called off, the oldest first; nothing after an erasure."""
        account, found = self.account, []
        if account.erased:
            return found
        if account.email_change:
            found.append(Pending("email-change", account.email_change.since))
        closure = account.closure
        if closure and closure.by_holder and at <= closure.at + policies.CLOSURE_GRACE:
            found.append(Pending("closure", closure.at))
        if account.open_recovery(at):
            found.append(Pending("recovery", self._recovery_proposed_at))
        if account.erasure:
            found.append(Pending("erasure", account.erasure.proposed_at))
        return sorted(found, key=lambda each: each.since)

    def values(self, at: datetime) -> dict[str, Any]:
        """All that is said of the account, by name."""
        if self.account is None:
            return {}
        account, profile, case = self.account, self.profile, self.case
        named = profile.data if profile else account
        return {
            "email": account.email,
            "given_name": named.given_name,
            "family_name": named.family_name,
            "locale": account.locale,
            "state": account.state,
            "merged_into": account.merged and account.merged.into,
            "roles": self.roles(at),
            "profile_state": "submitted" if profile and profile.is_complete else "missing",
            "link_state": profile.link_state if profile else "none",
            "link_due": self.link_due,
            **(profile.data.values() if profile else {}),
            "record_number": profile.link.record_number if profile and profile.link else None,
            "case_id": case and case.id,
            "case_state": case and case.state,
            "case_due": case and case.due,
            "pending": [each.kind for each in self.pending(at)],
        }


@dataclass(frozen=True)
class Change:
    """old, new: ERASED where the key is gone; a field set anew then counts as changed. at: when it was recorded."""

    field: str
    old: Any
    new: Any
    position: int
    type: str
    actor: UUID
    at: datetime


class Past:
    def __init__(self, store: EventStore) -> None:
        self._pool = store.recorder.pool
        self._mapper: SealingMapper = store.mapper

    def state(self, account_id: UUID, cut: Cut) -> State:
        """Raises AccountUnknown, NotYet."""
        life, state = self._life(account_id, cut.position)
        for happened in life:
            state.add(happened)
        return state

    def changes(self, account_id: UUID, since: Cut, until: Cut) -> list[Change]:
        """What each event after one point and up to another changed, in their order. Raises AccountUnknown, NotYet."""
        life, state = self._life(account_id, until.position)
        found: list[Change] = []
        for happened in life:
            at = happened.recorded_at
            before = state.values(at) if happened.position > since.position else None
            state.add(happened)
            if before is not None:
                found += _changes(state, before, state.values(at), happened)
        return found

    def events(self, account_id: UUID, cut: Cut) -> list[Happened]:
        """What happened to both up to a point, in the order of the log. Raises AccountUnknown, NotYet."""
        life, _ = self._life(account_id, cut.position)
        return life

    def must_know(self, account_id: UUID) -> None:
        """Raises AccountUnknown."""
        self._streams(account_id)

    def _life(self, account_id: UUID, position: int) -> tuple[list[Happened], State]:
        """The events of both streams up to a position, in the order of the log, and a state to which none was added."""
        happened = [
            self._restored(stream, *row)
            for stream in self._streams(account_id)
            for row in STREAM.all(self._pool, (stream, position))
        ]
        if not happened:
            raise NotYet
        generation, wrapped = KEY.one(self._pool, (account_id,)) or (None, None)

        def open_field(of: Happened, name: str) -> Any:
            event = of.event
            place = event.originator_id, event.originator_version, of.topic, b""
            stored = SealedEvent(*place, account_id, generation, wrapped)
            return self._mapper.opened(stored, name, of.sealed[name])

        return sorted(happened, key=attrgetter("position")), State(open_field)

    def _streams(self, account_id: UUID) -> tuple[UUID, UUID]:
        """That of an account and that of its profile."""
        topic, state = FIRST.one(self._pool, (account_id,)) or (None, b"")
        if topic not in Account.FIRST:
            raise AccountUnknown
        event, _ = self._mapper.to_unopened_event(Keyless(account_id, 1, topic, state))
        return account_id, event.profile_id

    def _restored(
        self, stream: UUID, version: int, topic: str, state: bytes, position: int, recorded_at: datetime
    ) -> Happened:
        event, sealed = self._mapper.to_unopened_event(Keyless(stream, version, topic, state))
        return Happened(position, recorded_at, topic, event, sealed)


def _changes(
    state: State, before: dict[str, Any], after: dict[str, Any], happened: Happened
) -> Iterator[Change]:
    for field, value in after.items():
        former = before.get(field)
        if former is value:
            continue
        old, new = state.opened(former), state.opened(value)
        # Two erased values cannot be compared: that the field was set is all that is known.
        if new is ERASED or (old != new and (old or new)):
            yield Change(
                field,
                old,
                new,
                happened.position,
                happened.topic,
                happened.event.actor,
                happened.recorded_at,
            )
