"""The portfolio file: what it holds, cell by cell. How files are read: infrastructure/import_file.py.

`record_number`, `kind` and `number` say which item a line is about; `file` is a path inside the folder of documents,
and `sha256` says which bytes are meant.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

from domain.portfolio import KINDS, STATES
from domain.values import InvalidValue
from infrastructure.import_file import Column, ImportFile, Refusal, Row, parse_code, parse_day

KEY: Final = ("record_number", "kind", "number")
PATH_LIMIT: Final = 1000


class PortfolioFile(ImportFile):
    def __init__(self, path: Path, *, names: Mapping[str, str] | None = None) -> None:
        """Raises FileRefused, OSError."""
        super().__init__(path, COLUMNS, together=("file", "sha256"), names=names)

    def __iter__(self) -> Iterator[Row | list[Refusal]]:
        for row in super().__iter__():
            yield (_faults(row) or row) if isinstance(row, Row) else row


def _faults(row: Row) -> list[Refusal]:
    """What no cell alone shows."""
    faults, values = [], row.values
    if values.get("from") and values.get("to") and values["from"] > values["to"]:
        faults.append(Refusal(row.line, "from", "after-the-other", {"other": "to"}))
    for name, other in (("file", "sha256"), ("sha256", "file")):
        if name in values and values[other] and not values[name]:
            faults.append(Refusal(row.line, name, "missing"))
    return faults


def _kind(text: str) -> str:
    return parse_code(text.lower() if text.lower() in KINDS else None)


def _state(text: str) -> str:
    return parse_code(text.lower() if text.lower() in STATES else None)


def _ects(text: str) -> Decimal:
    if not re.fullmatch(r"[0-9]{1,3}([.,][0-9]{1,2})?", text):
        raise InvalidValue("invalid-ects")
    return Decimal(text.replace(",", "."))


def _sha256(text: str) -> str:
    if not re.fullmatch("[0-9a-fA-F]{64}", text):
        raise InvalidValue("invalid-sha256")
    return text.lower()


COLUMNS: Final[Mapping[str, Column]] = {
    "record_number": Column(known=True),
    "kind": Column(_kind, known=True),
    "number": Column(known=True),
    "title": Column(),
    "state": Column(_state),
    "from": Column(parse_day),
    "to": Column(parse_day),
    "ects": Column(_ects),
    "file": Column(limit=PATH_LIMIT),
    "sha256": Column(_sha256),
}
