"""One measured figure: what it is held against, and whether that is enough."""

import os
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Target:
    """bound: of the figure itself, or of its ratio to the floor named `of`."""

    bound: float
    at_least: bool
    of: str | None = None

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{sign} {self.bound:g}" + (f" of {self.of}" if self.of else "")


def at_least(bound: float, of: str | None = None) -> Target:
    return Target(bound, True, of)


def at_most(bound: float, of: str | None = None) -> Target:
    return Target(bound, False, of)


@dataclass(frozen=True)
class Figure:
    """floors: other ways to the same, of the same minutes and unit. target: None where none is set."""

    name: str
    ours: float
    unit: str
    target: Target | None = None
    floors: Mapping[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Ours in relation to the floor that the target names, else to the first."""
        name = self.target.of if self.target and self.target.of else next(iter(self.floors), None)
        return self.ours / self.floors[name] if name and self.floors[name] else None

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        judged = self.ratio if self.target.of else self.ours
        if judged is None:  # the floor is nothing
            return self.ours <= 0 or self.target.at_least
        return judged >= self.target.bound if self.target.at_least else judged <= self.target.bound

    @property
    def verdict(self) -> str:
        return {True: "met", False: "missed", None: ""}[self.met]

    def as_dict(self) -> dict[str, object]:
        return {
            "name": self.name,
            "ours": self.ours,
            "unit": self.unit,
            "floors": dict(self.floors),
            "ratio": self.ratio,
            "target": self.target and str(self.target),
            "met": self.met,
        }

    def __str__(self) -> str:
        parts = [f"{self.name}: {shown(self.ours)} {self.unit}"]
        parts += [f"{name} {shown(value)}" for name, value in self.floors.items()]
        if self.ratio is not None:
            parts.append(f"ratio {self.ratio:.2f}")
        if self.target:
            parts.append(f"wanted {self.target}: {self.verdict}")
        return ", ".join(parts)


def shown(value: float) -> str:
    """Three digits that count, thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def interleaved(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median of each, measured in turns, forwards and backwards, so that all see the same weather."""
    seen: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name in list(contenders) if number % 2 == 0 else reversed(contenders):
            seen[name].append(contenders[name]())
    return {name: statistics.median(values) for name, values in seen.items()}


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def table(figures: Sequence[Figure]) -> str:
    grid = Table("figure", "ours", "floors", "ratio", "target", "", box=None, pad_edge=False)
    for figure in figures:
        grid.add_row(
            figure.name,
            f"{shown(figure.ours)} {figure.unit}",
            "\n".join(f"{name} {shown(value)}" for name, value in figure.floors.items()),
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            str(figure.target or ""),
            figure.verdict,
        )
    console = Console(width=140, no_color=True)
    with console.capture() as capture:
        console.print(grid)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def machine() -> str:
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    return f"{os.cpu_count()} cores, {model}, Python {platform.python_version()}"


def load() -> str:
    return " ".join(f"{average:.1f}" for average in os.getloadavg())


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []
