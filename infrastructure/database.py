"""PostgreSQL: connections and migrations."""

from importlib import resources

import psycopg
from psycopg_pool import ConnectionPool

from infrastructure.prepared import Connection

# How long somebody waits for a connection. As long the pool tries to make one, before it begins anew with the next who
# asks: by itself it would look less and less often, and miss a database that has come back for minutes.
PATIENCE_SECONDS = 5
MIGRATION_LOCK = 0x4D617472  # an advisory lock for the time of a migration, never on an append's way


def open_pool(conninfo: str, *, size: int, name: str) -> ConnectionPool:
    """Connections in autocommit, in UTC. Waits until the first is there; raises psycopg_pool.PoolTimeout.

    conninfo: a libpq connection string or URL. size: the most connections held at once.
    """
    pool = ConnectionPool(
        conninfo,
        connection_class=Connection,
        min_size=1,
        max_size=size,
        kwargs={"autocommit": True, "application_name": f"matricule {name}", "options": "-c TimeZone=UTC"},
        name=name,
        timeout=PATIENCE_SECONDS,
        reconnect_timeout=PATIENCE_SECONDS,
        open=False,
    )
    pool.open(wait=True, timeout=10)
    return pool


def migrate(conninfo: str) -> list[str]:
    """Bring the database's write side up to date. Returns the names of the migrations that were applied.

    Each runs in a transaction of its own, once, in the order of its name; a second process waits for the first.
    """
    applied = []
    with psycopg.connect(conninfo, autocommit=True, application_name="matricule migrate") as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, applied_at timestamptz DEFAULT now())"
        )
        known = {name for (name,) in connection.execute("SELECT name FROM migrations")}
        for file in sorted(
            resources.files("infrastructure.migrations").iterdir(), key=lambda file: file.name
        ):
            if not file.name.endswith(".sql") or file.name in known:
                continue
            with connection.transaction():
                connection.execute(file.read_text("utf-8"))
                connection.execute("INSERT INTO migrations (name) VALUES (%s)", [file.name])
            applied.append(file.name)
    return applied


def pending_migrations(connection: psycopg.Connection) -> list[str]:
    """Names of the migrations that this database lacks."""
    names = {
        file.name
        for file in resources.files("infrastructure.migrations").iterdir()
        if file.name.endswith(".sql")
    }
    (there,) = connection.execute("SELECT to_regclass('migrations') IS NOT NULL").fetchone()
    known = {name for (name,) in connection.execute("SELECT name FROM migrations")} if there else set()
    return sorted(names - known)


def others_at_work(connection: psycopg.Connection) -> list[str]:
    """What else of the service is connected to this database; not those that end at once."""
    rows = connection.execute(
        "SELECT DISTINCT application_name FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'matricule %'"
        " AND application_name NOT IN ('matricule boot', 'matricule migrate') ORDER BY 1"
    )
    return [name for (name,) in rows]
