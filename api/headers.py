"""What every request is judged by before any view, and what every answer carries."""

from functools import cache, partial
from typing import Final

from flask import Flask, Request, Response, current_app, request
from werkzeug.exceptions import BadRequest

from api.answers import nothing
from api.context import EXTENSION
from api.described import facts_of
from api.errors import Problem
from api.faults import Fault, InvalidInput, nameable
from infrastructure.settings import Settings

API: Final = "/api/v1/"
BODY_LIMIT: Final = 64 * 1024  # bytes
UPLOAD_LIMIT: Final = 64 * 1024 * 1024  # of a file, which comes with a form around it
UPLOADS: Final = ("/api/v1/imports", "/console/imports")
API_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
HSTS: Final = "max-age=31536000"  # for this host alone: what its subdomains serve is not ours to say
PREFLIGHT_SECONDS: Final = 600
METHODS: Final = "GET, POST, PUT, PATCH, DELETE"
ACCEPTED: Final = (
    "Accept-Language, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Log-Position, "
    "X-CSRF-Token"
)
EXPOSED: Final = (
    "Content-Disposition, Content-Language, ETag, Export-Id, Idempotent-Replayed, Log-Position, Recorded-At, "
    "Repr-Digest, Retry-After"
)


def install(app: Flask) -> None:
    settings = app.extensions[EXTENSION].settings
    app.before_request(partial(judge, settings))
    app.after_request(partial(protect, settings))
    # For a body whose length is not announced, which is only known while it is read.
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT


def judge(settings: Settings) -> Response | None:
    asked = request._get_current_object()  # the proxy costs as much as the questions
    limit = body_limit(asked.method, asked.path)
    asked.max_content_length = limit
    if (asked.content_length or 0) > limit:
        raise Problem("body-too-large")
    if not _is_ours(asked.host, settings) and asked.blueprint != "health":  # which is asked by address
        raise BadRequest
    if asked.method == "OPTIONS" and _origin(asked, settings):
        return answer_preflight(asked)
    if asked.query_string and asked.path.startswith(API):
        refuse_unknown_queries(asked)
    return None


def body_limit(method: str, path: str) -> int:
    """Bytes that a body may have."""
    return UPLOAD_LIMIT + BODY_LIMIT if method == "POST" and path in UPLOADS else BODY_LIMIT


def _is_ours(host: str, settings: Settings) -> bool:
    host = host.lower()
    return host in settings.allowed_hosts or host.rpartition(":")[0] in settings.allowed_hosts


def answer_preflight(asked: Request) -> Response | None:
    if "Access-Control-Request-Method" not in asked.headers:
        return None
    response = nothing()
    response.headers["Access-Control-Allow-Methods"] = METHODS
    response.headers["Access-Control-Allow-Headers"] = ACCEPTED
    response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    return response


def refuse_unknown_queries(asked: Request) -> None:
    """A view that reads no query would answer as if it had: `?as_of=…` with today's state."""
    view = current_app.view_functions.get(asked.endpoint or "")
    if view and not facts_of(view).get("query"):
        raise InvalidInput({nameable(name): [Fault("unknown-field")] for name in asked.args})


def protect(settings: Settings, response: Response) -> Response:
    own = {name.lower() for name, _ in response.headers}
    response.headers.extend(
        (name, value) for name, value in _protection(settings.public_url) if name.lower() not in own
    )
    return allow_origin(settings, response) if settings.cors_origins else response


@cache
def _protection(public_url: str) -> list[tuple[str, str]]:
    """What every answer carries, where a view has not said otherwise."""
    always = [
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", API_POLICY),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ]
    return [*always, ("Strict-Transport-Security", HSTS)] if public_url.startswith("https:") else always


def allow_origin(settings: Settings, response: Response) -> Response:
    response.vary.add("Origin")
    if origin := _origin(request, settings):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Access-Control-Expose-Headers"] = EXPOSED
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _origin(asked: Request, settings: Settings) -> str | None:
    origin = asked.headers.get("Origin")
    return origin if origin in settings.cors_origins else None
