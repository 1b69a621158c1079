"""Passkeys (WebAuthn): a key pair in the holder's device, which signs a challenge for this site and no other.

The site is PUBLIC_URL, never what a request calls it. The device must verify its holder (PIN, finger, face), so that a
passkey is two factors in one.
"""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import webauthn
from psycopg import Cursor
from psycopg_pool import ConnectionPool
from webauthn.helpers import (
    bytes_to_base64url,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    options_to_json_dict,
)
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from application.ports import Effect
from domain import errors
from infrastructure.passkey_questions import TO_ANSWER
from infrastructure.prepared import Prepared

T = TypeVar("T")

CHALLENGE_BYTES, HANDLE_BYTES = 32, 64
CREDENTIAL_ID_MOST = 1023  # bytes; WebAuthn, 4

HANDLE = Prepared("""
    WITH made AS (
        INSERT INTO passkey_users (account_id, handle) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING handle
    )
    SELECT handle FROM made UNION ALL SELECT handle FROM passkey_users WHERE account_id = $1
""")
OF_ACCOUNT = Prepared("SELECT credential_id, transports FROM passkeys WHERE account_id = $1")
ASK = Prepared("""
    INSERT INTO passkey_challenges (id, challenge, account_id, session_id, expires_at) VALUES ($1, $2, $3, $4, $5)
""")
TAKE = Prepared("""
    DELETE FROM passkey_challenges
    WHERE id = $1 AND account_id = $2 AND session_id = $3 AND expires_at > $4 RETURNING challenge
""")


class Site(NamedTuple):
    """Where the service is reached. host: what a passkey belongs to. origin: what a browser says of the page."""

    host: str
    origin: str

    @classmethod
    def of(cls, public_url: str) -> "Site":
        """As browsers tell it: without the port that goes without saying."""
        parts = urlsplit(public_url)
        usual = {"https": 443, "http": 80}[parts.scheme]
        port = "" if parts.port in (None, usual) else f":{parts.port}"
        return cls(parts.hostname, f"{parts.scheme}://{parts.hostname}{port}")


class StoredPasskeys:
    """options and credential: JSON as browsers know it (`parseCreationOptionsFromJSON`, `toJSON`)."""

    def __init__(self, pool: ConnectionPool, site: Site, *, name: str) -> None:
        """name: how a device calls this service."""
        self._pool = pool
        self._site = site
        self._name = name

    def begin(
        self, account_id: UUID, session_id: UUID, email: str, now: datetime
    ) -> tuple[UUID, dict[str, Any]]:
        """The passkey to be, and the options that a device makes it with; that session may confirm it, once."""
        (handle,) = HANDLE.one(self._pool, (account_id, os.urandom(HANDLE_BYTES)))
        factor_id, challenge = uuid4(), os.urandom(CHALLENGE_BYTES)
        ASK.all(self._pool, (factor_id, challenge, account_id, session_id, now + TO_ANSWER))
        options = webauthn.generate_registration_options(
            rp_id=self._site.host,
            rp_name=self._name,
            user_id=handle,
            user_name=email,
            challenge=challenge,
            timeout=milliseconds(TO_ANSWER),
            attestation=AttestationConveyancePreference.NONE,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=descriptors(self._pool, account_id),
        )
        return factor_id, options_to_json_dict(options)

    def confirm(
        self,
        account_id: UUID,
        session_id: UUID,
        factor_id: UUID,
        credential: dict[str, Any],
        now: datetime,
    ) -> Effect:
        """What makes the new passkey count. Raises SecondFactorUnknown, PasskeyRefused."""
        (challenge,) = TAKE.one(self._pool, (factor_id, account_id, session_id, now)) or (None,)
        if not challenge:
            raise errors.SecondFactorUnknown
        made = understood(
            lambda: webauthn.verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self._site.host,
                expected_origin=self._site.origin,
                require_user_verification=True,
            ),
            errors.PasskeyRefused,
        )
        understood(lambda: _key(made.credential_public_key), errors.PasskeyRefused)
        named = bytes_to_base64url(made.credential_id)
        if named != credential["id"] or len(made.credential_id) > CREDENTIAL_ID_MOST:
            raise errors.PasskeyRefused
        key = (made.credential_id, made.credential_public_key, made.sign_count, _transports(credential))

        def keep(cursor: Cursor) -> None:
            kept = cursor.execute(
                "INSERT INTO passkeys (id, account_id, credential_id, public_key, sign_count, transports)"
                " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (factor_id, account_id, *key),
            )
            if kept.rowcount == 0:
                raise errors.PasskeyRefused

        return keep


def descriptors(pool: ConnectionPool, account_id: UUID) -> list[PublicKeyCredentialDescriptor]:
    """What a device recognises an account's passkeys by."""
    return [
        PublicKeyCredentialDescriptor(known, transports=[AuthenticatorTransport(way) for way in ways])
        for known, ways in OF_ACCOUNT.all(pool, (account_id,))
    ]


def understood(read: Callable[[], T], refusal: type[errors.Refused]) -> T:
    """What the library makes of bytes from outside; of bad ones it lets through what its own libraries raise."""
    try:
        return read()
    except Exception:  # noqa: BLE001
        raise refusal from None


def _key(public_key: bytes) -> object:
    """Raises ValueError and others for what is no key, such as a point beside the curve."""
    return decoded_public_key_to_cryptography(decode_credential_public_key(public_key))


def _transports(credential: dict[str, Any]) -> list[str]:
    """How a browser reaches the device, as far as we know the words."""
    told = credential["response"].get("transports")
    return [way.value for way in AuthenticatorTransport if isinstance(told, list) and way.value in told]


def milliseconds(time: timedelta) -> int:
    return int(time.total_seconds() * 1000)
