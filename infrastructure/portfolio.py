"""What is published about records, in the table `portfolio`; kept up to date from a file and a folder of documents."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from domain.portfolio import NO_DAY, File, Item, Place, Seen, Wanted
from domain.values import InvalidValue
from infrastructure.documents import Documents
from infrastructure.import_file import FileRefused, Refusal, Report, Row
from infrastructure.portfolio_file import KEY, PortfolioFile
from infrastructure.prepared import Prepared
from infrastructure.upsert import BATCH, upsert, write

Progress = Callable[[int, int], None]

# How the table calls what the file names in words of SQL, or says of a file besides.
_COLUMNS: Final = {
    "from": ("starts",),
    "to": ("ends",),
    "file": ("file", "media_type", "size"),
}
_DAY: Final = f"coalesce(p.starts, p.ends, DATE '{NO_DAY}')"
_ITEMS: Final = """
    SELECT p.id, p.kind, p.number, p.title, p.state, p.starts, p.ends, p.ects::float8,
           coalesce(s.revision, 0) < p.revision, p.revision, p.file, p.media_type, p.size, p.sha256
    FROM portfolio AS p LEFT JOIN seen_items AS s ON s.item_id = p.id AND s.account_id = $2::uuid
    WHERE p.record_number = $1::text
"""
PAGE = Prepared(f"""
    {_ITEMS}
      AND ($3::text IS NULL OR p.kind = $3)
      AND ($4::text IS NULL OR p.state = $4)
      AND ($5::date IS NULL OR coalesce(p.ends, p.starts) >= $5)
      AND ($6::date IS NULL OR coalesce(p.starts, p.ends) <= $6)
      AND (NOT $7::boolean OR p.file IS NOT NULL)
      AND ($8::date IS NULL OR {_DAY} < $8 OR {_DAY} = $8 AND (p.kind, p.number) > ($9::text, $10::text))
    ORDER BY {_DAY} DESC, p.kind, p.number LIMIT $11::bigint
""")
GET = Prepared(f"{_ITEMS} AND p.id = $3::uuid")
SEE: Final = """
    INSERT INTO seen_items AS seen (account_id, item_id, revision, seen_at)
    SELECT %s, item_id, revision, %s FROM unnest(%s::uuid[], %s::int[]) AS shown (item_id, revision) ORDER BY item_id
    ON CONFLICT (account_id, item_id) DO UPDATE SET revision = excluded.revision, seen_at = excluded.seen_at
      WHERE seen.revision < excluded.revision
"""
SEEN: Final = """
    SELECT p.number, p.title, p.file, s.seen_at FROM portfolio AS p JOIN seen_items AS s ON s.item_id = p.id
    WHERE p.record_number = %s AND s.account_id = %s ORDER BY s.seen_at DESC NULLS LAST, p.kind, p.number
"""
# Which line of a file was the first about an item: in the database, so that a file may have any number of lines.
NAMED: Final = """
    CREATE TEMPORARY TABLE named_items (
        record_number text, kind text, number text, line bigint, PRIMARY KEY (record_number, kind, number)
    )
"""
NAME: Final = """
    INSERT INTO named_items SELECT * FROM jsonb_populate_recordset(null::named_items, %s) ORDER BY line
    ON CONFLICT DO NOTHING
"""
NAMED_BEFORE: Final = """
    SELECT again.line, named.line FROM jsonb_populate_recordset(null::named_items, %s) AS again
    JOIN named_items AS named USING (record_number, kind, number) WHERE named.line < again.line
"""


class Portfolio:
    def __init__(self, pool: ConnectionPool, documents: Documents) -> None:
        """pool: of connections in autocommit."""
        self._pool = pool
        self._documents = documents

    def page(
        self, record_number: str, wanted: Wanted, *, reader: UUID, after: Place | None, limit: int | None
    ) -> list[Item]:
        values = (record_number, reader, *astuple(wanted), *(after or (None, None, None)), limit)
        return [_item(*row) for row in PAGE.all(self._pool, values)]

    def get(self, record_number: str, item_id: UUID, *, reader: UUID) -> Item | None:
        row = GET.one(self._pool, (record_number, reader, item_id))
        return row and _item(*row)

    def see(self, reader: UUID, items: Sequence[Item], now: datetime) -> None:
        if items:
            shown = [item.id for item in items], [item.revision for item in items]
            with self._pool.connection() as connection:
                connection.execute(SEE, (reader, now, *shown))

    def seen(self, record_number: str, *, reader: UUID) -> list[Seen]:
        with self._pool.connection() as connection:
            return [Seen(*row) for row in connection.execute(SEEN, (record_number, reader))]

    def import_file(
        self,
        path: Path,
        *,
        folder: Path | None = None,
        dry_run: bool = False,
        progress: Progress = lambda done, lines: None,
        names: Mapping[str, str] | None = None,
        report: Report | None = None,
    ) -> Report:
        """Add and update items from a file, and copy their documents; what it does not mention stays as it is.

        A line is taken whole or not at all, and a file whose header is wrong not at all. Batches are transactions of
        their own, and a document is kept before its item: a run that broke off is simply run again.
        folder: where the documents are, None for that of the file. progress: called with the lines done and the lines
        in all. names, report: as for records. Raises OSError where there is no such file or folder, or documents
        cannot be kept.
        """
        report, folder = report or Report(), folder or path.parent
        try:
            file = PortfolioFile(path, names=names)
        except FileRefused as refused:
            report.refuse(refused.refusals)
            return report
        told = [
            name for column in file.columns if column not in KEY for name in _COLUMNS.get(column, (column,))
        ]
        statement = upsert("portfolio", KEY, told, revision="revision")
        with self._pool.connection() as connection, _named_items(connection):
            for rows, faults in file.batches(BATCH, after=report.line):
                good: list[Row] = []
                for row in rows:
                    progress(row.line, file.lines)
                    try:
                        good.append(self._with_document(row, folder, dry_run=dry_run))
                    except InvalidValue as invalid:
                        column = "sha256" if invalid.code == "file-differs" else "file"
                        faults.append([Refusal(row.line, column, invalid.code, invalid.details)])
                again = _named_before(connection, good)
                good = [row for row in good if row.line not in again]
                faults += [
                    [Refusal(line, "number", "duplicate-item", {"first": first})]
                    for line, first in again.items()
                ]
                found = sorted(
                    (row.values for row in good), key=lambda values: [values[name] for name in KEY]
                )
                counts = write(connection, statement, map(_renamed, found), dry_run=dry_run)
                report.add(good, sorted(faults, key=lambda each: each[0].line), *counts)
        progress(file.lines, file.lines)
        return report

    def _with_document(self, row: Row, folder: Path, *, dry_run: bool) -> Row:
        """Raises InvalidValue."""
        values = row.values
        if "file" not in values:
            return row
        told = dict.fromkeys(("file", "media_type", "size", "sha256"))
        if values["file"]:
            kept = asdict(self._documents.take(folder, values["file"], values["sha256"], dry_run=dry_run))
            told = {"file": kept.pop("name"), **kept}
        return Row(row.line, values | told)


@contextmanager
def _named_items(connection: Connection) -> Iterator[None]:
    connection.execute(NAMED)
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("DROP TABLE named_items")


def _named_before(connection: Connection, rows: Sequence[Row]) -> dict[int, int]:
    """The lines that are about an item of an earlier one, with that."""
    named = Jsonb([{name: row.values[name] for name in KEY} | {"line": row.line} for row in rows])
    connection.execute(NAME, [named])
    return dict(connection.execute(NAMED_BEFORE, [named]).fetchall())


def _renamed(values: dict[str, Any]) -> dict[str, Any]:
    return {
        (_COLUMNS[column][0] if column in ("from", "to") else column): value
        for column, value in values.items()
    }


def _item(*row: Any) -> Item:
    *known, new, revision, name, media_type, size, sha256 = row
    file = File(name, media_type, size, sha256) if name else None
    return Item(*known, file=file, new=new, revision=revision)
