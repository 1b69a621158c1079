"""In which language a page speaks: the one that was chosen, else the account's, else what the browser asks for."""

from datetime import timedelta
from typing import Final

from flask import Response, g, request

from api.context import liked
from api.web import cookies
from infrastructure.translations import LOCALES

QUERY: Final = "lang"
KEPT: Final = timedelta(days=365)


def choose() -> None:
    chosen = request.args.get(QUERY)
    if chosen in LOCALES:
        cookies.note(cookies.LANGUAGE, chosen, KEPT)
    candidates = (cookies.read(cookies.LANGUAGE), g.entry and g.entry.locale)
    g.locale = next((each for each in candidates if each in LOCALES), None) or liked(request.accept_languages)


def remember(response: Response) -> Response:
    response.headers.setdefault("Content-Language", g.locale)
    return response
