"""The words people read, one TOML catalogue a language and topic: `<language>/<topic>.toml` beside this file.

French is written first and is complete; a text that another language lacks is read from it.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

LOCALES = ("fr", "de", "en")
DEFAULT_LOCALE = "fr"

_FOLDER = Path(__file__).parent


def text(locale: str, topic: str, /, *keys: str, **params: object) -> str:
    """The text at `keys`, its `{name}` placeholders filled in from `params`.

    Raises KeyError where no language has it, or where a placeholder got no value.
    """
    found = _entry(locale, topic, keys)
    if not isinstance(found, str):
        raise KeyError(f"{topic}: {'.'.join(keys)} is not a text")
    return found.format(**params)


def table(locale: str, topic: str, *keys: str) -> dict[str, Any]:
    """The table at `keys` as written, placeholders included; shared by all callers, so only to be read.

    Raises KeyError where no language has it.
    """
    found = _entry(locale, topic, keys)
    if not isinstance(found, dict):
        raise KeyError(f"{topic}: {'.'.join(keys)} is not a table")
    return found


def topics() -> list[str]:
    """The name of every topic that French has."""
    return sorted(file.stem for file in (_FOLDER / DEFAULT_LOCALE).glob("*.toml"))


def catalogue(locale: str, topic: str) -> dict[str, Any]:
    """One catalogue alone, as its file says it; empty where there is no such file."""
    file = _FOLDER / locale / f"{topic}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def completed(own: Mapping[str, Any], fallback: Mapping[str, Any]) -> dict[str, Any]:
    """`own`, with what it lacks taken from `fallback`, table by table."""
    merged = {**fallback, **own}
    for key in own.keys() & fallback.keys():
        if isinstance(own[key], dict) and isinstance(fallback[key], dict):
            merged[key] = completed(own[key], fallback[key])
    return merged


def _entry(locale: str, topic: str, keys: tuple[str, ...]) -> Any:
    found: Any = _complete(locale if locale in LOCALES else DEFAULT_LOCALE, topic)
    for key in keys:
        if not isinstance(found, dict) or key not in found:
            raise KeyError(f"{topic}: no text {'.'.join(keys)}")
        found = found[key]
    return found


@cache
def _complete(locale: str, topic: str) -> dict[str, Any]:
    complete = completed(catalogue(locale, topic), catalogue(DEFAULT_LOCALE, topic))
    if not complete:
        raise KeyError(f"no catalogue {topic}.toml in any language")
    return complete
