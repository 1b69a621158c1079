"""One account: how it stands, what was declared, what happened, what was written to its holder; and as of a day."""

from typing import Any, Final
from uuid import UUID

from flask import Response, request

from api import as_of, representations
from api.context import locale, service, today
from api.errors import Problem
from api.rest.accounts import declared
from api.schemas.audit_history import AsOf
from api.traces import traced
from api.web import history_words
from api.web.console import comparison, decided, desk
from api.web.console.actions import offered
from api.web.console.desk import ACCOUNT_READERS
from api.web.feature import Feature
from api.web.page import go, page
from api.web.visitors import for_staff, reads
from domain.errors import AccountErased
from domain.profile import PERSONAL_DATA
from domain.recovery import ProposedRecovery
from infrastructure import codes
from infrastructure.translations import table
from projections.directory import Entry

EVENTS: Final = 20  # of a timeline; all when asked
MESSAGES: Final = 200

pages = Feature("console_sheet")


@pages.get("/console/accounts/<uuid:account_id>")
@for_staff(*ACCOUNT_READERS)
@reads("cases", "timeline", "outbox")
def show(account_id: UUID) -> Response:
    entry, purpose = _entry(account_id), request.args.get("purpose")
    if purpose and not codes.is_code("purposes", purpose):
        return go("console_sheet.show", account_id=account_id)
    masked = purpose is None
    related = service().merges.of(account_id)
    sheet = representations.account_sheet(entry, declared(account_id), related, masked=masked)
    moments = service().history.of(account_id, locale(), masked=masked)[::-1]
    shown = moments if "events" in request.args else moments[:EVENTS]
    messages = service().outbox_queue.of(account_id, after=None, limit=MESSAGES)[::-1]
    traced("account", accounts=[account_id], purpose=purpose)
    traced("timeline", accounts=[account_id], purpose=purpose, count=len(shown))
    traced("messages", accounts=[account_id], count=len(messages))
    return page(
        "console/sheet.html",
        account=sheet,
        profile=sheet["profile"] and _facts(sheet["profile"]),
        case_id=service().cases.undecided_of(account_id),
        days=history_words.by_day(shown, representations.moment),
        more=len(moments) - len(shown),
        messages=[(each, _called(each.kind)) for each in messages],
        recovery=_recovery(entry),
        actions=offered(entry, is_merged=bool(related.merged_into)) if desk.may(*desk.CLERKS) else [],
        purpose=purpose,
        purposes=desk.choices("purposes"),
        today=today(),
        decided=decided.last(),
    )


@pages.get("/console/accounts/<uuid:account_id>/past")
@for_staff(*ACCOUNT_READERS)
def show_past(account_id: UUID) -> Response:
    """How it stood at the end of a day, from the log alone."""
    asked = {"as_of": request.args.get("as_of", "")}
    if not asked["as_of"] or AsOf().validate(asked):
        return go("console_sheet.show", account_id=account_id)
    cut = as_of.point(service(), "as_of", AsOf().load(asked).get("as_of"))
    state = as_of.state(service(), account_id, cut, locale())
    traced("as-of", accounts=[account_id], filters={"as_of": asked["as_of"]})
    return page(
        "console/past.html",
        account_id=account_id,
        day=asked["as_of"],
        state=state,
        profile=state["profile"] and _facts(state["profile"]),
        today=today(),
    )


def _entry(account_id: UUID) -> Entry:
    entry = service().directory.get(account_id)
    if entry is None:
        raise Problem("not-found")
    return entry


def _facts(profile: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(name, comparison.in_words(name, profile[name])) for name in PERSONAL_DATA]


def _recovery(entry: Entry) -> ProposedRecovery | None:
    """What another clerk has proposed, and somebody has to approve."""
    try:
        return service().store.account(entry.account_id).open_recovery(service().clock.now())
    except AccountErased:
        return None


def _called(kind: str) -> str:
    """A message by its title; one that has none any more by its kind."""
    try:
        return table(locale(), "messages", kind)["title"]
    except KeyError:
        return kind
