"""Files that an institution hands over: how lines and cells are read, what is refused, and the report of it.

CSV with a header, UTF-8 with or without BOM, `;` or `,`; an empty cell is unknown. Columns in any order. Lines are
counted as an editor counts them: the header is 1, and a cell in quotes may go over several.
"""

import csv
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from domain.policies import TEXT_LIMIT
from domain.values import InvalidValue, has_control_characters
from infrastructure.translations import table, text

# Where the reasons are told, besides those of fields: by kind of file, and what all files share.
OF_FILES: Final = ("records-file", "portfolio-file")


@dataclass(frozen=True)
class Refusal:
    """A line that was not taken, and why. field: the column, or None for the line as a whole.

    code: of the tables `OF_FILES` in the translations' codes or `fields` in their problems; details fill
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
    """A line that was understood. values: by column, of the columns that the header names; None is unknown."""

    line: int
    values: dict[str, Any]


@dataclass(frozen=True)
class Column:
    """parse: raises InvalidValue. lines: a cell may have several, which become one. known: it may not be empty."""

    parse: Callable[[str], Any] = str
    limit: int = TEXT_LIMIT
    lines: bool = False
    known: bool = False

    def value(self, cell: str) -> Any:
        """Raises InvalidValue."""
        typed = unicodedata.normalize("NFC", cell).strip()
        if self.lines:
            typed = re.sub(r"\s*[\r\n]+\s*", ", ", typed)
        if has_control_characters(typed):
            raise InvalidValue("control-characters")
        if len(typed) > self.limit:
            raise InvalidValue("too-long", max=self.limit)
        if typed:
            return self.parse(typed)
        if self.known:
            raise InvalidValue("missing")
        return None


@dataclass
class Report:
    """What an import did, or in a dry run would do, in lines; `refused` has an entry for each fault."""

    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[Refusal] = field(default_factory=list)

    def add(self, rows: Sized, faults: Sequence[Sequence[Refusal]], added: int, changed: int) -> None:
        """Lines that were taken, of which so many were new or different, and lines that were not."""
        self.read += len(rows) + len(faults)
        self.added += added
        self.changed += changed
        self.unchanged += len(rows) - added - changed
        self.refused.extend(chain.from_iterable(faults))

    def as_dict(self, locale: str) -> dict[str, object]:
        return {
            "read": self.read,
            "added": self.added,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "refused": [
                {
                    "line": refusal.line,
                    "field": refusal.field,
                    "code": refusal.code,
                    "why": why(refusal, locale),
                }
                for refusal in self.refused
            ],
        }


def why(refusal: Refusal, locale: str) -> str:
    place = next(
        (("codes", name) for name in OF_FILES if refusal.code in table(locale, "codes", name)),
        ("problems", "fields"),
    )
    return text(locale, *place, refusal.code, **refusal.details)


class ImportFile:
    """A file whose header was understood. Iterate for its lines: a row, or what is wrong with it."""

    def __init__(self, path: Path, columns: Mapping[str, Column], *, together: Sequence[str] = ()) -> None:
        """Reads the file once to the end. Raises FileRefused, OSError.

        columns: all that there may be; those that may not be empty must be there. together: all of them or none.
        """
        self.path = path
        self.lines = _count_lines(path)
        self.delimiter, self.columns = _header(path, columns, together)
        self._known = columns

    def __iter__(self) -> Iterator[Row | list[Refusal]]:
        for line, cells in self._lines():
            yield self._row(line, cells) if isinstance(cells, list) else [cells]

    def batches(self, size: int) -> Iterator[tuple[list[Row], list[list[Refusal]]]]:
        """The same, so many lines at once: the rows, and the faults of each line that is none."""
        lines = iter(self)
        while batch := list(islice(lines, size)):
            yield (
                [line for line in batch if isinstance(line, Row)],
                [line for line in batch if isinstance(line, list)],
            )

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
                values[column] = self._known[column].value(cell)
            except InvalidValue as invalid:
                refusals.append(Refusal(line, column, invalid.code, invalid.details))
        return refusals or Row(line, values)


def parse_day(typed: str) -> date:
    """ISO 8601, the usual form of it only. Raises InvalidValue."""
    try:
        # fromisoformat takes week dates and dates without hyphens, too.
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", typed):
            return date.fromisoformat(typed)
    except ValueError:
        pass
    raise InvalidValue("invalid-date")


def parse_code(code: str | None) -> str:
    """None: it was none. Raises InvalidValue."""
    if code is None:
        raise InvalidValue("unknown-code")
    return code


def _count_lines(path: Path) -> int:
    number = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                raise FileRefused(Refusal(number, None, "not-utf-8")) from None
    return number


def _header(path: Path, known: Mapping[str, Column], together: Sequence[str]) -> tuple[str, tuple[str, ...]]:
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
    needed = [name for name, column in known.items() if column.known]
    needed += together if set(together) & set(columns) else []
    refusals = [Refusal(1, column, "unknown-column") for column in columns if column not in known]
    refusals += [Refusal(1, column, "column-twice") for column in known if columns.count(column) > 1]
    refusals += [Refusal(1, column, "column-missing") for column in needed if column not in columns]
    if refusals:
        raise FileRefused(*refusals)
    return delimiter, columns
