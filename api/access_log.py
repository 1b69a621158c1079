"""One line and one measure a request: by its route's template, never by the path or query asked for."""

import logging
import time
from typing import Final

from flask import Flask, Response, g, request

from api.context import service

log = logging.getLogger("api.access")

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def install(app: Flask) -> None:
    app.before_request(start)
    app.after_request(note)


def start() -> None:
    g.started = time.perf_counter()


def refused(status: int) -> None:
    """For what the server refused before the application saw it."""
    log.info("request", extra={"method": "other", "route": "none", "status": status})


def note(response: Response) -> Response:
    seconds = time.perf_counter() - g.started
    method = request.method if request.method in METHODS else "other"
    route = request.url_rule.rule if request.url_rule else "none"
    status = response.status_code
    service().metrics.http_requests.labels(method, route, status).inc()
    service().metrics.http_seconds.labels(method, route).observe(seconds)
    fields = {"method": method, "route": route, "status": status, "seconds": round(seconds, 6)}
    log.info("request", extra=fields)
    return response
