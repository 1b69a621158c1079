"""Steps of the service that stand still: PostgreSQL lets a statement wait until the test has killed whoever sent it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from running_service import RunningService
from spec import until

LOCK = 0x5061757365  # nothing else takes it
WAIT = f"""
    CREATE OR REPLACE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock_shared({LOCK});
        RETURN coalesce(NEW, OLD);
    END $$
"""
WAITING = f"""
    SELECT pid FROM pg_locks
    WHERE locktype = 'advisory' AND NOT granted AND (classid::bigint << 32 | objid::bigint) = {LOCK}
"""


@dataclass(frozen=True)
class Step:
    """Before what the service stands still. before: `INSERT`, `UPDATE`, `DELETE` or `COMMIT`, of what was inserted.

    rows: which, in SQL; of a DELETE, whether or not it finds any.
    """

    name: str
    before: str
    table: str
    rows: str = "true"

    def __str__(self) -> str:
        return self.name

    @property
    def trigger(self) -> str:
        if self.before == "DELETE":
            return f"CREATE TRIGGER pause BEFORE DELETE ON {self.table} EXECUTE FUNCTION pause()"
        kind, moment, when = "", f"BEFORE {self.before}", ""
        if self.before == "COMMIT":
            kind, moment, when = "CONSTRAINT", "AFTER INSERT", "DEFERRABLE INITIALLY DEFERRED"
        return (
            f"CREATE {kind} TRIGGER pause {moment} ON {self.table} {when}"
            f" FOR EACH ROW WHEN ({self.rows}) EXECUTE FUNCTION pause()"
        )


class Pause:
    def __init__(self, test: psycopg.Connection) -> None:
        self._test = test

    def reached(self) -> None:
        """Wait until somebody stands at the step."""
        until(lambda: bool(self._waiting()))

    def undo(self) -> None:
        """Whoever stands there gets no further: what the transaction wrote is gone."""
        for pid in self._waiting():
            self._test.execute("SELECT pg_terminate_backend(%s)", [pid])
        until(lambda: not self._waiting())

    def go_on(self) -> None:
        """What was asked for is carried out, though nobody is left who hears of it."""
        self._test.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
        until(lambda: not self._waiting())

    def _waiting(self) -> list[int]:
        return [pid for (pid,) in self._test.execute(WAITING)]


@contextmanager
def paused(service: RunningService, step: Step) -> Iterator[Pause]:
    """The service stands still whenever it comes to the step; after the block nothing stands in its way."""
    with psycopg.connect(service.database, autocommit=True) as test:
        test.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        test.execute(WAIT)
        test.execute(step.trigger)
        try:
            yield Pause(test)
        finally:
            test.execute("SELECT pg_advisory_unlock_all()")
            test.execute(f"DROP TRIGGER pause ON {step.table}")
