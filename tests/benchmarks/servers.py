"""The database server of a run, and databases of our own on it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from services import new_database, private_postgres, start_for_many_databases

from infrastructure.database import migrate


@contextmanager
def postgres() -> Iterator[str]:
    """Connection string of the server at DATABASE_URL, else of a private one with the service's own settings."""
    if given := os.environ.get("DATABASE_URL"):
        yield given
        return
    with private_postgres(on_disk=True) as server:
        yield start_for_many_databases(server)


@contextmanager
def migrated_database(server: str) -> Iterator[str]:
    """Connection string of a new database with the service's tables, dropped at the end."""
    with new_database(server) as database:
        migrate(database)
        yield database
