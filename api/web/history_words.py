"""A history as a page tells it: by day, with values in words instead of codes."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final

from babel.dates import format_time

from api import representations
from api.context import locale
from api.web.words import DATES, day, moment
from domain.calendar import ZURICH
from infrastructure import codes
from infrastructure.history import Moment
from infrastructure.translations import text

LISTS: Final = {  # the list that a field's codes stand in
    "sex": "sexes",
    "nationality": "countries",
    "country": "countries",
    "function": "functions",
    "school": "schools",
    "canton": "cantons",
    "locale": "locales",
    "role": "roles",
}
DAYS: Final = ("birth_date", "due", "until", "link_due", "case_due")
INSTANTS: Final = ("expires_at",)


def by_day(
    moments: Sequence[Moment], shown: Callable[[Moment], dict[str, Any]] = representations.own_moment
) -> list[tuple[date, list[dict[str, Any]]]]:
    """Each day with what happened on it, in Switzerland. shown: what the reader may see of a moment."""
    told = [_told(each, shown) for each in moments]
    return [(date, list(each)) for date, each in groupby(told, lambda one: one["at"].date())]


def _told(happened: Moment, shown: Callable[[Moment], dict[str, Any]]) -> dict[str, Any]:
    told = shown(happened)
    at = happened.at.astimezone(ZURICH)
    return {
        **told,
        "at": at,
        "time": format_time(at, "HH:mm", locale=DATES[locale()]),
        "own": happened.by == text(locale(), "history", "actors", "holder"),
        "changes": [change(**each) for each in told["changes"]],
    }


def change(field: str, old: Any, new: Any) -> dict[str, str | None]:
    """A field with its value before and after, in words."""
    return {
        "field": text(locale(), "history", "fields", field),
        "old": value(field, old),
        "new": value(field, new),
    }


def value(field: str, given: Any) -> str | None:
    """A field's value. None for none. A code that is no longer in its list stands as it is."""
    if given is None or given in ("", []):
        return None
    if isinstance(given, list):
        return ", ".join(map(str, given))
    if field in LISTS:
        try:
            return codes.label(locale(), LISTS[field], given)
        except KeyError:
            return str(given)
    if field in DAYS:
        return day(given if isinstance(given, date) else date.fromisoformat(given))
    return moment(datetime.fromisoformat(given)) if field in INSTANTS else str(given)
