"""The institution's records, read whole first, judged, then taken over in short transactions.

What is read lies in a temporary table until it is complete; only what differs is kept of it, and only that is parsed.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from typing import Any, Final

import orjson
import psycopg
from psycopg import Connection
from psycopg_pool import ConnectionPool

from domain.values import InvalidValue, spellings
from infrastructure import records_index
from infrastructure.import_file import Column, Refusal
from infrastructure.records_file import columns
from infrastructure.records_source import FIELDS, MERGED_INTO, Raw, Source, SourceFault
from infrastructure.upsert import BATCH, upsert, write

RULES: Final = "1"  # raised whenever records are parsed in another way: all are parsed anew then
STAGED: Final = 5_000  # rows at once
ATTEMPTS: Final = 3  # at a register that changes while it is read
LOSSES: Final = 0.1  # of all records: more do not disappear, or change their person, from one day to the next
FEW: Final = 10  # records may do so in however small a register
TOLD: Final = 100  # refused records, by number

TOLD_COLUMNS: Final = tuple(name for name in FIELDS if name not in ("record_number", MERGED_INTO))
NAMES: Final = ("family_name", "birth_name")
WRITE: Final = upsert(
    "records",
    ["record_number"],
    [*TOLD_COLUMNS, *(f"{name}_keys" for name in NAMES), "match_keys", "source_digest"],
)

INCOMING = (
    "CREATE TEMPORARY TABLE incoming (record_number text PRIMARY KEY, merged boolean NOT NULL, told jsonb)"
)
KNOWN = """
    SELECT record_number, source_digest FROM records WHERE record_number = ANY(%(numbers)s)
    UNION ALL
    SELECT record_number, convert_to(merged_into, 'UTF8') FROM merged_records WHERE record_number = ANY(%(numbers)s)
"""
GONE = (
    "FROM records AS r WHERE NOT EXISTS (SELECT FROM incoming AS i WHERE i.record_number = r.record_number)"
)
COUNTS = f"""
    SELECT (SELECT count(*) FROM records), (SELECT count(*) FROM incoming),
           (SELECT count(*) {GONE}) + (SELECT count(*) FROM incoming JOIN records USING (record_number) WHERE merged)
"""
# Of how many records the source says that they are somebody else's now: told as in a file or not, blanks are nothing.
STRANGERS = """
    SELECT count(*) FROM incoming JOIN records AS r USING (record_number)
     WHERE told IS NOT NULL AND NOT merged AND (
        nullif(regexp_replace(told->>'ahv_number', '[^0-9]', '', 'g'), '') IS DISTINCT FROM r.ahv_number
        OR nullif(btrim(normalize(told->>'family_name')), '') IS DISTINCT FROM r.family_name
        OR nullif(btrim(normalize(told->>'given_name')), '') IS DISTINCT FROM r.given_name
        OR nullif(btrim(told->>'birth_date'), '') IS DISTINCT FROM r.birth_date::text)
"""
SOME_CHANGED = """
    SELECT record_number, merged, told FROM incoming
     WHERE told IS NOT NULL AND record_number > %s ORDER BY record_number LIMIT %s
"""
SOME_GONE = f"SELECT record_number {GONE} AND record_number > %s ORDER BY record_number LIMIT %s"
DELETE = "DELETE FROM records WHERE record_number = ANY(%s)"
MERGE = """
    INSERT INTO merged_records (record_number, merged_into) SELECT * FROM unnest(%s::text[], %s::text[])
    ON CONFLICT (record_number) DO UPDATE SET merged_into = excluded.merged_into
"""
UNMERGE = "DELETE FROM merged_records WHERE record_number = ANY(%s)"


@dataclass
class Refreshed:
    """What a refresh did, in records. refused: the first ones, by their numbers; all are counted by
    field and reason.

    same: the source says that nothing has changed.
    """

    same: bool = False
    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    gone: int = 0
    merged: int = 0
    refused: list[tuple[str, Refusal]] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)

    def refuse(self, record_number: str, name: str, invalid: InvalidValue) -> None:
        self.refusals[f"{name} {invalid.code}"] += 1
        if len(self.refused) < TOLD:
            self.refused.append((record_number, Refusal(0, name, invalid.code, invalid.details)))


Progress = Callable[[str, int], None]  # what is done, and with how many records so far


class Refresh:
    """One of them. Its temporary table belongs to the connection; the register is written through the pool."""

    def __init__(self, pool: ConnectionPool, connection: Connection, today: date, progress: Progress) -> None:
        self._pool = pool
        self._connection = connection
        self._columns: Mapping[str, Column] = columns(today)
        self._progress = progress
        self._report = Refreshed()

    def run(self, source: Source, mark: str | None, *, accept_losses: bool) -> tuple[Refreshed, str | None]:
        """What was done, and the mark of the reading."""
        self._connection.execute(INCOMING)
        for attempt in range(1, ATTEMPTS + 1):
            reading = source.read(mark)
            if reading is None:
                self._report.same = True
                return self._report, mark
            try:
                self._stage(reading.pages())
                break
            except SourceFault as fault:
                if fault.code != "changed" or attempt == ATTEMPTS:
                    raise
                self._report = Refreshed()
                self._connection.execute("TRUNCATE incoming")
        self._connection.execute("ANALYZE incoming")
        self._judge(accept_losses=accept_losses)
        self._take_over()
        self._let_go()
        report = self._report
        if report.added or report.changed or report.gone or report.merged:
            records_index.count_names(self._pool)
        report.unchanged = (
            report.read - report.added - report.changed - report.merged - report.refusals.total()
        )
        return report, reading.mark

    def _stage(self, pages: Iterator[Sequence[Raw]]) -> None:
        """Keep which records there are, and what they say where it is not what the mirror was made of."""
        waiting: list[Raw] = []
        for page in pages:
            waiting += page
            while len(waiting) >= STAGED:
                self._stage_some(waiting[:STAGED])
                del waiting[:STAGED]
        self._stage_some(waiting)

    def _stage_some(self, told: Sequence[Raw]) -> None:
        numbered = [(self._number(raw), raw) for raw in told]
        numbers = [number for number, _ in numbered]
        with self._pool.connection() as connection:
            known = dict(connection.execute(KNOWN, {"numbers": numbers}).fetchall())
        try:
            with self._connection.cursor().copy("COPY incoming FROM STDIN") as copy:
                for number, raw in numbered:
                    merged = raw.get(MERGED_INTO)
                    stands_for = str(merged).encode() if merged else digest(raw)
                    same = known.get(number) == stands_for
                    copy.write_row((number, bool(merged), None if same else orjson.dumps(raw).decode()))
        except psycopg.errors.UniqueViolation:
            raise SourceFault("twice") from None
        except psycopg.DataError:  # a NUL, half a character
            raise SourceFault("shape", "records") from None
        self._report.read += len(told)
        self._progress("read", self._report.read)

    def _number(self, raw: Raw) -> str:
        """Without one nobody knows whether a record is there or gone."""
        try:
            return self._columns["record_number"].value(_text(raw.get("record_number")))
        except InvalidValue:
            raise SourceFault("shape", "record_number") from None

    def _judge(self, *, accept_losses: bool) -> None:
        """Raises SourceFault where the mirror would lose or change more people than a register does."""
        had, told, lost = self._connection.execute(COUNTS).fetchone()
        too_many = lost > max(FEW, LOSSES * had) or (lost and not told)
        if too_many and not accept_losses:
            raise SourceFault("losses", f"{lost} of {had}")
        (strangers,) = self._connection.execute(STRANGERS).fetchone()
        if strangers > max(FEW, LOSSES * had) and not accept_losses:
            raise SourceFault("strangers", f"{strangers} of {had}")

    def _take_over(self) -> None:
        last, done = "", 0
        while rows := self._connection.execute(SOME_CHANGED, (last, BATCH)).fetchall():
            self._merge([(number, told[MERGED_INTO]) for number, merged, told in rows if merged])
            self._write([(number, told) for number, merged, told in rows if not merged])
            last, done = rows[-1][0], done + len(rows)
            self._progress("taken over", done)

    def _merge(self, rows: Sequence[tuple[str, Any]]) -> None:
        merged = []
        for number, into in rows:
            try:
                merged.append((number, self._survivor(number, into)))
            except InvalidValue as invalid:
                self._report.refuse(number, MERGED_INTO, invalid)
        self._report.merged += len(merged)
        if merged:
            numbers, into = map(list, zip(*merged, strict=True))
            with self._pool.connection() as connection, connection.transaction():
                connection.execute(MERGE, (numbers, into))
                connection.execute(DELETE, (numbers,))

    def _survivor(self, number: str, into: Any) -> str:
        """Raises InvalidValue."""
        survivor = self._columns["record_number"].value(_text(into))
        if survivor == number:
            raise InvalidValue("merged-into-itself")
        return survivor

    def _write(self, rows: Sequence[tuple[str, Raw]]) -> None:
        found = [values for number, told in rows if (values := self._parsed(number, told))]
        if not found:
            return
        with self._pool.connection() as connection, connection.transaction():
            added, changed = write(connection, WRITE, found, dry_run=False)
            connection.execute(UNMERGE, ([values["record_number"] for values in found],))
        records_index.complete(self._pool)  # of those that have changed; new ones have theirs
        self._report.added += added
        self._report.changed += changed

    def _parsed(self, number: str, raw: Raw) -> dict[str, Any] | None:
        """The record as it is kept; None where something in it cannot be: then the older state stays."""
        values: dict[str, Any] = {"record_number": number}
        sound = True
        for name in TOLD_COLUMNS:
            try:
                values[name] = self._columns[name].value(_text(raw.get(name)))
            except InvalidValue as invalid:
                if sound:
                    self._report.refuse(number, name, invalid)
                sound = False
        if not sound:
            return None
        for name in NAMES:
            values[f"{name}_keys"] = sorted(spellings(values[name] or ""))
        return values | {
            "match_keys": records_index.keys_of(values),
            "source_digest": "\\x" + digest(raw).hex(),
        }

    def _let_go(self) -> None:
        last = ""
        while rows := self._connection.execute(SOME_GONE, (last, BATCH)).fetchall():
            numbers = [number for (number,) in rows]
            with self._pool.connection() as connection:
                self._report.gone += connection.execute(DELETE, (numbers,)).rowcount
            last = numbers[-1]
            self._progress("let go", self._report.gone)


def digest(raw: Raw) -> bytes:
    """What a record is known by, as its source tells it: 16 bytes."""
    told = orjson.dumps([raw.get(name) for name in FIELDS])
    return blake2b(told, digest_size=16, key=RULES.encode()).digest()


def _text(value: Any) -> str:
    """Raises InvalidValue."""
    if value is not None and not isinstance(value, str):
        raise InvalidValue("not-text")
    return value or ""
