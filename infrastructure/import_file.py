"""Files that an institution hands over: how lines and cells are read, what is refused, and the report of it.

CSV or XLSX (infrastructure/import_sheet.py) with a header; an empty cell is unknown. Columns in any order, under our
names, under usual other ones (import_headers.toml), or as whoever imports maps them.
"""

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib import resources
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from domain.policies import TEXT_LIMIT
from domain.values import InvalidValue, fold, has_control_characters
from infrastructure.import_sheet import Fault, Unreadable, open_sheet
from infrastructure.translations import table, text

# Where the reasons are told, besides those of fields: by kind of file, and what all files share.
OF_FILES: Final = ("records-file", "portfolio-file", "accounts-file")
LEFT_OUT: Final = "-"  # what a column is mapped to that is not to be read
MOST_COLUMNS: Final = 200
MOST_REFUSALS: Final = 10_000  # of a report; what is refused besides is counted


@dataclass(frozen=True)
class Refusal:
    """A line that was not taken, and why. field: the column as we call it, or None for the line as a whole.

    code: of the tables `OF_FILES` in the translations' codes or `fields` in their problems; details fill
    the placeholders. Never what a cell held, not of the header either: reports are kept and mailed.
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
        typed = cell.strip()
        if not typed.isascii():
            typed = unicodedata.normalize("NFC", typed).strip()
        if self.lines and not typed.isprintable():
            typed = re.sub(r"\s*[\r\n]+\s*", ", ", typed)
        if has_control_characters(typed):
            raise InvalidValue("control-characters")
        if typed.startswith("="):
            raise InvalidValue("formula")
        if len(typed) > self.limit:
            raise InvalidValue("too-long", max=self.limit)
        if typed:
            return self.parse(typed)
        if self.known:
            raise InvalidValue("missing")
        return None


@dataclass
class Report:
    """What an import did, or in a dry run would do, in lines; `refused` has an entry for each fault, up to a limit.

    unlisted: faults beyond it. line: the last one that was done; an import that is given a report goes on behind it.
    """

    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[Refusal] = field(default_factory=list)
    line: int = field(default=0, compare=False)
    unlisted: int = 0

    @property
    def refused_count(self) -> int:
        return len(self.refused) + self.unlisted

    def add(self, rows: Sequence[Row], faults: Sequence[Sequence[Refusal]], added: int, changed: int) -> None:
        """Lines that were taken, of which so many were new or different, and lines that were not."""
        self.read += len(rows) + len(faults)
        self.added += added
        self.changed += changed
        self.unchanged += len(rows) - added - changed
        self.refuse(list(chain.from_iterable(faults)))
        self.line = max([self.line, *(row.line for row in rows), *(fault[0].line for fault in faults)])

    def refuse(self, refusals: Sequence[Refusal]) -> None:
        listed = refusals[: MOST_REFUSALS - len(self.refused)]
        self.refused.extend(listed)
        self.unlisted += len(refusals) - len(listed)

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
            "refused_count": self.refused_count,
        }


def why(refusal: Refusal, locale: str) -> str:
    place = next(
        (("codes", name) for name in OF_FILES if refusal.code in table(locale, "codes", name)),
        ("problems", "fields"),
    )
    return text(locale, *place, refusal.code, **refusal.details)


class ImportFile:
    """A file whose header was understood. Iterate for its lines: a row, or what is wrong with it."""

    def __init__(
        self,
        path: Path,
        columns: Mapping[str, Column],
        *,
        together: Sequence[str] = (),
        names: Mapping[str, str] | None = None,
    ) -> None:
        """Reads the file once to the end. Raises FileRefused, OSError.

        columns: all that there may be; those that may not be empty must be there. together: all of them or none.
        names: how the file calls columns → ours, or LEFT_OUT.
        """
        self.path = path
        self._known = columns
        try:
            self._sheet = open_sheet(path)
            self._cells = _header(self._sheet.header(), columns, together, names or {})
        except Unreadable as fault:
            raise FileRefused(Refusal(fault.line, None, fault.code)) from None
        self.lines = self._sheet.lines
        self.columns = tuple(filter(None, self._cells))

    def __iter__(self) -> Iterator[Row | list[Refusal]]:
        line = 1
        try:
            for line, cells in self._sheet.rows(len(self._cells)):
                yield self._row(line, cells)
        except Unreadable as fault:
            yield [Refusal(line + 1, None, fault.code)]

    def batches(self, size: int, *, after: int = 0) -> Iterator[tuple[list[Row], list[list[Refusal]]]]:
        """The same, so many lines at once: the rows, and the faults of each line that is none.

        One batch is read ahead: while the database writes, it costs no time. after: the line to go on behind.
        """
        lines = (each for each in self if (each.line if isinstance(each, Row) else each[0].line) > after)
        with ThreadPoolExecutor(1, thread_name_prefix="reads-ahead") as reader:
            coming = reader.submit(_next, lines, size)
            while True:
                rows, faults = coming.result()
                if not rows and not faults:
                    return
                coming = reader.submit(_next, lines, size)
                yield rows, faults

    def _row(self, line: int, cells: list[str] | Fault) -> Row | list[Refusal]:
        if isinstance(cells, tuple):
            return [Refusal(line, None, *cells)]
        values, refusals = {}, []
        for column, cell in zip(self._cells, cells, strict=True):
            if column is None:
                continue
            try:
                values[column] = self._known[column].value(cell)
            except InvalidValue as invalid:
                refusals.append(Refusal(line, column, invalid.code, invalid.details))
        return refusals or Row(line, values)


def _next(lines: Iterator[Row | list[Refusal]], size: int) -> tuple[list[Row], list[list[Refusal]]]:
    batch = list(islice(lines, size))
    return (
        [line for line in batch if isinstance(line, Row)],
        [line for line in batch if isinstance(line, list)],
    )


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


def _header(
    cells: Sequence[str], known: Mapping[str, Column], together: Sequence[str], names: Mapping[str, str]
) -> list[str | None]:
    """Our name of each column, None for one that is not to be read. Raises FileRefused."""
    if not any(map(str.strip, cells)):
        raise FileRefused(Refusal(1, None, "no-header"))
    if len(cells) > MOST_COLUMNS:
        raise FileRefused(Refusal(1, None, "too-many-columns", {"max": MOST_COLUMNS}))
    mapped = {_plain(theirs): ours for theirs, ours in names.items()}
    columns = [_ours(cell, known, mapped) for cell in cells]
    needed = [name for name, column in known.items() if column.known]
    needed += together if set(together) & set(columns) else []
    refusals = [
        Refusal(1, None, "unknown-column", {"column": number})
        for number, column in enumerate(columns, start=1)
        if column not in known and column != LEFT_OUT
    ]
    refusals += [Refusal(1, column, "column-twice") for column in known if columns.count(column) > 1]
    refusals += [Refusal(1, column, "column-missing") for column in needed if column not in columns]
    refusals += [
        Refusal(1, theirs, "mapped-column-missing")
        for theirs in names
        if _plain(theirs) not in map(_plain, cells)
    ]
    if refusals:
        raise FileRefused(*refusals)
    return [None if column == LEFT_OUT else column for column in columns]


def _ours(cell: str, known: Mapping[str, Column], mapped: Mapping[str, str]) -> str | None:
    """None: it is none of ours."""
    plain = _plain(cell)
    if plain in mapped:
        return mapped[plain]
    named = plain.replace(" ", "_")
    if named in known:
        return named
    return next((name for name in synonyms().get(plain, ()) if name in known), None)


def _plain(name: str) -> str:
    """How headers are compared: no case, no accents, no marks."""
    return " ".join(re.sub(r"[^a-z0-9]+", " ", fold(name)).split())


@cache
def synonyms() -> Mapping[str, list[str]]:
    """Usual headers, plain → the columns that they may mean; the first that a kind of file has is meant."""
    written = tomllib.loads(
        resources.files("infrastructure").joinpath("import_headers.toml").read_text("utf-8")
    )
    found: dict[str, list[str]] = {}
    for column, names in written.items():
        for name in names:
            found.setdefault(_plain(name), []).append(column)
    return found
