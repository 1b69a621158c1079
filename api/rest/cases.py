"""Links that the secretariat decides."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import Response

from api import pagination, representations
from api.answers import after, answer, versioned
from api.arguments import Blueprint
from api.context import service, today
from api.described import tells
from api.idempotency import idempotent
from api.identity import me, staff
from api.positions import expected_version, waits_for
from api.schemas import answers, examples
from api.schemas.accesses import Purpose
from api.schemas.staff import CaseFilter, LinkDecision, QuestionToHolder, RecordCreation, Rejection, Taking
from api.traces import traced
from application.linking import CaseSheet

READERS = ("secretariat", "auditor")

blueprint = Blueprint("cases", __name__, url_prefix="/api/v1/cases")


@blueprint.get("")
@staff(*READERS)
@blueprint.arguments(CaseFilter, location="query")
@waits_for("cases", "directory")
@blueprint.response(200, answers.CasePage, example=examples.CASE_PAGE)
@tells("bad-cursor")
def list_cases(wanted: dict[str, Any]) -> Response:
    """Cases, oldest deadline first. `late` are those that are open past it."""
    limit, cursor = wanted.pop("limit"), wanted.pop("cursor", None)
    after_last = pagination.opened(cursor, "cases", date.fromisoformat, UUID)
    rows = service().cases.page(**wanted, today=today(), after=after_last, limit=limit + 1)
    following = pagination.page(rows, limit, lambda row: (row.due, row.case_id), "cases")
    items = representations.case_items(rows[:limit], today())
    traced("cases", accounts=[item["account"]["id"] for item in items], count=len(items), filters=wanted)
    return answer({"items": items, "next_cursor": following})


@blueprint.get("/<uuid:case_id>")
@staff(*READERS)
@blueprint.arguments(Purpose, location="query")
@waits_for("cases", "directory")
@blueprint.response(200, answers.CaseSheet, example=examples.CASE_SHEET)
@tells("not-found", versioned=True)
def show_case(wanted: dict[str, Any], case_id: UUID) -> Response:
    """One case: what was declared, and the records that may be this person's.

    Each candidate says field by field whether it is `equal`, `different` or `missing` on either side. The AHV number is
    masked; with a `purpose` it is shown whole, and the purpose is noted.
    """
    sheet, purpose = service().linking.sheet(case_id), wanted.get("purpose")
    response = _shown(sheet, masked=purpose is None)
    traced("case", accounts=[sheet.account_id], purpose=purpose)
    return response


@blueprint.post("/<uuid:case_id>/take")
@staff("secretariat")
@blueprint.arguments(Taking, example=examples.TAKING)
@idempotent()
@blueprint.response(200, answers.CaseSheet, example=examples.CASE_SHEET)
@tells(
    "not-found",
    "own-case",
    "already-decided",
    "already-taken",
    "conflict",
    command=True,
    versioned=True,
    conditional=True,
)
def take(typed: dict[str, Any], case_id: UUID) -> Response:
    """Take a case, so that colleagues see who works on it; it is released when it is decided.

    Taken already: the answer says by whom and when; the same again with its `instead_of` takes it over.
    """
    saved = service().linking.take(
        case_id, **typed, actor=me().account_id, expected_version=expected_version()
    )
    sheet = service().linking.sheet(case_id)
    if not saved.position:  # hers already: no event says that she saw it
        traced("case", accounts=[sheet.account_id])
    return after(saved, _shown(sheet, masked=True))


@blueprint.post("/<uuid:case_id>/question")
@staff("secretariat")
@blueprint.arguments(QuestionToHolder, example=examples.QUESTION)
@idempotent()
@blueprint.response(200, answers.CaseSheet, example=examples.CASE_SHEET)
@tells(
    "not-found",
    "own-case",
    "already-decided",
    "already-asked",
    "account-locked",
    "account-closed",
    "conflict",
    command=True,
    versioned=True,
    conditional=True,
)
def ask(typed: dict[str, Any], case_id: UUID) -> Response:
    """Ask the holder something. A message leads to the question; until it is answered the deadline stands still."""
    saved = service().linking.ask(
        case_id, **typed, actor=me().account_id, expected_version=expected_version()
    )
    return after(saved, _sheet(case_id))


@blueprint.post("/<uuid:case_id>/link")
@staff("secretariat")
@blueprint.arguments(LinkDecision, example=examples.LINK_DECISION)
@idempotent()
@blueprint.response(200, answers.CaseSheet, example=examples.CASE_SHEET)
@tells(
    "not-found",
    "own-case",
    "already-decided",
    "record-unknown",
    "record-taken",
    "conflict",
    command=True,
    versioned=True,
    conditional=True,
)
def link(typed: dict[str, Any], case_id: UUID) -> Response:
    """Link the account to a record. Decided already or record taken: the answer says by whom, and when."""
    saved = service().linking.link(
        case_id, **typed, actor=me().account_id, expected_version=expected_version()
    )
    return after(saved, _sheet(case_id))


@blueprint.post("/<uuid:case_id>/create-record")
@staff("secretariat")
@blueprint.arguments(RecordCreation, example=examples.RECORD_CREATION)
@idempotent()
@blueprint.response(200, answers.CaseSheet, example=examples.CASE_SHEET)
@tells(
    "not-found",
    "own-case",
    "already-decided",
    "records-not-writable",
    "record-exists",
    "conflict",
    command=True,
    versioned=True,
    conditional=True,
)
def create_record(typed: dict[str, Any], case_id: UUID) -> Response:
    """Make a record of what was declared, and link the account to it. The holder is told that it is linked.

    Refused where the institution's records are only read here, and where one has the same AHV number already.
    """
    saved = service().linking.create_record(
        case_id, **typed, actor=me().account_id, expected_version=expected_version()
    )
    return after(saved, _sheet(case_id))


@blueprint.post("/<uuid:case_id>/reject")
@staff("secretariat")
@blueprint.arguments(Rejection, example=examples.REJECTION)
@idempotent()
@blueprint.response(200, answers.CaseSheet, example=examples.CASE_SHEET)
@tells("not-found", "own-case", "already-decided", "conflict", command=True, versioned=True, conditional=True)
def reject(typed: dict[str, Any], case_id: UUID) -> Response:
    """Find no record for this person. The holder is told why, and what to do next."""
    saved = service().linking.reject(
        case_id, **typed, actor=me().account_id, expected_version=expected_version()
    )
    return after(saved, _sheet(case_id))


def _sheet(case_id: UUID) -> Response:
    return _shown(service().linking.sheet(case_id), masked=True)


def _shown(sheet: CaseSheet, *, masked: bool) -> Response:
    profile = service().profiles.known(sheet.account_id)
    entry = service().directory.get(sheet.account_id)
    shown = representations.case_sheet(sheet, entry, profile, today(), masked=masked)
    return versioned(sheet.version, answer(shown))
