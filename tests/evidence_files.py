"""A small log with one person's life in it, made in memory, and the evidence file of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from golden_events import KEYRING, a_life
from people import ADA_ID, ADA_PROFILE_ID, NOON, a_profile, an_account

from domain import merkle
from domain.account import Account
from domain.profile import Profile
from domain.values import SYSTEM, mask_ahv
from infrastructure import evidence_format as evidence
from infrastructure.checkpoints import Signed
from infrastructure.event_mapper import SealedEvent, SealingMapper
from infrastructure.evidence_format import Leaf
from infrastructure.signed_notes import Checkpoint, Signer, Verifier
from projections.tree import leaf_bytes

ORIGIN = "log.school.example"
END = {each.TOPIC for each in (Account.ErasureProposed, Account.ErasureApproved, Account.AccountErased)}
SIGNER = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
FORGER = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))
ACTORS = {str(SYSTEM): {"fr": "le service", "de": "der Dienst", "en": "the service"}}


@dataclass
class Log:
    """Leaf hashes of some log, in which others' events stand before, between and after ours."""

    leaves: list[bytes]

    def hash_of(self, part: range) -> bytes:
        edge = merkle.Edge()
        edge.grow(self.leaves[part.start : part.stop])
        return edge.root()

    def inclusion(self, index: int, size: int) -> list[bytes]:
        return [self.hash_of(part) for part in merkle.inclusion(index, size)]

    def consistency(self, first: int, second: int) -> list[bytes]:
        return [self.hash_of(part) for part in merkle.consistency(first, second)]

    def checkpoint(self, size: int, signer: Signer = SIGNER, origin: str = ORIGIN) -> str:
        return signer.sign(str(Checkpoint(origin, size, self.hash_of(range(size)))))


def stored_life(life: Sequence[Any] | None = None, *, to_its_end: bool = False) -> list[SealedEvent]:
    """The stored events of a life, both streams. to_its_end: the erasure too, with which the account's events end."""
    mapper = SealingMapper(KEYRING)
    happened = a_life() if life is None else life
    own = (event for event in happened if event.originator_id in (ADA_ID, ADA_PROFILE_ID))
    stored = map(mapper.to_stored_event, own)
    return [event for event in stored if to_its_end or event.topic not in END]


# The place of the event that links, in the file of a whole life.
LINKED = [event.topic for event in stored_life()].index(Profile.RecordLinked.TOPIC)


def a_short_life() -> list[Any]:
    """Asked for, data sent, linked."""
    account, profile = an_account(), a_profile()
    profile.link_at_once("R-000001", actor=SYSTEM, now=NOON)
    return [*account.collect_events(), *profile.collect_events()]


def logged(stored: Sequence[SealedEvent], between: int = 2, after: int = 5) -> tuple[Log, list[tuple]]:
    """A log with these events, and for each of them leaf number, position and instant."""
    log, places = Log([]), []
    for number, event in enumerate(stored):
        log.leaves += [merkle.leaf_hash(f"another's {number} {each}".encode()) for each in range(between)]
        place = (len(log.leaves), 4096 * (100 + len(log.leaves)), NOON + timedelta(seconds=number))
        identity = (event.originator_id, event.originator_version, event.topic, event.account_id)
        log.leaves.append(merkle.leaf_hash(leaf_bytes(*place[:2], *identity, place[2], event.state)))
        places.append(place)
    log.leaves += [merkle.leaf_hash(f"another's, later {each}".encode()) for each in range(after)]
    return log, places


@dataclass
class Signing:
    """What a log signs with."""

    signer: Signer

    @property
    def origin(self) -> str:
        return self.signer.name

    @property
    def verifier(self) -> Verifier:
        return self.signer.verifier

    def sign(self, text: str) -> str:
        return self.signer.sign(text)


@dataclass
class Made:
    """An evidence file and what it was made of."""

    raw: bytes
    log: Log
    stored: list[SealedEvent]

    @property
    def size(self) -> int:
        """Of the log."""
        return len(self.log.leaves)

    @property
    def content(self) -> dict[str, Any]:
        """A copy that may be changed."""
        return json.loads(self.raw)


def made(
    stored: Sequence[SealedEvent] | None = None,
    *,
    signer: Signer = SIGNER,
    earlier: Sequence[int] = (7, 16, 40),
    erased: bool = False,
    **options: Any,
) -> Made:
    """earlier: sizes of the checkpoints before. erased: the person's key is gone."""
    stored = stored_life() if stored is None else list(stored)
    log, places = logged(stored)
    size = len(log.leaves)
    leaves = [
        Leaf(
            replace(event, wrapped=None) if erased else event,
            position,
            recorded_at,
            index,
            log.inclusion(index, size),
        )
        for event, (index, position, recorded_at) in zip(stored, places, strict=True)
    ]

    def signed(at: int) -> Signed:
        root = log.hash_of(range(at))
        return Signed(at, root, log.checkpoint(at, signer), NOON + timedelta(minutes=at), None)

    raw = evidence.written(
        ADA_ID,
        as_of=as_of(leaves),
        leaves=leaves,
        checkpoint=signed(size),
        earlier=[(signed(at), log.consistency(at, size)) for at in earlier if at < size],
        actors=ACTORS,
        made_at=NOON,
        keyring=KEYRING,
        log=Signing(signer),
        **options,
    )
    return Made(raw, log, stored)


def as_of(leaves: Sequence[Leaf]) -> dict[str, Any]:
    """The readable account after these events, by the domain's own aggregates."""
    mapper, account, profile = SealingMapper(KEYRING), None, None
    for leaf in leaves:
        event = mapper.to_domain_event(leaf.stored)
        if event.originator_id == ADA_ID:
            account = event.mutate(account)
        else:
            profile = event.mutate(profile)
    named = profile.data if profile else account
    shown = {
        "position": leaves[-1].position,
        "as_of": evidence.instant(leaves[-1].recorded_at),
        "account": {
            "id": str(ADA_ID),
            "email": account.email,
            "given_name": named.given_name,
            "family_name": named.family_name,
            "locale": account.locale,
            "state": account.state,
        },
        "profile": profile and personal_data(profile),
        "link": profile and profile.link and link(profile),
        "case": None,
        "pending": [],
    }
    return json.loads(orjson.dumps(shown, option=orjson.OPT_UTC_Z, default=lambda erased: None))


def personal_data(profile: Profile) -> dict[str, Any]:
    values = profile.data.values()
    number = values["ahv_number"]
    return values | {"ahv_number": mask_ahv(number) if isinstance(number, str) else None}


def link(profile: Profile) -> dict[str, Any]:
    linked = profile.link
    return {"record_number": linked.record_number, "linked_at": linked.linked_at, "by": linked.by}


def signed_anew(content: dict[str, Any], signer: Signer = FORGER) -> bytes:
    """What somebody writes who has changed a file, under a key of his own."""
    content = {name: value for name, value in content.items() if name != "signature"}
    content["key"] = str(signer.verifier)
    return resigned(content, signer)


def resigned(content: dict[str, Any], signer: Signer = SIGNER) -> bytes:
    """A changed file that whoever holds the key signs: everything but its signature must find it out."""
    content = {name: value for name, value in content.items() if name != "signature"}
    digest = sha256(evidence.canonical(content)).hexdigest()
    content["signature"] = signer.sign(f"{evidence.FORMAT}\n{content['origin']}\n{digest}\n")
    return evidence.canonical(content)
