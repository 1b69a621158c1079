"""Who was shown whose data, for auditors: by whose data they are, or by who read them."""

from typing import Any, Final
from uuid import UUID

from flask import Response, request

from api import pagination
from api.context import locale, service
from api.errors import Problem
from api.schemas.accesses import AccessFilter
from api.schemas.audit_pages import AccessSearch
from api.traces import traced
from api.web.console import audited
from api.web.console.audited import AUDITORS
from api.web.feature import Feature
from api.web.forms import Form
from api.web.page import go, page
from api.web.visitors import for_staff, reads
from infrastructure import codes
from infrastructure.access_trail import Seen
from infrastructure.translations import text

SHOWN: Final = 50
NAMED: Final = 3  # people whose data were shown at once that stand in the list; the others are counted
FILTERS: Final = ("account", "reader", "kind", "from", "to")
CURSOR: Final = "pages of accesses"

pages = Feature("console_audit_accesses")


@pages.route("/console/audit/accesses", methods=["GET", "POST"])
@for_staff(*AUDITORS)
@reads("accesses", "account_accesses", "directory")
def show() -> Response:
    """Oldest first. What is typed becomes ids in the address."""
    asked = audited.asked(*FILTERS)
    people = {name: asked[name] for name in ("account", "reader") if _is_id(asked.get(name))}
    known = audited.called(people.values())
    again = {name: audited.typed_again(asked.get(name), known) for name in ("account", "reader")}
    form = Form(AccessSearch, asked | again)
    if wanted := form.read():
        with audited.beside(form):
            return go("console_audit_accesses.show", **_as_asked(wanted))
    holders = [entry.account_id for entry in known.values()]
    found = {} if form.is_wrong else _page(form, asked, holders)
    if holders and not found:
        traced("account", accounts=holders)
    return page(
        "console/audit/accesses.html",
        form=form,
        asked=asked,
        named=NAMED,
        **{"items": [], "people": {}, "cursor": None, "is_first": True} | found,
    )


def _page(form: Form, asked: dict[str, str], holders: list[UUID]) -> dict[str, Any]:
    """What the address asks for; nothing where it is wrong, which the form then says. holders: named in the form."""
    try:
        (last,) = pagination.opened(request.args.get("cursor"), CURSOR, int) or (0,)
    except Problem:
        return {}
    with audited.beside(form):
        wanted = audited.loaded(AccessFilter, asked)
        wanted.pop("limit")
        seen = service().access_trail.page(locale(), **wanted, after=last, limit=SHOWN + 1)
        shown = seen[:SHOWN]
        accounts = sorted({account_id for each in shown for account_id in each.accounts}.union(holders))
        filters = {"from": wanted.pop("since", None), "to": wanted.pop("until", None), **wanted}
        traced("accesses", accounts=accounts, count=len(shown), filters=filters)
        return {
            "items": [(each, _what(each)) for each in shown],
            "people": audited.called(each for one in shown for each in one.accounts[:NAMED]),
            "cursor": pagination.page(seen, SHOWN, lambda each: (each.position,), CURSOR),
            "is_first": not last,
        }
    return {}


def _what(seen: Seen) -> dict[str, str | None]:
    """What was shown, by which role and for which purpose, in words."""
    if seen.role is None:
        name = text(locale(), "history", "events", f"access.{seen.what}", "name")
        return {"what": name, "role": None, "purpose": None}
    return {
        "what": codes.label(locale(), "reads", seen.what),
        "role": codes.label(locale(), "roles", seen.role),
        "purpose": seen.purpose and audited.purpose_called(seen.purpose),
    }


def _as_asked(wanted: dict[str, Any]) -> dict[str, str]:
    """The filter as an address has it. Raises InvalidInput."""
    found: dict[str, UUID | str | None] = {
        "account": audited.account_of("account", wanted.get("account")),
        "reader": audited.actor_of("reader", wanted.get("reader")),
        "kind": wanted.get("kind"),
        "from": wanted.get("since"),
        "to": wanted.get("until"),
    }
    return {name: str(each) for name, each in found.items() if each}


def _is_id(typed: str | None) -> bool:
    return bool(typed and audited.UUID_FORM.fullmatch(typed))
