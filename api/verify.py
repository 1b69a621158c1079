#!/usr/bin/env python3
"""Checks an evidence file of Matricule, far from the service.

    python3 verify.py FILE [--key VKEY] [--checkpoint FILE] [--language fr|de|en] [--verbose] [--json]
    python3 verify.py EXPORT --manifest FILE --key VKEY [--language fr|de|en] [--json]

This one file is the whole program. It wants Python 3.9 or newer and the package `cryptography`, and imports nothing of
the service, so that whoever distrusts the service need not trust its code: every rule is written here a second time.
The format is explained in docs/evidence.md. Exit status: 0 all holds, 1 something does not, 2 used wrongly.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

try:
    from cryptography.exceptions import InvalidSignature, InvalidTag
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError:
    sys.exit("verify.py: python3 -m pip install cryptography")

FORMAT = "matricule-evidence/1"
TLOG_PROOF = "c2sp.org/tlog-proof@v1"
LANGUAGES = ("fr", "de", "en")
LARGEST = 256 * 1024 * 1024  # bytes of a file


# --- JSON as RFC 8785 writes it


def canonical(value: Any) -> bytes:
    """Of texts, whole numbers, true, false, null, lists and objects. Raises ValueError for anything else."""
    try:
        return _written(value).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None


_text = json.encoder.encode_basestring


def _written(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int) and abs(value) < 1 << 53:
        return str(value)
    if isinstance(value, list):
        return f"[{','.join(map(_written, value))}]"
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return f"{{{','.join(f'{_text(name)}:{_written(value[name])}' for name in names)}}}"
    raise ValueError("a number that an evidence file does not hold")


def read_json(raw: bytes) -> Any:
    """Raises ValueError for what is no JSON, or holds numbers that no evidence file holds."""
    try:
        refused = {"parse_float": _refused, "parse_constant": _refused, "parse_int": _whole}
        return json.loads(raw.decode("utf-8"), **refused)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_whole(raw: bytes) -> Any:
    """The same, of what can be written again."""
    value = read_json(raw)
    canonical(value)
    return value


def _whole(digits: str) -> int:
    return int(digits) if len(digits) < 18 else _refused(digits)


def _refused(number: str) -> Any:
    raise ValueError(f"no number of an evidence file: {number[:20]}")


def unbase64(text: str) -> bytes:
    """Only as it is written in one way: a last character with idle bits is refused. Raises ValueError."""
    raw = base64.b64decode(text.encode("ascii"), validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError("no base64")
    return raw


# --- The tree: RFC 9162, section 2.1


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def is_included(index: int, size: int, leaf: bytes, proof: list[bytes], root: bytes) -> bool:
    """Section 2.1.3.2."""
    if index >= size:
        return False
    here, last, reached = index, size - 1, leaf
    for other in proof:
        if last == 0:
            return False
        if here & 1 or here == last:
            reached = node_hash(other, reached)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            reached = node_hash(reached, other)
        here, last = here >> 1, last >> 1
    return last == 0 and reached == root


def is_beginning(first: int, first_root: bytes, second: int, second_root: bytes, proof: list[bytes]) -> bool:
    """Section 2.1.4.2."""
    if first == second:
        return not proof and first_root == second_root
    if not 0 < first < second or not proof:
        return False
    if first & (first - 1) == 0:
        proof = [first_root, *proof]
    here, last = first - 1, second - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    old = new = proof[0]
    for other in proof[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            old, new = node_hash(other, old), node_hash(other, new)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            new = node_hash(new, other)
        here, last = here >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


# --- Signed notes, keys and checkpoints: c2sp.org/signed-note, c2sp.org/tlog-checkpoint


class Refused(Exception):
    """A key, note or checkpoint that is malformed, or that the key did not sign."""


@dataclass
class Key:
    name: str
    id: bytes
    public: Ed25519PublicKey
    written: str

    @classmethod
    def read(cls, written: str) -> Key:
        """`name+id+base64(1 | public key)`. Raises Refused."""
        parts = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})", written)
        try:
            raw = unbase64(parts[3]) if parts else b""
        except ValueError:
            raw = b""
        if len(raw) != 33 or raw[0] != 1:
            raise Refused("no key")
        if hashlib.sha256(parts[1].encode() + b"\n" + raw).digest()[:4].hex() != parts[2]:
            raise Refused("no key")
        return cls(parts[1], bytes.fromhex(parts[2]), Ed25519PublicKey.from_public_bytes(raw[1:]), written)


def signed_text(note: str, key: Key, alone: bool = False) -> str:
    """The text of a note, which the key signed; alone: and nobody else. Raises Refused."""
    text, _, lines = note.rpartition("\n\n")
    found = re.findall("\u2014 ([^ \n]+) ([A-Za-z0-9+/]+={0,2})\n", lines)
    if "".join(f"\u2014 {name} {signature}\n" for name, signature in found) != lines:
        raise Refused("no note")
    if alone and len(found) > 1:
        raise Refused("more than one signature")
    for name, signature in found:
        try:
            raw = unbase64(signature)
            if (name, raw[:4]) == (key.name, key.id):
                key.public.verify(raw[4:], f"{text}\n".encode())
                return f"{text}\n"
        except (ValueError, InvalidSignature):
            break
    raise Refused("not signed by this key")


@dataclass
class Checkpoint:
    origin: str
    size: int
    root: bytes

    @classmethod
    def read(cls, note: str, key: Key) -> Checkpoint:
        """Raises Refused."""
        text = signed_text(note, key)
        parts = re.fullmatch(r"([^\n]+)\n(0|[1-9][0-9]{0,17})\n([A-Za-z0-9+/]{43}=)\n((?:[^\n]+\n)*)", text)
        try:
            return cls(parts[1], int(parts[2]), unbase64(parts[3]))
        except (TypeError, ValueError):
            raise Refused("no checkpoint") from None


# --- Sealed fields


def opened(key: bytes, event: dict[str, Any], name: str, sealed: str) -> Any:
    """What a field key opens. Raises LookupError for another field's key, ValueError for a broken seal."""
    both = hmac.new(key, b"matricule/seal\x01", "sha512").digest()
    raw = unbase64(sealed)
    if raw[:1] != b"\x01" or not hmac.compare_digest(raw[1:33], both[32:]):
        raise LookupError("the key of something else")
    place = UUID(event["stream"]).bytes + event["version"].to_bytes(8, "big") + name.encode()
    try:
        plain = AESGCM(both[:32]).decrypt(raw[33:45], raw[45:], event["topic"].encode() + b"\0" + place)
    except InvalidTag:
        raise ValueError("a broken seal") from None
    return read_whole(plain)


# --- What an evidence file is made of

DIGEST = re.compile(r"[A-Za-z0-9+/]{43}=")
IDENTITY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z")
SIGNED = {"size": int, "signed_at": INSTANT, "note": str}
EVENT = {
    "leaf_index": int,
    "position": int,
    "recorded_at": INSTANT,
    "stream": IDENTITY,
    "version": int,
    "topic": str,
    "account": (IDENTITY, None),
    "state": str,
    "keys": {"*": DIGEST},
    "values": {"*": object},
    "erased": [str],
    "withheld": [str],
    "inclusion": [DIGEST],
}
SHAPE = {
    "format": str,
    "origin": str,
    "made_at": INSTANT,
    "account": IDENTITY,
    "as_of": {
        "position": int,
        "as_of": INSTANT,
        "account": {"*": object},
        "profile": ({"*": object}, None),
        "link": ({"record_number": object, "linked_at": INSTANT, "by": str}, None),
        "case": object,
        "pending": object,
    },
    "events": [EVENT],
    "checkpoint": SIGNED,
    "earlier": [{**SIGNED, "consistency": [DIGEST]}],
    "key": str,
    "actors": {"*": {"*": str}},
    "words": {"*": {"*": str}},
    "signature": str,
}


def misshapen(value: Any, shape: Any, path: str = "") -> str | None:
    """The first part that is missing, too much, or of another kind; None where all is as it should be."""
    if isinstance(shape, tuple):
        faults = [misshapen(value, each, path) for each in shape]
        return None if None in faults else faults[0]
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return path
        odd = () if "*" in shape else sorted(shape.keys() ^ value.keys())
        names = ((f"{path}.{name}".lstrip("."), name) for name in value)
        faults = [f"{path}.{name}".lstrip(".") for name in odd] or (
            misshapen(value[name], shape.get(name, shape.get("*")), inside) for inside, name in names
        )
        return next((fault for fault in faults if fault is not None), None)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return path
        faults = (misshapen(each, shape[0], f"{path}[{place}]") for place, each in enumerate(value))
        return next((fault for fault in faults if fault is not None), None)
    if isinstance(shape, re.Pattern):
        fits = isinstance(value, str) and shape.fullmatch(value)
    elif shape is int:
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    else:
        fits = value is None if shape is None else isinstance(value, shape)
    return None if fits else path


# --- What the events make of the account

STANDING = {
    "account.activated": ("active", True),
    "account.locked": ("locked", True),
    "account.email-change-taken-back": ("locked", True),
    "account.unlocked": ("locked", False),
    "account.closed": ("closed", True),
    "account.reopened": ("closed", False),
    "account.merged": ("merged", True),
    "account.separated": ("merged", False),
    "account.erased": ("erased", True),
}
FIRST = ("account.requested", "account.imported")
ADDRESS = (*FIRST, "account.email-changed", "account.email-change-taken-back")
NAMES = (*FIRST, "account.imported-again")
DATA = ("profile.submitted", "profile.corrected", "profile.imported", "profile.imported-again")
LINK = ("profile.record-linked", "profile.link-imported")
PERSON = (
    *("ahv_number", "given_name", "family_name", "birth_name", "birth_date", "sex", "nationality", "street"),
    *("postal_code", "city", "country", "phone", "function", "school", "canton"),
)


def derived(events: list[dict[str, Any]]) -> dict[str, tuple[Any, int]]:
    """Part of the readable account → its value, and the place of the event that said so."""
    known: dict[str, tuple[Any, int]] = {"account.state": ("requested", 0), "link": (None, 0)}
    standing: dict[str, bool] = {}
    for place, event in enumerate(events):
        topic, values = event["topic"], event["values"]
        said: dict[str, Any] = {}
        if topic in STANDING:
            name, holds = STANDING[topic]
            standing[name] = holds
            order = ("erased", "closed", "merged", "locked", "active")
            state = next((state for state in order if standing.get(state)), "requested")
            said["account.state"] = "closed" if state == "merged" else state
        if topic in ADDRESS:
            said["account.email"] = values.get("email")
        if topic in NAMES:
            said.update(
                {f"account.{name}": values.get(name) for name in ("given_name", "family_name", "locale")}
            )
        if topic == "account.locale-changed":
            said["account.locale"] = values.get("locale")
        if topic in DATA:
            said.update({f"profile.{name}": values.get(name) for name in PERSON})
            said.update({f"account.{name}": values.get(name) for name in ("given_name", "family_name")})
            said["profile.ahv_number"] = _dotted(values.get("ahv_number"))
            if "ahv_number" in event["withheld"]:
                del said["profile.ahv_number"]
                known.pop("profile.ahv_number", None)
        if topic in LINK:
            said["link"] = {
                "record_number": values.get("record_number"),
                "linked_at": values.get("timestamp"),
                "by": values.get("actor"),
            }
        if topic == "profile.record-unlinked":
            said["link"] = None
        known.update({part: (value, place) for part, value in said.items()})
    return known


def shown(as_of: dict[str, Any], part: str) -> Any:
    """The same part as the file shows it."""
    block, _, name = part.partition(".")
    value = as_of[block]
    return value.get(name) if name and value else value


def _dotted(digits: Any) -> Any:
    parts = re.fullmatch("([0-9]{3})([0-9]{4})([0-9]{4})([0-9]{2})", str(digits))
    return ".".join(parts.groups()) if parts else digits


def _comparable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _comparable(each) for name, each in value.items()}
    return moment(value) or value if isinstance(value, str) else value


# --- The examination


@dataclass
class Finding:
    """Something that does not hold. event: its place in the file."""

    code: str
    event: int | None = None
    params: dict[str, Any] = field(default_factory=dict)


@dataclass
class Report:
    """What was found. bundle: {} where the file is none. proven: the events that stand in the log."""

    bundle: dict[str, Any] = field(default_factory=dict)
    key: Key | None = None
    key_given: bool = False
    findings: list[Finding] = field(default_factory=list)
    proven: int = 0
    given: str | None = None  # how a checkpoint that was given stands to the file's
    given_size: int = 0
    known: dict[str, tuple[Any, int]] = field(default_factory=dict)
    leaf: dict[str, Any] | None = None  # of a .tlog-proof
    export: dict[str, Any] | None = None  # what the manifest says of an export that is as it was sent

    def find(self, code: str, event: int | None = None, **params: Any) -> None:
        self.findings.append(Finding(code, event, params))


def examine(raw: bytes, key: Key | None = None, checkpoint: str | None = None) -> Report:
    """Everything that can be said of a file. checkpoint: a note that came another way."""
    report = Report(key=key, key_given=key is not None)
    if raw.startswith(TLOG_PROOF.encode()):
        return _examine_tlog_proof(raw, report)
    try:
        bundle = read_json(raw)
        unchanged = canonical(bundle) == raw
    except ValueError:
        report.find("not-json")
        return report
    if not isinstance(bundle, dict) or bundle.get("format") != FORMAT:
        report.find("not-evidence")
        return report
    if not unchanged:
        report.find("not-canonical")
    if (fault := misshapen(bundle, SHAPE)) is not None:
        place = re.match(r"events\[([0-9]+)\]", fault)
        report.bundle = {"events": _events_at_least(bundle)}
        event = int(place[1]) if place and int(place[1]) < len(report.bundle["events"]) else None
        report.find("malformed", event, part=fault)
        return report
    report.bundle = bundle
    _examine_key(report)
    if report.key:
        _examine_signature(report)
        root = _examine_checkpoint(report)
        _examine_events(report, root)
        if root:
            _examine_earlier(report, root)
        if checkpoint is not None:
            _examine_given(report, root, key or report.key, checkpoint)
    return report


def _events_at_least(bundle: dict[str, Any]) -> list[Any]:
    """For naming an event of a misshapen file."""
    events = bundle.get("events")
    return events if isinstance(events, list) and all(isinstance(each, dict) for each in events) else []


def _examine_key(report: Report) -> None:
    """The rest is examined with the file's own key, so that another one is told once and not for every signature."""
    given, written = report.key, report.bundle["key"]
    try:
        report.key = Key.read(written)
    except Refused:
        report.find("key-unreadable")
    if given and given.written != written:
        report.find("other-key", key=written)


def _examine_signature(report: Report) -> None:
    content = {name: value for name, value in report.bundle.items() if name != "signature"}
    digest = hashlib.sha256(canonical(content)).hexdigest()
    try:
        text = signed_text(report.bundle["signature"], report.key, alone=True)
    except Refused:
        report.find("not-signed")
        return
    if text != f"{FORMAT}\n{report.bundle['origin']}\n{digest}\n":
        report.find("changed")


def _examine_checkpoint(report: Report) -> Checkpoint | None:
    shown_one = report.bundle["checkpoint"]
    try:
        found = Checkpoint.read(shown_one["note"], report.key)
    except Refused:
        report.find("checkpoint-not-signed")
        return None
    if (found.origin, found.size) != (report.bundle["origin"], shown_one["size"]):
        report.find("checkpoint-differs", size=found.size, origin=found.origin)
    return found


def _examine_events(report: Report, root: Checkpoint | None) -> None:
    account, events = report.bundle["account"], report.bundle["events"]
    before, series = (-1, -1), {}
    for place, event in enumerate(events):
        if root and _stands(event, root):
            report.proven += 1
        elif root:
            report.find("not-in-log", place)
        here = (event["leaf_index"], event["position"])
        if here[0] <= before[0] or here[1] <= before[1]:
            report.find("out-of-order", place)
        before = here
        if event["account"] != account:
            report.find("other-account", place)
        due = series.get(event["stream"], 0) + 1
        if event["version"] != due:
            report.find("series-broken", place, version=event["version"], due=due)
        series[event["stream"]] = event["version"]
        _examine_values(report, place, event)
    if not events:
        report.find("no-events")
    elif not any(finding.event is not None for finding in report.findings):
        _examine_account(report)


def leaf_of(event: dict[str, Any]) -> bytes:
    names = ("account", "leaf_index", "position", "recorded_at", "state", "stream", "topic", "version")
    return canonical({name: event[name] for name in names})


def _stands(event: dict[str, Any], root: Checkpoint) -> bool:
    try:
        proof = [unbase64(each) for each in event["inclusion"]]
    except ValueError:
        return False
    return is_included(event["leaf_index"], root.size, leaf_hash(leaf_of(event)), proof, root.root)


def _examine_values(report: Report, place: int, event: dict[str, Any]) -> None:
    try:
        state = read_whole(unbase64(event["state"]))
    except ValueError:
        state = None
    sealed = state.pop("sealed", {}) if isinstance(state, dict) else None
    if not isinstance(sealed, dict):
        report.find("state-unreadable", place)
        return
    state.pop("class_version", None)
    if sorted([*event["keys"], *event["erased"], *event["withheld"]]) != sorted(sealed):
        report.find("fields-disagree", place)
        return
    for name, written in sealed.items():
        state[name] = None
        if name in event["keys"]:
            try:
                state[name] = opened(unbase64(event["keys"][name]), event, name, str(written))
            except LookupError:
                report.find("key-of-another", place, field=name)
                return
            except ValueError:
                report.find("seal-broken", place, field=name)
                return
    for name in sorted(state.keys() | event["values"].keys()):
        there = name in state and name in event["values"]
        if not there or canonical(state[name]) != canonical(event["values"][name]):
            report.find("value-differs", place, field=name)


def _examine_account(report: Report) -> None:
    as_of = report.bundle["as_of"]
    report.known = derived(report.bundle["events"])
    if as_of["account"].get("id") != report.bundle["account"]:
        report.find("account-differs", 0, field="account.id")
    for part, (value, place) in report.known.items():
        if _comparable(shown(as_of, part)) != _comparable(value):
            report.find("account-differs", place, field=part)
    if as_of["profile"] and not any(part.startswith("profile.") for part in report.known):
        report.find("account-differs", 0, field="profile")


def _examine_earlier(report: Report, root: Checkpoint) -> None:
    for each in report.bundle["earlier"]:
        try:
            found = Checkpoint.read(each["note"], report.key)
            proof = [unbase64(other) for other in each["consistency"]]
        except (Refused, ValueError):
            report.find("earlier-not-signed", size=each["size"])
            continue
        same = (found.origin, found.size) == (root.origin, each["size"])
        if not same or not is_beginning(found.size, found.root, root.size, root.root, proof):
            report.find("earlier-broken", size=each["size"])


def _examine_given(report: Report, root: Checkpoint | None, key: Key, note: str) -> None:
    try:
        given = Checkpoint.read(note, key)
    except Refused:
        report.find("given-not-signed")
        return
    report.given_size = given.size
    if root is None:
        return  # said already: nothing can be compared with it
    if given.origin != root.origin:
        report.find("given-other-log", origin=given.origin)
    elif given.size == root.size:
        report.given = "given-equal"
        if given.root != root.root:
            report.given = "given-forked"
    elif given.size > root.size:
        report.given = "given-newer"
    else:
        proofs = [each["consistency"] for each in report.bundle["earlier"] if each["size"] == given.size]
        report.given = "given-proven" if proofs else "given-without-proof"
        if proofs and not _begins(given, root, proofs[0]):
            report.given = "given-forked"
    if report.given not in (None, "given-equal", "given-proven"):
        report.find(report.given, size=given.size, own=root.size)


def _begins(first: Checkpoint, second: Checkpoint, consistency: list[str]) -> bool:
    try:
        proof = [unbase64(each) for each in consistency]
    except ValueError:
        return False
    return is_beginning(first.size, first.root, second.size, second.root, proof)


def _examine_tlog_proof(raw: bytes, report: Report) -> Report:
    """c2sp.org/tlog-proof, its extra data the leaf. The key must be given: such a file bears none."""
    written = raw.decode("utf-8", "replace")
    head, _, note = written.partition("\n\n")
    parts = re.fullmatch(r"[^\n]+\nextra ([^\n]+)\nindex (0|[1-9][0-9]{0,17})((?:\n[^\n]+)*)", head)
    try:
        extra, proof = unbase64(parts[1]), [unbase64(line) for line in parts[3].split()]
        report.leaf = read_json(extra)
    except (TypeError, ValueError):
        report.find("not-evidence")
        return report
    try:
        root = Checkpoint.read(note, report.key)
    except Refused:
        report.find("checkpoint-not-signed")
        return report
    report.bundle = {"origin": root.origin, "checkpoint": {"size": root.size, "signed_at": ""}}
    if is_included(int(parts[2]), root.size, leaf_hash(extra), proof, root.root):
        report.proven = 1
    else:
        report.find("leaf-not-in-log")
    return report


def examine_export(digest: str, key: Key, manifest: str) -> Report:
    """A file of events, by its SHA-256 in hexadecimal, and the note that the service signed over it."""
    report = Report(key=key, key_given=True)
    try:
        said = read_json(signed_text(manifest, key).encode())
    except (Refused, ValueError):
        report.find("manifest-not-signed")
        return report
    wanted = ("id", "sha256", "count", "size", "finished_at")
    if not isinstance(said, dict) or any(name not in said for name in wanted):
        report.find("manifest-not-signed")
    elif said["sha256"] != digest:
        report.find("export-differs", id=said["id"])
    else:
        report.export = said
    return report


# --- In words

WORDS: dict[str, dict[str, Any]] = {
    "fr": {
        "months": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "date": "{day} {month} {year} à {time}",
        "all-stand": (
            "Ce fichier contient {count} événement du compte {account} ; il figure dans le journal de {origin}, au point de contrôle {size} du {date}.",
            "Ce fichier contient {count} événements du compte {account} ; tous figurent dans le journal de {origin}, au point de contrôle {size} du {date}.",
        ),
        "some-stand": "Ce fichier contient {count} événement(s) du compte {account} ; il est démontré que {proven} figure(nt) dans le journal de {origin}, au point de contrôle {size} du {date}.",
        "account": "À ce moment, le compte est {state} ; son adresse est {email} ; {link}.",
        "account-erased": "Les données de cette personne ont été effacées : plus personne ne peut les lire. Les événements et leur ordre restent démontrés.",
        "erased-by": "Elles ont été effacées le {date} ; proposé par {proposed}, approuvé par {approved} (motif : {reason}).",
        "requested": "demandé, jamais utilisé",
        "active": "actif",
        "locked": "verrouillé",
        "closed": "fermé",
        "erased": "effacé",
        "is-linked": "il est lié au dossier {record}",
        "no-link": "aucun dossier n'est lié",
        "linked": "Le dossier {record} a été lié le {date} par {actor}.",
        "unlinked": "La liaison avec le dossier {record} a été annulée le {date} par {actor}.",
        "value-erased": "(effacé)",
        "value-withheld": "(non divulgué)",
        "values-hold": "Les valeurs lisibles sont celles qui ont été scellées dans le journal lors de chaque événement, et l'état du compte en découle.",
        "withheld": "Ne sont pas divulgués dans ce fichier : {fields}. Il faut les demander en indiquant un but.",
        "key-given": "Le fichier est signé avec la clé que vous avez indiquée : {key}.",
        "key-believed": "Vous n'avez pas indiqué de clé : celle du fichier a été crue, {key}. Cela ne prouve rien sur l'identité de qui a signé. Comparez-la avec la clé que publie l'institution, ou indiquez celle-ci avec --key.",
        "given-equal": "Le point de contrôle que vous avez indiqué est celui de ce fichier.",
        "given-proven": "Le point de contrôle que vous avez indiqué ({size}) est le début de ce même journal : rien de ce qu'il couvrait n'a été modifié ou retiré depuis.",
        "swiss-time": "Les heures sont celles de la Suisse.",
        "holds": "Résultat : tout ce qui a été vérifié est exact.",
        "fails": (
            "Résultat : ce fichier ne prouve pas ce qu'il affirme. {count} point n'est pas exact :",
            "Résultat : ce fichier ne prouve pas ce qu'il affirme. {count} points ne sont pas exacts :",
        ),
        "not-shown": "Résultat : le fichier est exact, mais ce que vous avez demandé en plus n'a pas pu être démontré :",
        "event": "Événement {number} de {count} (position {position}, «{name}», {topic}) : ",
        "limits": "Ce que ce fichier ne prouve pas : que rien n'est arrivé après ce point de contrôle, ni que les noms des personnes, les libellés, le dossier en cours et les rôles sont exacts ; ceux-ci sont la parole du service, qui les a signés.",
        "series": "Dans chaque série, les événements sont numérotés depuis 1 sans lacune : aucun n'a été omis avant le dernier.",
        "leaf-stands": "L'événement de position {position} ({topic}) figure dans le journal de {origin}, au point de contrôle {size}.",
        "leaf": "position {position}, feuille {leaf}, enregistré le {date}",
        "not-json": "Ce n'est pas un fichier de preuves, ou il est endommagé ou incomplet : demandez-le à nouveau.",
        "not-evidence": "Ce n'est pas un fichier de preuves que ce programme connaît (matricule-evidence/1). S'il est plus récent, il faut le programme plus récent.",
        "not-canonical": "Le fichier n'est plus, octet pour octet, celui qui a été établi : un programme l'a réécrit. Demandez l'original.",
        "malformed": "la partie «{part}» manque, est de trop ou n'a pas la forme prévue.",
        "key-unreadable": "La clé que contient le fichier n'est pas une clé valable.",
        "other-key": "Le fichier n'est pas signé avec la clé que vous avez indiquée, mais avec {key}. Le reste a été examiné avec cette dernière.",
        "not-signed": "La signature du fichier n'est pas de cette clé, ou elle a été modifiée.",
        "changed": "Le contenu du fichier a été modifié après la signature.",
        "checkpoint-not-signed": "Le point de contrôle n'est pas signé avec cette clé : il n'est donc démontré d'aucun événement qu'il figure dans le journal.",
        "checkpoint-differs": "Le point de contrôle signé (journal {origin}, {size}) n'est pas celui que le fichier annonce.",
        "not-in-log": "il ne figure pas dans le journal sous la forme donnée ici ; son contenu, sa place ou sa preuve ont été modifiés.",
        "out-of-order": "il n'est pas à sa place : le journal l'a reçu avant celui qui le précède ici.",
        "other-account": "il n'appartient pas à ce compte.",
        "series-broken": "il est le numéro {version} de sa série alors que le numéro {due} devait suivre : un événement a été retiré, répété ou déplacé.",
        "no-events": "Le fichier ne contient aucun événement.",
        "state-unreadable": "sa forme enregistrée est illisible.",
        "fields-disagree": "les champs divulgués, effacés et non divulgués ne sont pas ceux qui ont été scellés.",
        "key-of-another": "la clé donnée pour le champ «{field}» n'est pas la sienne.",
        "seal-broken": "le champ «{field}» ne s'ouvre pas : sa forme scellée a été modifiée ou vient d'ailleurs.",
        "value-differs": "la valeur lisible du champ «{field}» n'est pas celle qui a été enregistrée.",
        "account-differs": "l'état du compte que montre le fichier le contredit (champ «{field}»).",
        "earlier-not-signed": "Le point de contrôle antérieur {size} n'est pas signé avec cette clé.",
        "earlier-broken": "Le point de contrôle antérieur {size} n'est pas le début de ce journal : l'histoire a été réécrite, ou la preuve a été modifiée.",
        "given-not-signed": "Le point de contrôle que vous avez indiqué n'est pas signé avec la clé.",
        "given-other-log": "Le point de contrôle que vous avez indiqué est d'un autre journal ({origin}).",
        "given-forked": "Le point de contrôle que vous avez indiqué ({size}) contredit celui de ce fichier ({own}), alors que la même clé les a signés : deux histoires différentes existent. Conservez les deux fichiers.",
        "given-newer": "Le point de contrôle que vous avez indiqué ({size}) est plus récent que ce fichier ({own}), qui ne peut donc rien en dire. Demandez un nouveau fichier.",
        "given-without-proof": "Ce fichier ne contient aucune preuve pour le point de contrôle que vous avez indiqué ({size}) : il n'est ni confirmé ni contredit. Demandez la preuve de cohérence de {size} à {own}.",
        "leaf-not-in-log": "L'événement ne figure pas dans le journal sous la forme donnée ici.",
        "no-file": "{file} ne peut pas être lu.",
        "too-large": "{file} est plus grand qu'un fichier de preuves.",
        "no-key": "--key : ceci n'est pas une clé de la forme nom+chiffres+texte.",
        "key-wanted": "Un fichier .tlog-proof ne contient pas de clé : indiquez-la avec --key.",
        "manifest-key-wanted": "Un manifeste ne contient pas de clé : indiquez-la avec --key.",
        "export-stands": "Ce fichier est l'export {id}, terminé le {date} : {count} événements, d'un journal de {size} événements, tel que le service l'a envoyé.",
        "manifest-not-signed": "Le manifeste n'est pas signé avec la clé que vous avez indiquée, ou il a été modifié.",
        "export-differs": "Le fichier n'est pas celui que le service a envoyé (export {id}) : il a été modifié, enregistré à nouveau ou n'est pas complet.",
    },
    "de": {
        "months": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "date": "{day}. {month} {year}, {time}",
        "all-stand": (
            "Diese Datei enthält {count} Ereignis des Kontos {account}; es steht im Protokoll von {origin}, Prüfpunkt {size} vom {date}.",
            "Diese Datei enthält {count} Ereignisse des Kontos {account}; alle stehen im Protokoll von {origin}, Prüfpunkt {size} vom {date}.",
        ),
        "some-stand": "Diese Datei enthält {count} Ereignis(se) des Kontos {account}; von {proven} ist gezeigt, dass sie im Protokoll von {origin} stehen, Prüfpunkt {size} vom {date}.",
        "account": "Zu diesem Zeitpunkt ist das Konto {state}; seine Adresse ist {email}; {link}.",
        "account-erased": "Die Daten dieser Person wurden gelöscht: Niemand kann sie mehr lesen. Die Ereignisse und ihre Reihenfolge bleiben bewiesen.",
        "erased-by": "Sie wurden am {date} gelöscht; vorgeschlagen durch {proposed}, gutgeheissen durch {approved} (Grund: {reason}).",
        "requested": "beantragt und nie benutzt",
        "active": "aktiv",
        "locked": "gesperrt",
        "closed": "geschlossen",
        "erased": "gelöscht",
        "is-linked": "es ist mit dem Dossier {record} verknüpft",
        "no-link": "kein Dossier ist verknüpft",
        "linked": "Das Dossier {record} wurde am {date} verknüpft; durch: {actor}.",
        "unlinked": "Die Verknüpfung mit dem Dossier {record} wurde am {date} aufgehoben; durch: {actor}.",
        "value-erased": "(gelöscht)",
        "value-withheld": "(nicht offengelegt)",
        "values-hold": "Die lesbaren Werte sind die, die bei jedem Ereignis im Protokoll versiegelt wurden, und der Stand des Kontos folgt aus ihnen.",
        "withheld": "In dieser Datei nicht offengelegt: {fields}. Sie sind mit Angabe eines Zwecks zu verlangen.",
        "key-given": "Die Datei ist mit dem Schlüssel signiert, den Sie angegeben haben: {key}.",
        "key-believed": "Sie haben keinen Schlüssel angegeben; dem der Datei wurde geglaubt: {key}. Das beweist nicht, wer signiert hat. Vergleichen Sie ihn mit dem Schlüssel, den die Institution bekannt gibt, oder geben Sie diesen mit --key an.",
        "given-equal": "Der Prüfpunkt, den Sie angegeben haben, ist der dieser Datei.",
        "given-proven": "Der Prüfpunkt, den Sie angegeben haben ({size}), ist der Anfang desselben Protokolls: Nichts, was er umfasste, wurde seither geändert oder entfernt.",
        "swiss-time": "Die Zeiten sind Schweizer Zeit.",
        "holds": "Ergebnis: Alles, was geprüft wurde, stimmt.",
        "fails": (
            "Ergebnis: Diese Datei beweist nicht, was sie behauptet. {count} Punkt stimmt nicht:",
            "Ergebnis: Diese Datei beweist nicht, was sie behauptet. {count} Punkte stimmen nicht:",
        ),
        "not-shown": "Ergebnis: Die Datei stimmt, aber was Sie ausserdem verlangt haben, liess sich nicht zeigen:",
        "event": "Ereignis {number} von {count} (Position {position}, «{name}», {topic}): ",
        "limits": "Was diese Datei nicht beweist: dass nach diesem Prüfpunkt nichts geschah, und dass Namen von Personen, Bezeichnungen, laufender Fall und Rollen richtig sind; sie sind das Wort des Dienstes, der sie signiert hat.",
        "series": "In jeder Reihe sind die Ereignisse ab 1 lückenlos nummeriert: Vor dem letzten wurde keines weggelassen.",
        "leaf-stands": "Das Ereignis an Position {position} ({topic}) steht im Protokoll von {origin}, Prüfpunkt {size}.",
        "leaf": "Position {position}, Blatt {leaf}, aufgezeichnet am {date}",
        "not-json": "Das ist keine Beweisdatei, oder sie ist beschädigt oder unvollständig: Verlangen Sie sie noch einmal.",
        "not-evidence": "Das ist keine Beweisdatei, die dieses Programm kennt (matricule-evidence/1). Ist sie neuer, braucht es das neuere Programm.",
        "not-canonical": "Die Datei ist nicht mehr Byte für Byte die, die ausgestellt wurde: Ein Programm hat sie neu geschrieben. Verlangen Sie das Original.",
        "malformed": "der Teil «{part}» fehlt, ist zu viel oder hat nicht die vorgesehene Form.",
        "key-unreadable": "Der Schlüssel in der Datei ist kein gültiger Schlüssel.",
        "other-key": "Die Datei ist nicht mit dem Schlüssel signiert, den Sie angegeben haben, sondern mit {key}. Das Übrige wurde mit diesem geprüft.",
        "not-signed": "Die Signatur der Datei stammt nicht von diesem Schlüssel, oder sie wurde geändert.",
        "changed": "Der Inhalt der Datei wurde nach dem Signieren geändert.",
        "checkpoint-not-signed": "Der Prüfpunkt ist nicht mit diesem Schlüssel signiert: Von keinem Ereignis ist also gezeigt, dass es im Protokoll steht.",
        "checkpoint-differs": "Der signierte Prüfpunkt (Protokoll {origin}, {size}) ist nicht der, den die Datei nennt.",
        "not-in-log": "es steht so nicht im Protokoll; Inhalt, Platz oder Beweis wurden geändert.",
        "out-of-order": "es steht nicht an seinem Platz: Das Protokoll erhielt es vor dem, das hier vorangeht.",
        "other-account": "es gehört nicht zu diesem Konto.",
        "series-broken": "es ist die Nummer {version} seiner Reihe, wo die Nummer {due} folgen müsste: Ein Ereignis wurde entfernt, wiederholt oder verschoben.",
        "no-events": "Die Datei enthält kein Ereignis.",
        "state-unreadable": "seine gespeicherte Form ist unlesbar.",
        "fields-disagree": "die offengelegten, gelöschten und zurückbehaltenen Felder sind nicht die, die versiegelt wurden.",
        "key-of-another": "der Schlüssel zum Feld «{field}» gehört nicht zu diesem Feld.",
        "seal-broken": "das Feld «{field}» lässt sich nicht öffnen: Seine versiegelte Form wurde geändert oder stammt von anderswo.",
        "value-differs": "der lesbare Wert des Feldes «{field}» ist nicht der, der aufgezeichnet wurde.",
        "account-differs": "der Stand des Kontos, den die Datei zeigt, widerspricht ihm (Feld «{field}»).",
        "earlier-not-signed": "Der frühere Prüfpunkt {size} ist nicht mit diesem Schlüssel signiert.",
        "earlier-broken": "Der frühere Prüfpunkt {size} ist nicht der Anfang dieses Protokolls: Die Geschichte wurde umgeschrieben oder der Beweis geändert.",
        "given-not-signed": "Der Prüfpunkt, den Sie angegeben haben, ist nicht mit dem Schlüssel signiert.",
        "given-other-log": "Der Prüfpunkt, den Sie angegeben haben, ist aus einem anderen Protokoll ({origin}).",
        "given-forked": "Der Prüfpunkt, den Sie angegeben haben ({size}), widerspricht dem dieser Datei ({own}), obwohl derselbe Schlüssel beide signiert hat: Es gibt zwei verschiedene Geschichten. Bewahren Sie beide Dateien auf.",
        "given-newer": "Der Prüfpunkt, den Sie angegeben haben ({size}), ist neuer als diese Datei ({own}), die darum nichts über ihn sagen kann. Verlangen Sie eine neue Datei.",
        "given-without-proof": "Diese Datei enthält keinen Beweis für den Prüfpunkt, den Sie angegeben haben ({size}): Er ist weder bestätigt noch widerlegt. Verlangen Sie den Konsistenzbeweis von {size} bis {own}.",
        "leaf-not-in-log": "Das Ereignis steht so nicht im Protokoll.",
        "no-file": "{file} kann nicht gelesen werden.",
        "too-large": "{file} ist grösser als eine Beweisdatei.",
        "no-key": "--key: Das ist kein Schlüssel der Form Name+Ziffern+Text.",
        "key-wanted": "Eine Datei .tlog-proof enthält keinen Schlüssel: Geben Sie ihn mit --key an.",
        "manifest-key-wanted": "Ein Manifest enthält keinen Schlüssel: Geben Sie ihn mit --key an.",
        "export-stands": "Diese Datei ist der Export {id}, beendet am {date}: {count} Ereignisse aus einem Protokoll von {size} Ereignissen, so wie der Dienst sie gesandt hat.",
        "manifest-not-signed": "Das Manifest ist nicht mit dem Schlüssel unterschrieben, den Sie angegeben haben, oder es wurde verändert.",
        "export-differs": "Die Datei ist nicht die, die der Dienst gesandt hat (Export {id}): Sie wurde verändert, neu gespeichert oder ist nicht vollständig.",
    },
    "en": {
        "months": "January February March April May June July August September October November December",
        "date": "{day} {month} {year}, {time}",
        "all-stand": (
            "This file holds {count} event of account {account}; it stands in the log of {origin} at checkpoint {size} of {date}.",
            "This file holds {count} events of account {account}; all of them stand in the log of {origin} at checkpoint {size} of {date}.",
        ),
        "some-stand": "This file holds {count} event(s) of account {account}; {proven} of them are shown to stand in the log of {origin} at checkpoint {size} of {date}.",
        "account": "At that moment the account is {state}; its address is {email}; {link}.",
        "account-erased": "This person's data have been erased: nobody can read them any more. The events and their order are still proven.",
        "erased-by": "They were erased on {date}; proposed by {proposed}, approved by {approved} (reason: {reason}).",
        "requested": "requested and never used",
        "active": "active",
        "locked": "locked",
        "closed": "closed",
        "erased": "erased",
        "is-linked": "it is linked to record {record}",
        "no-link": "no record is linked",
        "linked": "Record {record} was linked on {date} by {actor}.",
        "unlinked": "The link to record {record} was taken back on {date} by {actor}.",
        "value-erased": "(erased)",
        "value-withheld": "(not disclosed)",
        "values-hold": "The readable values are those that were sealed in the log with each event, and the state of the account follows from them.",
        "withheld": "Not disclosed in this file: {fields}. They must be asked for with a purpose.",
        "key-given": "The file is signed with the key that you gave: {key}.",
        "key-believed": "You gave no key, so the one in the file was believed: {key}. This proves nothing about who signed. Compare it with the key that the institution publishes, or give that one with --key.",
        "given-equal": "The checkpoint that you gave is the one of this file.",
        "given-proven": "The checkpoint that you gave ({size}) is the beginning of this same log: nothing that it covered has been changed or removed since.",
        "swiss-time": "Times are Swiss time.",
        "holds": "Result: everything that was checked holds.",
        "fails": (
            "Result: this file does not prove what it says. {count} thing does not hold:",
            "Result: this file does not prove what it says. {count} things do not hold:",
        ),
        "not-shown": "Result: the file holds, but what you asked for besides could not be shown:",
        "event": "Event {number} of {count} (position {position}, «{name}», {topic}): ",
        "limits": "What this file does not prove: that nothing happened after this checkpoint, and that names of people, labels, the case at hand and roles are right; those are the word of the service, which signed them.",
        "series": "In each series the events are numbered from 1 without a gap: none before the last has been left out.",
        "leaf-stands": "The event at position {position} ({topic}) stands in the log of {origin} at checkpoint {size}.",
        "leaf": "position {position}, leaf {leaf}, recorded on {date}",
        "not-json": "This is no evidence file, or it is damaged or incomplete: ask for it again.",
        "not-evidence": "This is no evidence file that this program knows (matricule-evidence/1). If it is newer, it wants the newer program.",
        "not-canonical": "The file is no longer, byte for byte, the one that was made: a program has written it anew. Ask for the original.",
        "malformed": "the part «{part}» is missing, is one too many, or has not the form that it should have.",
        "key-unreadable": "The key in the file is no valid key.",
        "other-key": "The file is not signed with the key that you gave, but with {key}. The rest was examined with the latter.",
        "not-signed": "The signature of the file is not by this key, or it has been changed.",
        "changed": "The content of the file has been changed after it was signed.",
        "checkpoint-not-signed": "The checkpoint is not signed with this key: of no event is it shown, then, that it stands in the log.",
        "checkpoint-differs": "The checkpoint that was signed (log {origin}, {size}) is not the one that the file names.",
        "not-in-log": "it does not stand in the log as it is given here; its content, its place or its proof have been changed.",
        "out-of-order": "it is not in its place: the log received it before the one that precedes it here.",
        "other-account": "it does not belong to this account.",
        "series-broken": "it is number {version} of its series, where number {due} should follow: an event has been removed, repeated or moved.",
        "no-events": "The file holds no event.",
        "state-unreadable": "its stored form cannot be read.",
        "fields-disagree": "the fields that are disclosed, erased and withheld are not the ones that were sealed.",
        "key-of-another": "the key given for the field «{field}» is not the key of that field.",
        "seal-broken": "the field «{field}» does not open: its sealed form has been changed or comes from elsewhere.",
        "value-differs": "the readable value of the field «{field}» is not the one that was recorded.",
        "account-differs": "the state of the account that the file shows contradicts it (field «{field}»).",
        "earlier-not-signed": "The earlier checkpoint {size} is not signed with this key.",
        "earlier-broken": "The earlier checkpoint {size} is not the beginning of this log: history was rewritten, or the proof has been changed.",
        "given-not-signed": "The checkpoint that you gave is not signed with the key.",
        "given-other-log": "The checkpoint that you gave is of another log ({origin}).",
        "given-forked": "The checkpoint that you gave ({size}) contradicts the one of this file ({own}), and yet the same key signed both: there are two different histories. Keep both files.",
        "given-newer": "The checkpoint that you gave ({size}) is newer than this file ({own}), which can therefore say nothing of it. Ask for a new file.",
        "given-without-proof": "This file holds no proof for the checkpoint that you gave ({size}): it is neither confirmed nor contradicted. Ask for the consistency proof from {size} to {own}.",
        "leaf-not-in-log": "The event does not stand in the log as it is given here.",
        "no-file": "{file} cannot be read.",
        "too-large": "{file} is larger than an evidence file.",
        "no-key": "--key: this is no key of the form name+digits+text.",
        "key-wanted": "A .tlog-proof file holds no key: give it with --key.",
        "manifest-key-wanted": "A manifest holds no key: give it with --key.",
        "export-stands": "This file is export {id}, finished on {date}: {count} events, of a log of {size} events, as the service sent it.",
        "manifest-not-signed": "The manifest is not signed with the key that you gave, or it was changed.",
        "export-differs": "The file is not the one that the service sent (export {id}): it was changed, saved anew or is not whole.",
    },
}
STORY = {
    "profile.record-linked": "linked",
    "profile.link-imported": "linked",
    "profile.record-unlinked": "unlinked",
    "account.erased": "erased-by",
}
UNSHOWN = ("given-newer", "given-without-proof")  # no fault of the file


def clean(value: Any) -> str:
    """A text of the file, fit for a terminal: nothing that steers it, nothing endless."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:300])


def moment(text: str) -> datetime | None:
    parts = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,6}))?Z", text)
    try:
        whole = datetime.strptime(f"{parts[1]}Z", "%Y-%m-%dT%H:%M:%S%z") if parts else None
    except ValueError:
        return None
    return whole and whole.replace(microsecond=int((parts[2] or "0").ljust(6, "0")))


def swiss(at: datetime) -> datetime:
    """Summer time from the last Sunday of March to that of October, at 01:00 UTC: since 1996, and no tables needed."""

    def last_sunday(month: int) -> datetime:
        last = datetime(at.year, month, 31, 1, tzinfo=timezone.utc)
        return last - timedelta(days=(last.weekday() + 1) % 7)

    summer = last_sunday(3) <= at < last_sunday(10)
    return at + timedelta(hours=2 if summer else 1)


class Speaker:
    """Says what a report holds, in one language."""

    def __init__(self, language: str, report: Report) -> None:
        self.language = language
        self.report = report
        words = report.bundle.get("words")
        self.labels = words.get(language, {}) if isinstance(words, dict) else {}

    def say(self, code: str, **params: Any) -> str:
        said = WORDS[self.language][code]
        if isinstance(said, tuple):
            said = said[params["count"] != 1]
        return said.format(**{name: clean(value) for name, value in params.items()})

    def date(self, text: Any) -> str:
        at = moment(text) if isinstance(text, str) else None
        if at is None or not 1996 <= at.year < 9999:
            return clean(text)
        there = swiss(at)
        month = WORDS[self.language]["months"].split()[there.month - 1]
        day = "1er" if self.language == "fr" and there.day == 1 else there.day
        return self.say("date", day=day, month=month, year=there.year, time=there.strftime("%H:%M:%S"))

    def label(self, name: str) -> str:
        return clean(self.labels.get(name, name))

    def actor(self, identity: Any) -> str:
        known = self.report.bundle["actors"].get(identity, {}) if isinstance(identity, str) else {}
        return clean(known.get(self.language, identity))

    def finding(self, finding: Finding) -> str:
        params = dict(finding.params)
        if "field" in params:
            params["field"] = self.label(params["field"].rpartition(".")[2])
        said = self.say(finding.code, **params)
        if finding.event is None:
            return said[:1].upper() + said[1:]
        events = self.report.bundle["events"]
        event = events[finding.event]
        about = {name: event.get(name, "?") for name in ("position", "topic")}
        name = self.label(str(about["topic"]))
        return self.say("event", number=finding.event + 1, count=len(events), name=name, **about) + said

    def lines(self, verbose: bool) -> Iterator[str]:
        """The whole answer, a sentence a line."""
        report = self.report
        if report.export is not None:
            said = {name: report.export[name] for name in ("id", "count", "size")}
            yield self.say("export-stands", date=self.date(report.export["finished_at"]), **said)
        elif report.leaf is not None and report.proven:
            yield self._leaf()
        elif report.known or report.proven:
            yield from self._summary()
        if report.key and report.leaf is None and report.bundle.get("key"):
            given = report.key_given and not self._found("other-key")
            if given or not report.key_given:
                yield self.say("key-given" if given else "key-believed", key=report.key.written)
        if report.given in ("given-equal", "given-proven"):
            yield self.say(report.given, size=report.given_size)
        if verbose and report.known:
            yield from self._details()
        if not report.findings:
            yield self.say("holds")
        elif all(finding.code in UNSHOWN for finding in report.findings):
            yield self.say("not-shown")
        else:
            yield self.say("fails", count=len(report.findings))
        for finding in report.findings:
            yield f"– {self.finding(finding)}"

    def _found(self, code: str) -> bool:
        return any(finding.code == code for finding in self.report.findings)

    def _leaf(self) -> str:
        leaf, bundle = self.report.leaf, self.report.bundle
        about = {
            name: leaf.get(name, "?") if isinstance(leaf, dict) else "?" for name in ("position", "topic")
        }
        return self.say("leaf-stands", origin=bundle["origin"], size=bundle["checkpoint"]["size"], **about)

    def _summary(self) -> Iterator[str]:
        report, bundle = self.report, self.report.bundle
        count = len(bundle["events"])
        about = {
            "count": count,
            "account": bundle["account"],
            "origin": bundle["origin"],
            "size": bundle["checkpoint"]["size"],
            "date": self.date(bundle["checkpoint"]["signed_at"]),
        }
        yield self.say("all-stand" if report.proven == count else "some-stand", proven=report.proven, **about)
        if not report.known:
            return
        state = report.known["account.state"][0]
        if state == "erased" or any(event["erased"] for event in bundle["events"]):
            yield self.say("account-erased")
        else:
            email = report.known.get("account.email", (None,))[0]
            yield self.say("account", state=self.say(state), email=email, link=self._link())
        yield from filter(None, map(self._story, bundle["events"]))
        if not report.findings:
            yield self.say("values-hold")
        withheld = sorted({self.label(name) for event in bundle["events"] for name in event["withheld"]})
        if withheld:
            yield self.say("withheld", fields=", ".join(withheld))
        yield self.say("swiss-time")

    def _link(self) -> str:
        link = self.report.known["link"][0]
        return self.say("is-linked", record=link["record_number"]) if link else self.say("no-link")

    def _story(self, event: dict[str, Any]) -> str | None:
        """What an auditor asks for first: who was linked, by whom and when; and what was erased."""
        code = STORY.get(event["topic"])
        values, date = event["values"], self.date(event["values"].get("timestamp"))
        if code == "erased-by":
            people = {name: self.actor(values.get(f"{name}_by")) for name in ("proposed", "approved")}
            return self.say(code, date=date, reason=values.get("reason"), **people)
        record = values.get("record_number") or self.say("value-erased")
        return code and self.say(code, date=date, record=record, actor=self.actor(values.get("actor")))

    def _details(self) -> Iterator[str]:
        for number, event in enumerate(self.report.bundle["events"], 1):
            values = event["values"]
            at, actor = self.date(values.get("timestamp")), self.actor(values.get("actor"))
            yield f"{number}. {at} – {self.label(event['topic'])} ({clean(event['topic'])}) – {actor}"
            leaf = {"position": event["position"], "leaf": event["leaf_index"]}
            yield "   " + self.say("leaf", date=self.date(event["recorded_at"]), **leaf)
            for name in sorted(values.keys() - {"timestamp", "actor", "originator_topic", "account_id"}):
                hidden = next((kind for kind in ("erased", "withheld") if name in event[kind]), None)
                value = self.say(f"value-{hidden}") if hidden else values[name]
                if value is not None:
                    yield f"   {self.label(name)}: {clean(value)}"
        yield self.say("series")
        yield self.say("limits")

    def as_json(self) -> dict[str, Any]:
        report, bundle = self.report, self.report.bundle
        events = bundle.get("events", [])
        checkpoint = bundle.get("checkpoint") or {}
        return {
            "ok": not report.findings,
            **({"export": report.export["id"]} if report.export else {}),
            "account": bundle.get("account"),
            "origin": bundle.get("origin"),
            "size": checkpoint.get("size"),
            "signed_at": checkpoint.get("signed_at"),
            "key": report.key and report.key.written,
            "key_given": report.key_given,
            "checkpoint": report.given,
            "events": len(events),
            "proven": report.proven,
            "state": report.known.get("account.state", (None,))[0],
            "email": report.known.get("account.email", (None,))[0],
            "link": report.known.get("link", (None,))[0],
            "problems": [
                {
                    "code": finding.code,
                    "position": None if finding.event is None else events[finding.event].get("position"),
                    "topic": None if finding.event is None else events[finding.event].get("topic"),
                    "what": self.finding(finding),
                }
                for finding in report.findings
            ],
        }


# --- The command line


def usual_language() -> str:
    """What the environment likes, else French."""
    wanted = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return wanted[:2].lower() if wanted[:2].lower() in LANGUAGES else LANGUAGES[0]


def read_note(raw: bytes) -> str:
    """A checkpoint as it lies in a file, whatever mail program or editor wrote its line ends."""
    return raw.decode("utf-8", "replace").lstrip("\ufeff").replace("\r\n", "\n").strip("\n") + "\n"


def digest_of(file: str) -> str:
    """SHA-256 of a file of any size, hexadecimal. Raises OSError."""
    found = hashlib.sha256()
    with open(file, "rb") as stream:
        while chunk := stream.read(1 << 20):
            found.update(chunk)
    return found.hexdigest()


def run(
    file: str,
    key: str | None,
    checkpoint: str | None,
    language: str,
    verbose: bool,
    json_wanted: bool,
    manifest: str | None = None,
) -> int:
    """Examine a file and print the answer. Returns the exit status."""

    def misuse(code: str, **params: Any) -> int:
        print(Speaker(language, Report()).say(code, **params), file=sys.stderr)
        return 2

    contents = []
    for name in filter(None, (manifest or file, checkpoint)):
        try:
            with open(name, "rb") as stream:
                contents.append(stream.read(LARGEST + 1))
        except OSError:
            return misuse("no-file", file=name)
        if len(contents[-1]) > LARGEST:
            return misuse("too-large", file=name)
    try:
        given = Key.read(key.strip()) if key is not None else None
    except Refused:
        return misuse("no-key")
    if given is None and (manifest or contents[0].startswith(TLOG_PROOF.encode())):
        return misuse("manifest-key-wanted" if manifest else "key-wanted")
    if manifest:
        try:
            report = examine_export(digest_of(file), given, read_note(contents[0]))
        except OSError:
            return misuse("no-file", file=file)
    else:
        report = examine(contents[0], given, read_note(contents[1]) if checkpoint else None)
    speaker = Speaker(language, report)
    if json_wanted:
        print(json.dumps(speaker.as_json(), ensure_ascii=False, indent=2))
    else:
        print("\n".join(speaker.lines(verbose)))
    return 1 if report.findings else 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="verify.py", description="Checks an evidence file of Matricule, far from the service."
    )
    parser.add_argument(
        "file", metavar="FILE", help="evidence file, .tlog-proof, or an export with --manifest"
    )
    parser.add_argument(
        "--key", metavar="VKEY", help="the key that must have signed, as the institution publishes it"
    )
    parser.add_argument(
        "--checkpoint", metavar="FILE", help="a signed checkpoint that came to you another way"
    )
    parser.add_argument("--manifest", metavar="FILE", help="the signed manifest of an export")
    parser.add_argument("--language", choices=LANGUAGES, default=usual_language())
    parser.add_argument("--verbose", action="store_true", help="every event")
    parser.add_argument("--json", action="store_true", dest="json_wanted", help="for programs")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")
    return run(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
