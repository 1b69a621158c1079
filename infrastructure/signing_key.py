"""The key that signs checkpoints: made once, in a file that only its owner can read.

The file holds one line, `PRIVATE+KEY+<name>+<key id>+<base64 of 1 | private key>`, as tools for C2SP's notes have it.
The name is the log's (its origin) and never changes. Source: docs/sources.md#S20.
"""

import base64
import binascii
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infrastructure.keys import KeyFault, made_once, read_private
from infrastructure.signed_notes import ED25519, NAME, Signer

HEAD = "PRIVATE+KEY+"


def make_signer(path: Path, name: str) -> Signer:
    """The signer of a file, which is made where there is none. name: of a new one. Raises KeyFault."""
    if not path.exists():
        signer = Signer(name, Ed25519PrivateKey.from_private_bytes(os.urandom(32)))
        made_once(path, _written(signer).encode())
    return read_signer(path)


def read_signer(path: Path) -> Signer:
    """Raises KeyFault."""
    line = read_private(path, "signing key").strip()
    name, _, rest = line.removeprefix(HEAD).partition("+")
    key_id, _, encoded = rest.partition("+")
    try:
        raw = base64.b64decode(encoded, validate=True)
        if not line.startswith(HEAD) or not NAME.fullmatch(name) or raw[:1] != ED25519:
            raise ValueError
        signer = Signer(name, Ed25519PrivateKey.from_private_bytes(raw[1:]))
        if signer.verifier.key_id.hex() != key_id:
            raise ValueError
    except (ValueError, binascii.Error):
        raise KeyFault(f"{path} holds no signing key: restore it from its copy.") from None
    return signer


def _written(signer: Signer) -> str:
    raw = base64.b64encode(ED25519 + signer.key.private_bytes_raw()).decode("ascii")
    return f"{HEAD}{signer.name}+{signer.verifier.key_id.hex()}+{raw}\n"
