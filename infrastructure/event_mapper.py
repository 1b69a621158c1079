"""Between domain events and their stored form: plain JSON by the event's own field types, personal fields sealed.

Stored state, in this order: every field that is not personal, `class_version` where above 1, and `sealed`, an object of
field → sealed value (infrastructure/sealing.py). A fact of nobody's has no `sealed`: its personal fields are none.
Instants are RFC 3339 in UTC with microseconds, ids and dates strings.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from functools import cache, cached_property, lru_cache
from threading import Lock
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import orjson
from eventsourcing.domain import AggregateCreated
from eventsourcing.persistence import Mapper, StoredEvent, Transcoder
from eventsourcing.utils import get_topic, resolve_topic

from domain.errors import AccountErased
from domain.values import ERASED, Personal
from infrastructure.keys import KEY_BYTES, Keyring
from infrastructure.sealing import field_key, seal, unseal

IDENTITY = ("originator_id", "originator_version")
KEYS_KEPT = 10_000


Reader = Callable[[Any], Any]  # how JSON becomes the value
Readers = list[tuple[str, Reader]]  # by field, of those that JSON does not hold as they are


class PlainJson(Transcoder):
    """JSON without type marks: the event's own annotations say what a text is."""

    def encode(self, obj: Any) -> bytes:
        return orjson.dumps(obj, option=orjson.OPT_UTC_Z)

    def decode(self, data: bytes) -> Any:
        return orjson.loads(data)


@dataclass(frozen=True)
class SealedEvent(StoredEvent):
    """A stored event and whose key seals it. wrapped: that key as stored, None where it was destroyed or is not needed.

    new_key: the key is made with this event.
    """

    account_id: UUID | None
    generation: int | None
    wrapped: bytes | None
    new_key: bool = False


class Keyless(NamedTuple):
    """A stored event without its key, as light as can be."""

    originator_id: UUID
    originator_version: int
    topic: str
    state: bytes


@dataclass(frozen=True)
class Form:
    """How the fields of one event class are stored."""

    plain: dict[str, Reader | None]  # field → how JSON becomes the value, None: as it is
    personal: dict[str, Reader | None]

    @cached_property
    def plain_readers(self) -> Readers:
        return [(name, reader) for name, reader in self.plain.items() if reader]

    @cached_property
    def readers(self) -> Readers:
        return self.plain_readers + [(name, reader) for name, reader in self.personal.items() if reader]


@cache
def form_of(event_class: type) -> Form:
    hints = get_type_hints(event_class, include_extras=True)
    plain, personal = {}, {}
    for name in (field.name for field in fields(event_class) if field.name not in IDENTITY):
        hint = hints[name]
        sealed = get_origin(hint) is Annotated and Personal in hint.__metadata__
        (personal if sealed else plain)[name] = _reader(get_args(hint)[0] if sealed else hint)
    return Form(plain, personal)


def _reader(hint: Any) -> Reader | None:
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (each for each in get_args(hint) if each is not NoneType)
    return READERS.get(hint)


def _ids(texts: list[str]) -> list[UUID]:
    return list(map(UUID, texts))


READERS: dict[Any, Reader] = {
    UUID: lru_cache(4096)(UUID),  # most are an actor's or an account's, again and again
    list[UUID]: _ids,
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
}


class SealingMapper(Mapper[UUID]):
    """Seals what is personal on the way in, opens it on the way out; ERASED where the key is gone."""

    def __init__(
        self, keyring: Keyring, find_key: Callable[[UUID], tuple[int, bytes] | None] = lambda person: None
    ) -> None:
        """find_key: the generation and wrapped key of somebody of whom nothing was loaded."""
        super().__init__(PlainJson())
        self._keyring = keyring
        self._find_key = find_key
        self._seen: dict[
            UUID, tuple[int, bytes]
        ] = {}  # person → wrapped key; the append checks that it still stands
        self._seen_lock = Lock()

    def to_stored_event(self, domain_event: Any) -> SealedEvent:
        """Raises domain.errors.AccountErased where the aggregate was loaded without its person's key."""
        stream, version = domain_event.originator_id, domain_event.originator_version
        topic = get_topic(type(domain_event))
        form = form_of(type(domain_event))
        account_id = getattr(domain_event, "account_id", stream)
        new_key = account_id == stream and isinstance(domain_event, AggregateCreated)
        if new_key:
            self._make_key(account_id)
        keyless = not account_id or getattr(type(domain_event), "KEYLESS", False)
        generation, wrapped = (None, None) if keyless else self._key_of(account_id)
        state = {name: _utc(getattr(domain_event, name)) for name in form.plain}
        version_of_class = getattr(type(domain_event), "class_version", 1)
        if version_of_class > 1:
            state["class_version"] = version_of_class
        if form.personal and account_id:
            data_key = self._keyring.unwrap(generation, account_id.bytes, wrapped)
            state["sealed"] = {
                name: seal(
                    field_key(data_key, stream, version, name),
                    topic,
                    stream,
                    version,
                    name,
                    getattr(domain_event, name),
                )
                for name in form.personal
            }
        return SealedEvent(
            originator_id=stream,
            originator_version=version,
            topic=topic,
            state=self.transcoder.encode(state),
            account_id=account_id,
            generation=generation,
            wrapped=wrapped,
            new_key=new_key,
        )

    def to_domain_event(self, stored_event: SealedEvent) -> Any:
        if stored_event.wrapped is not None:
            self._remember(stored_event.account_id, stored_event.generation, stored_event.wrapped)
        event_class, state, sealed = self._read(stored_event)
        state.update((name, self._open(stored_event, name, sealed[name])) for name in sealed)
        if stored_event.account_id is None:
            state.update(dict.fromkeys(form_of(event_class).personal))
        return _restored(event_class, stored_event, state, form_of(event_class).readers)

    def to_unopened_event(self, stored_event: Keyless) -> tuple[Any, dict[str, str]]:
        """The same, where personal fields hold what is stored, for folding events of which few are looked at.

        Besides, those fields as stored: `opened` gives the value of one.
        """
        event_class, state, sealed = self._read(stored_event)
        state.update(sealed)
        return _restored(event_class, stored_event, state, form_of(event_class).plain_readers), sealed

    def opened(self, stored_event: SealedEvent, name: str, sealed: str) -> Any:
        """What a personal field holds; ERASED where the key is gone."""
        value = self._open(stored_event, name, sealed)
        reader = form_of(resolve_topic(stored_event.topic)).personal.get(name)
        return reader(value) if reader and value is not None and value is not ERASED else value

    def _read(self, stored: SealedEvent | Keyless) -> tuple[type, dict[str, Any], dict[str, str]]:
        """Class, plain fields, sealed fields."""
        state = self.transcoder.decode(stored.state)
        return resolve_topic(stored.topic), state, state.pop("sealed", {})

    def _open(self, stored: SealedEvent, name: str, sealed: str) -> Any:
        if stored.wrapped is None:
            return ERASED
        data_key = self._keyring.unwrap(stored.generation, stored.account_id.bytes, stored.wrapped)
        stream, version = stored.originator_id, stored.originator_version
        return unseal(field_key(data_key, stream, version, name), stored.topic, stream, version, name, sealed)

    def _key_of(self, account_id: UUID) -> tuple[int, bytes]:
        try:
            return self._seen[account_id]
        except KeyError:
            found = self._find_key(account_id)
        if found is None:
            raise AccountErased
        self._remember(account_id, *found)
        return found

    def _remember(self, account_id: UUID, generation: int, wrapped: bytes) -> None:
        """Keep a key that was just read or made, for the command at hand."""
        with self._seen_lock:
            self._seen.pop(account_id, None)
            self._seen[account_id] = (generation, wrapped)
            if len(self._seen) > KEYS_KEPT:
                del self._seen[next(iter(self._seen))]

    def _make_key(self, account_id: UUID) -> None:
        key = self._keyring.current
        self._remember(account_id, key.generation, key.wrap(account_id.bytes, os.urandom(KEY_BYTES)))


def _restored(
    event_class: type, stored: SealedEvent | Keyless, state: dict[str, Any], readers: Readers
) -> Any:
    for version in range(state.pop("class_version", 1), getattr(event_class, "class_version", 1)):
        getattr(event_class, f"upcast_v{version}_v{version + 1}")(state)
    for name, reader in readers:
        value = state[name]
        if value is not None and value is not ERASED:
            state[name] = reader(value)
    state["originator_id"] = stored.originator_id
    state["originator_version"] = stored.originator_version
    event = object.__new__(event_class)
    event.__dict__.update(state)
    return event


def _utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def opener(keyring: Keyring) -> Callable[[Any, str, str], Any]:
    """What opens a sealed field of a fact that a projection reads; None where the key is gone."""

    def open_field(fact: Any, name: str, sealed: str) -> Any:
        if fact.wrapped is None:
            return None
        data_key = keyring.unwrap(fact.generation, fact.account_id.bytes, fact.wrapped)
        stream, version = fact.originator_id, fact.originator_version
        return unseal(field_key(data_key, stream, version, name), fact.topic, stream, version, name, sealed)

    return open_field
