"""What happened to an account, in order: where its events stand in the log. The facts themselves stay sealed there."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from psycopg_pool import ConnectionPool

from domain.access import Access
from projections.read_model import Fact, ReadModel, Row

ACCESS = f"{Access.TOPIC}."  # how the topics of accesses begin: they have read models of their own

timeline = ReadModel(
    "timeline",
    version=2,
    columns={
        "account_id": "uuid",
        "position": "bigint",
        "originator_id": "uuid",
        "originator_version": "bigint",
    },
    key=("account_id", "position"),
    keeps_first=True,
)


@timeline.folds()
def _(fact: Fact) -> Row | None:
    if not fact.account_id or fact.topic.startswith(ACCESS):
        return None
    return {
        "account_id": fact.account_id,
        "position": fact.position,
        "originator_id": fact.originator_id,
        "originator_version": fact.originator_version,
    }


class Place(NamedTuple):
    position: int
    originator_id: UUID
    originator_version: int


class Timeline:
    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def page(self, account_id: UUID, *, after: int = 0, limit: int | None = None) -> Sequence[Place]:
        """Oldest first. after: the last position seen. limit: None for all."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT position, originator_id, originator_version FROM timeline"
                " WHERE account_id = %s AND position > %s ORDER BY position LIMIT %s",
                (account_id, after, limit),
            )
            return [Place(*row) for row in rows]
