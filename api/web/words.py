"""The words on pages: `t("way-in.sign-in.title")` is the text at that place of the catalogue `way-in`."""

import re
from datetime import date, datetime
from typing import Any, Final

from babel.dates import format_date, format_datetime
from flask import Flask, current_app, g, request, url_for
from markupsafe import Markup, escape

from api.context import EXTENSION, locale
from api.web import csrf
from api.web.assets import address
from domain.calendar import ZURICH
from infrastructure.translations import LOCALES, table, text

# Whoever adds a feature adds its tab here.
TABS: Final = (
    ("welcome.show", "/welcome", "welcome"),
    ("my_data.show", "/my-data", "my-data"),
    ("my_portfolio.show", "/portfolio", "portfolio"),
    ("profile.show", "/profile", "profile"),
)
DATES: Final = {"fr": "fr_CH", "de": "de_CH", "en": "en_GB"}
MOMENTS: Final = {"fr": "d MMMM y, HH:mm", "de": "d. MMMM y, HH:mm", "en": "d MMMM y, HH:mm"}
SHORT_DAY: Final = "dd.MM.y"  # in lists, where staff compares many
FAULTS: Final = ("pages", "faults")
# French sets its colons and question marks off with a space, where no line may break.
_SET_OFF: Final = re.compile(" (?=[:;?!])")
_ISO: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNBREAKABLE: Final = "\N{NO-BREAK SPACE}"


def t(path: str, /, **params: object) -> str:
    """A text in the reader's language. Raises KeyError where there is none."""
    topic, *keys = path.split(".")
    return _SET_OFF.sub(_UNBREAKABLE, text(locale(), topic, *keys, **params))


def rich(path: str, /, **params: object) -> Markup:
    """The same, where a value may be Markup of ours; whatever else is escaped."""
    topic, *keys = path.split(".")
    written = escape(_SET_OFF.sub(_UNBREAKABLE, text_of(topic, keys)))
    return written.format(**params)


def text_of(topic: str, keys: list[str]) -> str:
    *above, last = keys
    return table(locale(), topic, *above)[last]


def words(path: str) -> Any:
    """A list or table of texts, as the catalogue has it; French set off as `t` does."""
    topic, *keys = path.split(".")
    return _set_off(text_of(topic, keys))


def _set_off(written: Any) -> Any:
    if isinstance(written, dict):
        return {key: _set_off(part) for key, part in written.items()}
    if isinstance(written, list):
        return [_set_off(part) for part in written]
    return _SET_OFF.sub(_UNBREAKABLE, written)


def day(date: date) -> str:
    """`12 janvier 2027`"""
    return format_date(date, "long", locale=DATES[locale()])


def moment(instant: datetime) -> str:
    """`12 janvier 2027, 14:03`, in Switzerland."""
    return format_datetime(instant.astimezone(ZURICH), MOMENTS[locale()], locale=DATES[locale()])


def short_day(date: date) -> str:
    """`12.01.2027`"""
    return format_date(date, SHORT_DAY, locale=DATES[locale()])


def short_moment(instant: datetime) -> str:
    """`12.01.2027 14:03`, in Switzerland."""
    return format_datetime(instant.astimezone(ZURICH), f"{SHORT_DAY} HH:mm", locale=DATES[locale()])


def tabs() -> list[tuple[str, str, str]]:
    """Of those signed in: endpoint, path, label; only the pages that there are."""
    return [tab for tab in TABS if tab[0] in current_app.view_functions]


def fault_in_words(field: str, fault: str) -> str | None:
    """What this field says of this fault, where that is more than `problems.toml` says of it in any field."""
    said = table(locale(), *FAULTS).get(field, {}).get(str(fault))
    return said and _SET_OFF.sub(_UNBREAKABLE, said.format(**getattr(fault, "params", {})))


def languages() -> list[dict[str, Any]]:
    """The language switch: the same page in each."""
    query = {name: value for name, value in request.args.items() if name not in ("lang", "token")}
    return [
        {
            "code": code,
            "name": text(code, "pages", "frame", "language"),
            "address": url_for(request.endpoint, **(request.view_args or {}), **query, lang=code)
            if request.endpoint
            else f"?lang={code}",
            "current": code == locale(),
        }
        for code in LOCALES
    ]


def install(app: Flask) -> None:
    institution = app.extensions[EXTENSION].institution
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals |= {
        "t": t,
        "rich": rich,
        "asset": address,
        "institution": institution,
        "look": institution.appearance,
        "demo": app.extensions[EXTENSION].settings.demo,
        "csrf_value": csrf.value,
        "locale": locale,
        "languages": languages,
        "me": lambda: g.get("identity"),
        "my_entry": lambda: g.get("entry"),
        "exists": lambda endpoint: endpoint in current_app.view_functions,
        "words": words,
        "day": day,
        "day_of": lambda written: day(date.fromisoformat(written)) if _ISO.fullmatch(written) else written,
        "moment": moment,
        "short_day": short_day,
        "short_moment": short_moment,
        "tabs": tabs,
    }
