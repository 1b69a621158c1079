"""What people are found by when somebody types the beginning of a name, an address or a number.

Whatever is typed and whatever is stored is brought into one form, so that case, accents and hyphens do not matter; a
name is found from each of its words on, in either order.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from domain.values import fold, spellings

LONGEST: Final = 80  # characters that are compared; what is longer agrees in those
NAMES: Final = 6  # keys of one name; of more words and spellings the first


def search_form(text: str) -> str:
    """`Müller-Keller ` is `muller keller`. Empty where nothing is left to look for."""
    return fold(text)[:LONGEST].strip()


def name_keys(given_name: str | None, family_name: str | None, birth_name: str | None = None) -> list[str]:
    """`Claire`, `Rossel`: `rossel claire`, `claire rossel`; with umlauts in either spelling. The family name first."""
    found: dict[str, None] = {}
    for family in filter(None, (family_name or given_name, birth_name)):
        for key in _turned((family_name and given_name) or "", family):
            found.setdefault(key)
    return list(found)[:NAMES]


def number_keys(record_number: str | None) -> list[str]:
    """`R-1001` is found by `r-1001` and `r1001`."""
    written = search_form(record_number or "")
    return list(dict.fromkeys(filter(None, (written, written.replace(" ", "")))))


def _turned(given: str, family: str) -> Iterator[str]:
    """The name from each word on, what stands before at the end."""
    whole = _side_by_side(_words(given), _words(family))
    for first, last in whole:
        yield from (" ".join(last + first)[:LONGEST], " ".join(first + last)[:LONGEST])
    for first, last in whole:
        words = first + last
        for start in range(1, len(words)):
            yield " ".join(words[start:] + words[:start])[:LONGEST]


@lru_cache(100_000)  # people share names
def _words(part: str) -> list[list[str]]:
    """Of a name in each of its spellings, the shortest first."""
    return [form.split() for form in sorted(spellings(part), key=lambda form: (len(form), form))] or [[]]


def _side_by_side(one: list[list[str]], other: list[list[str]]) -> list[tuple[list[str], list[str]]]:
    """Both in the same spelling: all umlauts as one letter, then all as two."""
    return [
        (one[min(at, len(one) - 1)], other[min(at, len(other) - 1)])
        for at in range(max(len(one), len(other)))
    ]
