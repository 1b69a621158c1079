"""One line and one measure a request: by its route's template, never by the path or query asked for."""

import logging
import time
from functools import partial
from typing import Final

from flask import Flask, Response, g, request

from api.context import EXTENSION
from infrastructure.observability import Metrics

log = logging.getLogger("api.access")

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def install(app: Flask) -> None:
    app.before_request(start)
    app.after_request(partial(note, app.extensions[EXTENSION].metrics))


def start() -> None:
    g.started = time.perf_counter()


def refused(status: int) -> None:
    """For what the server refused before the application saw it."""
    log.info("request", extra={"method": "other", "route": "none", "status": status})


def note(metrics: Metrics, response: Response) -> Response:
    asked = request._get_current_object()  # the proxy costs as much as the questions
    status = response.status_code
    seconds = time.perf_counter() - g.started
    method = asked.method if asked.method in METHODS else "other"
    route = asked.url_rule.rule if asked.url_rule else "none"
    metrics.answered(method, route, status, seconds)
    fields = {"method": method, "route": route, "status": status, "seconds": round(seconds, 6)}
    log.info("request", extra=fields)
    return response
