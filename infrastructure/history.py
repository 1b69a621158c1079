"""An account's history in words: every event as a sentence, with old and new values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from domain.calendar import ZURICH
from domain.comparing import LEVELS
from domain.profile import PERSONAL_DATA
from domain.values import ANYBODY, ERASED, OPERATOR, SYSTEM, Erased, format_ahv, mask_ahv
from infrastructure import codes
from infrastructure.event_store import EventStore
from infrastructure.places import Places
from infrastructure.translations import table, text
from projections.accesses import AccessPlaces
from projections.directory import Directory
from projections.timeline import Timeline

SHOWN = {  # what an event sets: told with the value before, where it differs
    "account.requested": ("email", "given_name", "family_name", "locale"),
    "account.imported": ("email", "given_name", "family_name", "locale"),
    "account.imported-again": ("given_name", "family_name", "locale"),
    "account.locale-changed": ("locale",),
    "account.password-issued": ("expires_at",),
    "account.email-changed": ("email",),
    "account.email-change-taken-back": ("email",),
    "profile.submitted": (*PERSONAL_DATA, "due"),
    "profile.corrected": (*PERSONAL_DATA, "due"),
    "profile.imported": PERSONAL_DATA,
    "profile.imported-again": PERSONAL_DATA,
    "profile.record-linked": ("record_number",),
    "profile.link-imported": ("record_number",),
    "case.question-answered": ("due",),
}
TOLD = {  # what an event says besides
    "account.email-change-requested": ("email",),
    "account.email-change-cancelled": ("cause",),
    "account.email-changed": ("reason", "note"),
    "account.locked": ("reason", "note"),
    "account.unlocked": ("reason", "note"),
    "account.closed": ("reason", "note"),
    "account.recovery-proposed": ("email", "reason", "note"),
    "account.second-factor-enrolled": ("kind", "label"),
    "account.second-factor-removed": ("kind",),
    "account.second-factor-reset": ("reason", "note"),
    "account.merged": ("reason", "note"),
    "account.other-merged": ("reason", "note"),
    "account.separated": ("reason", "note"),
    "account.other-separated": ("reason", "note"),
    "account.initial-password-resent": ("reason", "note"),
    "account.noted": ("note",),
    "account.erasure-proposed": ("reason",),
    "account.erased": ("reason", "proposed_by", "approved_by"),
    "account.role-granted": ("role", "until"),
    "account.role-revoked": ("role",),
    "profile.record-created": ("record_number", "reason", "note"),
    "profile.record-linked": ("reason", "note", "matcher", "score", "verdicts"),
    "profile.record-unlinked": ("reason", "note"),
    "case.opened": ("cause", "candidates", "due"),
    "case.taken": ("instead_of",),
    "case.question-asked": ("text",),
    "case.question-answered": ("text",),
    "case.renewed": ("cause", "candidates"),
    "case.rejected": ("reason", "note"),
}
NAMED = {  # fields that hold an actor, or none
    "account.erased": ("proposed_by", "approved_by"),
    "case.taken": ("instead_of",),
}
LISTS = {  # fields that hold a code of a list
    "account.locale-changed": {"locale": "locales"},
    "account.email-change-cancelled": {"cause": "cancellations"},
    "account.email-changed": {"reason": "reasons.correct"},
    "account.locked": {"reason": "reasons.lock"},
    "account.unlocked": {"reason": "reasons.unlock"},
    "account.closed": {"reason": "reasons.close"},
    "account.recovery-proposed": {"reason": "reasons.recovery"},
    "account.second-factor-enrolled": {"kind": "factors"},
    "account.second-factor-removed": {"kind": "factors"},
    "account.second-factor-reset": {"reason": "reasons.second-factor-reset"},
    "account.merged": {"reason": "reasons.merge"},
    "account.other-merged": {"reason": "reasons.merge"},
    "account.separated": {"reason": "reasons.unmerge"},
    "account.other-separated": {"reason": "reasons.unmerge"},
    "account.initial-password-resent": {"reason": "reasons.resend"},
    "account.erasure-proposed": {"reason": "reasons.erasure"},
    "account.erased": {"reason": "reasons.erasure"},
    "profile.record-created": {"reason": "reasons.create-record"},
    "profile.record-linked": {"reason": "reasons.link"},
    "profile.record-unlinked": {"reason": "reasons.unlink"},
    "case.opened": {"cause": "causes"},
    "case.renewed": {"cause": "causes"},
    "case.rejected": {"reason": "reasons.reject"},
    "access.read": {"role": "roles", "what": "reads", "purpose": "purposes"},
    "access.signed-in": {"session_kind": "session-kinds"},
}


@dataclass(frozen=True)
class Moment:
    """One event. type: its topic. by, device, place: in words. network: an IP address. changes: field, old, new."""

    type: str
    name: str
    at: datetime
    by: str
    device: str | None
    place: str | None
    sentence: str
    changes: list[dict[str, Any]]
    position: int
    network: str | None


class History:
    def __init__(
        self,
        store: EventStore,
        timeline: Timeline,
        accesses: AccessPlaces,
        directory: Directory,
        places: Places,
    ) -> None:
        self._store = store
        self._places = places
        self._timeline = timeline
        self._accesses = accesses
        self._directory = directory

    def of(
        self,
        account_id: UUID,
        locale: str,
        *,
        after: int = 0,
        limit: int | None = None,
        masked: bool = True,
    ) -> list[Moment]:
        """What happened to the account, oldest first. after: the last position seen.

        masked: AHV numbers, as those see them who gave no purpose.
        """
        places = self._timeline.page(account_id)
        return self._told(places, account_id, locale, after, masked=masked)[:limit]

    def accesses(self, account_id: UUID, locale: str) -> list[Moment]:
        """Who was shown the account's data, and its own sign-ins, good and failed; oldest first."""
        return self._told(self._accesses.of(account_id), account_id, locale)

    def with_accesses(
        self, account_id: UUID, locale: str, *, after: int = 0, limit: int | None = None
    ) -> list[Moment]:
        """Both, in the order of the log."""
        places = self._accesses.with_timeline(account_id, after=after, limit=limit)
        return self._told(places, account_id, locale, after)[:limit]

    def latest(self, account_id: UUID, locale: str, *, before: int | None = None, limit: int) -> list[Moment]:
        """The same, newest first. before: the last position seen; None for the end."""
        places = self._accesses.latest_with_timeline(account_id, before=before, limit=limit)
        return self._told(places, account_id, locale)[-limit:][::-1]

    def label(self, actor: UUID, account_id: UUID, locale: str) -> str:
        """Who did something to this account: the holder, the service, or a person's name."""
        return self.names({actor}, locale, holder=account_id)[actor]

    def _told(
        self,
        places: Sequence[tuple[int, UUID, int]],
        account_id: UUID,
        locale: str,
        after: int = 0,
        *,
        masked: bool = True,
    ) -> list[Moment]:
        events = self._store.events_at(places)
        names = self.names(
            {actor for event in events for actor in actors_of(event)}, locale, holder=account_id
        )
        known: dict[str, Any] = {}
        moments = []
        for (position, *_), event in zip(places, events, strict=True):
            changes = list(_changes(event, known, names, locale, masked=masked))
            if position > after:
                # Where a clerk sits is nobody else's business.
                own = getattr(event, "account_id", account_id) == account_id
                moments.append(self._moment(position, event, changes, names, locale, whence=own))
        return moments

    def _moment(
        self,
        position: int,
        event: Any,
        changes: list[dict[str, Any]],
        names: dict[UUID, str],
        locale: str,
        *,
        whence: bool,
    ) -> Moment:
        topic = type(event).TOPIC
        device, network = (
            _unless_erased(getattr(event, name, None)) if whence else None for name in ("device", "network")
        )
        return Moment(
            type=topic,
            name=text(locale, "history", "events", topic, "name"),
            at=event.timestamp,
            by=names[event.actor],
            device=device,
            place=self._places.name(network, locale),
            sentence=sentence(event, locale),
            changes=changes,
            position=position,
            network=network,
        )

    def names(self, actors: set[UUID], locale: str, *, holder: UUID | None = None) -> dict[UUID, str]:
        """Actors in words. holder: who is not named, but called the account's holder."""
        names = {
            SYSTEM: text(locale, "history", "actors", "system"),
            OPERATOR: text(locale, "history", "actors", "operator"),
            ANYBODY: text(locale, "history", "actors", "anybody"),
        }
        if holder:
            names[holder] = text(locale, "history", "actors", "holder")
        known = self._directory.many(actors - names.keys())
        for actor in actors - names.keys():
            entry = known.get(actor)
            full_name = entry and " ".join(filter(None, (entry.given_name, entry.family_name)))
            if not entry or not entry.email:
                names[actor] = text(locale, "history", "actors", "unknown")
            else:  # a name is what its bearer says it is; the address was proved
                names[actor] = f"{full_name} ({entry.email})" if full_name else entry.email
        return names


def sentence(event: Any, locale: str) -> str:
    """What happened; in other words where one of the event's fields is none and the catalogue has some for that."""
    topic = type(event).TOPIC
    written = table(locale, "history", "events", topic)
    words = {name: _in_words(topic, name, value, locale) for name, value in vars(event).items()}
    without = (said for name, said in written.get("without", {}).items() if getattr(event, name) is None)
    return next(without, written["sentence"]).format(**words)


def actors_of(event: Any) -> set[UUID]:
    """Who did it, and whom it names."""
    named = (getattr(event, name) for name in NAMED.get(type(event).TOPIC, ()))
    return {event.actor, *filter(None, named)}


def _changes(
    event: Any, known: dict[str, Any], names: dict[UUID, str], locale: str, *, masked: bool
) -> Iterator[dict[str, Any]]:
    topic = type(event).TOPIC
    new = {name: getattr(event, name) for name in SHOWN.get(topic, ())}
    if topic == "profile.record-unlinked":
        new = {"record_number": None}
    for name, value in new.items():
        if known.get(name) != value:
            old, new_value = (_plain(name, each, masked=masked) for each in (known.get(name), value))
            yield {"field": name, "old": old, "new": new_value}
    known.update(new)
    yield from said_besides(event, names, locale, masked=masked)


def said_besides(
    event: Any, names: Mapping[UUID, str], locale: str, *, masked: bool = True
) -> Iterator[dict[str, Any]]:
    """What an event says and does not set: reasons, notes, scores. names: of those whom it names."""
    topic = type(event).TOPIC
    for name in TOLD.get(topic, ()):
        value = getattr(event, name)
        if value is not None:
            coded = name in LISTS.get(topic, {}) or isinstance(value, dict)
            shown = names[value] if isinstance(value, UUID) else value
            said = _in_words(topic, name, value, locale) if coded else _plain(name, shown, masked=masked)
            yield {"field": name, "old": None, "new": said}


def _unless_erased(value: str | Erased | None) -> str | None:
    return None if value is ERASED else value


def _plain(name: str, value: Any, *, masked: bool) -> Any:
    if value is ERASED:
        return None
    if name == "ahv_number" and value:
        return mask_ahv(value) if masked else format_ahv(value)
    if name == "score":
        return value / 100
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def _in_words(topic: str, name: str, value: Any, locale: str) -> str:
    if value is None:
        return text(locale, "history", "actors", "none")
    if value is ERASED:
        return text(locale, "history", "actors", "erased")
    if isinstance(value, dict):
        return verdicts_in_words(value, locale)
    if name in LISTS.get(topic, {}):
        return codes.label(locale, LISTS[topic][name], value)
    if isinstance(value, datetime):
        return value.astimezone(ZURICH).strftime("%d.%m.%Y %H:%M")
    return value.strftime("%d.%m.%Y") if isinstance(value, date) else str(value)


def verdicts_in_words(verdicts: Mapping[str, str], locale: str) -> str:
    """Which fields were equal, similar, different; what was missing on either side is not told."""
    labels, words = table(locale, "history", "fields"), table(locale, "history", "verdicts")
    told = {level: [labels[name] for name, said in verdicts.items() if said == level] for level in LEVELS}
    return "; ".join(f"{words[level]}: {', '.join(names)}" for level, names in told.items() if names)
