"""Questions that every request asks, put to PostgreSQL in one call of libpq.

psycopg's own `execute` hands Python's lock to the other threads about twenty times a query, which costs more than the
query where many threads ask at once; `PQexecPrepared` hands it over once.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg_pool import ConnectionPool

UNPREPARED = b"26000"  # invalid_sql_statement_name: this connection has not seen it yet
SQLSTATE = psycopg.pq.DiagnosticField.SQLSTATE


class Prepared:
    """One statement, with `$1` … for its values, which must always be of the same types."""

    def __init__(self, statement: str) -> None:
        self._statement = statement.encode()
        self._name = b"matricule_" + blake2b(self._statement, digest_size=8).hexdigest().encode()

    def one(self, pool: ConnectionPool, values: Sequence[Any]) -> tuple[Any, ...] | None:
        """The first row, or None. Raises psycopg's errors."""
        connection = pool.getconn()
        try:
            transformer = Transformer(connection)
            found = self._run(connection.pgconn, transformer, values)
            transformer.set_pgresult(found)
            return transformer.load_row(0, tuple) if found.ntuples else None
        finally:
            pool.putconn(connection)

    def _run(
        self, pgconn: psycopg.pq.abc.PGconn, transformer: Transformer, values: Sequence[Any]
    ) -> psycopg.pq.abc.PGresult:
        sent = transformer.dump_sequence(values, [PyFormat.TEXT] * len(values))
        found = pgconn.exec_prepared(self._name, sent)
        if found.error_field(SQLSTATE) == UNPREPARED:
            _checked(pgconn, pgconn.prepare(self._name, self._statement, transformer.types))
            found = pgconn.exec_prepared(self._name, sent)
        return _checked(pgconn, found)


def _checked(pgconn: psycopg.pq.abc.PGconn, result: psycopg.pq.abc.PGresult) -> psycopg.pq.abc.PGresult:
    if pgconn.status == ConnStatus.BAD:
        raise psycopg.OperationalError("the connection is lost")
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise error_from_result(result)
    return result
