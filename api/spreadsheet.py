"""CSV that a spreadsheet may open: no cell is taken for a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from flask import Response, stream_with_context

from api.answers import instant

CSV: Final = "text/csv"
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # docs/sources.md#S30


def harmless(value: Any) -> Any:
    """No spreadsheet takes it for a formula, also not what stands within JSON once somebody spreads it over cells."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    if isinstance(value, dict):
        return {name: harmless(each) for name, each in value.items()}
    return [harmless(each) for each in value] if isinstance(value, list) else value


def rows(cells: Iterable[Iterable[Any]]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows(cells)  # RFC 4180
    return written.getvalue().encode()


def download(items: Iterable[Mapping[str, Any]], columns: Sequence[str], file: str) -> Response:
    """A file with a header. items: of which the columns are written, nothing for none. file: its name."""
    return _file(rows([columns, *(as_cells(item, columns) for item in items)]), file)


def sent(batches: Iterator[Iterable[Mapping[str, Any]]], columns: Sequence[str], file: str) -> Response:
    """The same while it is written, a batch in memory."""

    def written() -> Iterator[bytes]:
        yield rows([columns])
        for items in batches:
            yield rows(as_cells(item, columns) for item in items)

    return _file(stream_with_context(written()), file)


def _file(content: bytes | Iterator[bytes], name: str) -> Response:
    response = Response(content, content_type=f"{CSV}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def as_cells(item: Mapping[str, Any], columns: Sequence[str]) -> list[Any]:
    return [_cell(item[column]) for column in columns]


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, bool):
        return str(value).lower()
    return harmless(value)
