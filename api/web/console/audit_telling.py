"""Events as auditors are told of them: a sentence, by whom, and what each changed, from the log alone."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

from api import as_of, audit_events
from api.context import locale, service
from api.schemas.audit_pages import TOPICS
from api.web.console import audited
from domain.errors import AccountUnknown, NotYet
from infrastructure.audit_log import opened
from infrastructure.history import actors_of, said_besides, sentence
from infrastructure.instants import Cut
from infrastructure.sealing import SealBroken
from projections.read_model import Fact


class Place(NamedTuple):
    """Where an event stands, and whose key seals it."""

    position: int
    stream: UUID
    version: int
    topic: str
    recorded_at: datetime
    account_id: UUID | None


@dataclass(frozen=True)
class Told:
    """sentence: None for an event that cannot be read, for it was tampered with or is of a later version.

    changes: label, old and new of each field; besides: label and value of what it says and does not set.
    """

    place: Place
    leaf: int | None
    name: str
    sentence: str | None
    by: str | None
    actor: UUID | None
    changes: list[dict[str, Any]]
    besides: list[tuple[str, str | None]]


def place_of(fact: Fact) -> Place:
    return Place(
        fact.position,
        fact.originator_id,
        fact.originator_version,
        fact.topic,
        fact.recorded_at,
        fact.account_id,
    )


def is_readable(fact: Fact) -> bool:
    return fact.topic in TOPICS and not opened(fact).broken


def told(
    places: Sequence[Place],
    *,
    unreadable: frozenset[int] = frozenset(),
    holder: UUID | None = None,
    masked: bool = True,
) -> list[Told]:
    """unreadable: positions. holder: who is called so instead of by name. masked: AHV numbers."""
    events = _events([place for place in places if place.position not in unreadable])
    names = service().history.names(
        set(chain.from_iterable(map(actors_of, events.values()))), locale(), holder=holder
    )
    changes = _changes([place for place in places if place.position in events], masked=masked)
    leaves = service().tree.leaf_indices([place.position for place in places])
    return [
        _told(place, leaf, events.get(place.position), names, changes[place.position], masked=masked)
        for place, leaf in zip(places, leaves, strict=True)
    ]


def _told(
    place: Place,
    leaf: int | None,
    event: Any,
    names: Mapping[UUID, str],
    changes: list[dict[str, Any]],
    *,
    masked: bool,
) -> Told:
    words = event and sentence(event, locale())
    besides = said_besides(event, names, locale(), masked=masked) if event else ()
    return Told(
        place=place,
        leaf=leaf,
        name=audit_events.name_of(place.topic, locale()),
        sentence=words,
        by=event and names[event.actor],
        actor=event and event.actor,
        changes=changes,
        besides=[
            (audited.label(each["field"]), said)
            for each in besides
            if (said := audited.value(each["field"], each["new"])) and said not in (words or "")
        ],
    )


def _events(places: Sequence[Place]) -> dict[int, Any]:
    """Those that can be opened, by position."""
    found = {}
    try:
        events = service().store.events_at([place[:3] for place in places])
        return {place.position: event for place, event in zip(places, events, strict=True)}
    except SealBroken:  # then one by one
        for place in places:
            with suppress(SealBroken):
                (found[place.position],) = service().store.events_at([place[:3]])
    return found


def _changes(places: Sequence[Place], *, masked: bool) -> Mapping[int, list[dict[str, Any]]]:
    """What each event changed of its account, by position."""
    positions: dict[UUID, list[int]] = defaultdict(list)
    for place in places:
        if place.account_id and not place.topic.startswith("access."):
            positions[place.account_id].append(place.position)
    by_position: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for account_id, those in positions.items():
        with suppress(AccountUnknown, NotYet):
            span = Cut(those[0] - 1, None), Cut(those[-1], None)
            found = as_of.changes(service(), account_id, *span, locale(), masked=masked)
            for change in audited.changes_in_words(found):
                by_position[change["position"]].append(change)
    return by_position
