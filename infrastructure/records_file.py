"""The records file: what it holds, cell by cell. How files are read: infrastructure/import_file.py."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from domain.policies import EMAIL_LIMIT
from domain.values import InvalidValue, parse_ahv
from infrastructure.import_file import Column, ImportFile, Refusal, Row, parse_code, parse_day

OLDEST: Final = 120  # years since birth

_SEXES: Final = {"male": "male", "m": "male", "female": "female", "f": "female"}
_CANTONS: Final = re.compile(
    "AG|AI|AR|BE|BL|BS|FR|GE|GL|GR|JU|LU|NE|NW|OW|SG|SH|SO|SZ|TG|TI|UR|VD|VS|ZG|ZH|other"
)
# What nearly all look like, and what the libraries below would make of it: they take longer than all else of a line.
_PLAIN_EMAIL: Final = re.compile(
    r"(?=.{1,64}@)[A-Za-z0-9]+(?:[._+-][A-Za-z0-9]+)*"
    r"@(?:[a-z0-9]{1,30}(?:-[a-z0-9]{1,30})?\.){1,3}(?:ch|com|org|net|fr|de|it|at|eu|example)"
)
_PLAIN_PHONE: Final = re.compile(r"(?:\+41|0041|0)([1-9][0-9]{8})")


class RecordsFile(ImportFile):
    """Only `record_number` must be there, and each number once."""

    def __init__(self, path: Path, *, today: date, names: Mapping[str, str] | None = None) -> None:
        """today: where the future begins. Raises FileRefused, OSError."""
        super().__init__(path, columns(today), names=names)

    def __iter__(self) -> Iterator[Row | list[Refusal]]:
        first_lines: dict[str, int] = {}
        for row in super().__iter__():
            if isinstance(row, Row):
                first = first_lines.setdefault(row.values["record_number"], row.line)
                if first != row.line:
                    row = [Refusal(row.line, "record_number", "duplicate", {"first": first})]
            yield row


def _birth_date(text: str, *, today: date) -> date:
    day = parse_day(text)
    if day > today:
        raise InvalidValue("future-date")
    if (day.year + OLDEST, day.month, day.day) < (today.year, today.month, today.day):
        raise InvalidValue("too-old-date")
    return day


def _sex(text: str) -> str:
    return parse_code(_SEXES.get(text.lower()))


def _canton(text: str) -> str:
    code = text.lower() if text.lower() == "other" else text.upper()
    return parse_code(code if _CANTONS.fullmatch(code) else None)


def _email(text: str) -> str:
    if _PLAIN_EMAIL.fullmatch(text):
        return text
    try:
        # The register may hold addresses of a test network; whether mail arrives is not for a file to say.
        checked = validate_email(
            text, check_deliverability=False, allow_smtputf8=False, test_environment=True
        )
    except EmailNotValidError:
        raise InvalidValue("invalid-email") from None
    return checked.normalized


def _phone(text: str) -> str:
    """E.164; a number without a country is Swiss."""
    if plain := _PLAIN_PHONE.fullmatch(text.replace(" ", "")):
        return f"+41{plain[1]}"
    try:
        number = phonenumbers.parse(text, "CH")
    except phonenumbers.NumberParseException:
        raise InvalidValue("invalid-phone") from None
    if not phonenumbers.is_possible_number(number):
        raise InvalidValue("invalid-phone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def columns(today: date) -> Mapping[str, Column]:
    """Of a person in the register; files of profiles have most of them too."""
    return {
        "record_number": Column(known=True),
        "ahv_number": Column(parse_ahv),
        "family_name": Column(),
        "given_name": Column(),
        "birth_name": Column(),
        "birth_date": Column(partial(_birth_date, today=today)),
        "sex": Column(_sex),
        "street": Column(lines=True),
        "postal_code": Column(),
        "city": Column(),
        "canton": Column(_canton),
        "email": Column(_email, limit=EMAIL_LIMIT),
        "phone": Column(_phone),
    }
