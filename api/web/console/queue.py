"""The queue: links that wait for a decision, oldest deadline first."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final
from uuid import UUID

from flask import Response, request

from api import pagination, representations
from api.context import service, today
from api.errors import Problem
from api.schemas.staff import CASE_STATES, CaseFilter
from api.spreadsheet import sent
from api.traces import traced
from api.web.console import decided, desk
from api.web.console.desk import CASE_READERS
from api.web.feature import Feature
from api.web.page import go, page
from api.web.visitors import for_staff, reads

SHOWN: Final = 50  # on a page
BATCH: Final = 1000  # of a file; so many accounts one trace can name
ALL: Final = "all"  # the filter that narrows nothing; without any, what is to be done is shown
VIEWS: Final = ({}, {"late": "true"}, *({"state": state} for state in CASE_STATES[1:]), {"state": ALL})
COLUMNS: Final = (
    "id",
    "state",
    "cause",
    "due",
    "late",
    "taken_by",
    "created_at",
    "account_id",
    "email",
    "given_name",
    "family_name",
)

pages = Feature("console_queue")


@pages.get("/console")
@for_staff(*CASE_READERS)
@reads("cases")
def show() -> Response:
    """What is to be done; or the cases that the filter in the address asks for."""
    asked = _asked()
    if asked is None:
        return go("console_queue.show")
    try:
        after = _opened(request.args.get("cursor"))
    except Problem:
        return go("console_queue.show", **asked)
    items, end = _page(asked, after, SHOWN)
    _trace(asked, items)
    return page(
        "console/queue.html",
        items=items,
        asked=asked,
        views=VIEWS,
        counts=service().backlog()._asdict(),
        cursor=end and pagination.sealed(end, "pages of the queue"),
        is_first=after is None,
        decided=decided.last(),
        register=desk.register(),
    )


@pages.get("/console/cases")
@for_staff(*CASE_READERS)
def show_cases() -> Response:
    """The queue's other address."""
    cursor = request.args.get("cursor")
    return go("console_queue.show", **(_asked() or {}), **({"cursor": cursor} if cursor else {}))


@pages.get("/console/cases.csv")
@for_staff(*CASE_READERS)
@reads("cases")
def export() -> Response:
    """All that the filter leaves, as a file."""
    asked = _asked()
    if asked is None:
        raise Problem("not-found")
    return sent(_batches(asked), COLUMNS, "cas.csv")


def _asked() -> dict[str, str] | None:
    """The filter in the address; None for what is none."""
    asked = {name: request.args[name] for name in ("state", "late") if request.args.get(name)}
    return None if CaseFilter().validate(_wanted(asked)) else asked


def _wanted(asked: dict[str, str]) -> dict[str, Any]:
    """What the query is asked for."""
    if asked.get("state") == ALL:
        return {}
    return asked or {"state": CASE_STATES[0]}


def _page(
    asked: dict[str, str], after: tuple[date, UUID] | None, limit: int
) -> tuple[list[dict[str, Any]], tuple[date, UUID] | None]:
    """Items, and after what the next page begins; None at the end."""
    wanted = CaseFilter().load(_wanted(asked))
    wanted.pop("limit")
    rows = service().cases.page(**wanted, today=today(), after=after, limit=limit + 1)
    shown = rows[:limit]
    items = representations.case_items(shown, today())
    return items, (shown[-1].due, shown[-1].case_id) if len(rows) > limit else None


def _batches(asked: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
    end = None
    while True:
        items, end = _page(asked, end, BATCH)
        _trace(asked, items, format="csv")  # before they leave
        yield [_flat(item) for item in items]
        if end is None:
            return


def _flat(item: dict[str, Any]) -> dict[str, Any]:
    account = {name: value for name, value in item["account"].items() if name != "id"}
    return {**item, **account, "account_id": item["account"]["id"]}


def _trace(asked: dict[str, str], items: list[dict[str, Any]], **more: str) -> None:
    accounts = [item["account"]["id"] for item in items]
    traced("cases", accounts=accounts, count=len(items), filters=_wanted(asked) | more)


def _opened(cursor: str | None) -> tuple[date, UUID] | None:
    """Raises Problem `bad-cursor`."""
    return pagination.opened(cursor, "pages of the queue", date.fromisoformat, UUID)
