"""Tokens of mailed links: a GET moves one from the address into a cookie, only a POST uses it up.

Programs that look into mails open every link; and an address stands in histories and on screens.
"""

from datetime import timedelta
from typing import Final

from flask import Response, redirect, request, url_for

from api.web import cookies

KEPT: Final = timedelta(hours=1)
REFERRER: Final = "no-referrer"


def moved_out_of_sight(kind: str) -> Response:
    """The way to the same page at a clean address. kind: of link; a browser keeps one of each."""
    cookies.note(_cookie(kind), request.args["token"][:1000], KEPT)
    query = {name: value for name, value in request.args.items() if name != "token"}
    return unseen(redirect(url_for(request.endpoint, **query), 303))


def token_of(kind: str) -> str | None:
    return cookies.read(_cookie(kind))


def used_up(kind: str) -> None:
    cookies.forget(_cookie(kind))


def unseen(response: Response) -> Response:
    """No page that is opened from here learns of it."""
    response.headers["Referrer-Policy"] = REFERRER
    return response


def _cookie(kind: str) -> str:
    return f"{cookies.LINK}_{kind}"
