"""A backup: the write side in one snapshot, a file a table, with a manifest that says what each must be.

Read models are left out, for they are folded anew; so are sessions, mailed links and files under import, which end with
a restore. The master key is never in it. Hashes find what was damaged; what was forged, the published checkpoints find.
"""

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import orjson
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from infrastructure.keys import Keyring

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
REGISTER: Final = "erasures.jsonl"
# What ends with a restore, and what is a count of the moment.
LEFT_OUT: Final = (
    *("sessions", "links", "passkey_challenges", "buckets"),
    *("imports", "import_pieces", "import_refusals"),  # files may hold people who are erased before it
)
OF_READ_MODELS: Final = {
    "projections": "name",
    "parked_streams": "projection",
}  # which column names the model

Progress = Callable[[int, int], None]  # bytes done, bytes in all

TABLES = """
    SELECT relname, pg_table_size(oid) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
"""
COLUMNS = """
    SELECT attname FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
SEQUENCES = """
    SELECT d.refobjid::regclass::text, a.attname, s.seqrelid::regclass::text
    FROM pg_sequence AS s JOIN pg_depend AS d ON d.objid = s.seqrelid AND d.deptype = 'i'
    JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    JOIN pg_class AS c ON c.oid = d.refobjid AND c.relnamespace = 'public'::regnamespace
"""


class BackupFault(Exception):
    """A backup cannot be made or used; the text says why and what to do."""


@dataclass(frozen=True)
class Table:
    """rows and bytes: how many. sha256: of the file, in hex."""

    name: str
    columns: list[str]
    rows: int
    bytes: int
    sha256: str

    @property
    def file(self) -> str:
        return f"{self.name}.copy"


@dataclass(frozen=True)
class Manifest:
    """What a backup holds. keys: generation of the master key → what it is known by. sequences: table → next number."""

    format: int
    made_at: str
    migrations: list[str]
    position: int | None
    checkpoint: str | None  # the last signed one, as a note
    keys: dict[str, str]
    register: str  # SHA-256 of the copy of the register of erasures, in hex
    sequences: dict[str, int]
    tables: list[Table]


def make(
    connection: Connection,
    folder: Path,
    *,
    keyring: Keyring,
    register: Path,
    read_models: Iterable[str],
    now: datetime,
    progress: Progress = lambda done, total: None,
) -> Manifest:
    """Write a backup into a folder that is made for it, and appears whole. It stops nobody. Raises BackupFault.

    connection: in autocommit. read_models: the names of those that are folded anew.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupFault(f"{folder} is not empty: name a folder that is, or one that is not there yet.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    half = folder.with_name(f".{folder.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(mode=0o700)
    try:
        manifest = _written(connection, half, keyring, register, set(read_models), now, progress)
        _write(half / MANIFEST, orjson.dumps(asdict(manifest), option=orjson.OPT_INDENT_2))
        _sync(half)
        if folder.exists():
            folder.rmdir()
        half.rename(folder)
        _sync(folder.parent)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise
    return manifest


def _written(
    connection: Connection,
    folder: Path,
    keyring: Keyring,
    register: Path,
    read_models: set[str],
    now: datetime,
    progress: Progress,
) -> Manifest:
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        there = connection.execute(TABLES).fetchall()
        left_out = {*LEFT_OUT, *read_models, *(f"{name}__new" for name in read_models)}
        kept = [(name, size) for name, size in there if name not in left_out]
        done, total, tables = 0, sum(size for _, size in kept), []
        for name, _ in kept:
            tables.append(_dump(connection, folder, name, read_models))
            done += tables[-1].bytes
            progress(done, max(done, total))
        (position,) = connection.execute("SELECT max(position) FROM events").fetchone()
        checkpoint = connection.execute("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
        generations = {keyring.current.generation}
        generations |= {
            number for (number,) in connection.execute("SELECT DISTINCT generation FROM data_keys")
        }
        migrations = [name for (name,) in connection.execute("SELECT name FROM migrations ORDER BY name")]
        sequences = {}
        for table, _, sequence in connection.execute(SEQUENCES).fetchall():
            (sequences[table],) = connection.execute(
                SQL("SELECT last_value + is_called::int FROM {}").format(Identifier(sequence))
            ).fetchone()
    # After the snapshot: whoever is missing in it stands here.
    noted = register.read_bytes() if register.exists() else b""
    _write(folder / REGISTER, noted)
    return Manifest(
        format=FORMAT,
        made_at=now.isoformat(),
        migrations=migrations,
        position=position,
        checkpoint=checkpoint and checkpoint[0],
        keys={name: each for name, each in fingerprints(keyring).items() if int(name) in generations},
        register=sha256(noted).hexdigest(),
        sequences=sequences,
        tables=tables,
    )


def _dump(connection: Connection, folder: Path, name: str, read_models: set[str]) -> Table:
    columns = [column for (column,) in connection.execute(COLUMNS, (f'"{name}"',))]
    listed = SQL(", ").join(map(Identifier, columns))
    rows = SQL("SELECT {} FROM {}").format(listed, Identifier(name))
    if name in OF_READ_MODELS:
        rows += SQL(" WHERE NOT {} = ANY({})").format(Identifier(OF_READ_MODELS[name]), sorted(read_models))
    digest, size = sha256(), 0
    with _new(folder / f"{name}.copy") as file, connection.cursor() as cursor:
        with cursor.copy(SQL("COPY ({}) TO STDOUT").format(rows)) as copy:
            for block in copy:
                file.write(block)
                digest.update(block)
                size += len(block)
        count = cursor.rowcount
        file.flush()
        os.fsync(file.fileno())
    return Table(name, columns, count, size, digest.hexdigest())


def fingerprints(keyring: Keyring) -> dict[str, str]:
    """By which a master key is known again; they tell nothing of it."""
    return {str(key.generation): key.derive("fingerprint").hex()[:32] for key in keyring}


def read(folder: Path, progress: Progress = lambda done, total: None) -> Manifest:
    """The manifest of a backup whose files are all there, as they were written. Raises BackupFault."""
    try:
        written: dict[str, Any] = orjson.loads((folder / MANIFEST).read_bytes())
        if written["format"] != FORMAT:
            raise BackupFault(
                f"{folder} is in format {written['format']}: restore it with the version of then."
            )
        manifest = Manifest(**written | {"tables": [Table(**table) for table in written["tables"]]})
    except OSError as fault:
        raise BackupFault(f"{folder} is no backup: {MANIFEST} cannot be read ({fault.strerror}).") from None
    except (ValueError, KeyError, TypeError):
        raise BackupFault(f"{folder / MANIFEST} is broken: take another backup.") from None
    if sha256(_bytes(folder / REGISTER)).hexdigest() != manifest.register:
        raise BackupFault(f"{folder / REGISTER} is not as it was written: take another backup.")
    total, done = sum(table.bytes for table in manifest.tables), 0
    for table in manifest.tables:
        _check(folder / table.file, table)
        done += table.bytes
        progress(done, total)
    return manifest


def _check(path: Path, table: Table) -> None:
    try:
        with path.open("rb") as file:
            digest = sha256()
            while block := file.read(1 << 20):
                digest.update(block)
            size = file.tell()
    except OSError as fault:
        raise BackupFault(f"{path} cannot be read ({fault.strerror}): take another backup.") from None
    if size != table.bytes:
        raise BackupFault(f"{path} has {size} bytes instead of {table.bytes}: take another backup.")
    if digest.hexdigest() != table.sha256:
        raise BackupFault(f"{path} is not as it was written: take another backup.")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise BackupFault(f"{path} cannot be read ({fault.strerror}): take another backup.") from None


def _new(path: Path) -> Any:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _write(path: Path, content: bytes) -> None:
    with _new(path) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
