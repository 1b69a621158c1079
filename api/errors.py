"""Every answer that is no success: a problem document (RFC 9457) in the reader's language.

What went wrong inside is never told: an unexpected exception is logged by type and place, not by its text.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

import orjson
from flask import Flask, Response
from psycopg import OperationalError
from werkzeug.exceptions import HTTPException

from api.context import locale, service
from api.faults import Fault, InvalidInput
from domain.errors import Refused
from infrastructure.observability import place_of
from infrastructure.translations import table, text
from projections.tree import TreeDisagrees

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"

# Codes whose status is not 409, which most refusals of a command have.
STATUS: Final = {
    "invalid-input": 422,
    "not-json": 400,
    "bad-log-position": 400,
    "bad-cursor": 400,
    "not-signed-in": 401,
    "wrong-credentials": 401,
    "second-factor-needed": 401,
    "csrf-failed": 403,
    "not-allowed": 403,
    "second-factor-required": 403,
    "own-case": 403,
    "own-account": 403,
    "account-locked": 403,
    "account-closed": 403,
    "wrong-password": 403,
    "not-linked-yet": 403,
    "wrong-passkey": 403,
    "not-found": 404,
    "not-in-log": 404,
    "no-checkpoint": 404,
    "not-yet": 404,
    "profile-missing": 404,
    "method-not-allowed": 405,
    "token-dead": 410,
    "precondition-failed": 412,
    "body-too-large": 413,
    "unsupported-media-type": 415,
    "password-too-short": 422,
    "password-too-long": 422,
    "password-unchanged": 422,
    "email-unchanged": 422,
    "password-common": 422,
    "password-holds-name": 422,
    "record-unknown": 422,
    "same-account": 422,
    "wrong-code": 422,
    "passkey-refused": 422,
    "too-busy": 429,
    "too-many-requests": 429,
    "internal-error": 500,
    "soon": 503,
    "unavailable": 503,
}
NOBODY: Final = UUID(int=0)  # no account's own view: whoever was first is told by name
RETRY_SECONDS: Final = {"too-busy": 2, "soon": 1, "unavailable": 5}
CHALLENGE: Final = 'Bearer realm="matricule"'  # RFC 9110, 11.6.1: no 401 without one

# Refusals that are about one field of the body, and what stands beside it.
_FIELDS: Final[Mapping[str, tuple[str, str]]] = {
    "password-too-short": ("new_password", "too-short"),
    "password-too-long": ("new_password", "too-long"),
    "password-unchanged": ("new_password", "unchanged"),
    "email-unchanged": ("new_email", "same-address"),
    "password-common": ("new_password", "common"),
    "password-holds-name": ("new_password", "holds-{kind}"),
    "record-unknown": ("record_number", "unknown-code"),
    "same-account": ("account", "same-account"),
    "wrong-code": ("code", "wrong-code"),
    "passkey-refused": ("credential", "passkey-refused"),
}
_OF_WERKZEUG: Final = {
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    415: "unsupported-media-type",
}


class ProblemResponse(Response):
    """members: of the problem document, for whoever shows it in another form."""

    members: dict[str, object]


class Problem(Exception):
    """Something the door itself refuses. code: one that the topic `problems` explains."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def known_codes() -> list[str]:
    """All codes that `/problems/<code>` explains."""
    return [code for code in table("fr", "problems") if code != "fields"]


def status_of(code: str) -> int:
    return STATUS.get(code, 409)


def document(code: str, language: str, **more: object) -> dict[str, object]:
    """The problem's members. more: further ones, such as `errors`."""
    return {
        "type": f"/problems/{code}",
        "title": text(language, "problems", code, "title"),
        "status": status_of(code),
        "detail": text(language, "problems", code, "detail"),
        **more,
    }


def nameless(status: int, phrase: str) -> dict[str, object]:
    """For what HTTP itself says with a status alone (RFC 9457, 4.2.1)."""
    return {"type": "about:blank", "title": phrase, "status": status}


def answer(code: str, retry_after: int | None = None, **more: object) -> ProblemResponse:
    """The response for a problem, in the language of the request. retry_after: seconds, where they differ."""
    language = locale()
    response = _response(document(code, language, **more))
    response.headers["Content-Language"] = language
    if wait := retry_after or RETRY_SECONDS.get(code):
        response.headers["Retry-After"] = str(wait)
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = CHALLENGE
    return response


def of_refusal(refusal: Refused) -> ProblemResponse:
    """The response for a refused command. Its details stand beside the usual members, `by` as a name."""
    details = dict(refusal.details)
    if invalid := field_of(refusal):
        return answer(refusal.code, errors=invalid.messages(locale()))
    if "by" in details:
        details["by"] = service().history.label(details["by"], NOBODY, locale())
    return answer(refusal.code, **details)


def field_of(refusal: Refused) -> InvalidInput | None:
    """The refusal as a fault of one field; None where it is about none."""
    if refusal.code not in _FIELDS:
        return None
    field, fault = _FIELDS[refusal.code]
    return InvalidInput({field: [Fault(fault.format(**refusal.details), **refusal.details)]})


def of_exception(error: BaseException) -> ProblemResponse:
    """The response for whatever a view may raise."""
    kind = next((kind for kind in type(error).__mro__ if kind in _TELL), Exception)
    return _TELL[kind](error)


def install(app: Flask) -> None:
    app.register_error_handler(Exception, of_exception)


def _of_input(invalid: InvalidInput) -> ProblemResponse:
    return answer("invalid-input", errors=invalid.messages(locale()))


def _of_werkzeug(error: HTTPException) -> ProblemResponse:
    code = _OF_WERKZEUG.get(error.code)
    response = answer(code) if code else _response(nameless(error.code, error.name))
    response.headers.extend((name, value) for name, value in error.get_headers() if name == "Allow")
    return response


def _of_lost_database(error: Exception) -> ProblemResponse:
    log.warning("the database does not answer", extra=place_of(error))
    return answer("unavailable")


def _of_unexpected(error: Exception) -> ProblemResponse:
    log.error("unexpected exception", extra=place_of(error))
    return answer("internal-error")


_TELL: Final[Mapping[type[BaseException], Callable[..., ProblemResponse]]] = {
    Problem: lambda problem: answer(problem.code),
    InvalidInput: _of_input,
    Refused: of_refusal,
    TreeDisagrees: lambda _alarm: answer("log-differs"),
    HTTPException: _of_werkzeug,
    OperationalError: _of_lost_database,
    Exception: _of_unexpected,
}


def _response(members: dict[str, object]) -> ProblemResponse:
    body = orjson.dumps(members, option=orjson.OPT_UTC_Z)
    response = ProblemResponse(body, members["status"], content_type=MEDIA_TYPE)
    response.members = members
    return response
