"""One case: what a person declared beside the records that may be hers, and the decision."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from flask import Response, request

from api import representations
from api.context import locale, service, today
from api.identity import me
from api.schemas.staff import LinkDecision, Rejection
from api.traces import traced
from api.web.console import comparison, decided, desk
from api.web.console.desk import CASE_READERS, CLERKS
from api.web.feature import Feature
from api.web.forms import Form
from api.web.page import go, page
from api.web.visitors import for_staff, note_position, reads
from application.linking import CaseSheet
from application.ports import Saved
from domain.errors import Refused
from domain.matching import is_identical
from infrastructure import codes

BESIDE: Final = 3  # candidates that a desk has room for; the others when asked
LINK, REJECT = "link", "reject"
OTHER: Final = "other_record_number"  # typed, where no candidate is the right one
AGREES: Final = "data-agree"  # of the list «link»

pages = Feature("console_case")


@pages.get("/console/cases/<uuid:case_id>")
@for_staff(*CASE_READERS)
@reads("cases", "timeline")
def show(case_id: UUID) -> Response:
    return _shown(service().linking.sheet(case_id), LINK, Form(LinkDecision))


@pages.route("/console/cases/<uuid:case_id>/link", methods=["GET", "POST"])
@for_staff(*CLERKS)
@reads("cases", "timeline")
def link(case_id: UUID) -> Response:
    """This record is the person's."""
    sheet = service().linking.sheet(case_id)
    form = Form(LinkDecision, adapt=lambda sent: _complete(sent, sheet))
    if wanted := form.read():
        try:
            saved = service().linking.link(case_id, **wanted, actor=me().account_id)
        except Refused as refusal:
            decided.refused(form, refusal)
        else:
            form.done()
            return _next(sheet, saved, "linked", record_number=wanted["record_number"])
    return _shown(sheet, LINK, form)


@pages.route("/console/cases/<uuid:case_id>/reject", methods=["GET", "POST"])
@for_staff(*CLERKS)
@reads("cases", "timeline")
def reject(case_id: UUID) -> Response:
    """No record is the person's, who is told why."""
    sheet, form = service().linking.sheet(case_id), Form(Rejection)
    if wanted := form.read():
        try:
            saved = service().linking.reject(case_id, **wanted, actor=me().account_id)
        except Refused as refusal:
            decided.refused(form, refusal)
        else:
            form.done()
            return _next(sheet, saved, "rejected")
    return _shown(sheet, REJECT, form)


def _complete(sent: dict[str, Any], sheet: CaseSheet) -> dict[str, Any]:
    """The number that was typed stands for the one that was chosen; where all agrees, that is reason enough."""
    number = request.form.get(OTHER, "").strip() or sent.get("record_number", "")
    certain = {each.record_number for each in sheet.candidates if is_identical(each)}
    reason = sent.get("reason") or (AGREES if number in certain else "")
    return {**sent, "record_number": number, "reason": reason}


def _next(sheet: CaseSheet, saved: Saved, what: str, **about: str) -> Response:
    """The next case of the queue, which tells what was done; after the last one the queue."""
    decided.note(what, case=str(sheet.case.id), account=str(sheet.account_id), **about)
    note_position(saved)
    _, following = service().cases.beside(sheet.case.id)
    return go("console_case.show", case_id=following) if following else go("console_queue.show")


def _shown(sheet: CaseSheet, action: str, form: Form) -> Response:
    purpose = request.args.get("purpose")
    if purpose and not codes.is_code("purposes", purpose):
        return go("console_case.show", case_id=sheet.case.id)
    entry = service().directory.get(sheet.account_id)
    data, _ = service().profiles.of(sheet.account_id)
    case = representations.case_sheet(sheet, entry, data, today(), masked=purpose is None)
    declared = {**case["profile"], "email": entry and entry.email}
    shown = sheet.candidates if request.args.get("candidates") == "all" else sheet.candidates[:BESIDE]
    records = service().records.many(each.record_number for each in shown)
    holders = _holders(sheet.account_id, records)
    before, following = service().cases.beside(sheet.case.id)
    traced(
        "case", accounts=[sheet.account_id, *(holder["id"] for holder in holders.values())], purpose=purpose
    )
    return page(
        "console/case.html",
        case=case,
        action=action,
        form=form,
        columns=comparison.columns(shown, holders),
        lines=comparison.lines(declared, shown, records, masked=purpose is None),
        besides=[(name, comparison.in_words(name, declared[name])) for name in comparison.BESIDES],
        more=len(sheet.candidates) - len(shown),
        before=before,
        following=following,
        purpose=purpose,
        purposes=desk.choices("purposes"),
        reasons=desk.choices(f"reasons.{action}"),
        decided=decided.last(),
    )


def _holders(account_id: UUID, record_numbers: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Who else is linked to a record: id and name."""
    found = {}
    for number in record_numbers:
        for other in service().linking.lookup.find("record", number):
            if other != account_id:
                name = service().history.label(other, account_id, locale())
                found[number] = {"id": other, "name": name}
    return found
