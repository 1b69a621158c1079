"""An account as it stood at any point of the log, folded from its events alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from domain import policies
from domain.account import Account
from domain.calendar import ZURICH
from domain.errors import AccountUnknown, NotYet
from domain.profile import Case, Link, Profile
from domain.values import ERASED
from infrastructure.event_mapper import SealedEvent, SealingMapper
from infrastructure.event_store import EventStore
from infrastructure.instants import Cut
from infrastructure.prepared import Prepared

STREAM = Prepared("""
    SELECT e.originator_id, e.originator_version, e.topic, e.state, e.account_id, k.generation, k.wrapped,
           e.position, e.recorded_at
    FROM events AS e LEFT JOIN data_keys AS k ON k.person = e.account_id
    WHERE e.originator_id = $1 AND e.position <= $2 ORDER BY e.originator_version
""")
FIRST = Prepared("""
    SELECT originator_id, originator_version, topic, state, account_id, NULL::smallint, NULL::bytea
    FROM events WHERE originator_id = $1 AND originator_version = 1
""")


class Happened(NamedTuple):
    """An event in its place. event: its personal fields hold what is `sealed` in them."""

    position: int
    recorded_at: datetime
    stored: SealedEvent
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

    def __init__(self, mapper: SealingMapper) -> None:
        self._mapper = mapper
        self._sealed_by: dict[int, Happened] = {}  # by the identity of the stored value
        self.account: Account | None = None
        self.profile: Profile | None = None
        self.link_due: date | None = None
        self.last: Happened | None = None
        self._recovery_proposed_at: datetime | None = None

    def add(self, happened: Happened) -> None:
        event = happened.event
        self._sealed_by.update(dict.fromkeys(map(id, happened.sealed.values()), happened))
        if self.account is None or event.originator_id == self.account.id:
            self.account = event.mutate(self.account)
        else:
            self.profile = event.mutate(self.profile)
            self.link_due = getattr(event, "due", self.link_due)
        if isinstance(event, Account.RecoveryProposed):
            self._recovery_proposed_at = event.timestamp
        self.last = happened

    def opened(self, value: Any) -> Any:
        """A value of this state; ERASED where the key is gone."""
        happened = self._sealed_by.get(id(value))
        if not happened:
            return value
        name = next(name for name, sealed in happened.sealed.items() if sealed is value)
        return self._mapper.opened(happened.stored, name, value)

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
        """What was begun and neither done nor called off, the oldest first."""
        account, found = self.account, []
        if account.email_change:
            found.append(Pending("email-change", account.email_change.since))
        closure = account.closure
        if closure and closure.by_holder and at <= closure.at + policies.CLOSURE_GRACE:
            found.append(Pending("closure", closure.at))
        if account.recovery:
            found.append(Pending("recovery", self._recovery_proposed_at))
        if account.erasure and not account.erased:
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
            "roles": self.roles(at),
            "profile_state": "submitted" if profile else "missing",
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
        state = State(self._mapper)
        for happened in self._life(account_id, cut.position):
            state.add(happened)
        return state

    def changes(self, account_id: UUID, since: Cut, until: Cut) -> list[Change]:
        """What each event after one point and up to another changed, in their order. Raises AccountUnknown, NotYet."""
        state, found = State(self._mapper), []
        for happened in self._life(account_id, until.position):
            at = happened.recorded_at
            before = state.values(at) if happened.position > since.position else None
            state.add(happened)
            if before is not None:
                found += _changes(state, before, state.values(at), happened)
        return found

    def _life(self, account_id: UUID, position: int) -> list[Happened]:
        """The events of both streams up to a position, in the order of the log."""
        happened = [
            self._happened(row)
            for stream in self._streams(account_id)
            for row in STREAM.all(self._pool, (stream, position))
        ]
        if not happened:
            raise NotYet
        return sorted(happened, key=lambda each: each.position)

    def must_know(self, account_id: UUID) -> None:
        """Raises AccountUnknown."""
        self._streams(account_id)

    def _streams(self, account_id: UUID) -> tuple[UUID, UUID]:
        """That of an account and that of its profile."""
        first = FIRST.one(self._pool, (account_id,))
        stored = first and SealedEvent(*first)
        if not stored or stored.topic != Account.AccountRequested.TOPIC:
            raise AccountUnknown
        event, _ = self._mapper.to_unopened_event(stored)
        return account_id, event.profile_id

    def _happened(self, row: tuple[Any, ...]) -> Happened:
        *event, position, recorded_at = row
        stored = SealedEvent(*event)
        return Happened(position, recorded_at, stored, *self._mapper.to_unopened_event(stored))


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
                happened.stored.topic,
                happened.event.actor,
                happened.recorded_at,
            )
