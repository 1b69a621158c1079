"""Putting a backup into an empty database: all of it in one transaction, or nothing."""

from importlib import resources
from pathlib import Path
from typing import Final

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from infrastructure.backup import SEQUENCES, BackupFault, Manifest, Progress, Table, fingerprints
from infrastructure.database import others_at_work
from infrastructure.keys import Keyring

# What a service writes at its first start, before anything has happened.
BOOKKEEPING: Final = ("migrations", "log_offset", "database_identity", "projections")
# A database that is none: whoever starts on it sees that it is a copy (infrastructure/boot.py).
NOWHERE: Final = "UPDATE database_identity SET system_identifier = 0, database_oid = 0"
TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
)
FUNCTIONS = """
    SELECT p.oid::regprocedure::text FROM pg_proc AS p
    WHERE p.pronamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
"""


def load(
    connection: Connection,
    folder: Path,
    manifest: Manifest,
    *,
    keyring: Keyring,
    progress: Progress = lambda done, total: None,
) -> None:
    """Load a backup that was read and found whole. connection: in autocommit. Raises BackupFault; nothing is done then.

    After it: migrate, prepare (infrastructure/boot.py) and apply the register of erasures, as every start does.
    """
    _check_key(manifest, keyring)
    scripts = _scripts(manifest)
    with connection.transaction():
        _make_room(connection)
        for script in scripts:
            connection.execute(script)
        connection.execute(
            "CREATE TABLE migrations (name text PRIMARY KEY, applied_at timestamptz DEFAULT now())"
        )
        done, total = 0, sum(table.bytes for table in manifest.tables)
        # Last: a table of the original that says what to park would park all that is loaded after it.
        for table in sorted(manifest.tables, key=lambda table: table.name == "database_identity"):
            _load(connection, folder / table.file, table)
            done += table.bytes
            progress(done, total)
        for table, column, sequence in connection.execute(SEQUENCES).fetchall():
            if table in manifest.sequences:
                connection.execute(
                    "SELECT setval(%s::regclass, %s, false)", (sequence, manifest.sequences[table])
                )
            else:
                raise BackupFault(f"The backup does not say where {table}.{column} goes on.")
        connection.execute(NOWHERE)


def _check_key(manifest: Manifest, keyring: Keyring) -> None:
    here = fingerprints(keyring)
    for generation, fingerprint in manifest.keys.items():
        if generation not in here:
            raise BackupFault(
                f"The backup was sealed under generation {generation} of the master key, which is not in the key file "
                "any more: nobody can read it without that key."
            )
        if here[generation] != fingerprint:
            raise BackupFault(
                "The backup was sealed under another master key: bring back the key file of then."
            )


def _scripts(manifest: Manifest) -> list[str]:
    scripts = resources.files("infrastructure.migrations")
    unknown = [name for name in manifest.migrations if not (scripts / name).is_file()]
    if unknown:
        raise BackupFault(
            f"The backup is of a newer version, which has {unknown[0]}: restore it with that version."
        )
    return [(scripts / name).read_text("utf-8") for name in manifest.migrations]


def _make_room(connection: Connection) -> None:
    """Raises BackupFault where the database is in use, or holds anything. What a mere start has made goes."""
    if others := others_at_work(connection):
        raise BackupFault(f"The database is in use ({', '.join(others)}): stop the service first.")
    tables = [name for (name,) in connection.execute(TABLES)]
    if tables and "events" not in tables:
        raise BackupFault(f"The database is not empty, it has a table {tables[0]}: name one that is.")
    for name in tables:
        if name not in BOOKKEEPING:
            (some,) = connection.execute(
                SQL("SELECT EXISTS (SELECT FROM {})").format(Identifier(name))
            ).fetchone()
            if some:
                raise BackupFault(
                    f"The database is not empty, there are rows in {name}: name an empty one in DATABASE_URL, or "
                    "another MATRICULE_HOME."
                )
    for name in tables:
        connection.execute(SQL("DROP TABLE {} CASCADE").format(Identifier(name)))
    for (signature,) in connection.execute(FUNCTIONS).fetchall():
        connection.execute(SQL("DROP FUNCTION {} CASCADE").format(SQL(signature)))


def _load(connection: Connection, path: Path, table: Table) -> None:
    name = Identifier(table.name)
    if connection.execute(SQL("SELECT EXISTS (SELECT FROM {})").format(name)).fetchone()[0]:
        connection.execute(SQL("DELETE FROM {}").format(name))  # what a migration has put there
    columns = SQL(", ").join(map(Identifier, table.columns))
    with path.open("rb") as file, connection.cursor() as cursor:
        with cursor.copy(SQL("COPY {} ({}) FROM STDIN").format(name, columns)) as copy:
            while block := file.read(1 << 16):
                copy.write(block)
        if cursor.rowcount != table.rows:
            raise BackupFault(f"{path} gave {cursor.rowcount} rows instead of {table.rows}.")
