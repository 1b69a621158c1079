"""Files that the secretariat has taken over: brought, rehearsed, run, and how far each is."""

from typing import Final
from uuid import UUID

from flask import Response, request

from api import import_reports
from api.context import service
from api.errors import Problem
from api.identity import me
from api.schemas.imports import ImportForm
from api.web.console import desk
from api.web.console.desk import CLERKS
from api.web.feature import Feature
from api.web.forms import Form
from api.web.page import go, page
from api.web.visitors import for_staff
from infrastructure.import_jobs import KINDS, ImportJob

RECENT: Final = 20
SHOWN: Final = 200  # refused lines on a page; the file has all

pages = Feature("console_imports")


@pages.route("/console/imports", methods=["GET", "POST"])
@for_staff(*CLERKS)
def show() -> Response:
    """A form for the next file, and the last ones."""
    form = Form(ImportForm, {"kind": KINDS[0]})
    if form.is_sent and (wanted := form.understood({**request.form, **request.files})):
        if not import_reports.is_mirrored(wanted["kind"]):
            file = wanted.pop("file").stream
            job_id = service().import_jobs.put(file, **wanted, actor=me().account_id)
            form.done()
            return go("console_imports.follow", import_id=job_id)
        form.wrong_field("kind", "records-mirrored")
    return page(
        "console/imports.html",
        form=form,
        kinds=desk.pairs(KINDS, "console.imports.kinds"),
        jobs=service().import_jobs.recent(RECENT),
    )


@pages.get("/console/imports/<uuid:import_id>")
@for_staff(*CLERKS)
def follow(import_id: UUID) -> Response:
    """How far it is: the page brings itself up to date."""
    job = _job(import_id)
    return page(
        "console/import.html",
        job=job,
        report=import_reports.progress(job, most=SHOWN),
        may_run=job.dry_run and job.state == "done" and service().import_jobs.has_file(job.id),
    )


@pages.get("/console/imports/<uuid:import_id>.csv")
@for_staff(*CLERKS)
def export(import_id: UUID) -> Response:
    """All lines that were refused."""
    return import_reports.file(_job(import_id))


@pages.route("/console/imports/<uuid:import_id>/run", methods=["POST"])
@for_staff(*CLERKS)
def run(import_id: UUID) -> Response:
    """The rehearsed file, in earnest; where it is gone, it is brought again."""
    job_id = service().import_jobs.run_rehearsed(import_id, me().account_id)
    return go("console_imports.follow", import_id=job_id) if job_id else go("console_imports.show")


def _job(import_id: UUID) -> ImportJob:
    job = service().import_jobs.get(import_id)
    if job is None:
        raise Problem("not-found")
    return job
