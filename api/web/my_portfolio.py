"""The training portfolio and the documents of whoever is linked to a record."""

from datetime import date
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from babel.dates import format_interval
from babel.numbers import format_decimal
from flask import Response, request

from api import pagination
from api.context import locale, service
from api.downloads import download
from api.identity import is_looked_at, me, my_entry
from api.schemas.portfolio import PortfolioFilter
from api.web.feature import Feature
from api.web.forms import Form
from api.web.page import page
from api.web.visitors import for_holders
from api.web.words import DATES, day, t
from domain.errors import NotLinkedYet
from domain.portfolio import KINDS, NO_DAY, STATES, Item, Place, Wanted
from infrastructure.documents import JPEG, PDF, PNG, TEXT

FILTERS: Final = ("kind", "state", "from", "to")
CURSOR: Final = "cursor"
TYPES: Final = {PDF: "PDF", PNG: "PNG", JPEG: "JPEG", TEXT: "TXT"}
UNITS: Final = (("megabytes", 1_000_000), ("kilobytes", 1_000), ("bytes", 1))

pages = Feature("my_portfolio")


@pages.get("/portfolio")
@for_holders
def show() -> Response:
    """All of it, or what the filter in the address asks for; the latest first."""
    asked = {name: request.args[name] for name in FILTERS if request.args.get(name)}
    form = Form(PortfolioFilter, asked)
    wanted = form.understood(asked)
    try:
        items, cursor = _page(wanted) if wanted else ([], None)
    except NotLinkedYet:
        entry = my_entry()
        return page("my-portfolio/not-linked.html", state=entry.link_state if entry else "none")
    response = page(
        "my-portfolio/show.html",
        form=form,
        asked=asked,
        years=[(year, list(those)) for year, those in groupby(items, key=_year)],
        cursor=cursor,
        is_first=CURSOR not in request.args,
        kinds=KINDS,
        states=STATES,
        dates_of=_dates,
        size_of=_size,
        decimal=_decimal,
        types=TYPES,
    )
    if is_looked_at():
        service().portfolios.listed(me().account_id, items)
    return response


@pages.get("/portfolio/documents/<uuid:item_id>")
@for_holders
def fetch(item_id: UUID) -> Response:
    """The file of a document or certificate."""
    my_id = me().account_id
    document = service().portfolios.document(my_id, item_id)
    response = download(document.file)
    if is_looked_at():
        service().portfolios.fetched(my_id, document)
    return response


def _page(wanted: dict[str, Any]) -> tuple[list[Item], str | None]:
    """Raises NotLinkedYet, Problem `bad-cursor`."""
    my_id, limit = me().account_id, wanted.pop("limit")
    kind = f"pages of the portfolio {my_id}"
    opened = pagination.opened(request.args.get(CURSOR), kind, date.fromisoformat, str, str)
    after = Place(*opened) if opened else None
    found = service().portfolios.page(my_id, Wanted(**wanted), after=after, limit=limit + 1)
    return list(found[:limit]), pagination.page(found, limit, lambda item: tuple(item.place), kind)


def _year(item: Item) -> int | None:
    return item.place.day.year if item.place.day != NO_DAY else None


def _dates(item: Item) -> str | None:
    """`5 févr. – 26 mars 2025`, or the one day that is known."""
    if item.starts and item.ends and item.starts != item.ends:
        return format_interval(item.starts, item.ends, "yMMMd", locale=DATES[locale()])
    known = item.starts or item.ends
    return known and day(known)


def _size(size: int) -> str:
    unit, bytes_each = next((unit for unit in UNITS if size >= unit[1]), UNITS[-1])
    return t(
        f"portfolio.sizes.{unit}", size=_decimal(round(size / bytes_each, 1 if unit == "megabytes" else 0))
    )


def _decimal(number: float) -> str:
    return format_decimal(number, format="#,##0.##", locale=DATES[locale()])
