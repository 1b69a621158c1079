"""How the pages look at an institution: what it calls them, its logo and its colour."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from infrastructure.translations import LOCALES

LEAST_CONTRAST: Final = 4.5  # WCAG 2.2, 1.4.3
# What the colours are seen on, lightest and darkest; the same as in pages.css and templates/message.html.
ON: Final = {"light": ("#ffffff", "#f3f6f9"), "dark": ("#10151b", "#1a2129")}
USUAL: Final = MappingProxyType({"light": "#14508c", "dark": "#9cc4f0"})
LOGO_BYTES: Final = 8_000  # every first visit loads it


@dataclass(frozen=True)
class Appearance:
    """portal: what the pages are called, by language. logo: SVG, None where there is none. light, dark: `#rrggbb`."""

    portal: Mapping[str, str]
    logo: bytes | None
    light: str
    dark: str

    @property
    def colours(self) -> Mapping[str, str]:
        """By scheme."""
        return {"light": self.light, "dark": self.dark}


def appearance(written: dict[str, Any], folder: Path) -> Appearance:
    """Take what it says out of the institution's table. folder: of its file. Raises ValueError, OSError."""
    name = written.get("name", "")
    portal = written.pop("portal", dict.fromkeys(LOCALES, name))
    if not isinstance(portal, dict) or set(portal) != set(LOCALES):
        raise ValueError(f"portal: write it in each language: {', '.join(LOCALES)}")
    for locale, called in portal.items():
        if not isinstance(called, str) or not called.isprintable():
            raise ValueError(f"portal.{locale}: write a text in one line")
    colours = written.pop("colours", {})
    if not isinstance(colours, dict) or not set(colours) <= set(USUAL):
        raise ValueError(f"colours: write {' and '.join(USUAL)}")
    chosen = {scheme: _colour(scheme, colours.get(scheme, USUAL[scheme])) for scheme in USUAL}
    return Appearance(MappingProxyType(portal), _logo(written.pop("logo", None), folder), **chosen)


def contrast(one: str, other: str) -> float:
    """Of two colours, 1 to 21. Source: WCAG 2.2, «contrast ratio»."""
    darker, lighter = sorted(map(_luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def _colour(scheme: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch("#[0-9a-fA-F]{6}", value):
        raise ValueError(f"colours.{scheme}: write it like #14508c")
    for background in ON[scheme]:
        if (found := contrast(value, background)) < LEAST_CONTRAST:
            wanted = "darker" if scheme == "light" else "lighter"
            raise ValueError(
                f"colours.{scheme}: {value} stands out by {found:.1f} to 1 on {background}, and"
                f" {LEAST_CONTRAST} is needed: take a {wanted} one"
            )
    return value.lower()


def _logo(name: Any, folder: Path) -> bytes | None:
    if name is None:
        return (resources.files("infrastructure") / "logo.svg").read_bytes()
    if name == "":
        return None
    if not isinstance(name, str) or not name.endswith(".svg"):
        raise ValueError('logo: name an SVG file beside this one, or write ""')
    logo = (folder / name).read_bytes()
    if len(logo) > LOGO_BYTES:
        raise ValueError(f"logo: {name} has {len(logo)} bytes; make it smaller than {LOGO_BYTES}")
    return logo


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
