"""By what the records are found that may be a person's, among a million, without looking at all.

Each key is a number, an index holds those of every record, and a record is looked at when it shares one with the
person. A key asks for two things at least, so that few share it; each outlives other faults: a wrong letter, another
birth date or none, names that have changed places, a marriage, a move. AHV numbers have an index of their own.
"""

from datetime import date
from hashlib import blake2b
from itertools import product
from typing import Final

from domain.normal_forms import name_forms, name_parts, phone_form, sound, street_form
from domain.persons import Declared, Record
from domain.values import address_key

KEYS: Final = 64  # of one person at most: who bears eight names is found by the first ones


def blocking_keys(person: Declared | Record, email: str | None) -> list[int]:
    """Signed 64-bit numbers, in order, each once.

    Stored with the records: whoever makes them in another way lets go of all with a migration.
    """
    given = _sounds(person.given_name)
    family = _sounds(person.family_name) | _sounds(person.birth_name)
    either = sorted(family | given)
    both = sorted({tuple(sorted(pair)) for pair in product(family, given)})
    born, place = person.birth_date, person.postal_code
    told: list[tuple[object, ...]] = []
    if email:
        told.append(("email", address_key(email)))
    if person.phone:
        told.append(("phone", phone_form(person.phone)))
    if born and place:
        told.append(("born", born.isoformat(), place))
    if born:
        told += [("day", born.isoformat(), name) for name in either]
        for pair in both:
            told += [("year", born.year, *pair), ("turned", *_either_way(born), *pair)]
    if person.street and place:
        street, house = street_form(person.street)
        heard, digits = sound(street), "".join(sorted(place))  # which may have changed places
        told += [("home", digits, heard, house, name) for name in either]
        for pair in both:
            told.append(("street", place, heard, *pair))
            if house:
                told += [("house", place, house, *pair), ("door", heard, house, *pair)]
    return sorted({_number(key) for key in told[:KEYS]})


def _sounds(name: str | None) -> set[str]:
    """Of a name's parts, and of the whole, joined up."""
    if not name:
        return set()
    return {heard for part in name_parts(name) | name_forms(name) if (heard := sound(part))}


def _either_way(born: date) -> tuple[int, int]:
    """The same for 3 April and 4 March."""
    return min(born.day, born.month), max(born.day, born.month)


def _number(key: tuple[object, ...]) -> int:
    digest = blake2b("\x1f".join(map(str, key)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
