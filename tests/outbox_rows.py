"""Rows of the outbox as its projector writes them."""

from uuid import UUID, uuid4

from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool


def add_item(pool: ConnectionPool, *, kind: str = "rejected", recipient: str = "holder") -> UUID:
    """A waiting row with a cause of its own."""
    with pool.connection() as connection:
        (item_id,) = connection.execute(
            "INSERT INTO outbox (cause, kind, recipient) VALUES (%s, %s, %s) RETURNING id",
            [f"event {uuid4()}", kind, recipient],
        ).fetchone()
    return item_id


def item_row(pool: ConnectionPool, item_id: UUID) -> DictRow:
    """The row, with `rests`: for how many seconds yet."""
    with pool.connection() as connection:
        return (
            connection.cursor(row_factory=dict_row)
            .execute(
                "SELECT *, extract(epoch FROM next_attempt_at - now())::float AS rests"
                " FROM outbox WHERE id = %s",
                [item_id],
            )
            .fetchone()
        )
