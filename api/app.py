"""The Flask application and its doors: JSON under `/api/v1`, what explains it, and pages for people."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from api import access_log, documentation, errors, headers, health, pages, web
from api.context import EXTENSION
from api.proxies import TrustedProxies
from infrastructure.bootstrap import Service


class Route(Rule):
    """One that compiles what builds its address when an address is first asked of it.

    werkzeug does it at once, and that takes longer than all else in `create_app`.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled = cache(partial(super()._compile_builder, append_unknown))
        return lambda *route, **values: compiled()(*route, **values)


class Application(Flask):
    url_rule_class = Route

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """As it is: no view is a coroutine, and asking that ten times a request takes a tenth of its time."""
        return func


def create_app(service: Service) -> Flask:
    """The application for wired parts."""
    app = Application(__name__)
    app.extensions[EXTENSION] = service
    app.json.sort_keys = False
    # Else a doubled slash is answered by a redirect to the host that was asked for.
    app.url_map.merge_slashes = False
    errors.install(app)
    access_log.install(app)
    headers.install(app)
    health.install(app)
    documentation.install(app)
    pages.install(app)
    web.install(app)
    app.wsgi_app = TrustedProxies(app.wsgi_app, service.settings.trusted_proxies)
    return app
