"""Records from a view in a PostgreSQL database of the institution, as it is at one moment."""

from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import unquote

import psycopg
from psycopg import Connection, errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

from infrastructure.records_source import Raw, SourceFault, at_most, check_fields

CONNECT_SECONDS: Final = 10
PAGE_SECONDS: Final = 60.0
PAGE: Final = 2_000
UNANSWERED: Final = 30_000  # ms that a network may swallow what was sent


class DatabaseView:
    """Read in one snapshot: what changes on the other side meanwhile comes the next time."""

    def __init__(self, url: str, *, page_seconds: float = PAGE_SECONDS) -> None:
        """url: of libpq, and in its query the view, `?view=schema.name`. Raises ValueError."""
        base, _, query = url.partition("?")
        pairs = query.split("&")  # all but one are libpq's, and stay as they are written
        views = [unquote(pair.removeprefix("view=")) for pair in pairs if pair.startswith("view=")]
        if len(views) != 1 or not 0 < len(names := views[0].split(".")) <= 2 or not all(names):
            raise ValueError
        rest = "&".join(pair for pair in pairs if not pair.startswith("view="))
        self._conninfo = f"{base}?{rest}" if rest else base
        try:
            known = conninfo_to_dict(self._conninfo)
        except psycopg.ProgrammingError:  # its words may hold the password
            raise ValueError from None
        self._view = Identifier(*names)
        self._page_seconds = page_seconds
        host = known.get("host", "")
        port = f":{known['port']}" if "port" in known else ""
        self.name = f"postgresql://{host}{port}/{known.get('dbname', '')}?view={views[0]}"

    def read(self, mark: str | None) -> "ViewReading":
        return ViewReading(self)

    def pages(self) -> Iterator[Sequence[Raw]]:
        """Raises SourceFault."""
        try:
            with self._connect() as connection:
                yield from self._pages(connection)
        except (errors.UndefinedTable, errors.InsufficientPrivilege, errors.InvalidSchemaName):
            raise SourceFault("no-view") from None
        except psycopg.OperationalError as fault:
            raise SourceFault(*_lost(fault)) from None
        except psycopg.Error as fault:
            raise SourceFault("database", fault.sqlstate or "") from None

    def _connect(self) -> Connection:
        return psycopg.connect(
            self._conninfo,
            **{"connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": UNANSWERED}
            | {"application_name": "matricule records"},
        )

    def _pages(self, connection: Connection) -> Iterator[Sequence[Raw]]:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with at_most(self._page_seconds, connection.fileno()):
            connection.execute("SELECT set_config('DateStyle', 'ISO', true)")
            limit = str(int(1000 * self._page_seconds))
            connection.execute("SELECT set_config('statement_timeout', %s, true)", (limit,))
            described = connection.execute(SQL("SELECT * FROM {} LIMIT 0").format(self._view)).description
            columns = [column.name for column in described or ()]
            check_fields(columns, "columns")
            wanted = SQL(", ").join(SQL("{0}::text AS {0}").format(Identifier(column)) for column in columns)
            cursor = connection.cursor("records", row_factory=dict_row)
            cursor.execute(SQL("SELECT {} FROM {}").format(wanted, self._view))
        while True:
            with at_most(self._page_seconds, connection.fileno()):
                rows = cursor.fetchmany(PAGE)
            if not rows:
                return
            yield rows


class ViewReading:
    mark = None

    def __init__(self, view: DatabaseView) -> None:
        self._view = view

    def pages(self) -> Iterator[Sequence[Raw]]:
        return self._view.pages()


def _lost(fault: psycopg.OperationalError) -> tuple[str, str]:
    """libpq tells by its words alone why it could not connect; they may hold names, and are not passed on."""
    said = str(fault).lower()
    if "timeout" in said:
        return "slow", ""
    if "authentication" in said or "pg_hba" in said or "password" in said:
        return "login", ""
    if "certificate" in said:
        return "certificate", ""
    return "down", fault.sqlstate or ""
