"""The log for auditors: every event in a sentence, filtered, and the same as a file with a signed manifest."""

from typing import Any, Final
from uuid import UUID

from flask import Response, request

from api import audit_events, audit_files, pagination
from api.context import locale, service
from api.errors import Problem
from api.schemas.audit_history import EventFilter
from api.schemas.audit_pages import TOPICS, HistorySearch
from api.traces import traced
from api.web.console import audited
from api.web.console.audit_telling import is_readable, place_of, told
from api.web.console.audited import AUDITORS
from api.web.feature import Feature
from api.web.forms import Form
from api.web.page import go, page
from api.web.visitors import for_staff, reads

SHOWN: Final = 25  # events on a page
FILTERS: Final = ("account", "type", "actor", "from", "to")
CURSOR: Final = "pages of the audit's history"
TYPES: Final = {kind: content_type for content_type, kind in audit_events.FORMATS.items()}

pages = Feature("console_audit_history")


@pages.route("/console/audit/events", methods=["GET", "POST"])
@for_staff(*AUDITORS)
@reads("tree", "directory")
def show() -> Response:
    """In the order of the log. What is typed becomes codes and ids in the address."""
    asked = audited.asked(*FILTERS)
    known = audited.called([asked[name] for name in ("account", "actor") if _is_id(asked.get(name))])
    again = {name: audited.typed_again(asked.get(name), known) for name in ("account", "actor")}
    form = Form(HistorySearch, asked | again)
    holders = [entry.account_id for entry in known.values()]
    found: dict[str, Any] = {}
    if wanted := form.read():
        with audited.beside(form):
            return go("console_audit_history.show", **_as_asked(wanted))
    else:
        found = _page(form, asked, holders)
    if holders and not found:
        traced("account", accounts=holders)
    return page("console/audit/history.html", form=form, **_nothing(asked) | found)


@pages.get("/console/audit/events.<any(csv, jsonl):format_>")
@for_staff(*AUDITORS)
@reads("tree")
def export(format_: str) -> Response:
    """All that the filter leaves up to now, of one checkpoint."""
    asked = audited.loaded(EventFilter, audited.asked(*FILTERS))
    which = audit_events.wanted(service(), asked, service().clock.now())
    return audit_files.sent(which, asked | {"bom": format_ == "csv"}, TYPES[format_])


def _page(form: Form, asked: dict[str, str], holders: list[UUID]) -> dict[str, Any]:
    """What the address asks for; nothing where it is wrong, which the form then says. holders: named in the form."""
    try:
        rest = pagination.opened(request.args.get("cursor"), CURSOR, int, int)
    except Problem:
        return {}
    with audited.beside(form):
        wanted = audited.loaded(EventFilter, asked)
        which = audit_events.wanted(service(), wanted, service().clock.now())
        found, rest_after = audit_events.page(service(), which, rest, SHOWN)
        facts = [fact for fact, _ in found]
        accounts = [fact.account_id for fact in facts if fact.account_id]
        traced(
            "events",
            accounts=[*accounts, *holders],
            count=len(facts),
            filters=audit_events.filters(wanted),
        )
        return {
            "items": told(
                [place_of(fact) for fact in facts],
                unreadable=frozenset(fact.position for fact in facts if not is_readable(fact)),
            ),
            "people": audited.called(accounts),
            "cursor": rest_after and pagination.sealed(rest_after, CURSOR),
            "is_first": rest is None,
        }
    return {}


def _nothing(asked: dict[str, str]) -> dict[str, Any]:
    return {
        "asked": asked,
        "items": [],
        "people": {},
        "cursor": None,
        "is_first": True,
        "types": [(topic, audit_events.name_of(topic, locale())) for topic in TOPICS],
    }


def _as_asked(wanted: dict[str, Any]) -> dict[str, str]:
    """The filter as an address has it. Raises InvalidInput."""
    found = {
        "account": audited.account_of("account", wanted.get("account")),
        "type": wanted.get("type"),
        "actor": audited.actor_of("actor", wanted.get("actor")),
        "from": wanted.get("since"),
        "to": wanted.get("until"),
    }
    return {name: str(each) for name, each in found.items() if each}


def _is_id(typed: str | None) -> bool:
    return bool(typed and audited.UUID_FORM.fullmatch(typed))
