"""One case: what a person declared beside the records that may be hers, and the decision."""

from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import UUID

from flask import Response, request

from api import representations
from api.context import locale, service, today
from api.identity import me
from api.schemas.staff import LinkDecision, QuestionToHolder, RecordCreation, Rejection, Taking
from api.traces import traced
from api.web import history_words
from api.web.console import comparison, decided, desk
from api.web.console.desk import CASE_READERS, CLERKS
from api.web.feature import Feature
from api.web.forms import Form
from api.web.page import go, page
from api.web.visitors import for_staff, note_position, reads
from application.linking import CaseSheet
from application.ports import Saved
from domain.errors import AlreadyDecided, Refused
from domain.matching import is_identical
from domain.profile import PERSONAL_DATA, Profile
from infrastructure import codes
from infrastructure.translations import text

BESIDE: Final = 3  # candidates that a desk has room for; the others when asked
LINK, QUESTION, CREATE, REJECT = "link", "question", "create-record", "reject"
DONE: Final = {LINK: "linked", QUESTION: "asked", CREATE: "created", REJECT: "rejected"}
QUESTIONS: Final = ("ahv-number", "names", "birth-date", "studies", "address")  # usual ones, in words of ours
OTHER: Final = "other_record_number"  # typed, where no candidate is the right one
AGREES: Final = "data-agree"  # of the list «link»

pages = Feature("console_case")


@pages.get("/console/cases/<uuid:case_id>")
@for_staff(*CASE_READERS)
@reads("cases", "timeline")
def show(case_id: UUID) -> Response:
    return _shown(service().linking.sheet(case_id), LINK, Form(LinkDecision))


@pages.route(
    '/console/cases/<uuid:case_id>/<any("link", "question", "create-record", "reject"):action>',
    methods=["GET", "POST"],
)
@for_staff(*CLERKS)
@reads("cases", "timeline")
def decide(case_id: UUID, action: str) -> Response:
    """Carry out what the action's form says, and go on with the next case."""
    sheet = service().linking.sheet(case_id)
    form, case = _form(action, sheet), sheet.case
    if form.is_sent and not case.is_undecided:  # which says more than what is wrong with the form
        refusal = AlreadyDecided(by=case.by, at=case.at, state=case.state)
        decided.refused(form, refusal, sheet.account_id)
    elif wanted := form.read():
        try:
            saved = _command(action)(case_id, **wanted, actor=me().account_id)
        except Refused as refusal:
            decided.refused(form, refusal, sheet.account_id)
        else:
            form.done()
            return _next(case_id, saved, action)
    return _shown(sheet, action, form)


@pages.route("/console/cases/<uuid:case_id>/take", methods=["GET", "POST"])
@for_staff(*CLERKS)
@reads("cases", "timeline")
def take(case_id: UUID) -> Response:
    """Let colleagues see who works on it."""
    form = Form(Taking)
    if wanted := form.read():
        try:
            saved = service().linking.take(case_id, **wanted, actor=me().account_id)
        except Refused as refusal:
            decided.refused(form, refusal, service().linking.sheet(case_id).account_id)
        else:
            form.done()
            return go("console_case.show", case_id=case_id, after=saved)
    return _shown(service().linking.sheet(case_id), LINK, form)


def _command(action: str) -> Callable[..., Saved]:
    linking = service().linking
    return {
        LINK: linking.link,
        QUESTION: linking.ask,
        CREATE: linking.create_record,
        REJECT: linking.reject,
    }[action]


def _form(action: str, sheet: CaseSheet) -> Form:
    if action == LINK:
        return Form(LinkDecision, adapt=lambda sent: _complete(sent, sheet))
    if action == QUESTION:
        return Form(QuestionToHolder, {"text": _template(sheet)})
    return Form({CREATE: RecordCreation, REJECT: Rejection}[action])


def _template(sheet: CaseSheet) -> str | None:
    """The words of the usual question that the address names, in the holder's language."""
    usual, entry = request.args.get("template"), service().directory.get(sheet.account_id)
    if usual not in QUESTIONS or entry is None:
        return None
    return text(entry.locale, "console", "questions", usual, "text")


def _complete(sent: dict[str, Any], sheet: CaseSheet) -> dict[str, Any]:
    """The number that was typed stands for the one that was chosen; where all agrees, that is reason enough."""
    number = request.form.get(OTHER, "").strip() or sent.get("record_number", "")
    certain = {each.record_number for each in sheet.candidates if is_identical(each)}
    reason = sent.get("reason") or (AGREES if number in certain else "")
    return {**sent, "record_number": number, "reason": reason}


def _next(case_id: UUID, saved: Saved, action: str) -> Response:
    """The next case of the queue, which tells what was done, else the one before; the queue once it is empty."""
    sheet = service().linking.sheet(case_id)
    number = sheet.link.record_number if sheet.link else None
    decided.note(DONE[action], case=str(case_id), account=str(sheet.account_id), record_number=number)
    note_position(saved)
    before, following = service().cases.beside(case_id)
    waiting = following or before
    return go("console_case.show", case_id=waiting) if waiting else go("console_queue.show")


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
        reasons=[] if action == QUESTION else desk.choices(f"reasons.{action}"),
        taker=sheet.case.taken_by,
        questions=QUESTIONS,
        corrected=_corrected(sheet),
        open_case=service().cases.undecided_of(sheet.account_id) if case["state"] == "withdrawn" else None,
        linked_to=entry and entry.record_number,
        decided=decided.last(),
        register=desk.register(),
        is_mirrored=not service().records.is_writable,
    )


def _corrected(sheet: CaseSheet) -> list[dict[str, str | None]] | None:
    """What the holder changed, whereby the case was withdrawn; None where that was not so."""
    case = sheet.case
    if (case.state, case.by) != ("withdrawn", sheet.account_id):
        return None
    moments = service().history.of(sheet.account_id, locale())
    return [
        history_words.change(**each)
        for moment in moments
        if (moment.type, moment.at) == (Profile.ProfileCorrected.TOPIC, case.at)
        for each in moment.changes
        if each["field"] in PERSONAL_DATA
    ]


def _holders(account_id: UUID, record_numbers: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Who else is linked to a record: id and name."""
    found = {}
    for number in record_numbers:
        for other in service().linking.lookup.find("record", number):
            if other != account_id:
                name = service().history.label(other, account_id, locale())
                found[number] = {"id": other, "name": name}
    return found
