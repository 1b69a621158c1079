"""Charts, drawn on the server: SVG of attributes and classes, without script or style, in the manner of newspapers.

A drawing is as wide as its screen: WIDE and NARROW are two drawings of one chart, of which the style sheet shows one.
Colours are classes (static/dashboard.css), so that they follow the reader's scheme.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

from markupsafe import Markup, escape

LETTER: Final = 7.2  # about how wide a figure of the labels is
TOP, BOTTOM, GAP = 20, 26, 6  # above the plot, below it, between a label and what it says
STEPS: Final = (1, 2, 5)  # of round numbers, times powers of ten
APART: Final = 15  # between labels at the ends of lines


class Size(NamedTuple):
    """In CSS pixels, where the drawing is shown at its own size. lines: of the grid, at most."""

    width: int
    height: int
    lines: int


WIDE: Final = Size(640, 240, 4)
NARROW: Final = Size(320, 200, 3)


@dataclass(frozen=True)
class Series:
    """Numbers from 0 on, one a place. kind: the class that colours them. end: what stands at a line's end."""

    kind: str
    values: Sequence[int]
    end: str = ""


@dataclass(frozen=True)
class Places:
    """What stands below. labels: by place. shaded: places of another kind, like days off. partial: incomplete ones.

    limit: a line before a place, with its words.
    """

    count: int
    labels: Mapping[int, str]
    shaded: Collection[int] = ()
    partial: Collection[int] = ()
    limit: tuple[int, str] | None = None


@dataclass(frozen=True)
class Said:
    """What a reader hears who sees no chart. name: unique on the page."""

    name: str
    title: str
    description: str


@dataclass
class Plot:
    """The part of a drawing that holds the data, from `left` to `right`; pieces are drawn in their order."""

    size: Size
    top: int  # the number at its upper edge
    places: Places
    right: float
    pieces: list[Markup] = field(default_factory=list)

    @property
    def left(self) -> float:
        return len(str(self.top)) * LETTER + GAP

    @property
    def slot(self) -> float:
        return (self.right - self.left) / max(self.places.count, 1)

    @property
    def floor(self) -> float:
        return self.size.height - BOTTOM

    def x(self, place: float) -> float:
        """The left edge of a place."""
        return self.left + place * self.slot

    def y(self, value: float) -> float:
        return self.floor - value / self.top * (self.floor - TOP)

    def draw(self, tag: str, words: str = "", **attributes: object) -> None:
        self.pieces.append(element(tag, words, **attributes))


def columns(series: Sequence[Series], places: Places, said: Said, size: Size, *, marked: str = "") -> Markup:
    """Columns side by side, of several series one upon the other; the highest one bears its sum.

    marked: the class of columns beyond `places.limit`.
    """
    sums = [sum(values) for values in zip(*(each.values for each in series), strict=True)]
    plot = _plot(max(sums, default=0), places, size, right=size.width)
    width = plot.slot - (1 if plot.slot < 12 else plot.slot * 0.22)
    for place in range(places.count):
        base = 0
        kept = bool(places.limit and place >= places.limit[0]) and marked
        besides = " ".join(filter(None, (kept, "partial" if place in places.partial else "")))
        for each in series:
            value = each.values[place]
            if value:
                upper, lower = plot.y(base + value), plot.y(base)
                plot.draw(
                    "rect",
                    class_=f"{each.kind} {besides}".rstrip(),
                    x=plot.x(place) + (plot.slot - width) / 2,
                    y=upper,
                    width=width,
                    height=lower - upper,
                )
            base += value
    if sums and max(sums):
        highest = sums.index(max(sums))
        middle = min(max(plot.x(highest + 0.5), plot.left + 10), plot.right - 10)
        plot.draw("text", str(sums[highest]), class_="value", x=middle, y=plot.y(sums[highest]) - GAP)
    return _drawing(plot, said)


def steps(series: Sequence[Series], places: Places, said: Said, size: Size) -> Markup:
    """Levels that hold from place to place, each with the ground below it, and its words at the end."""
    margin = max(len(each.end) for each in series) * LETTER * 0.92 + GAP
    highest = max((max(each.values, default=0) for each in series), default=0)
    plot = _plot(highest, places, size, right=size.width - margin)
    for each in series:
        path = "".join(_stairs(each.values, plot))
        plot.draw("path", class_=f"{each.kind} ground", d=path)
        plot.draw("path", class_=f"{each.kind} line", d=path)
    for each, height in zip(series, _apart([plot.y(each.values[-1]) for each in series], plot), strict=True):
        plot.draw("text", each.end, class_=f"{each.kind} end", x=plot.right + GAP, y=height + 4)
    return _drawing(plot, said)


def _stairs(values: Sequence[int], plot: Plot) -> Iterator[str]:
    """From the ground and back to it, wherever the value is not 0."""
    edges = [0, *values, 0]
    for place, (old, new) in enumerate(pairwise(edges)):
        x, y = number(plot.x(place)), number(plot.y(new))
        if old == 0 and new:
            yield f"M{x} {number(plot.floor)}V{y}"
        elif new != old:
            yield f"H{x}V{y}"


def element(tag: str, words: str = "", **attributes: object) -> Markup:
    """One element of SVG, everything escaped. `class_` is `class`, `_` in names is `-`; numbers are rounded."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(number(value))}"'
        for name, value in attributes.items()
    )
    return Markup(f"<{tag}{written}>{escape(words)}</{tag}>")


def number(value: object) -> object:
    """A float as short as a screen can tell."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value


def round_steps(highest: int, lines: int) -> int:
    """The least round step that takes as many lines at most up to `highest`."""
    power = 1
    while True:
        for step in STEPS:
            if step * power * lines >= highest:
                return step * power
        power *= 10


def _plot(highest: int, places: Places, size: Size, right: float) -> Plot:
    step = round_steps(highest, size.lines)
    top = max(-(-highest // step), 1) * step
    plot = Plot(size, top, places, right)
    for place in places.shaded:
        plot.draw("rect", class_="shaded", x=plot.x(place), y=TOP, width=plot.slot, height=plot.floor - TOP)
    for value in range(0, top + 1, step):
        height = round(plot.y(value)) + 0.5  # a line of one sharp pixel
        plot.draw("line", class_="grid" if value else "axis", x1=plot.left, x2=right, y1=height, y2=height)
        plot.draw("text", str(value), class_="tick", x=plot.left - GAP, y=plot.y(value) + 4)
    for place, words in places.labels.items():
        middle, half = plot.x(place + 0.5), len(words) * LETTER / 2
        is_last = middle + half > right
        plot.draw(
            "text",
            words,
            class_="place at-end" if is_last else "place",
            x=right if is_last else max(middle, half),
            y=size.height - 8,
        )
    return plot


def _drawing(plot: Plot, said: Said) -> Markup:
    if plot.places.limit:
        after, words = plot.places.limit
        if after < plot.places.count:
            plot.draw("line", class_="limit", x1=plot.x(after), x2=plot.x(after), y1=4, y2=plot.floor)
            plot.draw("text", words, class_="limit-words", x=plot.x(after) + GAP, y=14)
    inside = [
        element("title", said.title, id=f"{said.name}-title"),
        element("desc", said.description, id=f"{said.name}-desc"),
        *plot.pieces,
    ]
    return Markup(
        f'<svg class="chart" viewBox="0 0 {plot.size.width} {plot.size.height}" role="img"'
        f' aria-labelledby="{escape(said.name)}-title {escape(said.name)}-desc">{Markup().join(inside)}</svg>'
    )


def _apart(heights: Sequence[float], plot: Plot) -> list[float]:
    """The same, moved up as far as labels want to be read, and not below the ground."""
    placed: dict[int, float] = {}
    lowest = plot.floor - 2
    for index in sorted(range(len(heights)), key=heights.__getitem__, reverse=True):
        placed[index] = lowest = min(heights[index], lowest)
        lowest -= APART
    return [placed[index] for index in range(len(heights))]
