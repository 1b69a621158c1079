"""Signed notes and the checkpoints of a log, as C2SP writes them, with Ed25519.

A note is text, an empty line, then a line for each signature: `— name base64(key id | signature)`. A verifier key is
`name+key id+base64(1 | public key)`. Sources: docs/sources.md#S20, #S21.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
NAME = re.compile(r"[^\s+]+")
_UNWANTED = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_CHECKPOINT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]*)\n([A-Za-z0-9+/]{43}=)\n((?:[^\n]+\n)*)")


class NoteRefused(Exception):
    """A note or key that is malformed, or that no known key signed."""


@dataclass(frozen=True)
class Verifier:
    """Knows a signer's notes. name: without space and plus sign."""

    name: str
    key: Ed25519PublicKey

    @classmethod
    def read(cls, written: str) -> "Verifier":
        """From a verifier key as it is handed out. Raises NoteRefused."""
        name, _, rest = written.partition("+")
        key_id, _, encoded = rest.partition("+")
        raw = _decoded(encoded)
        if not NAME.fullmatch(name) or raw[:1] != ED25519 or len(raw) != 33:
            raise NoteRefused("no verifier key for Ed25519")
        verifier = cls(name, Ed25519PublicKey.from_public_bytes(raw[1:]))
        if verifier.key_id.hex() != key_id:
            raise NoteRefused("a verifier key whose parts do not belong together")
        return verifier

    @property
    def key_id(self) -> bytes:
        """4 bytes, which tell keys of one name apart and prove nothing."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.key.public_bytes_raw()).digest()[:4]

    def __str__(self) -> str:
        encoded = base64.b64encode(ED25519 + self.key.public_bytes_raw()).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{encoded}"


@dataclass(frozen=True)
class Signer:
    name: str
    key: Ed25519PrivateKey

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self.key.public_key())

    def sign(self, text: str) -> str:
        """The note. text: lines, each with its line break. Raises NoteRefused."""
        if not text.endswith("\n") or _UNWANTED.search(text):
            raise NoteRefused("a text that a note cannot hold")
        signed = self.verifier.key_id + self.key.sign(text.encode())
        return f"{text}\n— {self.name} {base64.b64encode(signed).decode('ascii')}\n"


def opened(note: str, verifiers: Iterable[Verifier]) -> tuple[str, list[str]]:
    """The text of a note and the names of those among `verifiers` who signed it, at least one.

    Signatures by others are passed over; a wrong one by a known key refuses the note. Raises NoteRefused.
    """
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    if _UNWANTED.search(note) or not signatures.endswith("\n") or text == "\n":
        raise NoteRefused("no signed note")
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    names: list[str] = []
    for line in signatures[:-1].split("\n"):
        written = _SIGNATURE.fullmatch(line)
        if not written:
            raise NoteRefused("a line that is no signature")
        signed = _decoded(written[2])
        if len(signed) < 5:
            raise NoteRefused("a signature that is too short")
        verifier = known.pop((written[1], signed[:4]), None)
        if verifier:
            try:
                verifier.key.verify(signed[4:], text.encode())
            except InvalidSignature:
                raise NoteRefused(f"{verifier.name} did not sign this text") from None
            names.append(verifier.name)
    if not names:
        raise NoteRefused("no known key signed this note")
    return text, names


@dataclass(frozen=True)
class Checkpoint:
    """What a log commits itself to: its first `size` leaves have this root. origin: the log's name."""

    origin: str
    size: int
    root: bytes  # 32

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode('ascii')}\n"

    @classmethod
    def read(cls, text: str) -> "Checkpoint":
        """From the text of a note; further lines are passed over. Raises NoteRefused."""
        written = _CHECKPOINT.fullmatch(text)
        if not written:
            raise NoteRefused("no checkpoint")
        return cls(written[1], int(written[2]), _decoded(written[3]))


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise NoteRefused("no base64") from None
