"""The records file: what it holds, cell by cell, and what is refused in it.

CSV with a header, UTF-8 with or without BOM, `;` or `,`; an empty cell is unknown. Columns in any order; only
`record_number` must be there. Lines are counted as an editor counts them: the header is 1, and a cell in
quotes may go over several.
"""

import csv
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from domain.policies import EMAIL_LIMIT, TEXT_LIMIT
from domain.values import InvalidValue, has_control_characters, parse_ahv

OLDEST: Final = 120  # years since birth

_SEXES: Final = {"male": "male", "m": "male", "female": "female", "f": "female"}
_CANTONS: Final = re.compile(
    "AG|AI|AR|BE|BL|BS|FR|GE|GL|GR|JU|LU|NE|NW|OW|SG|SH|SO|SZ|TG|TI|UR|VD|VS|ZG|ZH|other"
)


@dataclass(frozen=True)
class Refusal:
    """A line that was not taken, and why. field: the column, or None for the line as a whole.

    code: of the tables `records-file` in the translations' codes or `fields` in their problems; details fill
    the placeholders. Never what the cell held: reports are kept and mailed.
    """

    line: int
    field: str | None
    code: str
    details: Mapping[str, object] = field(default_factory=dict)


class FileRefused(Exception):
    """Nothing of the file can be read: its header or its encoding is wrong."""

    def __init__(self, *refusals: Refusal) -> None:
        super().__init__(*(refusal.code for refusal in refusals))
        self.refusals = refusals


@dataclass(frozen=True)
class Row:
    """A line that was understood. values: by column, of the columns that the header names."""

    line: int
    values: dict[str, str | date | None]


class RecordsFile:
    """A records file whose header was understood. Iterate for its lines: a row, or what is wrong with it."""

    def __init__(self, path: Path, *, today: date) -> None:
        """Reads the file once to the end. today: where the future begins. Raises FileRefused, OSError."""
        self.path = path
        self.today = today
        self.lines = _count_lines(path)
        self.delimiter, self.columns = _header(path)

    def __iter__(self) -> Iterator[Row | list[Refusal]]:
        first_lines: dict[str, int] = {}
        for line, cells in self._lines():
            row = self._row(line, cells) if isinstance(cells, list) else [cells]
            if isinstance(row, Row):
                first = first_lines.setdefault(row.values["record_number"], line)
                if first != line:
                    row = [Refusal(line, "record_number", "duplicate", {"first": first})]
            yield row

    def _lines(self) -> Iterator[tuple[int, list[str] | Refusal]]:
        """Where each begins, and its cells, or why they cannot be told apart. Empty ones are passed over."""
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=self.delimiter, strict=True)
            next(reader)
            while True:
                line = reader.line_num + 1
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error:
                    yield line, Refusal(line, None, "quotes", {"last": reader.line_num})
                    continue
                if len(cells) != len(self.columns) and cells:
                    details = {"expected": len(self.columns), "found": len(cells)}
                    yield line, Refusal(line, None, "number-of-cells", details)
                elif any(map(str.strip, cells)):
                    yield line, cells

    def _row(self, line: int, cells: list[str]) -> Row | list[Refusal]:
        values, refusals = {}, []
        for column, cell in zip(self.columns, cells, strict=True):
            try:
                values[column] = _value(column, cell, self.today)
            except InvalidValue as invalid:
                refusals.append(Refusal(line, column, invalid.code, invalid.details))
        return refusals or Row(line, values)


def _count_lines(path: Path) -> int:
    number = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                raise FileRefused(Refusal(number, None, "not-utf-8")) from None
    return number


def _header(path: Path) -> tuple[str, tuple[str, ...]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline()
    delimiter = ";" if ";" in first else ","
    try:
        cells = next(csv.reader([first], delimiter=delimiter, strict=True), [])
    except csv.Error:
        raise FileRefused(Refusal(1, None, "no-header")) from None
    columns = tuple(cell.strip().lower() for cell in cells)
    if not any(columns):
        raise FileRefused(Refusal(1, None, "no-header"))
    refusals = [Refusal(1, column, "unknown-column") for column in columns if column not in COLUMNS]
    refusals += [Refusal(1, column, "column-twice") for column in COLUMNS if columns.count(column) > 1]
    if "record_number" not in columns:
        refusals.append(Refusal(1, "record_number", "column-missing"))
    if refusals:
        raise FileRefused(*refusals)
    return delimiter, columns


def _value(column: str, cell: str, today: date) -> str | date | None:
    text = unicodedata.normalize("NFC", cell).strip()
    if column == "street":
        text = re.sub(r"\s*[\r\n]+\s*", ", ", text)  # an address of two lines in one cell
    if has_control_characters(text):
        raise InvalidValue("control-characters")
    limit = EMAIL_LIMIT if column == "email" else TEXT_LIMIT
    if len(text) > limit:
        raise InvalidValue("too-long", max=limit)
    if not text:
        if column == "record_number":
            raise InvalidValue("missing")
        return None
    return COLUMNS[column](text, today)


def _text(text: str, today: date) -> str:
    return text


def _ahv_number(text: str, today: date) -> str:
    return parse_ahv(text)


def _birth_date(text: str, today: date) -> date:
    try:
        # fromisoformat takes week dates and dates without hyphens, too.
        day = date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        day = None
    if day is None:
        raise InvalidValue("invalid-date")
    if day > today:
        raise InvalidValue("future-date")
    if (day.year + OLDEST, day.month, day.day) < (today.year, today.month, today.day):
        raise InvalidValue("too-old-date")
    return day


def _sex(text: str, today: date) -> str:
    return _code(_SEXES.get(text.lower()))


def _canton(text: str, today: date) -> str:
    code = text.lower() if text.lower() == "other" else text.upper()
    return _code(code if _CANTONS.fullmatch(code) else None)


def _code(code: str | None) -> str:
    if code is None:
        raise InvalidValue("unknown-code")
    return code


def _email(text: str, today: date) -> str:
    try:
        # The register may hold addresses of a test network; whether mail arrives is not for a file to say.
        checked = validate_email(
            text, check_deliverability=False, allow_smtputf8=False, test_environment=True
        )
    except EmailNotValidError:
        raise InvalidValue("invalid-email") from None
    return checked.normalized


def _phone(text: str, today: date) -> str:
    """E.164; a number without a country is Swiss."""
    try:
        number = phonenumbers.parse(text, "CH")
    except phonenumbers.NumberParseException:
        raise InvalidValue("invalid-phone") from None
    if not phonenumbers.is_possible_number(number):
        raise InvalidValue("invalid-phone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


COLUMNS: Final[Mapping[str, Callable[[str, date], str | date]]] = {
    "record_number": _text,
    "ahv_number": _ahv_number,
    "family_name": _text,
    "given_name": _text,
    "birth_name": _text,
    "birth_date": _birth_date,
    "sex": _sex,
    "street": _text,
    "postal_code": _text,
    "city": _text,
    "canton": _canton,
    "email": _email,
    "phone": _phone,
}
