"""docs/asvs.md: it leaves no requirement out, and what it names as a test is one."""

import re
from collections import Counter
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PAGE = (PROJECT / "docs/asvs.md").read_text("utf-8")
# How many requirements of levels 1 and 2 a section has; they come before those of level 3 (5.0.0 of May 2025).
SECTIONS = {
    "V1": {1: 2, 2: 9, 3: 11, 4: 3, 5: 2},
    "V2": {1: 3, 2: 3, 3: 4, 4: 1},
    "V3": {2: 2, 3: 4, 4: 6, 5: 5, 7: 2},
    "V4": {1: 3, 2: 1, 3: 2, 4: 4},
    "V5": {1: 1, 2: 3, 3: 2, 4: 3},
    "V6": {1: 3, 2: 12, 3: 4, 4: 4, 5: 5, 6: 3, 8: 4},
    "V7": {1: 3, 2: 4, 3: 2, 4: 5, 5: 2, 6: 2},
    "V8": {1: 2, 2: 3, 3: 1, 4: 1},
    "V11": {1: 2, 2: 3, 3: 3, 4: 4, 5: 1, 6: 1},
    "V12": {1: 3, 2: 2, 3: 4},
    "V13": {1: 1, 2: 5, 3: 2, 4: 5},
    "V14": {1: 2, 2: 4, 3: 3},
    "V15": {1: 3, 2: 3, 3: 7},
    "V16": {1: 1, 2: 5, 3: 4, 4: 3, 5: 3},
}
ROW = re.compile(r"^\| (V[\d.]+) \| ([12]) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def test_every_test_that_the_page_names_exists():
    tests = {
        name
        for file in PROJECT.glob("tests/test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text("utf-8"), re.MULTILINE)
    }
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named
    assert named - tests == set()


def test_every_requirement_of_levels_1_and_2_stands_there_once():
    asked = [
        f"{chapter}.{section}.{number}"
        for chapter, sections in SECTIONS.items()
        for section, last in sections.items()
        for number in range(1, last + 1)
    ]
    assert Counter(re.findall(r"^\| (V.*?) \|", PAGE.replace(", V", " |\n| V"), re.MULTILINE)) == Counter(
        asked
    )


def test_whatever_is_not_kept_whole_says_what_is_missing():
    rows = ROW.findall(PAGE)
    assert len(rows) == len(re.findall(r"^\| V[\d.]+ \| [12] ", PAGE, re.MULTILINE))
    assert {state for *_, state, _ in rows} == {"✅", "partly", "not"}
    assert [number for number, *_, state, shown in rows if (state == "✅") == ("not: " in shown)] == []
