"""Codes of six digits that a phone makes from a shared secret and the time (RFC 6238): no code is taken twice."""

import hmac
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pyotp
import segno
from psycopg import Cursor
from psycopg_pool import ConnectionPool

from application.ports import Effect, TotpEnrolment
from domain import errors
from infrastructure.keys import Box
from infrastructure.prepared import Prepared

STEP_SECONDS = 30
DRIFT = 1  # steps that a phone's clock may be ahead or behind; RFC 6238, 5.2
TO_CONFIRM = timedelta(minutes=10)

BEGIN = Prepared("INSERT INTO totp_factors (id, account_id, secret, expires_at) VALUES ($1, $2, $3, $4)")
BEGUN = Prepared("SELECT id, secret FROM totp_factors WHERE id = $1 AND account_id = $2 AND expires_at > $3")
CONFIRMED = Prepared("SELECT id, secret FROM totp_factors WHERE account_id = $1 AND expires_at IS NULL")


class TotpFactors:
    """Secrets stand sealed; `last_step` is the time step of the last code that was taken."""

    def __init__(self, pool: ConnectionPool, box: Box, *, issuer: str) -> None:
        """issuer: how the app on the phone calls this service."""
        self._pool = pool
        self._box = box
        self._issuer = issuer

    def begin(self, account_id: UUID, email: str, now: datetime) -> TotpEnrolment:
        """A new secret, which counts for nothing until a code confirms it."""
        factor_id, secret = uuid4(), pyotp.random_base32()
        sealed = self._box.seal(secret.encode("ascii"), factor_id.bytes)
        BEGIN.all(self._pool, (factor_id, account_id, sealed, now + TO_CONFIRM))
        uri = _codes(secret).provisioning_uri(name=email, issuer_name=self._issuer)
        return TotpEnrolment(factor_id, secret, uri, picture(uri))

    def confirm(self, account_id: UUID, factor_id: UUID, code: str, now: datetime) -> Effect:
        """What makes a new secret count from now on. Raises SecondFactorUnknown, WrongCode."""
        row = BEGUN.one(self._pool, (factor_id, account_id, now))
        if not row:
            raise errors.SecondFactorUnknown
        step = self._step(*row, code, now)
        if step is None:
            raise errors.WrongCode

        def keep(cursor: Cursor) -> None:
            kept = cursor.execute(
                "UPDATE totp_factors SET expires_at = NULL, last_step = %s WHERE id = %s AND expires_at IS NOT NULL",
                (step, factor_id),
            )
            if kept.rowcount == 0:
                raise errors.SecondFactorUnknown

        return keep

    def match(self, account_id: UUID, code: str, now: datetime) -> Effect | None:
        """What uses the code up, where it is right; it raises WrongCredentials where it was used before."""
        for factor_id, sealed in CONFIRMED.all(self._pool, (account_id,)):
            step = self._step(factor_id, sealed, code, now)
            if step is not None:
                return _use(factor_id, step, now)
        return None

    def _step(self, factor_id: UUID, sealed: bytes, code: str, now: datetime) -> int | None:
        """The time step whose code this is."""
        codes = _codes(self._box.open(sealed, factor_id.bytes).decode("ascii"))
        present = int(now.timestamp()) // STEP_SECONDS
        for step in range(present - DRIFT, present + DRIFT + 1):
            if hmac.compare_digest(codes.generate_otp(step).encode(), code.encode()):
                return step
        return None


def picture(otpauth_uri: str) -> str:
    """A QR code, as an SVG element."""
    return segno.make_qr(otpauth_uri).svg_inline(scale=4, border=4)


def _codes(secret: str) -> pyotp.TOTP:
    return pyotp.TOTP(secret, interval=STEP_SECONDS)  # SHA-1 and six digits, all that every app understands


def _use(factor_id: UUID, step: int, now: datetime) -> Effect:
    def use(cursor: Cursor) -> None:
        used = cursor.execute(
            "UPDATE totp_factors SET last_step = %s, last_used_at = %s WHERE id = %s AND last_step < %s",
            (step, now, factor_id, step),
        )
        if used.rowcount == 0:
            raise errors.WrongCredentials

    return use
