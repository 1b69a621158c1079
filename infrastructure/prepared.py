"""What is asked of PostgreSQL again and again, put to it in one call of libpq.

psycopg's own `execute` hands Python's lock to the other threads about twenty times a query, which costs more than the
query where many threads ask at once; `PQexecPrepared` hands it over once.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any

import psycopg
from psycopg.abc import PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult
from psycopg_pool import ConnectionPool

Row = tuple[Any, ...]


class Connection(psycopg.Connection):
    """A connection that knows which statements it has been taught."""

    def __init__(self, *how: Any, **more: Any) -> None:
        super().__init__(*how, **more)
        self.taught: set[bytes] = set()

    def _deallocate(self, name: bytes | None) -> PQGen[None]:
        """psycopg forgets all statements, not only its own, once after a ROLLBACK."""
        if name is None:
            self.taught.clear()
        yield from super()._deallocate(name)


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """One that is in no other, begun and ended by one call of libpq each."""
    _checked(connection.pgconn, connection.pgconn.exec_(b"BEGIN"))
    try:
        yield
        _checked(connection.pgconn, connection.pgconn.exec_(b"COMMIT"))
    except BaseException:
        if connection.pgconn.status == ConnStatus.OK:
            connection.pgconn.exec_(b"ROLLBACK")
        raise


class Prepared:
    """One statement, with `$1` … for its values, whose types PostgreSQL must be able to tell from the text."""

    def __init__(self, statement: str) -> None:
        self.text = statement
        self._name = b"matricule_" + blake2b(statement.encode(), digest_size=8).hexdigest().encode()

    def one(self, pool: ConnectionPool[Connection], values: Sequence[Any] = ()) -> Row | None:
        """The first row, or None. Raises psycopg's errors."""
        return next(iter(self.all(pool, values)), None)

    def all(self, pool: ConnectionPool[Connection], values: Sequence[Any] = ()) -> list[Row]:
        connection = pool.getconn()
        try:
            return self.on(connection, values)
        finally:
            pool.putconn(connection)

    def on(self, connection: Connection, values: Sequence[Any] = ()) -> list[Row]:
        """On a connection that nobody else uses meanwhile, in its transaction where it has one."""
        transformer = Transformer(connection)
        found = self._run(connection, transformer, values)
        transformer.set_pgresult(found)
        return transformer.load_rows(0, found.ntuples, tuple)

    def _run(self, connection: Connection, transformer: Transformer, values: Sequence[Any]) -> PGresult:
        pgconn = connection.pgconn
        if self._name not in connection.taught:
            _checked(pgconn, pgconn.prepare(self._name, self.text.encode()))
            connection.taught.add(self._name)
        # In text but for bytes, which would double: how wide psycopg makes a number in binary depends on its value.
        formats = [PyFormat.BINARY if _of_fixed_form(value) else PyFormat.TEXT for value in values]
        sent = transformer.dump_sequence(values, formats)
        return _checked(pgconn, pgconn.exec_prepared(self._name, sent, transformer.formats, Format.BINARY))


def _of_fixed_form(value: Any) -> bool:
    return isinstance(value[0] if isinstance(value, list) and value else value, bytes)


def _checked(pgconn: PGconn, result: PGresult) -> PGresult:
    if pgconn.status == ConnStatus.BAD:
        raise psycopg.OperationalError("the connection is lost")
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise error_from_result(result)
    return result
