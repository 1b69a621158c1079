"""Whether the service lives and is ready, without detail: for load balancers, on the public port."""

from flask import Blueprint, Flask, Response

from api.answers import answer
from api.context import service

health = Blueprint("health", __name__)


def install(app: Flask) -> None:
    app.register_blueprint(health)


@health.get("/health/live")
def live() -> Response:
    """The process answers."""
    return answer({"status": "live"})


@health.get("/health/ready")
def ready() -> Response:
    """The database answers."""
    with service().pool.connection(timeout=1) as connection:
        connection.execute("SELECT 1")
    return answer({"status": "ready"})
