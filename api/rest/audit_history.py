"""What happened, as auditors read it: any account as of any instant, and what changed."""

from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

from flask import Response, request

from api import as_of, audit_events, audit_files, pagination
from api.answers import answer
from api.arguments import MEDIA_TYPE, Blueprint
from api.context import locale, service
from api.described import tells
from api.errors import Problem
from api.identity import staff
from api.positions import waits_for
from api.schemas import audit_history, audit_history_examples
from api.schemas.staff import PAGE_USUAL
from api.traces import traced
from infrastructure.audit_log import Wanted

CURSOR = "audit events"

blueprint = Blueprint("audit_history", __name__, url_prefix="/api/v1/audit")


@blueprint.get("/events")
@staff("auditor")
@blueprint.arguments(audit_history.EventFilter, location="query")
@waits_for("tree")
@blueprint.response(200, audit_history.Events, example=audit_history_examples.EVENTS)
@tells("not-found", "bad-cursor", "log-differs", exports=True)
def list_events(wanted: dict[str, Any]) -> Response:
    """Events in the order of the log, their data opened, AHV numbers masked but for a `purpose`.

    A period includes where it begins and where it ends. A page may hold fewer than `limit`, or none, and still have a
    `next_cursor`: what is rare is looked for page by page.

    As `text/csv` or `application/x-ndjson`: all of them up to now, of one checkpoint. `Export-Id` names the manifest,
    which is signed when the last byte is sent. `bom=true` marks the CSV as UTF-8.
    """
    which = audit_events.wanted(service(), wanted, service().clock.now())
    chosen = request.accept_mimetypes.best_match([MEDIA_TYPE, *audit_events.FORMATS], MEDIA_TYPE)
    return _page(which, wanted) if chosen == MEDIA_TYPE else _file(which, wanted, chosen)


@blueprint.get("/exports/<uuid:export_id>")
@staff("auditor")
@blueprint.response(200, audit_history.Export, example=audit_history_examples.EXPORT)
@tells("not-found")
def show_export(export_id: UUID) -> Response:
    """What an export holds: filter, count, hash of its bytes, checkpoint; signed once it is done."""
    found = service().exports.get(export_id)
    if found is None:
        raise Problem("not-found")
    return answer(asdict(found))


def _page(which: Wanted, wanted: dict[str, Any]) -> Response:
    purpose = wanted.get("purpose")
    found, rest = audit_events.page(service(), which, _rest(wanted), wanted.get("limit", PAGE_USUAL))
    items = [audit_events.item(*each, locale(), masked=purpose is None) for each in found]
    traced(
        "events",
        accounts=filter(None, (fact.account_id for fact, _ in found)),
        purpose=purpose,
        count=len(found),
        filters=audit_events.filters(wanted),
    )
    return answer({"items": items, "next_cursor": rest and pagination.sealed(rest, CURSOR)})


def _rest(wanted: dict[str, Any]) -> tuple[int, int] | None:
    return pagination.opened(wanted.get("cursor"), CURSOR, int, int)


def _file(which: Wanted, wanted: dict[str, Any], chosen: str) -> Response:
    rest = _rest(wanted)
    if rest:
        which = replace(which, after=max(which.after, rest[0]))
    return audit_files.sent(which, wanted, chosen)


@blueprint.get("/accounts/<uuid:account_id>")
@staff("auditor")
@blueprint.arguments(audit_history.AsOf, location="query")
@blueprint.response(200, audit_history.PastState, example=audit_history_examples.PAST_STATE)
@tells("not-found", "not-yet", "soon")
def show_account_as_of(wanted: dict[str, Any], account_id: UUID) -> Response:
    """An account as it stood at an instant or position, from the log alone; now where neither is given.

    An event recorded at an instant belongs to it. A bare date is the end of that day in Switzerland. The AHV number is
    masked; with a `purpose` it is shown whole, and the purpose is noted.
    """
    return past_state(account_id, wanted)


@blueprint.get("/accounts/<uuid:account_id>/diff")
@staff("auditor")
@blueprint.arguments(audit_history.Between, location="query")
@blueprint.response(200, audit_history.PastChanges, example=audit_history_examples.PAST_CHANGES)
@tells("not-found", "not-yet", "soon")
def show_changes(wanted: dict[str, Any], account_id: UUID) -> Response:
    """What changed after `from` and up to `to` (now where it is not given), each an instant, a date or a position.

    Every change in the order of the log, with old and new value: two of one field are two.
    """
    return past_changes(account_id, wanted)


def past_state(account_id: UUID, wanted: dict[str, Any]) -> Response:
    field, purpose = "at_position" if "at_position" in wanted else "as_of", wanted.get("purpose")
    cut = as_of.point(service(), field, wanted.get(field))
    found = as_of.state(service(), account_id, cut, locale(), masked=purpose is None)
    traced("as-of", accounts=[account_id], purpose=purpose, filters={field: wanted.get(field)})
    return answer(found)


def past_changes(account_id: UUID, wanted: dict[str, Any]) -> Response:
    purpose = wanted.get("purpose")
    since, until = as_of.span(service(), wanted["since"], wanted["until"])
    found = as_of.changes(service(), account_id, since, until, locale(), masked=purpose is None)
    filters = {"from": wanted["since"], "to": wanted["until"]}
    traced("diff", accounts=[account_id], purpose=purpose, filters=filters)
    return answer(found)
