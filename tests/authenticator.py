"""A device that makes passkeys and answers with them, as browsers hand it on (WebAuthn, attestation "none")."""

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, MADE = 0x01, 0x04, 0x40  # flags


def encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "==")


@dataclass
class Passkey:
    id: bytes
    handle: bytes
    key: ec.EllipticCurvePrivateKey
    sign_count: int = 0


class Authenticator:
    """origin: of the page that asks. verifies: asks its holder for a PIN or a finger. counts: each signature."""

    def __init__(self, origin: str, *, verifies: bool = True, counts: bool = True) -> None:
        self.origin = origin
        self.verifies = verifies
        self.counts = counts
        self.passkeys: list[Passkey] = []

    def make(self, options: dict[str, Any], **forged: Any) -> dict[str, Any]:
        """A credential for a site's options. forged: what the client says of itself."""
        made = Passkey(
            os.urandom(16), decoded(options["user"]["id"]), ec.generate_private_key(ec.SECP256R1())
        )
        self.passkeys.append(made)
        point = made.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        attested = bytes(16) + len(made.id).to_bytes(2, "big") + made.id + cbor2.dumps(public)
        data = self._data(options["rp"]["id"], made, MADE) + attested
        response = {
            "clientDataJSON": encoded(self._client("webauthn.create", options, forged)),
            "attestationObject": encoded(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
            "transports": ["internal", "something-new"],
        }
        return self._credential(made, response)

    def answer(self, options: dict[str, Any], *, by: Passkey | None = None, **forged: Any) -> dict[str, Any]:
        """A signed answer. by: the last passkey made, where no other is said."""
        passkey = by or self.passkeys[-1]
        passkey.sign_count += self.counts
        data = self._data(options["rpId"], passkey)
        client = self._client("webauthn.get", options, forged)
        signed = passkey.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": encoded(client),
            "authenticatorData": encoded(data),
            "signature": encoded(signed),
            "userHandle": encoded(passkey.handle),
        }
        return self._credential(passkey, response)

    def _client(self, kind: str, options: dict[str, Any], forged: dict[str, Any]) -> bytes:
        told = {
            "type": kind,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": False,
        }
        return json.dumps(told | forged).encode()

    def _data(self, site: str, passkey: Passkey, flags: int = 0) -> bytes:
        flags |= PRESENT | (VERIFIED if self.verifies else 0)
        return hashlib.sha256(site.encode()).digest() + bytes([flags]) + passkey.sign_count.to_bytes(4, "big")

    @staticmethod
    def _credential(passkey: Passkey, response: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": encoded(passkey.id),
            "rawId": encoded(passkey.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "response": response,
            "clientExtensionResults": {},
        }
