"""Accesses as auditors read them: who was shown whose data, and who signed in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.access import Access
from infrastructure.event_store import EventStore
from infrastructure.history import History
from projections.accesses import AccessPlaces


@dataclass(frozen=True)
class Seen:
    """One access. reader: an actor; by: the same in words. what: a code, or how a sign-in went."""

    position: int
    at: datetime
    reader: UUID
    by: str
    role: str | None
    what: str
    accounts: list[UUID]
    purpose: str | None
    count: int
    filters: Mapping[str, str | int | bool]

    @property
    def account(self) -> UUID | None:
        """Whose data, where they are one person's."""
        return self.accounts[0] if len(self.accounts) == 1 else None


class AccessTrail:
    def __init__(self, store: EventStore, places: AccessPlaces, history: History) -> None:
        self._store = store
        self._places = places
        self._history = history

    def page(self, locale: str, **wanted: Any) -> list[Seen]:
        """Oldest first; what is asked by: see `projections.accesses.AccessPlaces.page`."""
        places = self._places.page(**wanted)
        events = self._store.events_at(places)
        names = self._history.names({event.actor for event in events}, locale)
        return [
            Seen(place.position, event.timestamp, event.actor, names[event.actor], **_said(event))
            for place, event in zip(places, events, strict=True)
        ]


def _said(event: Access.Event) -> dict[str, Any]:
    if isinstance(event, Access.DataRead):
        return {
            "role": event.role,
            "what": event.what,
            "accounts": event.accounts,
            "purpose": event.purpose,
            "count": event.shown,
            "filters": event.filters,
        }
    failed = isinstance(event, Access.SignInFailed)
    return {
        "role": None,
        "what": type(event).TOPIC.removeprefix(f"{Access.TOPIC}."),
        "accounts": [event.account_id] if event.account_id else [],
        "purpose": None,
        "count": event.attempts if failed else 1,
        "filters": {},
    }
