"""How personal fields stand in the log.

A field is sealed under a key of its own: HKDF-Expand (RFC 5869, SHA-512, one block) of the person's data key over
stream, version and field. Field key → (cipher key, commitment), both 32 bytes, one more block. Stored form, base64:
`1 | commitment (32) | nonce (12) | AES-256-GCM of the value's JSON, padded with spaces to a multiple of 32 bytes`.
Associated data: topic, stream, version, field. The commitment binds the key, which GCM alone does not
(docs/sources.md#S8), so that a disclosed field key opens one value only; padding hides lengths.
"""

import hmac
import os
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from hashlib import sha512
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORM = b"\x01"
BLOCK = 32
_HEAD = 1 + 32
_BODY = _HEAD + 12
_HASH_BLOCK = 128  # bytes of SHA-512
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
SHORTEST = 4 * -(-(_BODY + BLOCK + 16) // 3)  # characters of a sealed value


class SealBroken(Exception):
    """A sealed field does not open under its key: it was changed, moved or belongs to another key."""


def field_key(data_key: bytes, stream: UUID, version: int, field: str) -> bytes:
    """The key that opens this one field and nothing else."""
    return _hmac(data_key, b"matricule/field" + _place(stream, version, field) + b"\x01")[:32]


def seal(key: bytes, topic: str, stream: UUID, version: int, field: str, value: object) -> str:
    """A value (what JSON can hold, dates too) under its field key."""
    plain = orjson.dumps(value)
    plain += b" " * (-len(plain) % BLOCK)
    cipher, commitment = _split(key)
    nonce = os.urandom(12)
    sealed = AESGCM(cipher).encrypt(nonce, plain, _associated(topic, stream, version, field))
    return b2a_base64(FORM + commitment + nonce + sealed, newline=False).decode("ascii")


def unseal(key: bytes, topic: str, stream: UUID, version: int, field: str, sealed: str) -> object:
    """The value that a field key opens. Raises SealBroken."""
    try:
        raw = a2b_base64(sealed, strict_mode=True)
        cipher, commitment = _split(key)
        if raw[:1] != FORM or not hmac.compare_digest(raw[1:_HEAD], commitment):
            raise SealBroken
        plain = AESGCM(cipher).decrypt(
            raw[_HEAD:_BODY], raw[_BODY:], _associated(topic, stream, version, field)
        )
    except (InvalidTag, Base64Error, ValueError):
        raise SealBroken from None
    return orjson.loads(plain)


def _place(stream: UUID, version: int, field: str) -> bytes:
    return stream.bytes + version.to_bytes(8, "big") + field.encode()


def _associated(topic: str, stream: UUID, version: int, field: str) -> bytes:
    return topic.encode() + b"\0" + _place(stream, version, field)


def _split(key: bytes) -> tuple[bytes, bytes]:
    both = _hmac(key, b"matricule/seal\x01")
    return both[:32], both[32:]


def _hmac(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-512 (RFC 2104) under a key of at most one block, in half of the time that `hmac.digest` takes.

    That looks the algorithm up in OpenSSL each time, and a folded event asks for it twice.
    """
    block = key.ljust(_HASH_BLOCK, b"\0")
    return sha512(block.translate(_OUTER) + sha512(block.translate(_INNER) + message).digest()).digest()
