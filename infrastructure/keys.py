"""The master key: one secret, read once at start, from which every other key is derived.

The file holds one line a generation, `<number> <32 bytes, base64>`; the highest is used for what is new, the others
still open what is old.
"""

import base64
import binascii
import hmac
import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
KEYS_KEPT = 20_000  # unwrapped, in memory
NONCE_BYTES = 12


class KeyFault(Exception):
    """The master key is missing or unusable; the text says what to do."""


@dataclass(frozen=True)
class MasterKey:
    """One generation of the master key and what is derived from it (HKDF-Expand, RFC 5869, one block)."""

    generation: int
    secret: bytes = field(repr=False)

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose; the same for ever."""
        return hmac.digest(self.secret, f"matricule/{purpose}".encode() + b"\x01", "sha256")

    @cached_property
    def _wrapping(self) -> AESGCM:
        return AESGCM(self.derive("wrap"))

    @cached_property
    def _lookup(self) -> bytes:
        return self.derive("lookup")

    def wrap(self, person: bytes, data_key: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._wrapping.encrypt(nonce, data_key, person)

    def unwrap(self, person: bytes, wrapped: bytes) -> bytes:
        return self._wrapping.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], person)

    def digest(self, kind: str, value: str) -> bytes:
        """What a value is found by without being readable: HMAC-SHA-256 under the lookup key."""
        return hmac.digest(self._lookup, f"{kind}\0{value}".encode(), "sha256")


class Keyring:
    """All generations of the master key."""

    def __init__(self, generations: dict[int, bytes]) -> None:
        self._keys = {number: MasterKey(number, secret) for number, secret in generations.items()}
        self.current = self._keys[max(self._keys)]
        # By the wrapped bytes, which every read brings along: a destroyed key is never found here.
        self.unwrap = lru_cache(maxsize=KEYS_KEPT)(self._unwrap)

    def __iter__(self) -> Iterator[MasterKey]:
        return iter(self._keys.values())

    def _unwrap(self, generation: int, person: bytes, wrapped: bytes) -> bytes:
        """A person's data key. Raises KeyFault when it was wrapped under another master key."""
        try:
            return self._keys[generation].unwrap(person, wrapped)
        except (KeyError, InvalidTag):
            raise KeyFault(
                "A data key was wrapped under another master key: restore the master key file."
            ) from None

    def box(self, purpose: str) -> "Box":
        return Box([(key.generation, key.derive(purpose)) for key in self], self.current.generation)


class Box:
    """Seals short texts for the service itself (intake, tokens, kept answers): generation, nonce, AES-256-GCM."""

    def __init__(self, keys: list[tuple[int, bytes]], current: int) -> None:
        self._ciphers = {generation: AESGCM(key) for generation, key in keys}
        self._current = current

    def seal(self, plain: bytes, context: bytes = b"") -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        head = bytes([self._current]) + nonce
        return head + self._ciphers[self._current].encrypt(nonce, plain, context)

    def open(self, sealed: bytes, context: bytes = b"") -> bytes:
        """Raises ValueError when the bytes are not ours or were changed."""
        try:
            cipher = self._ciphers[sealed[0]]
            return cipher.decrypt(sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :], context)
        except (IndexError, KeyError, InvalidTag, ValueError):
            raise ValueError("not sealed here") from None


def read_keyring(path: Path) -> Keyring:
    """The keys of a file that only its owner can read. Raises KeyFault."""
    lines = read_private(path, "master key").split("\n")
    generations = {}
    for line in filter(None, lines):
        try:
            number, encoded = line.split()
            secret = base64.b64decode(encoded, validate=True)
            if len(secret) != KEY_BYTES or not 1 <= int(number) <= 255:
                raise ValueError
            generations[int(number)] = secret
        except (ValueError, binascii.Error):
            raise KeyFault(f"{path} holds a line that is not «<generation> <32 bytes in base64>».") from None
    if not generations:
        raise KeyFault(f"{path} holds no key: restore it from its copy.")
    return Keyring(generations)


def make_keyring(path: Path) -> Keyring:
    """The keys of a file, which is made (0600) with a first key where there is none. Raises KeyFault."""
    if not path.exists():
        made_once(path, b"1 " + base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
    return read_keyring(path)


def read_private(path: Path, what: str) -> str:
    """The text of a key file that only its owner can read. what: the kind of key. Raises KeyFault."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise KeyFault(f"{path} can be read by others: run chmod 600 {path}.")
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as fault:
        raise KeyFault(f"The {what} file {path} cannot be read: {fault}.") from None


def made_once(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all; of two processes the first wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, made = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # 0600
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(made, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(made)
