"""Code lists: what a field may hold, and how each value is called in each language.

The codes stand in events and in other people's systems: one may be added, none renamed. Labels are in
translations/<language>/codes.toml, those of countries in Babel's copy of the CLDR (docs/sources.md#S4).
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from babel import Locale

from domain.values import LOCALES
from infrastructure.translations import table

Label = Mapping[str, str]  # by language

LISTS: Final = ("sexes", "functions", "schools", "cantons", "locales", "purposes", "causes", "factors")

# Regions that the CLDR knows and ISO 3166-1 does not assign. XK is user-assigned: docs/sources.md#S4.
_NO_COUNTRIES: Final = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}
_SWISS: Final = {"fr": "fr_CH", "de": "de_CH", "en": "en"}


# Said by the service itself when a decision brings another one along: told, but never chosen.
_OWN: Final = {
    "reasons.link": {"record-created", "accounts-merged", "accounts-separated"},
    "reasons.unlink": {"other-record", "case-rejected", "accounts-merged", "accounts-separated"},
}


@cache
def codes() -> Mapping[str, object]:
    """All lists: `{list: [{"code", "label": {"fr", "de", "en"}}], …, "reasons": {decision: [the same]}}`."""
    return {
        **{name: _items(_labels(name)) for name in LISTS},
        "countries": _items(_countries()),
        "reasons": {
            decision: _items(_offered(f"reasons.{decision}")) for decision in table("fr", "codes", "reasons")
        },
    }


def is_code(name: str, code: str) -> bool:
    """Whether a list offers a code. name: of `codes()`, reasons as `reasons.link`. Raises KeyError."""
    return code in _offered(name)


def label(locale: str, name: str, code: str) -> str:
    """How a code is called. name: as for `is_code`. Raises KeyError for what is no code."""
    return _known(name)[code][locale]


@cache
def _offered(name: str) -> Mapping[str, Label]:
    return {code: label for code, label in _known(name).items() if code not in _OWN.get(name, ())}


@cache
def _known(name: str) -> Mapping[str, Label]:
    return _countries() if name == "countries" else _labels(*name.split("."))


def _items(labels: Mapping[str, Label]) -> list[dict[str, object]]:
    return [{"code": code, "label": label} for code, label in labels.items()]


def _labels(*keys: str) -> dict[str, Label]:
    by_language = {locale: table(locale, "codes", *keys) for locale in LOCALES}
    return {code: {locale: by_language[locale][code] for locale in LOCALES} for code in by_language["fr"]}


def _countries() -> dict[str, Label]:
    by_language = {locale: Locale.parse(_SWISS[locale]).territories for locale in LOCALES}
    found = sorted(code for code in by_language["fr"] if re.fullmatch("[A-Z]{2}", code))
    return {
        code: {locale: by_language[locale][code] for locale in LOCALES}
        for code in found
        if code not in _NO_COUNTRIES
    }
