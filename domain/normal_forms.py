"""Names, streets and numbers as they are compared, however somebody wrote them.

`Müller`, `Mueller` and `MULLER` are one form, and so are `De Luca`, `Deluca` and `Luca`, `Rte de la Gare 12 A` and
`route gare 12a`. What is kept of a name is a set of forms; two names agree when they share one.
"""

import re
from functools import lru_cache
from typing import Final

from domain.values import fold, spellings

REMEMBERED: Final = 100_000  # of each kind: a register writes the same names and streets again and again

_PARTICLES: Final = (
    "d da das de dei del della delle den der des di do dos du el l la le les lo van vom von y zu zum zur"
)
PARTICLES: Final = frozenset(_PARTICLES.split())
_SPELT_OUT: Final = re.compile("([aou])e")  # an umlaut in two letters

_STREETS: Final = {
    "all": "allee",
    "av": "avenue",
    "ave": "avenue",
    "bd": "boulevard",
    "blvd": "boulevard",
    "boul": "boulevard",
    "ch": "chemin",
    "che": "chemin",
    "crt": "cret",
    "esc": "escaliers",
    "fbg": "faubourg",
    "fg": "faubourg",
    "gd": "grand",
    "gde": "grande",
    "grd": "grand",
    "imp": "impasse",
    "pass": "passage",
    "pl": "place",
    "prom": "promenade",
    "q": "quai",
    "r": "rue",
    "rte": "route",
    "rt": "route",
    "rle": "ruelle",
    "sent": "sentier",
    "st": "saint",
    "ste": "sainte",
    "str": "strasse",
    "v": "via",
}
_ENDING: Final = re.compile(r"(?<=\w)str$")  # Bahnhofstr.
_HOUSE: Final = re.compile(r"\b(\d+) ?([a-z])?\b")


@lru_cache(REMEMBERED)
def words(name: str) -> tuple[str, ...]:
    """The words of a name without particles; all of them where it has no others."""
    told = tuple(fold(name).split())
    return tuple(word for word in told if word not in PARTICLES) or told


@lru_cache(REMEMBERED)
def name_forms(name: str) -> frozenset[str]:
    """The forms that a whole name is met in: joined up, with and without its particles, umlauts as one letter."""
    joined = {spelling.replace(" ", "") for spelling in spellings(name)} | {"".join(words(name))}
    return frozenset(_SPELT_OUT.sub(r"\1", form) for form in joined if form)


@lru_cache(REMEMBERED)
def name_parts(name: str) -> frozenset[str]:
    """The parts of a double name, each in the forms it is met in. Initials are none."""
    return frozenset(_SPELT_OUT.sub(r"\1", word) for word in words(name) if len(word) > 1)


_GROUPS: Final = (("ph", "f"), ("sch", "s"), ("ch", "s"), ("sh", "s"), ("ck", "k"), ("qu", "k"), ("th", "t"))
_ALIKE: Final = str.maketrans("cqzvwyjdgb", "kksffiitkp", "h")


@lru_cache(REMEMBERED)
def sound(part: str) -> str:
    """What a name is found by although a letter is wrong: its first letters and consonants, alike ones as one."""
    for written, heard in _GROUPS:
        part = part.replace(written, heard)
    heard = part.translate(_ALIKE)
    kept = heard[:1] + re.sub("[aeiou]", "", heard[1:])
    return re.sub(r"(.)\1+", r"\1", kept)[:5]


@lru_cache(REMEMBERED)
def street_form(street: str) -> tuple[str, str]:
    """The street without articles and abbreviations, joined up, and the house number with its letter."""
    plain = fold(re.sub(r"[.,;/]", " ", street))
    house = _HOUSE.search(plain)
    told = (house and plain.replace(house[0], " ", 1)) or plain
    spelt = [_STREETS.get(word, _ENDING.sub("strasse", word)) for word in told.split()]
    kept = [word for word in spelt if word not in PARTICLES] or spelt
    return _SPELT_OUT.sub(r"\1", "".join(kept)), "".join(house.groups("")) if house else ""


def phone_form(phone: str) -> str:
    """Digits with the country's; a number without a country is Swiss."""
    digits = re.sub(r"\(0\)|[^0-9+]", "", phone)
    if digits.startswith("+"):
        return digits[1:]
    return digits[2:] if digits.startswith("00") else f"41{digits.removeprefix('0')}"
