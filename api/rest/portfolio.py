"""What the institution publishes about one's record: courses, certificates and documents."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import Response

from api import pagination, representations
from api.answers import answer
from api.arguments import Blueprint
from api.context import service
from api.described import UNUSABLE, tells
from api.downloads import download
from api.identity import is_looked_at, me, signed_in
from api.schemas import portfolio
from domain.portfolio import Place, Wanted
from infrastructure.documents import PDF

BINARY = {"type": "string", "format": "binary"}

blueprint = Blueprint("portfolio", __name__, url_prefix="/api/v1/me")


@blueprint.get("/portfolio")
@signed_in
@blueprint.arguments(portfolio.PortfolioFilter, location="query")
@blueprint.response(200, portfolio.PortfolioPage, example=portfolio.PORTFOLIO_PAGE)
@tells("not-linked-yet", *UNUSABLE, "bad-cursor")
def list_portfolio(wanted: dict[str, Any]) -> Response:
    """Courses, certificates and documents, the latest first, once the account is linked to its record.

    `from` and `to` show what was going on in between. What has no file is no longer `new` once it was listed.
    """
    return _page("portfolio", wanted)


@blueprint.get("/documents")
@signed_in
@blueprint.arguments(portfolio.PortfolioFilter, location="query")
@blueprint.response(200, portfolio.PortfolioPage, example=portfolio.DOCUMENT_PAGE)
@tells("not-linked-yet", *UNUSABLE, "bad-cursor")
def list_documents(wanted: dict[str, Any]) -> Response:
    """All of the portfolio that has a file, of whatever kind. It is `new` until it is fetched."""
    return _page("documents", wanted, with_file=True)


@blueprint.get("/documents/<uuid:document_id>")
@signed_in
@blueprint.response(200, BINARY, content_type=PDF, example="%PDF-1.4 …")
@tells("not-linked-yet", *UNUSABLE, "not-found", versioned=True, file=True)
def fetch_document(document_id: UUID) -> Response:
    """The file, with its SHA-256 as `ETag` and, in base64, in `Repr-Digest` (RFC 9530).

    Its type is what its bytes say; what is none of these types is `application/octet-stream`.
    """
    my_id = me().account_id
    document = service().portfolios.document(my_id, document_id)
    response = download(document.file)
    if is_looked_at():
        service().portfolios.fetched(my_id, document)
    return response


def _page(which: str, asked: dict[str, Any], **more: bool) -> Response:
    my_id, limit = me().account_id, asked.pop("limit")
    kind = f"{which} {my_id}"
    opened = pagination.opened(asked.pop("cursor", None), kind, date.fromisoformat, str, str)
    after = Place(*opened) if opened else None
    found = service().portfolios.page(my_id, Wanted(**asked, **more), after=after, limit=limit + 1)
    items = found[:limit]
    response = answer(
        {
            "items": list(map(representations.portfolio_item, items)),
            "next_cursor": pagination.page(found, limit, lambda item: tuple(item.place), kind),
        }
    )
    if is_looked_at():
        service().portfolios.listed(my_id, items)
    return response
