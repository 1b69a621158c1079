"""What a person declares beside what the register holds, field by field, as a clerk reads it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from babel.numbers import format_decimal, format_percent

from api.context import locale
from api.web.words import DATES, short_day
from domain.comparing import FIELDS
from domain.matching import Comparison, is_identical
from domain.persons import Record
from domain.values import format_ahv, mask_ahv
from infrastructure import codes

LISTS: Final = {  # the list that a field's codes stand in
    "sex": "sexes",
    "nationality": "countries",
    "country": "countries",
    "function": "functions",
    "school": "schools",
    "canton": "cantons",
    "locale": "locales",
}
BESIDES: Final = ("nationality", "country", "canton", "function", "school")  # declared, and in no record
SIGNS: Final = {"equal": "=", "similar": "≈", "different": "≠", "missing": "∅"}


class Cell(NamedTuple):
    value: str | None
    verdict: str
    sign: str
    weight: str


class Line(NamedTuple):
    """One field. cells: one a candidate."""

    name: str
    declared: str | None
    cells: list[Cell]


class Column(NamedTuple):
    """One candidate. certain: all that identifies agrees. holder: the account that is linked to it, if any."""

    record_number: str
    probability: str
    score: str
    certain: bool
    holder: Any


def columns(candidates: Sequence[Comparison], holders: Mapping[str, Any]) -> list[Column]:
    return [
        Column(
            each.record_number,
            percent(each.probability),
            weight(each.score),
            is_identical(each),
            holders.get(each.record_number),
        )
        for each in candidates
    ]


def lines(
    declared: Mapping[str, Any],
    candidates: Sequence[Comparison],
    records: Mapping[str, Record],
    *,
    masked: bool,
) -> list[Line]:
    """declared: the profile as it is shown, and the account's address."""
    return [
        Line(
            name,
            _with_city(name, declared, in_words(name, declared[name])),
            [_cell(name, each, records.get(each.record_number), masked) for each in candidates],
        )
        for name in FIELDS
    ]


def in_words(name: str, value: Any) -> str | None:
    """A value as people write it; a code that is no longer in its list as it is."""
    if value is None or value == "":
        return None
    if isinstance(value, date):
        return short_day(value)
    if name in LISTS:
        try:
            return codes.label(locale(), LISTS[name], value)
        except KeyError:
            return str(value)
    return str(value)


def percent(probability: float) -> str:
    """Never 100 %, which nobody knows."""
    return format_percent(min(probability, 0.999), "0.0 %", locale=DATES[locale()])


def weight(bits: float) -> str:
    return format_decimal(bits, "+0.0;−0.0", locale=DATES[locale()])


def _cell(name: str, candidate: Comparison, record: Record | None, masked: bool) -> Cell:
    field = next(field for field in candidate.fields if field.name == name)
    value = getattr(record, name, None)
    if name == "ahv_number" and value:
        value = (mask_ahv if masked else format_ahv)(value)
    shown = _with_city(name, vars(record) if record else {}, in_words(name, value))
    return Cell(shown, field.verdict, SIGNS[field.verdict], weight(field.weight) if field.weight else "")


def _with_city(name: str, values: Mapping[str, Any], shown: str | None) -> str | None:
    """The postal code alone is what is compared; one reads it with its town."""
    if name != "postal_code":
        return shown
    return " ".join(filter(None, (shown, values.get("city")))) or None
