"""Charts are drawn to scale, and say what they show to whoever does not see them."""

import re
from xml.etree import ElementTree

import pytest

from api.web.console.charts import NARROW, WIDE, Places, Said, Series, columns, round_steps, steps

SAID = Said("requests-wide", "12 demandes", "Le plus : 6 <le 3>.")
SVG = {"role": "img", "aria-labelledby": "requests-wide-title requests-wide-desc"}


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def rects(svg: str, kind: str) -> list[dict[str, float]]:
    return [
        {name: float(each.get(name)) for name in ("x", "y", "width", "height")}
        for each in drawn(svg).iter("rect")
        if kind in each.get("class").split()
    ]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_columns_are_as_high_as_their_numbers_and_stand_upon_each_other(size):
    series = [Series("lower", [1, 2, 0]), Series("upper", [4, 1, 0])]
    svg = columns(series, Places(3, {}), SAID, size)
    lower, upper = rects(svg, "lower"), rects(svg, "upper")
    one = lower[0]["height"]
    assert [round(each["height"] / one, 1) for each in lower + upper] == [1, 2, 4, 1]
    assert all(
        abs(over["y"] + over["height"] - under["y"]) < 0.2 for over, under in zip(upper, lower, strict=True)
    )
    assert lower[0]["x"] + lower[0]["width"] < lower[1]["x"]
    (highest,) = [each.text for each in drawn(svg).iter("text") if each.get("class") == "value"]
    assert highest == "5"


def test_columns_beyond_the_limit_and_incomplete_ones_are_marked():
    places = Places(4, {0: "0"}, shaded=[1], partial=[3], limit=(2, "délai"))
    svg = columns([Series("linked", [1, 1, 1, 1])], places, SAID, WIDE, marked="is-late")
    classes = [each.get("class") for each in drawn(svg).iter("rect")]
    assert classes == ["shaded", "linked", "linked", "linked is-late", "linked is-late partial"]
    (line,) = [each for each in drawn(svg).iter("line") if each.get("class") == "limit"]
    third = rects(svg, "is-late")[0]
    assert rects(svg, "linked")[1]["x"] < float(line.get("x1")) < third["x"]


def test_a_level_leaves_the_ground_only_where_there_is_something():
    svg = steps([Series("open", [0, 2, 2, 0, 1], "1 ouvert")], Places(5, {}), SAID, WIDE)
    (line,) = [each.get("d") for each in drawn(svg).iter("path") if each.get("class") == "open line"]
    assert re.fullmatch(r"(M\S+ \S+V\S+?H\S+?V214){2}", line), line
    assert [each.text for each in drawn(svg).iter("text") if "end" in each.get("class").split()] == [
        "1 ouvert"
    ]


def test_words_at_the_ends_of_lines_keep_apart():
    svg = steps([Series("open", [5], "5"), Series("late", [5], "5")], Places(1, {}), SAID, WIDE)
    heights = [float(each.get("y")) for each in drawn(svg).iter("text") if "end" in each.get("class").split()]
    assert abs(heights[0] - heights[1]) >= 15


def test_what_it_shows_is_said_and_nothing_becomes_markup():
    root = drawn(columns([Series("a", [6])], Places(1, {0: "<3 & 4>"}), SAID, WIDE))
    assert {name: root.get(name) for name in SVG} == SVG
    assert [root.find("title").text, root.find("desc").text] == [SAID.title, SAID.description]
    assert "<3 & 4>" in [each.text for each in root.iter("text")]


def test_the_grid_has_round_numbers():
    assert [round_steps(highest, 4) for highest in (0, 1, 4, 5, 9, 21, 130, 1786)] == [
        1,
        1,
        1,
        2,
        5,
        10,
        50,
        500,
    ]
    ticks = [each.text for each in drawn(columns([Series("a", [9])], Places(1, {}), SAID, WIDE)).iter("text")]
    assert ticks[:3] == ["0", "5", "10"]
