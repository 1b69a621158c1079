"""What every request is judged by before any view, and what every answer carries."""

from typing import Final

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import BadRequest

from api.answers import nothing
from api.context import service
from api.described import facts_of
from api.errors import Problem
from api.faults import Fault, InvalidInput, nameable

API: Final = "/api/v1/"
BODY_LIMIT: Final = 64 * 1024  # bytes
API_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
HSTS: Final = "max-age=31536000"  # for this host alone: what its subdomains serve is not ours to say
PREFLIGHT_SECONDS: Final = 600
METHODS: Final = "GET, POST, PUT, DELETE"
ACCEPTED: Final = (
    "Accept-Language, Authorization, Content-Type, Idempotency-Key, If-Match, Log-Position, X-CSRF-Token"
)
EXPOSED: Final = "Content-Language, ETag, Idempotent-Replayed, Log-Position, Recorded-At, Retry-After"


def install(app: Flask) -> None:
    app.before_request(refuse_large_bodies)
    app.before_request(refuse_strange_hosts)
    app.before_request(answer_preflight)
    app.before_request(refuse_unknown_queries)
    app.after_request(protect)
    app.after_request(allow_origin)
    # For a body whose length is not announced, which is only known while it is read.
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT


def refuse_large_bodies() -> None:
    if (request.content_length or 0) > BODY_LIMIT:
        raise Problem("body-too-large")


def refuse_strange_hosts() -> None:
    if request.blueprint == "health":  # asked by address
        return
    host = request.host.lower()
    if not {host, host.rpartition(":")[0]} & service().settings.allowed_hosts:
        raise BadRequest


def answer_preflight() -> Response | None:
    if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers or not _origin():
        return None
    response = nothing()
    response.headers["Access-Control-Allow-Methods"] = METHODS
    response.headers["Access-Control-Allow-Headers"] = ACCEPTED
    response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    return response


def refuse_unknown_queries() -> None:
    """A view that reads no query would answer as if it had: `?as_of=…` with today's state."""
    view = current_app.view_functions.get(request.endpoint or "")
    if request.args and view and request.path.startswith(API) and not facts_of(view).get("query"):
        raise InvalidInput({nameable(name): [Fault("unknown-field")] for name in request.args})


def protect(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Cache-Control", "no-store")
    headers.setdefault("Content-Security-Policy", API_POLICY)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    if service().settings.public_url.startswith("https:"):
        headers["Strict-Transport-Security"] = HSTS
    return response


def allow_origin(response: Response) -> Response:
    if not service().settings.cors_origins:
        return response
    response.vary.add("Origin")
    if origin := _origin():
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Access-Control-Expose-Headers"] = EXPOSED
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _origin() -> str | None:
    origin = request.headers.get("Origin")
    return origin if origin in service().settings.cors_origins else None
