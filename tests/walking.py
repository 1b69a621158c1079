"""Every operation of the API, walked with the example that the OpenAPI document gives."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from api_client import PREFIX, House

from api.described import facts_of
from api.documentation import openapi_document, operations, path_of


@dataclass(frozen=True)
class Operation:
    method: str
    path: str  # without the API's prefix, ids in it
    body: dict[str, Any] | None
    facts: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def walked(house: House, *, unsafe: bool = False, **ids: object) -> Iterator[Operation]:
    """unsafe: only those that change something. ids: for the places in paths, by name; others are nobody's."""
    described = openapi_document()["paths"]
    for rule, method in operations(house.app):
        if unsafe and method == "get":
            continue
        path = path_of(rule)
        content = described[path][method].get("requestBody", {}).get("content", {})
        yield Operation(
            method.upper(),
            path.removeprefix(PREFIX).format_map(defaultdict(uuid4, ids)),
            content.get("application/json", {}).get("example"),
            facts_of(house.app.view_functions[rule.endpoint]),
        )


def state_of(house: House, *besides: str) -> dict[str, list]:
    """All rows of all tables but `besides`, without what every request or every tick moves on."""
    readers = ("directory", "timeline", "cases", "outbox")
    house.service.watermark.wait(readers, house.service.watermark.open(house.position()))
    moved = {"projections", "buckets", "idempotency", "database_identity", *besides}
    with house.service.pool.connection() as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        return {
            table: sorted(
                row
                for (row,) in connection.execute(
                    f"SELECT (to_jsonb(t) - 'last_seen_at')::text FROM {table} t"
                )
            )
            for (table,) in tables
            if table not in moved
        }
