"""The accounts file: what it holds, cell by cell. How files are read: infrastructure/import_file.py."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Final

from application.imports import AccountLine
from domain.profile import PERSONAL_DATA
from domain.values import LOCALES, address_key
from infrastructure import records_file
from infrastructure.codes import is_code
from infrastructure.import_file import Column, ImportFile, Refusal, Row, parse_code

NEEDED: Final = ("email", "given_name", "family_name", "locale")
ONCE: Final = {
    "email": "duplicate-account",
    "record_number": "duplicate",
}  # in a file, and what is said of a second


class AccountsFile(ImportFile):
    def __init__(self, path: Path, *, today: date, names: Mapping[str, str] | None = None) -> None:
        """today: where the future begins. Raises FileRefused, OSError."""
        super().__init__(path, columns(today), names=names)

    def __iter__(self) -> Iterator[Row | list[Refusal]]:
        first_lines: dict[tuple[str, str], int] = {}
        for row in super().__iter__():
            yield (_repeated(row, first_lines) or row) if isinstance(row, Row) else row


def _repeated(row: Row, first_lines: dict[tuple[str, str], int]) -> list[Refusal]:
    found = []
    for name, code in ONCE.items():
        value = row.values.get(name)
        if value:
            first = first_lines.setdefault((name, address_key(value) if name == "email" else value), row.line)
            if first != row.line:
                found.append(Refusal(row.line, name, code, {"first": first}))
    return found


def account_line(row: Row) -> AccountLine:
    values = row.values
    told = {
        name: values[name] for name in PERSONAL_DATA if name not in NEEDED and values.get(name) is not None
    }
    return AccountLine(row.line, *(values[name] for name in NEEDED), told, values.get("record_number"))


def _code(text: str, *, codes: str, fold: type = str.lower) -> str:
    code = fold(text)
    return parse_code(code if is_code(codes, code) else None)


def _locale(text: str) -> str:
    """Also as other programs write it: FR, de-CH."""
    code = text.lower()[:2] if text[2:3] in ("", "-", "_") else text
    return parse_code(code if code in LOCALES else None)


@cache
def columns(today: date) -> Mapping[str, Column]:
    known = dict(records_file.columns(today))
    known |= {
        "record_number": Column(),
        "locale": Column(_locale),
        "nationality": Column(partial(_code, codes="countries", fold=str.upper)),
        "country": Column(partial(_code, codes="countries", fold=str.upper)),
        "function": Column(partial(_code, codes="functions")),
        "school": Column(partial(_code, codes="schools")),
    }
    return known | {name: replace(known[name], known=True) for name in NEEDED}
