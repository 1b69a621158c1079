"""Personal data on pages: as a form takes them, as its fields show them, and as they are looked over."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple

import phonenumbers
from marshmallow import ValidationError, fields, post_load, pre_load, validates_schema

from api.context import locale
from api.faults import Fault
from api.schemas.profile import ProfileBody
from api.web.forms import CHECKED
from api.web.words import day, t
from domain.profile import PersonalData
from domain.values import fold, format_ahv
from infrastructure.codes import codes, label

NO_NUMBER_YET: Final = "ahv_number_missing"
HOME: Final = "CH"
NEIGHBOURS: Final = (HOME, "FR", "DE", "IT", "PT")  # who comes here most often; they stand first
_DAY: Final = re.compile(
    r"([0-9]{1,2})[\s./,-]+([0-9]{1,2})[\s./,-]+([0-9]{4})|([0-9]{2})([0-9]{2})([0-9]{4})"
)

PARTS: Final[Mapping[str, tuple[str, ...]]] = {  # of the page to look all over, in its order
    "identity": (
        "ahv_number",
        "given_name",
        "family_name",
        "birth_name",
        "birth_date",
        "sex",
        "nationality",
    ),
    "contact": ("street", "place", "country", "phone"),
    "work": ("function", "school", "canton"),
}
_LISTS: Final = {
    "sex": "sexes",
    "nationality": "countries",
    "country": "countries",
    "function": "functions",
    "school": "schools",
    "canton": "cantons",
}


class ProfileForm(ProfileBody):
    """What the API takes, as people write it: `31.12.1980`, and a box for who has no AHV number yet."""

    ahv_number_missing = fields.Boolean(load_default=False)

    @pre_load
    def as_api(self, typed: Mapping[str, Any], **_options: object) -> dict[str, Any]:
        taken = {**typed, "birth_date": iso_day(typed["birth_date"])} if "birth_date" in typed else {**typed}
        if taken.get(NO_NUMBER_YET) and not taken.get("ahv_number", "").strip():
            taken["ahv_number"] = None
        return taken

    @validates_schema(skip_on_field_errors=False)
    def a_number_or_none(self, typed: Mapping[str, Any], **_options: object) -> None:
        if typed.get(NO_NUMBER_YET) and typed.get("ahv_number"):
            raise ValidationError({"ahv_number": [Fault("not-both")]})

    @post_load
    def as_personal_data(self, typed: dict[str, Any], **_options: object) -> PersonalData:
        del typed[NO_NUMBER_YET]
        return super().as_personal_data(typed)


class Shown(NamedTuple):
    """One line to look over. name: of the field, or `place`. text: None where nothing was said."""

    name: str
    label: str
    text: str | None


def iso_day(typed: str) -> str:
    """`31.12.1980`, with any separator or none, as `1980-12-31`; what is no such day stays as it is."""
    found = _DAY.fullmatch(typed.strip())
    if not found:
        return typed
    day, month, year = (part for part in found.groups() if part)
    return f"{year}-{month:0>2}-{day:0>2}"


def in_fields(data: PersonalData) -> dict[str, str]:
    """As the fields of the form show it, which understands all of it."""
    return {
        **{name: value or "" for name, value in data.values().items()},
        "ahv_number": format_ahv(data.ahv_number) if data.ahv_number else "",
        NO_NUMBER_YET: "" if data.ahv_number else CHECKED,
        "birth_date": f"{data.birth_date:%d.%m.%Y}",
        "phone": _phone(data.phone) or "",
    }


def in_words(data: PersonalData) -> dict[str, list[Shown]]:
    """Part → lines."""
    told = {**data.values(), "place": f"{data.postal_code} {data.city}"}
    told |= {
        name: told[name] and label(locale(), listed, told[name])
        for name, listed in _LISTS.items()
        if told[name] is not None
    }
    told["ahv_number"] = format_ahv(data.ahv_number) if data.ahv_number else t("my-data.no-number-yet")
    told["birth_date"], told["phone"] = day(data.birth_date), _phone(data.phone)
    return {
        part: [Shown(name, t(f"my-data.fields.{name}"), told[name]) for name in names]
        for part, names in PARTS.items()
    }


@cache
def choices(language: str) -> dict[str, list[tuple[str, str]]]:
    """For each field that is chosen from a list: code and label; shared by all callers, so only to be read."""
    offered = {
        name: [(item["code"], item["label"][language]) for item in codes()[listed]]
        for name, listed in _LISTS.items()
    }
    for name in ("nationality", "country"):
        offered[name].sort(key=lambda country: (_rank(country[0]), fold(country[1])))
    return offered


def _rank(country: str) -> int:
    return NEIGHBOURS.index(country) if country in NEIGHBOURS else len(NEIGHBOURS)


def _phone(number: str | None) -> str | None:
    """As one dials it from here: `032 886 99 31`, `+33 3 81 00 00 00`."""
    if number is None:
        return None
    parsed = phonenumbers.parse(number)
    national = phonenumbers.region_code_for_number(parsed) == HOME
    form = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(parsed, form.NATIONAL if national else form.INTERNATIONAL)
