"""The parameters of the matcher, as a file: TOML that training writes and people read."""

import tomllib
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any, Final

from domain.comparing import FIELDS, LEVELS
from domain.weighing import Model

HEAD: Final = """\
# What the agreement of a person with a record is worth; made by `matricule linking train`, never by hand.
# [levels.<field>] <verdict> = [m, u]: its share among pairs of the same person, and among pairs of strangers.
"""
NUMBERS: Final = ("coverage", "slope", "offset", "threshold", "margin")


class MatcherFault(Exception):
    """A file of parameters cannot be used; the text says why."""


def load_model(file: Path | None) -> Model:
    """file: None for the one that comes along. Raises MatcherFault."""
    try:
        source = file or resources.files("infrastructure") / "matcher.toml"
        return _model(tomllib.loads(source.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as fault:
        raise MatcherFault(
            f"MATCHER_FILE: {file} holds no parameters ({fault}): make them with matricule linking train."
        ) from None


def written(model: Model) -> str:
    """The same model for ever: numbers in full."""
    lines = [HEAD, f'version = "{model.version}"', f"trained_on = {model.trained_on.isoformat()}"]
    lines.append(f'trained_with = "{model.trained_with}"')
    lines += [f"{name} = {getattr(model, name)!r}" for name in NUMBERS]
    for field, levels in model.levels.items():
        lines.append(f"\n[levels.{field}]")
        lines += [f"{level} = [{m!r}, {u!r}]" for level, (m, u) in levels.items()]
    return "\n".join(lines) + "\n"


def _model(told: dict[str, Any]) -> Model:
    levels = {
        field: {level: (float(m), float(u)) for level, (m, u) in told["levels"][field].items()}
        for field in FIELDS
        if field in told["levels"]
    }
    wrong = [name for name in told["levels"] if name not in FIELDS]
    wrong += [level for each in levels.values() for level in each if level not in LEVELS]
    wrong += [
        str(each) for one in levels.values() for pair in one.values() for each in pair if not 0 < each <= 1
    ]
    numbers = {name: float(told[name]) for name in NUMBERS}
    if (
        wrong
        or not 0 < numbers["coverage"] <= 1
        or not 0 < numbers["threshold"] <= 1
        or numbers["slope"] <= 0
    ):
        raise ValueError(", ".join(wrong) or "a number out of its range")
    trained_on = told["trained_on"]
    if not isinstance(trained_on, date):
        raise TypeError("trained_on")
    return Model(
        version=str(told["version"]),
        trained_on=trained_on,
        trained_with=str(told["trained_with"]),
        levels=levels,
        **numbers,
    )
