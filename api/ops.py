"""What the operator asks on a port of its own: does it live, how does each part stand, the metrics."""

import contextlib
from typing import Any, Final

import psycopg
from flask import Flask, Response

from api import health
from api.answers import answer
from api.context import EXTENSION, service
from api.mirroring import records_state
from infrastructure.bootstrap import Service
from infrastructure.broker import BrokerUnavailable
from infrastructure.database import pending_migrations
from infrastructure.project import SNAPSHOT, STATUS, Horizon, measure

PATIENCE_SECONDS: Final = 1.0  # for a connection
LATE_SECONDS: Final = 60.0  # a read model this far behind, or readers held back this long, want a look
PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"


def create_ops_app(parts: Service) -> Flask:
    app = Flask(__name__, static_folder=None)
    app.extensions[EXTENSION] = parts
    horizon = Horizon()
    app.add_url_rule("/health/live", view_func=health.live)
    app.add_url_rule("/health/ready", endpoint="ready", view_func=lambda: ready(horizon))
    app.add_url_rule("/metrics", endpoint="metrics", view_func=lambda: metrics(horizon))
    return app


def ready(horizon: Horizon) -> Response:
    """`ready`, `degraded` (answers, but something wants a look) or `unavailable` (503), and why."""
    try:
        found = _found(horizon)
    except psycopg.OperationalError as fault:
        return answer({"status": "unavailable", "database": {"error": type(fault).__name__}}, 503)
    if found["database"]["pending_migrations"]:
        return answer({"status": "unavailable", **found}, 503)
    return answer({"status": "degraded" if _wants_a_look(found) else "ready", **found})


def metrics(horizon: Horizon) -> Response:
    """For Prometheus. While the database is away, the last figures stand."""
    with contextlib.suppress(psycopg.OperationalError):
        service().metrics.show_outbox(service().outbox_queue.counts())
        service().metrics.show_records(records_state(service()))
        with service().pool.connection(timeout=PATIENCE_SECONDS) as connection:
            measure(connection, horizon, service().metrics)
        with contextlib.suppress(psycopg.errors.UndefinedTable):  # nobody has projected yet
            service().metrics.show_cases(service().backlog(), service().clock.now())
    return Response(service().metrics.render(), content_type=PROMETHEUS)


def _found(horizon: Horizon) -> dict[str, Any]:
    with service().pool.connection(timeout=PATIENCE_SECONDS) as connection:
        pending = pending_migrations(connection)
        if pending:
            return {"database": {"pending_migrations": pending}}
        age = horizon.age(*connection.execute(SNAPSHOT).fetchone())
        projections = {
            name: {"seconds_behind": float(seconds or 0), "parked_streams": parked}
            for name, _position, _behind, seconds, parked in connection.execute(STATUS)
        }
    return {
        "database": {"pending_migrations": []},
        "horizon": {"age_seconds": round(age, 3)},
        "projections": projections,
        "outbox": service().outbox_queue.counts(),
        "broker": _broker(),
        "records": records_state(service()),
    }


def _broker() -> dict[str, str | None]:
    try:
        service().broker.check()
    except BrokerUnavailable as fault:
        return {"error": fault.code}
    return {"error": None}


def _wants_a_look(found: dict[str, Any]) -> bool:
    return (
        found["broker"]["error"] is not None
        or found["outbox"]["parked"] > 0
        or found["records"]["fault"] is not None
        or found["records"]["late"]
        or found["horizon"]["age_seconds"] > LATE_SECONDS
        or any(
            model["parked_streams"] or model["seconds_behind"] > LATE_SECONDS
            for model in found["projections"].values()
        )
    )
