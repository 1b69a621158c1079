"""One account for auditors: how it stood at any moment, what changed between two, and its evidence to take away."""

from typing import Any, Final
from uuid import UUID

from flask import Response

from api import as_of, audit_events
from api.context import locale, service
from api.schemas.accesses import Purpose
from api.schemas.audit_pages import AccountSearch, Period, Standing
from api.traces import traced
from api.web.console import audited
from api.web.console.audit_telling import Place, Told, told
from api.web.console.audited import AUDITORS
from api.web.feature import Feature
from api.web.forms import Form
from api.web.page import go, page
from api.web.visitors import for_staff, reads
from domain.profile import PERSONAL_DATA
from infrastructure.past import Happened

PARTS: Final = {  # what a state says, part by part
    "account": ("state", "email", "given_name", "family_name", "locale", "roles"),
    "profile": PERSONAL_DATA,
    "link": ("link_state", "link_due", "record_number", "linked_at", "by"),
    "case": ("case_state", "case_due", "pending"),
}

pages = Feature("console_audit_account")


@pages.route("/console/audit/accounts", methods=["GET", "POST"])
@for_staff(*AUDITORS)
def find() -> Response:
    """By address or id, which is never part of an address."""
    form = Form(AccountSearch)
    if wanted := form.read():
        with audited.beside(form):
            return go(
                "console_audit_account.show", account_id=audited.account_of("account", wanted["account"])
            )
    return page("console/audit/find.html", form=form)


@pages.get("/console/audit/accounts/<uuid:account_id>")
@for_staff(*AUDITORS)
@reads("directory")
def show(account_id: UUID) -> Response:
    """How it stood, from the log alone, and what its last event of that time changed."""
    life = service().past.events(account_id, service().instants.cut(None))
    form = Form(Standing, audited.asked("day", "time", "at_position", "purpose"))
    asked = form.understood(form.values) or {}
    moment = asked.get("at_position") or audited.ending(asked.get("day"), asked.get("time"))
    purpose = asked.get("purpose")
    found, told = None, None
    with form.refusals(), audited.beside(form):
        if not form.is_wrong:
            cut = as_of.point(service(), "at_position" if "at_position" in asked else "day", moment)
            found = as_of.state(service(), account_id, cut, locale(), masked=purpose is None)
            last = next(each for each in reversed(life) if each.position <= cut.position)
            told = _told(account_id, last, masked=purpose is None)
    filters = {"at_position": moment} if isinstance(moment, int) else {"as_of": moment}
    traced("as-of", accounts=[account_id], purpose=purpose, filters=filters)
    return page(
        "console/audit/account.html",
        form=form,
        asked=audited.asked("day", "time", "at_position"),
        account_id=account_id,
        entry=audited.called([account_id]).get(str(account_id)),
        places=[
            (each.position, each.recorded_at, audit_events.name_of(each.topic, locale())) for each in life
        ],
        current=found and found["last_event"]["position"],
        state=found and _in_words(found),
        as_of=found and found["as_of"],
        told=told,
        purpose=purpose,
    )


@pages.get("/console/audit/accounts/<uuid:account_id>/changes")
@for_staff(*AUDITORS)
@reads("directory")
def show_changes(account_id: UUID) -> Response:
    """What changed between two moments."""
    service().past.must_know(account_id)
    names = ("from_day", "from_time", "to_day", "to_time", "purpose")
    form = Form(Period, audited.asked(*names))
    asked = form.understood(form.values) if form.values.keys() - {"purpose"} else None
    found, purpose = None, (asked or {}).get("purpose")
    if asked:
        since = audited.beginning(asked["from_day"], asked.get("from_time"))
        until = audited.ending(asked.get("to_day"), asked.get("to_time"))
        with form.refusals(), audited.beside(form, {"from": "from_day", "to": "to_day"}):
            cuts = as_of.span(service(), since, until)
            found = as_of.changes(service(), account_id, *cuts, locale(), masked=purpose is None)
            filters = {"from": since, "to": until}
            traced("diff", accounts=[account_id], purpose=purpose, filters=filters)
    if found is None:  # whose the page is stands on it all the same
        traced("account", accounts=[account_id])
    return page(
        "console/audit/changes.html",
        form=form,
        account_id=account_id,
        entry=audited.called([account_id]).get(str(account_id)),
        asked=audited.asked(*names),
        changes=found and audited.changes_in_words(found),
        purpose=purpose,
    )


@pages.get("/console/audit/accounts/<uuid:account_id>/evidence")
@for_staff(*AUDITORS)
@reads("directory")
def show_evidence(account_id: UUID) -> Response:
    """What to do with the file, before one has it."""
    service().past.must_know(account_id)
    traced("account", accounts=[account_id])
    return page(
        "console/audit/evidence.html",
        account_id=account_id,
        entry=audited.called([account_id]).get(str(account_id)),
        key=str(service().checkpoints.verifier),
        left=service().checkpoints.last_left(),
    )


@pages.get("/console/audit/accounts/<uuid:account_id>/evidence.json")
@for_staff(*AUDITORS)
def fetch_evidence(account_id: UUID) -> Response:
    purpose = audited.loaded(Purpose, audited.asked("purpose")).get("purpose")
    file = service().evidence.of(account_id, disclosing=purpose is not None)
    traced("bundle", accounts=[account_id], purpose=purpose)
    response = Response(file.content, content_type="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    return response


def _told(account_id: UUID, last: Happened, *, masked: bool) -> Told:
    """The event, and what it changed."""
    event = last.event
    return told(
        [
            Place(
                last.position,
                event.originator_id,
                event.originator_version,
                last.topic,
                last.recorded_at,
                account_id,
            )
        ],
        holder=account_id,
        masked=masked,
    )[0]


def _in_words(found: dict[str, Any]) -> dict[str, list[tuple[str, str, str | None]]]:
    """Part → name, label and value of each field."""
    account, profile, link, case = (found[part] or {} for part in ("account", "profile", "link", "case"))
    said = {
        **{name: account.get(name) for name in (*PARTS["account"], "link_state", "link_due")},
        **profile,
        **link,
        **{f"case_{name}": each for name, each in case.items()},
        "pending": [each["kind"] for each in found["pending"]],
    }
    erased = {path.partition(".")[2] for path in found["erased"]}
    shown = {
        part: [
            (name, audited.label(name), audited.value(name, said[name], erased=name in erased))
            for name in names
            if name in said
        ]
        for part, names in PARTS.items()
    }
    if not profile:
        shown["profile"] = []
    else:  # which says the names, too
        shown["account"] = [field for field in shown["account"] if field[0] not in PERSONAL_DATA]
    return shown
