"""Where the lines of an imported file come from: CSV, or the first sheet of an Excel workbook (XLSX).

Lines are counted as an editor counts them: the header is 1, and a cell of CSV in quotes may go over several. Cells are
texts; a workbook's dates become ISO 8601. A formula is refused: what it yields depends on who opens the file.
"""

import csv
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Protocol
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import CellCoordinatesException, InvalidFileException

Fault = tuple[str, dict[str, object]]  # a code (infrastructure/import_file.py) and its details

ZIP: Final = b"PK\x03\x04"
HEADER: Final = 100_000  # characters
LINES: Final = 1_048_576  # as many as Excel knows
UNPACKED: Final = 1 << 30  # bytes of a workbook; a bomb has more
WHOLE: Final = (
    64 << 20
)  # bytes of its parts that are held in memory: all but the sheets, which are read line by line
SHEETS: Final = "xl/worksheets/"
# What the readers of ZIP, XML and workbooks raise over bytes that are none; encrypted parts are a RuntimeError.
GARBLED: Final = (
    ArithmeticError,
    AttributeError,
    CellCoordinatesException,
    EOFError,
    InvalidFileException,
    LookupError,
    OSError,
    ParseError,
    RuntimeError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zlib.error,
)


class Unreadable(Exception):
    """Nothing of the file can be told apart."""

    def __init__(self, line: int, code: str) -> None:
        super().__init__(code)
        self.line = line
        self.code = code


class Sheet(Protocol):
    lines: int  # as far as it is known

    def header(self) -> list[str]:
        """Raises Unreadable."""

    def rows(self, width: int) -> Iterator[tuple[int, list[str] | Fault]]:
        """Where each line after the header begins, and its cells, or why there are none. Empty ones are passed over."""


def open_sheet(path: Path) -> Sheet:
    """By what the file holds, whatever it is called. Reads CSV once to the end. Raises Unreadable, OSError."""
    with path.open("rb") as file:
        return Workbook(path) if file.read(len(ZIP)) == ZIP else Csv(path)


class Csv:
    """UTF-8 with or without BOM; `;` or `,`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = _count_lines(path)
        with path.open(encoding="utf-8-sig", newline="") as file:
            self._first = file.readline(HEADER + 1)
        self._delimiter = ";" if ";" in self._first else ","

    def header(self) -> list[str]:
        if len(self._first) > HEADER:
            raise Unreadable(1, "no-header")
        try:
            return next(csv.reader([self._first], delimiter=self._delimiter, strict=True), [])
        except csv.Error:
            raise Unreadable(1, "no-header") from None

    def rows(self, width: int) -> Iterator[tuple[int, list[str] | Fault]]:
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=self._delimiter, strict=True)
            next(reader)
            while True:
                line = reader.line_num + 1
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error:
                    yield line, ("quotes", {"last": reader.line_num})
                    continue
                if len(cells) != width and cells:
                    yield line, ("number-of-cells", {"expected": width, "found": len(cells)})
                elif any(map(str.strip, cells)):
                    yield line, cells


class Workbook:
    """Its first sheet, read line by line."""

    def __init__(self, path: Path) -> None:
        try:
            with zipfile.ZipFile(path) as packed:
                # No part yields more bytes than are told here: `zipfile` stops there.
                parts = [(part.filename.startswith(SHEETS), part.file_size) for part in packed.infolist()]
            whole = sum(size for is_sheet, size in parts if not is_sheet)
            if whole > WHOLE or sum(size for _, size in parts) > UNPACKED:
                raise Unreadable(1, "workbook-too-large")
            book = load_workbook(path.open("rb"), read_only=True, data_only=False, keep_links=False)
            self._sheet = book.worksheets[0]
        except GARBLED:
            raise Unreadable(1, "not-a-workbook") from None
        self.lines = min(self._sheet.max_row or 0, LINES)
        self._sheet.reset_dimensions()  # what a program wrote there need not be true

    def header(self) -> list[str]:
        return next((_texts(cells) for _, cells in self._lines()), [])

    def rows(self, width: int) -> Iterator[tuple[int, list[str] | Fault]]:
        for line, values in self._lines():
            cells = _texts(values)
            if line == 1 or not any(map(str.strip, cells)):
                continue
            if len(cells) > width:
                yield line, ("number-of-cells", {"expected": width, "found": len(cells)})
            else:
                yield line, cells + [""] * (width - len(cells))

    def _lines(self) -> Iterator[tuple[int, Sequence[Any]]]:
        try:
            for line, values in enumerate(self._sheet.iter_rows(values_only=True), start=1):
                if line > LINES:  # those that a workbook leaves out are made up, as many as it says
                    raise Unreadable(line, "workbook-too-large")
                yield line, values
        except GARBLED:
            raise Unreadable(1, "not-a-workbook") from None


def _texts(values: Sequence[Any]) -> list[str]:
    """Without the empty cells at the end."""
    texts = [_text(value) for value in values]
    while texts and not texts[-1].strip():
        texts.pop()
    return texts


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return (value.date() if value.time() == value.min.time() else value).isoformat()
        case date():
            return value.isoformat()
        case float() if value.is_integer():
            return str(int(value))
        case str() | int() | float() | Decimal():
            return str(value)
    return "="  # a formula over several cells, or what else is no plain value


def _count_lines(path: Path) -> int:
    number = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                raise Unreadable(number, "not-utf-8") from None
    return number
