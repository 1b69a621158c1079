"""Accounts as staff lists and finds them, page by page or as a file; the same for both doors."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from flask import Response, request

from api import pagination, representations, spreadsheet
from api.context import service
from api.errors import Problem
from api.spreadsheet import CSV
from api.traces import traced
from projections.directory import Entry
from projections.finder import Moved, Place

FILTERS: Final = ("state", "link", "canton", "locale", "created_from", "created_to")
COLUMNS: Final = (
    "id",
    "email",
    "given_name",
    "family_name",
    "locale",
    "canton",
    "state",
    "link_state",
    "created_at",
)
BATCH: Final = 1000  # of a file; so many accounts one trace can name
FILE: Final = "accounts.csv"


def is_file_wanted() -> bool:
    return request.accept_mimetypes.best_match(["application/json", CSV], "application/json") == CSV


def filters_of(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: wanted.get(name) for name in FILTERS}


def listed(
    typed: str | None, wanted: Mapping[str, Any], *, cursor: str | None, limit: int
) -> tuple[list[Entry], str | None]:
    """A page and the cursor after it. typed: into the search box; None to list all, newest first.

    What was found leaves a trace, what was typed does not. Raises Problem `bad-cursor`.
    """
    entries, following = found(typed, wanted, cursor=cursor, limit=limit)
    _trace(typed, wanted, entries)
    return entries, following


def found(
    typed: str | None, wanted: Mapping[str, Any], *, cursor: str | None, limit: int
) -> tuple[list[Entry], str | None]:
    filters = filters_of(wanted)
    if typed is None:
        after = pagination.opened(cursor, "accounts", datetime.fromisoformat, UUID)
        entries = service().directory.page(**filters, after=after, limit=limit + 1)
        end = pagination.page(entries, limit, lambda entry: (entry.created_at, entry.account_id), "accounts")
        return list(entries[:limit]), end
    opened = pagination.opened(cursor, "account search", str, UUID)
    try:
        shown, end = service().search.page(
            typed, filters, after=Place(*opened) if opened else None, limit=limit
        )
    except Moved:
        raise Problem("bad-cursor") from None
    return list(shown), end and pagination.sealed(tuple(end), "account search")


def sent(typed: str | None, wanted: Mapping[str, Any], *, most: int | None = None) -> Response:
    """All of them as CSV, newest first or as they are found. most: entries; None for all."""
    return spreadsheet.sent(_batches(typed, wanted, most), COLUMNS, FILE)


def _batches(
    typed: str | None, wanted: Mapping[str, Any], most: int | None
) -> Iterator[list[dict[str, Any]]]:
    cursor, left = None, most
    while True:
        size = BATCH if left is None else min(BATCH, left)
        entries, cursor = found(typed, wanted, cursor=cursor, limit=size)
        _trace(typed, wanted, entries, format="csv")  # before they leave
        yield [representations.account_item(entry) for entry in entries]
        left = None if left is None else left - len(entries)
        if cursor is None or left == 0:
            return


def _trace(typed: str | None, wanted: Mapping[str, Any], entries: Sequence[Entry], **more: str) -> None:
    what = "accounts" if typed is None else "account-search"
    traced(what, accounts=[entry.account_id for entry in entries], filters={**filters_of(wanted), **more})
