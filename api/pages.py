"""The pages of the JSON door: its documentation."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import orjson
from flask import (
    Blueprint,
    Flask,
    Response,
    render_template,
    send_from_directory,
)

from api import documentation, errors

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
ASSET_SECONDS: Final = 86_400
ASSETS: Final = frozenset({"swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"})

pages = Blueprint("pages", __name__)


def install(app: Flask) -> None:
    app.register_blueprint(pages)


@pages.get(f"{documentation.PREFIX}/openapi.json")
def show_document() -> Response:
    written = documentation.openapi_document()
    return Response(orjson.dumps(written), content_type="application/json")


@pages.get("/api/docs")
def show_docs() -> Response:
    return _page("docs.html")


@pages.get("/api/docs/<name>")
def show_asset(name: str) -> Response:
    """Swagger UI as its package brings it."""
    if name not in ASSETS:
        raise errors.Problem("not-found")
    return send_from_directory(_swagger_ui(), name, max_age=ASSET_SECONDS)


def _page(template: str, **values: object) -> Response:
    response = Response(render_template(template, **values), content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = POLICY
    return response


@cache
def _swagger_ui() -> Path:
    return Path(find_spec("flask_swagger_ui").submodule_search_locations[0]) / "dist"
