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
    parse_authentication_credential_json,
)
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from application.ports import Effect, Verified
from domain import errors
from infrastructure.prepared import Prepared

T = TypeVar("T")

TO_ANSWER = timedelta(minutes=5)
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
    WHERE id = $1 AND account_id IS NOT DISTINCT FROM $2::uuid AND session_id IS NOT DISTINCT FROM $3::uuid
      AND expires_at > $4
    RETURNING challenge
""")
FIND = Prepared("""
    SELECT p.id, p.account_id, p.public_key, p.sign_count, u.handle, p.barred
    FROM passkeys AS p JOIN passkey_users AS u USING (account_id) WHERE p.credential_id = $1
""")


class Found(NamedTuple):
    id: UUID
    account_id: UUID
    public_key: bytes
    sign_count: int
    handle: bytes
    barred: str | None


class StoredPasskeys:
    """options and credential: JSON as browsers know it (`parseCreationOptionsFromJSON`, `toJSON`)."""

    def __init__(self, pool: ConnectionPool, public_url: str, *, name: str) -> None:
        """name: how a device calls this service."""
        self._pool = pool
        self._site = urlsplit(public_url).hostname
        self._origin = _origin(public_url)
        self._name = name

    def begin(
        self, account_id: UUID, session_id: UUID, email: str, now: datetime
    ) -> tuple[UUID, dict[str, Any]]:
        """The passkey to be, and the options that a device makes it with; that session may confirm it, once."""
        (handle,) = HANDLE.one(self._pool, (account_id, os.urandom(HANDLE_BYTES)))
        factor_id, challenge = self._ask(account_id, session_id, now)
        options = webauthn.generate_registration_options(
            rp_id=self._site,
            rp_name=self._name,
            user_id=handle,
            user_name=email,
            challenge=challenge,
            timeout=_milliseconds(TO_ANSWER),
            attestation=AttestationConveyancePreference.NONE,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[
                PublicKeyCredentialDescriptor(known, transports=[AuthenticatorTransport(way) for way in ways])
                for known, ways in OF_ACCOUNT.all(self._pool, (account_id,))
            ],
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
        challenge = self._challenge(factor_id, account_id, session_id, now)
        if not challenge:
            raise errors.SecondFactorUnknown
        made = _understood(
            lambda: webauthn.verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self._site,
                expected_origin=self._origin,
                require_user_verification=True,
            ),
            errors.PasskeyRefused,
        )
        _understood(lambda: _key(made.credential_public_key), errors.PasskeyRefused)
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

    def ask(self, now: datetime) -> tuple[UUID, dict[str, Any]]:
        """An attempt to sign in by whichever passkey the device holds, and the options it answers to."""
        attempt, challenge = self._ask(None, None, now)
        options = webauthn.generate_authentication_options(
            rp_id=self._site,
            challenge=challenge,
            timeout=_milliseconds(TO_ANSWER),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return attempt, options_to_json_dict(options)

    def verify(self, attempt: UUID, credential: dict[str, Any], now: datetime) -> tuple[Verified, Effect]:
        """Whose passkey answered, and what notes that. Raises PasskeyRefused (malformed), WrongCredentials."""
        answered = _understood(
            lambda: parse_authentication_credential_json(credential), errors.PasskeyRefused
        )
        challenge = self._challenge(attempt, None, None, now)
        row = FIND.one(self._pool, (answered.raw_id,))
        if not challenge or not row:
            raise errors.WrongCredentials
        found = Found(*row)
        if answered.response.user_handle != found.handle:
            raise errors.WrongCredentials
        signed = _understood(
            lambda: webauthn.verify_authentication_response(
                credential=answered,
                expected_challenge=challenge,
                expected_rp_id=self._site,
                expected_origin=self._origin,
                credential_public_key=found.public_key,
                credential_current_sign_count=found.sign_count,
                require_user_verification=True,
            ),
            errors.WrongCredentials,
        )
        verified = Verified(
            found.account_id,
            found.id,
            initial=False,
            first_sign_in=False,
            barred=found.barred,
            by_passkey=True,
        )
        return verified, _use(found.id, signed.new_sign_count, now)

    def _ask(self, account_id: UUID | None, session_id: UUID | None, now: datetime) -> tuple[UUID, bytes]:
        asked, challenge = uuid4(), os.urandom(CHALLENGE_BYTES)
        ASK.all(self._pool, (asked, challenge, account_id, session_id, now + TO_ANSWER))
        return asked, challenge

    def _challenge(
        self, asked: UUID, account_id: UUID | None, session_id: UUID | None, now: datetime
    ) -> bytes | None:
        """Good for one answer, right or wrong."""
        (challenge,) = TAKE.one(self._pool, (asked, account_id, session_id, now)) or (None,)
        return challenge


def _understood(read: Callable[[], T], refusal: type[errors.Refused]) -> T:
    """What the library makes of bytes from outside; of bad ones it lets through what its own libraries raise."""
    try:
        return read()
    except Exception:  # noqa: BLE001
        raise refusal from None


def _key(public_key: bytes) -> object:
    """Raises ValueError and others for what is no key, such as a point beside the curve."""
    return decoded_public_key_to_cryptography(decode_credential_public_key(public_key))


def _use(passkey_id: UUID, sign_count: int, now: datetime) -> Effect:
    """A count that does not go up is that of a copied key; devices that do not count say 0 for ever."""

    def use(cursor: Cursor) -> None:
        used = cursor.execute(
            "UPDATE passkeys SET sign_count = %s, last_used_at = %s"
            " WHERE id = %s AND (sign_count < %s OR sign_count = 0 AND %s = 0)",
            (sign_count, now, passkey_id, sign_count, sign_count),
        )
        if used.rowcount == 0:
            raise errors.WrongCredentials

    return use


def _transports(credential: dict[str, Any]) -> list[str]:
    """How a browser reaches the device, as far as we know the words."""
    told = credential["response"].get("transports")
    return [way.value for way in AuthenticatorTransport if isinstance(told, list) and way.value in told]


def _origin(public_url: str) -> str:
    """As a browser tells it: without the port that goes without saying."""
    parts = urlsplit(public_url)
    usual = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{parts.hostname}" + (
        f":{parts.port}" if parts.port not in (None, usual) else ""
    )


def _milliseconds(time: timedelta) -> int:
    return int(time.total_seconds() * 1000)
