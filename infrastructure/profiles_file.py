"""A file of people as they would declare themselves, with the address of the account: what is matched, or learnt from.

How files are read: infrastructure/import_file.py. Of the profile's columns those that nothing is compared by are
passed over. `record_number` says whose record it is where that is known; empty: the register has none.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import Final

from application.training import Example
from domain.persons import Declared
from infrastructure.import_file import Column, ImportFile, Refusal, Row
from infrastructure.records_file import columns

NEEDED: Final = ("email", "family_name", "given_name", "birth_date")
PASSED_OVER: Final = ("nationality", "country", "function", "school", "canton")


@dataclass(frozen=True)
class Line:
    """line: as an editor counts it."""

    line: int
    example: Example


class ProfilesFile(ImportFile):
    def __init__(self, path: Path, *, today: date) -> None:
        """today: where the future begins. Raises FileRefused, OSError."""
        known = {**columns(today), **dict.fromkeys(PASSED_OVER, Column()), "record_number": Column()}
        super().__init__(path, known | {name: replace(known[name], known=True) for name in NEEDED})

    def people(self) -> Iterator[Line | list[Refusal]]:
        for row in self:
            yield _line(row) if isinstance(row, Row) else row


def _line(row: Row) -> Line:
    names = (field.name for field in fields(Declared))
    declared = Declared(**{name: row.values.get(name) for name in names})
    return Line(row.line, Example(declared, row.values["email"], row.values.get("record_number")))
