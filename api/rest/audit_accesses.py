"""Who was shown whose data, for auditors."""

from typing import Any

from flask import Response

from api import pagination, representations
from api.answers import answer
from api.arguments import Blueprint
from api.context import locale, service
from api.described import tells
from api.identity import staff
from api.positions import waits_for
from api.schemas.accesses import ACCESS_PAGE, AccessFilter, AccessPage
from api.traces import traced

blueprint = Blueprint("audit_accesses", __name__, url_prefix="/api/v1/audit")


@blueprint.get("/accesses")
@staff("auditor")
@blueprint.arguments(AccessFilter, location="query")
@waits_for("accesses", "account_accesses", "directory")
@blueprint.response(200, AccessPage, example=ACCESS_PAGE)
@tells("bad-cursor")
def list_accesses(wanted: dict[str, Any]) -> Response:
    """Who was shown whose data, oldest first: reads by staff, auditors and operations, or sign-ins, good and failed.

    `account`: whose data. `reader`: who saw them. A bare date in `from` or `to` is a day in Switzerland, itself
    included. This read is noted, too.
    """
    asked = {name: value for name, value in wanted.items() if name not in ("cursor", "limit")}
    seen, following = pagination.by_position(
        "accesses",
        wanted,
        lambda last, limit: service().access_trail.page(locale(), **asked, after=last, limit=limit),
    )
    filters = {
        "from": asked.pop("since", None),
        "to": asked.pop("until", None),
        **asked,
    }
    shown = {account_id for each in seen for account_id in each.accounts}
    traced("accesses", accounts=sorted(shown), count=len(seen), filters=filters)
    return answer({"items": list(map(representations.access, seen)), "next_cursor": following})
