"""A person and a record, field by field: equal, similar, different, or missing on either side."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Final

from domain.normal_forms import name_forms, name_parts, phone_form, street_form
from domain.persons import Declared, Record
from domain.values import address_key, fold

Likeness = Callable[[str, str], float]  # 0 (nothing in common) to 1 (the same text), the same both ways

LEVELS: Final = ("equal", "similar", "different")  # besides: missing
FIELDS: Final = (  # the order in which they are told; stored in events: never rename one
    "ahv_number",
    "family_name",
    "given_name",
    "birth_name",
    "birth_date",
    "sex",
    "street",
    "postal_code",
    "phone",
    "email",
)
ALIKE: Final = 0.8  # one letter in five, as typing errors go

Verdicts = dict[str, str]


def compare(declared: Declared, account_address: str, record: Record, likeness: Likeness) -> Verdicts:
    """The verdict on each of FIELDS. likeness: how alike two texts are.

    A family name is equal when one borne now or at birth is in both: one marries, and the register learns of it
    later. Names that have changed places are similar.
    """
    swapped = _swapped(declared, record)
    verdicts = {
        "ahv_number": same_or_not(declared.ahv_number, record.ahv_number),
        "family_name": _family_name(declared, record, likeness),
        "given_name": _name([declared.given_name], [record.given_name], likeness),
        "birth_name": _name([declared.birth_name], [record.birth_name], likeness),
        "birth_date": _day(declared.birth_date, record.birth_date),
        "sex": same_or_not(declared.sex, record.sex),
        "street": _street(declared.street, record.street, likeness),
        "postal_code": _place(declared, record),
        "phone": _phone(declared.phone, record.phone),
        "email": _email(account_address, record.email, likeness),
    }
    if swapped:
        for name in ("family_name", "given_name"):
            verdicts[name] = "similar" if verdicts[name] == "different" else verdicts[name]
    return verdicts


def shared_forms(ours: Iterable[str | None], theirs: Iterable[str | None]) -> frozenset[str]:
    return _forms(ours) & _forms(theirs)


def family_names(person: Declared | Record) -> tuple[str | None, str | None]:
    return person.family_name, person.birth_name


def same_or_not(one: object, other: object) -> str:
    if not one or not other:
        return "missing"
    return "equal" if one == other else "different"


def _forms(names: Iterable[str | None]) -> frozenset[str]:
    return frozenset().union(*(name_forms(name) for name in names if name))


def _family_name(declared: Declared, record: Record, likeness: Likeness) -> str:
    return _name(family_names(declared), family_names(record), likeness)


def _name(ours: Iterable[str | None], theirs: Iterable[str | None], likeness: Likeness) -> str:
    one, other = _forms(ours), _forms(theirs)
    if not one or not other:
        return "missing"
    if one & other:
        return "equal"
    if _parts(ours) & _parts(theirs) or any(likeness(a, b) >= ALIKE for a in one for b in other):
        return "similar"
    return "different"


def _parts(names: Iterable[str | None]) -> frozenset[str]:
    return frozenset().union(*(name_parts(name) for name in names if name))


def _swapped(declared: Declared, record: Record) -> bool:
    """Whether the given name stands in the field of the family name, and the other way round."""
    return bool(
        shared_forms([declared.given_name], [record.family_name])
        and shared_forms([declared.family_name], [record.given_name])
    )


def _day(one: date | None, other: date | None) -> str:
    """Similar: day and month have changed places, or one of day, month and year is another."""
    if not one or not other:
        return "missing"
    if one == other:
        return "equal"
    turned = (one.year, one.month, one.day) == (other.year, other.day, other.month)
    agreeing = (one.year == other.year) + (one.month == other.month) + (one.day == other.day)
    return "similar" if turned or agreeing == 2 else "different"


def _street(one: str | None, other: str | None, likeness: Likeness) -> str:
    if not one or not other:
        return "missing"
    (name, house), (other_name, other_house) = street_form(one), street_form(other)
    if name == other_name and house == other_house:
        return "equal"
    if name == other_name or (house == other_house and likeness(name, other_name) >= ALIKE):
        return "similar"
    return "different"


def _place(declared: Declared, record: Record) -> str:
    if not declared.postal_code or not record.postal_code:
        return "missing"
    if declared.postal_code == record.postal_code:
        return "equal"
    cities = declared.city and record.city
    return "similar" if cities and fold(declared.city) == fold(record.city) else "different"


def _phone(one: str | None, other: str | None) -> str:
    return same_or_not(one and phone_form(one), other and phone_form(other))


def _email(ours: str, theirs: str | None, likeness: Likeness) -> str:
    """Equal is what the mails prove: the very same address. Similar is a likely change of domain, or a typing error."""
    if not theirs or not ours:
        return "missing"
    one, other = address_key(ours), address_key(theirs)
    if one == other:
        return "equal"
    same_box = one.rpartition("@")[0] == other.rpartition("@")[0]
    return "similar" if same_box or likeness(one, other) >= 0.9 else "different"
