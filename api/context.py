"""What a request stands in: the wired service, the reader's language, the day."""

from datetime import date

from flask import current_app, g, request
from werkzeug.datastructures import LanguageAccept

from domain.calendar import ZURICH
from infrastructure.bootstrap import Service
from infrastructure.translations import DEFAULT_LOCALE, LOCALES

EXTENSION = "matricule"


def service() -> Service:
    return current_app.extensions[EXTENSION]


def locale() -> str:
    """`fr`, `de` or `en`: what a page has settled on, else what `Accept-Language` likes best, else French."""
    return g.get("locale") or liked(request.accept_languages)


def liked(languages: LanguageAccept) -> str:
    """The best liked of ours, `de-CH` standing for `de`."""
    wanted = (tag.lower().partition("-")[0] for tag, quality in languages if quality > 0)
    return next((tag for tag in wanted if tag in LOCALES), DEFAULT_LOCALE)


def today() -> date:
    """The day in Switzerland."""
    return service().clock.now().astimezone(ZURICH).date()
