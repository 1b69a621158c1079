"""Whose accounts these are: what another institution would write differently, from one TOML file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from domain.calendar import WorkingDays
from infrastructure.appearance import Appearance, appearance
from infrastructure.settings import SettingsError
from infrastructure.translations import LOCALES


@dataclass(frozen=True)
class InstitutionService:
    """What the welcome page leads to. label, action: by language. needs_link: for linked accounts only."""

    code: str
    address: str
    icon: str
    needs_link: bool
    label: Mapping[str, str]
    action: Mapping[str, str]


@dataclass(frozen=True)
class Institution:
    """contact: in one line. privacy_policy: the version that is accepted now. erasure_law: by language."""

    name: str
    contact: str
    canton: str
    closing_days: frozenset[date]
    privacy_policy: str
    erasure_law: Mapping[str, str]
    guides: str
    services: tuple[InstitutionService, ...]
    appearance: Appearance

    @property
    def working_days(self) -> WorkingDays:
        return WorkingDays(self.canton, self.closing_days)


def load_institution(file: Path | None) -> Institution:
    """The institution of a file, or ours without one. Raises SettingsError, which names key and file."""
    source = file or resources.files("infrastructure") / "institution.toml"
    try:
        written = tomllib.loads(source.read_text("utf-8"))
        look = appearance(written, Path(str(source)).parent)
        return _institution({**written, "appearance": look})
    except (OSError, ValueError) as fault:  # tomllib's and Unicode's errors are ValueErrors
        raise SettingsError(f"INSTITUTION_FILE: {source}: {fault}.") from None


def _institution(written: dict[str, Any]) -> Institution:
    _same_keys(written, Institution, "")
    for key in ("name", "contact", "canton", "privacy_policy", "guides"):
        _text(written[key], key)
    if not _is_list(written["closing_days"], date):
        raise ValueError("closing_days: write days, like [2026-12-24, 2026-12-31]")
    if not _is_list(written["services"], dict):
        raise ValueError("services: write a [[services]] table for each")
    institution = Institution(
        **written
        | {
            "closing_days": frozenset(written["closing_days"]),
            "erasure_law": MappingProxyType(_in_all_languages(written["erasure_law"], "erasure_law")),
            "services": tuple(_service(service) for service in written["services"]),
        }
    )
    _ = institution.working_days  # refuses a canton whose holidays are unknown
    return institution


def _service(written: dict[str, Any]) -> InstitutionService:
    _same_keys(written, InstitutionService, "services.")
    for key in ("code", "address", "icon"):
        _text(written[key], f"services.{key}")
    if not isinstance(written["needs_link"], bool):
        raise ValueError("services.needs_link: write true or false")
    words = {
        key: MappingProxyType(_in_all_languages(written[key], f"services.{key}"))
        for key in ("label", "action")
    }
    return InstitutionService(**written | words)


def _same_keys(written: dict[str, Any], model: type, prefix: str) -> None:
    known = {known.name for known in fields(model)}
    for key in written.keys() ^ known:
        raise ValueError(f"{prefix}{key}: {'is missing' if key in known else 'is unknown here, remove it'}")


def _text(value: Any, key: str) -> None:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError(f"{key}: write a text in one line")


def _in_all_languages(value: Any, key: str) -> dict[str, str]:
    if not isinstance(value, dict) or set(value) != set(LOCALES):
        raise ValueError(f"{key}: write it in each language: {', '.join(LOCALES)}")
    for locale, text in value.items():
        _text(text, f"{key}.{locale}")
    return value


def _is_list(value: Any, of: type) -> bool:
    # type, not isinstance: a datetime is a date too
    return isinstance(value, list) and all(type(item) is of for item in value)
