"""A database restored elsewhere: every table row by row, as a dump would bring it."""

import psycopg
from psycopg.sql import SQL, Identifier
from read_side import MODELS

from infrastructure.database import migrate

TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY oid"
)
COLUMNS = """
    SELECT attname FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""


def restore(source: str, target: str) -> None:
    """source, target: connection strings; the target is empty."""
    migrate(target)
    with psycopg.connect(source) as old, psycopg.connect(target) as new:
        tables = [table for (table,) in old.execute(TABLES) if table != "migrations"]
        for model in MODELS:
            if model.rebuildable and model.name in tables:
                model.create(new.cursor(), model.name)
        for table in tables:
            columns = SQL(", ").join(Identifier(column) for (column,) in old.execute(COLUMNS, [table]))
            if table == "log_offset":  # a migration fills it
                new.execute("DELETE FROM log_offset")
            names = {"table": Identifier(table), "columns": columns}
            with (
                old.cursor().copy(SQL("COPY {table} ({columns}) TO STDOUT").format(**names)) as rows,
                new.cursor().copy(SQL("COPY {table} ({columns}) FROM STDIN").format(**names)) as copy,
            ):
                for row in rows:
                    copy.write(row)
