"""The role that keeps the read models up with the log."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

import psycopg

from infrastructure.doorbell import Doorbell
from infrastructure.observability import Metrics
from projections.projector import LostTurn, Projector
from projections.read_model import ReadModel, Unseal
from projections.rebuild import rebuild
from projections.tree import TreeDisagrees

log = logging.getLogger(__name__)

POLL = 0.25  # s; the safety net under the doorbell
TAKE_OVER_POLL = 1.0  # s; how often a process that waits looks whether the projecting one has gone
IMPATIENT = (
    0.001,
    0.002,
    0.004,
    0.008,
    0.016,
    0.032,
)  # s; after a ring, while a writer holds the horizon back

STATUS = """
    SELECT p.name, p.position,
           (SELECT max(position) FROM events) - p.position AS behind,
           (SELECT extract(epoch FROM clock_timestamp() - min(e.recorded_at)) FROM (
               SELECT recorded_at FROM events WHERE position > p.position ORDER BY position LIMIT 1) AS e) AS seconds,
           (SELECT count(*) FROM parked_streams AS s WHERE s.projection = p.name) AS parked
    FROM projections AS p ORDER BY p.name
"""
SNAPSHOT = "SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint FROM pg_current_snapshot() AS s"


class Horizon:
    """How long the oldest open writing transaction has held readers back, as far as was seen. Needs no privilege."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._oldest = 0
        self._since = clock()

    def age(self, oldest: int, next_id: int) -> float:
        """oldest, next_id: xmin and xmax of a snapshot taken just now. Seconds, 0 when nobody writes."""
        if oldest != self._oldest or oldest == next_id:
            self._oldest, self._since = oldest, self._clock()
        return self._clock() - self._since


class Project:
    """Any number of processes may run this; one projects, the others wait to take over."""

    name = "project"

    def __init__(
        self, conninfo: str, models: Sequence[ReadModel], unseal: Unseal, doorbell: Doorbell
    ) -> None:
        self._conninfo = conninfo
        self._models = {model.name: model for model in models}
        self._unseal = unseal
        self._doorbell = doorbell

    def run(self, stop: threading.Event) -> None:
        with self._connected() as connection:
            projector = self._projector(connection)
            while not projector.take_turn():
                if stop.wait(TAKE_OVER_POLL):
                    return
            self._prepare(connection, projector)
            self._follow(connection, projector, stop)

    def catch_up(self) -> None:
        """Fold what is there, unless a process that runs already does."""
        with self._connected() as connection:
            projector = self._projector(connection)
            if projector.take_turn():
                self._prepare(connection, projector)
                while projector.advance():
                    pass

    def _connected(self) -> psycopg.Connection:
        return psycopg.connect(
            self._conninfo, autocommit=True, application_name="matricule project", options="-c TimeZone=UTC"
        )

    def _projector(self, connection: psycopg.Connection) -> Projector:
        return Projector(connection, list(self._models.values()), self._unseal, after_batch=self._after_batch)

    def _prepare(self, connection: psycopg.Connection, projector: Projector) -> None:
        for name in projector.prepare():
            log.info("rebuilding, for its shape has changed", extra={"projection": name})
            try:
                rebuild(connection, self._models[name], self._unseal)
            except TreeDisagrees as alarm:  # the one that is there stays, and the other read models go on
                log.critical("the log is not the one that was signed", extra={"count": alarm.args[0]})
        projector.prepare()
        projector.fold_parked()

    def _follow(self, connection: psycopg.Connection, projector: Projector, stop: threading.Event) -> None:
        seen, waits = -1, iter(())
        while not stop.is_set():
            try:
                if projector.advance():
                    waits = iter(())
                    continue
            except LostTurn:
                log.warning("positions were moved by another process")
            before = seen
            seen = self._doorbell.wait("events", seen, next(waits, POLL))
            if seen != before:
                waits = iter(IMPATIENT)

    def _after_batch(self, touched: list[str]) -> None:
        self._doorbell.ring("projected")
        if "outbox" in touched:
            self._doorbell.ring("outbox")


def measure(connection: psycopg.Connection, horizon: Horizon, metrics: Metrics) -> None:
    """Read from the database how far the read models are: whoever is asked for metrics need not project itself."""
    metrics.horizon_age_seconds.set(horizon.age(*connection.execute(SNAPSHOT).fetchone()))
    for name, _, behind, seconds, parked in connection.execute(STATUS):
        metrics.projection_lag_positions.labels(name).set(max(behind or 0, 0))
        metrics.projection_lag_seconds.labels(name).set(seconds or 0)
        metrics.parked_streams.labels(name).set(parked)
