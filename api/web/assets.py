"""Files of the pages: styles, scripts, pictures. Each has its content's hash in its name, and is loaded once."""

import gzip
import hashlib
from importlib import resources
from typing import Final, NamedTuple

from flask import Blueprint, Flask, Response, current_app, request, url_for

from api.errors import Problem
from infrastructure.appearance import Appearance

FOR_EVER: Final = "public, max-age=31536000, immutable"
# A logo is an institution's own: what it might run or load, it may not.
PICTURE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
TYPES: Final = {
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}
PLACE: Final = "assets"

assets = Blueprint("assets", __name__)


class Asset(NamedTuple):
    address: str
    content_type: str
    body: bytes
    packed: bytes


def install(app: Flask, look: Appearance) -> None:
    files = {
        file.name: file.read_bytes()
        for file in (resources.files("api.web") / "static").iterdir()
        if file.name.partition(".")[2] in TYPES
    }
    files["pages.css"] = _colours(look) + files["pages.css"]
    if look.logo:
        files["logo.svg"] = look.logo
    known = {name: _asset(name, body) for name, body in files.items()}
    app.extensions[PLACE] = known | {asset.address: asset for asset in known.values()}
    app.register_blueprint(assets)


def address(name: str) -> str:
    """Where a file is. name: as in the folder `static`."""
    return url_for("assets.show", name=current_app.extensions[PLACE][name].address)


@assets.get("/assets/<name>")
def show(name: str) -> Response:
    asset = current_app.extensions[PLACE].get(name)
    if asset is None or name != asset.address:
        raise Problem("not-found")
    response = Response(asset.body, content_type=f"{asset.content_type}; charset=utf-8")
    response.headers["Cache-Control"] = FOR_EVER
    if name.endswith(".svg"):
        response.headers["Content-Security-Policy"] = PICTURE_POLICY
    response.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"]:
        response.set_data(asset.packed)
        response.headers["Content-Encoding"] = "gzip"
    return response


def _asset(name: str, body: bytes) -> Asset:
    stem, _, kind = name.partition(".")
    digest = hashlib.sha256(body).hexdigest()[:12]
    return Asset(f"{stem}-{digest}.{kind}", TYPES[kind], body, gzip.compress(body, 9, mtime=0))


def _colours(look: Appearance) -> bytes:
    """The institution's, before the rest of the style sheet."""
    return (
        f":root{{--brand:{look.light}}}@media(prefers-color-scheme:dark){{:root{{--brand:{look.dark}}}}}\n"
    ).encode()
