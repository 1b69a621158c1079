"""`Idempotency-Key`: a POST that is sent again is answered again, not carried out again.

Keys are kept for a day (`infrastructure.tick`), per caller, method and path; the database sees digests and sealed
answers only.
"""

import logging
from collections.abc import Callable
from functools import wraps
from hashlib import file_digest, sha256
from typing import Any, Final

import orjson
from flask import Response, g, request
from psycopg import OperationalError
from psycopg.types.json import Jsonb

from api import errors
from api.context import service
from api.described import View, described
from api.faults import Fault, InvalidInput
from domain.errors import Conflict, NotVisibleYet, Refused, TooBusy, TooManyRequests
from infrastructure.observability import place_of

log = logging.getLogger(__name__)

HEADER: Final = "Idempotency-Key"
KEY_LIMIT: Final = 200
KEPT: Final = ("Content-Type", "Content-Language", "ETag", "Log-Position", "Recorded-At", "WWW-Authenticate")

CLAIM = "INSERT INTO idempotency (digest, request, account_id) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
KNOWN = "SELECT request, status, headers, body FROM idempotency WHERE digest = %s"
SETTLE = "UPDATE idempotency SET status = %s, headers = %s, body = %s WHERE digest = %s"
RELEASE = "DELETE FROM idempotency WHERE digest = %s"


def idempotent(*, secret: bool = False) -> Callable[[View], View]:
    """Honour the key on this view. secret: a successful answer is not kept, and a repeat is refused."""

    def guard(view: View) -> View:
        @wraps(view)
        def once(*args: Any, **kwargs: Any) -> Response:
            if HEADER not in request.headers:
                return view(*args, **kwargs)
            return _once(_Claim(_key(), secret), lambda: view(*args, **kwargs))

        codes = ("idempotency-running", "idempotency-conflict", "idempotency-secret")
        return described(once, idempotent=True, refuses=codes)

    return guard


class _Claim:
    """The right to carry out a request."""

    def __init__(self, key: str, secret: bool) -> None:
        identity = g.get("identity")
        self.account_id = identity.account_id if identity else None
        caller = str(self.account_id) if identity else "anybody"
        master = service().keyring.current
        self.digest = master.digest("idempotency", "\0".join((caller, request.method, request.path, key)))
        # Keyed, for a body may hold a password, and a bare digest of it could be guessed.
        self.request = master.digest("idempotency-body", _body())
        self.secret = secret

    def made(self) -> bool:
        """Whether the request is new."""
        with service().pool.connection() as connection:
            return connection.execute(CLAIM, (self.digest, self.request, self.account_id)).rowcount == 1

    def earlier(self) -> Response:
        """The answer to the first request. Raises Problem where it cannot be given (again)."""
        with service().pool.connection() as connection:
            row = connection.execute(KNOWN, (self.digest,)).fetchone()
        if row and row[0] and row[0] != self.request:  # an erasure empties what is kept of whomever
            raise errors.Problem("idempotency-conflict")
        if not row or row[1] is None:
            raise errors.Problem("idempotency-running")
        _request, status, headers, sealed = row
        if sealed is None:
            raise errors.Problem("idempotency-secret")
        body = service().keyring.box("idempotency").open(sealed, self.digest)
        return Response(body, status, {**headers, "Idempotent-Replayed": "true"})

    def settle(self, response: Response) -> None:
        headers = {name: response.headers[name] for name in KEPT if name in response.headers}
        kept = not (self.secret and response.status_code < 400)
        body = service().keyring.box("idempotency").seal(response.get_data(), self.digest) if kept else None
        self._execute(SETTLE, response.status_code, Jsonb(headers, dumps=orjson.dumps), body, self.digest)

    def release(self) -> None:
        self._execute(RELEASE, self.digest)

    @staticmethod
    def _execute(statement: str, *values: object) -> None:
        with service().pool.connection() as connection:
            connection.execute(statement, values)


def _once(claim: _Claim, carry_out: Callable[[], Response]) -> Response:
    # A crash between the command's commit and `settle` leaves the claim: repeats get 409 `idempotency-running` for a
    # day, and the client looks at what became of it. One transaction for both cannot be, for an append is
    # the first write of its own. What a released claim repeats after a lost COMMIT, the aggregates refuse.
    if not claim.made():
        return claim.earlier()
    try:
        response = carry_out()
    except (Conflict, NotVisibleYet, TooBusy, TooManyRequests):
        claim.release()
        raise
    except (Refused, errors.Problem) as refused:
        response = errors.of_exception(refused)
    except BaseException:
        claim.release()
        raise
    try:
        claim.settle(response)
    except OperationalError as lost:  # the client has its answer all the same
        log.warning("an answer could not be kept", extra=place_of(lost))
    return response


def _body() -> str:
    """What was sent; of a form with files what stands for it, for its bytes are gone once it was read."""
    if request.mimetype != "multipart/form-data":
        return request.get_data().decode("latin-1")
    sent = [("field", name, value) for name, value in request.form.items(multi=True)]
    for name, file in request.files.items(multi=True):
        sent.append(("file", name, file_digest(file.stream, "sha256").hexdigest()))
        file.stream.seek(0)
    return sha256(orjson.dumps(sorted(sent))).hexdigest()


def _key() -> str:
    key = request.headers[HEADER]
    if len(key) > KEY_LIMIT:
        raise InvalidInput({HEADER: [Fault("too-long", max=KEY_LIMIT)]})
    if not key or not key.isascii() or not key.isprintable():
        raise InvalidInput({HEADER: [Fault("invalid-value")]})
    return key
