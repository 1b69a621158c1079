"""Passkeys that answer: at sign-in, and where somebody who is signed in shows once more who she is."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import webauthn
from psycopg import Cursor
from psycopg_pool import ConnectionPool
from webauthn.helpers import options_to_json_dict, parse_authentication_credential_json
from webauthn.helpers.structs import (
    AuthenticationCredential,
    PublicKeyCredentialDescriptor,
    UserVerificationRequirement,
)

from application.ports import Effect, Verified
from domain import errors
from infrastructure.passkey_questions import ANYBODY, TO_ANSWER, PasskeyQuestions, used_up
from infrastructure.passkeys import Site, descriptors, milliseconds, understood
from infrastructure.prepared import Prepared

FIND = Prepared("""
    SELECT p.id, p.account_id, p.public_key, p.sign_count, u.handle, p.barred, EXISTS (
        SELECT FROM credentials AS c
        WHERE c.account_id = p.account_id AND c.long AND (c.expires_at IS NULL OR c.expires_at > $2::timestamptz)
    )
    FROM passkeys AS p JOIN passkey_users AS u USING (account_id) WHERE p.credential_id = $1
""")


class Found(NamedTuple):
    """long: the account has a password that is enough alone."""

    id: UUID
    account_id: UUID
    public_key: bytes
    sign_count: int
    handle: bytes
    barred: str | None
    long: bool


class StoredPasskeyAnswers:
    """options and credential: JSON as browsers know it (`parseRequestOptionsFromJSON`, `toJSON`)."""

    def __init__(self, pool: ConnectionPool, questions: PasskeyQuestions, site: Site) -> None:
        self._pool = pool
        self._questions = questions
        self._site = site

    def ask(self, now: datetime) -> tuple[UUID, dict[str, Any]]:
        """An attempt to sign in by whichever passkey the device holds, and the options it answers to."""
        return self._ask(ANYBODY, [], now)

    def verify(
        self, attempt: UUID, credential: dict[str, Any], now: datetime
    ) -> tuple[Verified, Effect, Effect]:
        """Whose passkey answered, and what uses up answer and count.

        Raises PasskeyRefused (malformed), WrongCredentials.
        """
        answered = understood(lambda: parse_authentication_credential_json(credential), errors.PasskeyRefused)
        found = self._found(answered, now)
        if not found or answered.response.user_handle != found.handle:
            raise errors.WrongCredentials
        return self._verified(found, answered, attempt, ANYBODY, now, errors.WrongCredentials)

    def ask_holder(self, account_id: UUID, session_id: UUID, now: datetime) -> tuple[UUID, dict[str, Any]]:
        """The same by one of an account's own, for one session of hers. Raises NoPasskey."""
        own = descriptors(self._pool, account_id)
        if not own:
            raise errors.NoPasskey
        return self._ask(_holder(account_id, session_id), own, now)

    def verify_holder(
        self, account_id: UUID, session_id: UUID, attempt: UUID, credential: dict[str, Any], now: datetime
    ) -> tuple[Verified, Effect, Effect]:
        """That a passkey of this account answered. Raises WrongPasskey."""
        answered = understood(lambda: parse_authentication_credential_json(credential), errors.WrongPasskey)
        found = self._found(answered, now)
        if not found or found.account_id != account_id:
            raise errors.WrongPasskey
        # Devices that were told which passkeys may answer need not say whose they are (WebAuthn, 7.2, step 6).
        if answered.response.user_handle not in (None, found.handle):
            raise errors.WrongPasskey
        who = _holder(account_id, session_id)
        return self._verified(found, answered, attempt, who, now, errors.WrongPasskey)

    def _ask(
        self, who: str, allowed: list[PublicKeyCredentialDescriptor], now: datetime
    ) -> tuple[UUID, dict[str, Any]]:
        attempt, challenge = self._questions.ask(who, now)
        options = webauthn.generate_authentication_options(
            rp_id=self._site.host,
            challenge=challenge,
            timeout=milliseconds(TO_ANSWER),
            allow_credentials=allowed,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return attempt, options_to_json_dict(options)

    def _found(self, answered: AuthenticationCredential, now: datetime) -> Found | None:
        row = FIND.one(self._pool, (answered.raw_id, now))
        return row and Found(*row)

    def _verified(
        self,
        found: Found,
        answered: AuthenticationCredential,
        attempt: UUID,
        who: str,
        now: datetime,
        refusal: type[errors.Refused],
    ) -> tuple[Verified, Effect, Effect]:
        challenge = self._questions.challenge(attempt, who, now)
        if not challenge:
            raise refusal
        signed = understood(
            lambda: webauthn.verify_authentication_response(
                credential=answered,
                expected_challenge=challenge,
                expected_rp_id=self._site.host,
                expected_origin=self._site.origin,
                credential_public_key=found.public_key,
                credential_current_sign_count=found.sign_count,
                require_user_verification=True,
            ),
            refusal,
        )
        verified = Verified(
            found.account_id,
            found.id,
            initial=False,
            first_sign_in=False,
            barred=found.barred,
            long=found.long,
            by_passkey=True,
        )
        return verified, used_up(attempt, refusal), _use(found.id, signed.new_sign_count, now, refusal)


def _holder(account_id: UUID, session_id: UUID) -> str:
    return f"{account_id} {session_id}"


def _use(passkey_id: UUID, sign_count: int, now: datetime, refusal: type[errors.Refused]) -> Effect:
    """A count that does not go up is that of a copied key; devices that do not count say 0 for ever."""

    def use(cursor: Cursor) -> None:
        used = cursor.execute(
            "UPDATE passkeys SET sign_count = %s, last_used_at = %s"
            " WHERE id = %s AND (sign_count < %s OR sign_count = 0 AND %s = 0)",
            (sign_count, now, passkey_id, sign_count, sign_count),
        )
        if used.rowcount == 0:
            raise refusal

    return use
