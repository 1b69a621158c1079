"""The Flask application: JSON under `/api/v1`, and the few pages that explain it."""

from flask import Flask

from api import access_log, documentation, errors, headers, health, pages
from api.context import EXTENSION
from api.proxies import TrustedProxies
from infrastructure.bootstrap import Service


def create_app(service: Service) -> Flask:
    """The application for wired parts."""
    app = Flask(__name__)
    app.extensions[EXTENSION] = service
    app.json.sort_keys = False
    errors.install(app)
    access_log.install(app)
    headers.install(app)
    health.install(app)
    documentation.install(app)
    pages.install(app)
    app.wsgi_app = TrustedProxies(app.wsgi_app, service.settings.trusted_proxies)
    return app
