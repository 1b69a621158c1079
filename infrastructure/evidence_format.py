"""The evidence of one account, as a file that proves itself: docs/evidence.md says what is in it, field by field.

What checks it (api/verify.py) shares no code with what is here, on purpose.
"""

from base64 import b64encode
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, Protocol
from uuid import UUID

import orjson

from domain.values import LOCALES
from infrastructure.checkpoints import Signed
from infrastructure.event_mapper import SealedEvent
from infrastructure.keys import Keyring
from infrastructure.sealing import field_key, unseal
from infrastructure.signed_notes import Verifier
from infrastructure.translations import table

FORMAT: Final = "matricule-evidence/1"
MASKED: Final = frozenset({"ahv_number"})  # not disclosed without a purpose


@dataclass(frozen=True)
class Leaf:
    """An event in its place. inclusion: the hashes that lead to the checkpoint's root."""

    stored: SealedEvent
    position: int
    recorded_at: datetime
    leaf_index: int
    inclusion: Sequence[bytes]


class LogKey(Protocol):
    """What the log signs with; infrastructure/checkpoints.py has it."""

    origin: str
    verifier: Verifier

    def sign(self, text: str) -> str:
        """The text as a signed note."""


def written(
    account_id: UUID,
    *,
    as_of: Mapping[str, Any],
    leaves: Sequence[Leaf],
    checkpoint: Signed,
    earlier: Iterable[tuple[Signed, Sequence[bytes]]],
    actors: Mapping[str, Mapping[str, str]],
    made_at: datetime,
    keyring: Keyring,
    log: LogKey,
    withheld: Collection[str] = MASKED,
) -> bytes:
    """The file.

    as_of: the readable account, in JSON's own values. earlier: with the hashes that lead to `checkpoint`. actors: id →
    language → name. withheld: fields that stay sealed.
    """
    events = [_event(leaf, keyring, withheld) for leaf in leaves]
    content = {
        "format": FORMAT,
        "origin": log.origin,
        "made_at": instant(made_at),
        "account": str(account_id),
        "as_of": as_of,
        "events": events,
        "checkpoint": _checkpoint(checkpoint),
        "earlier": [{**_checkpoint(each), "consistency": _base64(proof)} for each, proof in earlier],
        "key": str(log.verifier),
        "actors": actors,
        "words": _words(events),
    }
    digest = sha256(canonical(content)).hexdigest()
    signature = log.sign(f"{FORMAT}\n{log.origin}\n{digest}\n")
    return canonical({**content, "signature": signature})


def canonical(content: Mapping[str, Any]) -> bytes:
    """RFC 8785, of texts, whole numbers below 2**53 and names in ASCII, in whose order orjson agrees with it."""
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC, always with microseconds."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _event(leaf: Leaf, keyring: Keyring, withheld: Collection[str]) -> dict[str, Any]:
    """As it stands in the log, with the keys of its fields and what they open."""
    stored = leaf.stored
    values = orjson.loads(stored.state)
    values.pop("class_version", None)
    sealed = values.pop("sealed", {})
    keys = {} if stored.wrapped is None else _field_keys(stored, keyring, sealed.keys() - set(withheld))
    for name, text in sealed.items():
        place = (stored.topic, stored.originator_id, stored.originator_version, name)
        values[name] = unseal(keys[name], *place, text) if name in keys else None
    closed = sorted(sealed.keys() - keys.keys())
    return {
        "leaf_index": leaf.leaf_index,
        "position": leaf.position,
        "recorded_at": instant(leaf.recorded_at),
        "stream": str(stored.originator_id),
        "version": stored.originator_version,
        "topic": stored.topic,
        "account": str(stored.account_id) if stored.account_id else None,
        "state": b64encode(stored.state).decode("ascii"),
        "keys": {name: b64encode(key).decode("ascii") for name, key in keys.items()},
        "values": values,
        "erased": closed if stored.wrapped is None else [],
        "withheld": [] if stored.wrapped is None else closed,
        "inclusion": _base64(leaf.inclusion),
    }


def _field_keys(stored: SealedEvent, keyring: Keyring, names: Collection[str]) -> dict[str, bytes]:
    data_key = keyring.unwrap(stored.generation, stored.account_id.bytes, stored.wrapped)
    return {
        name: field_key(data_key, stored.originator_id, stored.originator_version, name) for name in names
    }


def _checkpoint(signed: Signed) -> dict[str, Any]:
    return {"size": signed.size, "signed_at": instant(signed.signed_at), "note": signed.note}


def _words(events: Sequence[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """How the events and fields that occur are called: language → topic or field → label."""
    topics = {event["topic"] for event in events}
    names = {name for event in events for name in event["values"]}
    return {
        locale: {
            **{topic: table(locale, "history", "events", topic)["name"] for topic in topics},
            **{name: label for name, label in table(locale, "history", "fields").items() if name in names},
        }
        for locale in LOCALES
    }


def _base64(hashes: Sequence[bytes]) -> list[str]:
    return [b64encode(each).decode("ascii") for each in hashes]
