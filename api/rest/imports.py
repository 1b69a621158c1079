"""Files that the secretariat has taken over: accounts, records, portfolios."""

from typing import Any
from uuid import UUID

from flask import Response

from api import import_reports
from api.answers import answer
from api.arguments import Blueprint
from api.context import service
from api.described import tells
from api.errors import Problem
from api.faults import Fault, InvalidInput
from api.idempotency import idempotent
from api.identity import me, staff
from api.schemas import imports as schemas
from api.spreadsheet import CSV

blueprint = Blueprint("imports", __name__, url_prefix="/api/v1/imports")


@blueprint.post("")
@staff("secretariat")
@blueprint.arguments(schemas.ImportForm, location="files", example=schemas.FORM)
@idempotent()
@blueprint.response(202, schemas.ImportBegun, example=schemas.BEGUN)
def bring_file(wanted: dict[str, Any]) -> Response:
    """Have a file taken over: CSV or XLSX, up to 64 MiB.

    With `dry_run` each line is judged and nothing is written. `map` says how the file calls columns, a line each:
    `theirs=ours`, or `theirs=-` for a column that is not to be read. An import writes to nobody.
    """
    if import_reports.is_mirrored(wanted["kind"]):
        raise InvalidInput({"kind": [Fault("records-mirrored")]})
    job_id = service().import_jobs.put(wanted.pop("file").stream, **wanted, actor=me().account_id)
    return answer({"id": job_id, "state": "waiting"}, 202)


@blueprint.get("/<uuid:import_id>")
@staff("secretariat")
@blueprint.response(200, schemas.ImportProgress, example=schemas.PROGRESS)
@tells("not-found", spreadsheet=True)
def show_import(import_id: UUID) -> Response:
    """How far it is, and which lines were refused, the first 1,000; 10,000 of them with `Accept: text/csv`.

    No cell of the file is shown, so that looking leaves no trace.
    """
    job = service().import_jobs.get(import_id)
    if job is None:
        raise Problem("not-found")
    return import_reports.file(job) if import_reports.wants(CSV) else answer(import_reports.progress(job))
