"""Files that an auditor has taken: whether each came whole, its signed manifest, and how to check it."""

from typing import Final
from uuid import UUID

from flask import Response

from api.context import service
from api.errors import Problem
from api.identity import me
from api.web.console.audit import download
from api.web.console.audited import AUDITORS
from api.web.feature import Feature
from api.web.page import page
from api.web.visitors import for_staff
from infrastructure.exports import Export

SHOWN: Final = 20

pages = Feature("console_audit_exports")


@pages.get("/console/audit/exports")
@for_staff(*AUDITORS)
def show() -> Response:
    """One's own, the last first."""
    return page(
        "console/audit/exports.html",
        exports=service().exports.of(me().account_id, SHOWN),
        key=str(service().checkpoints.verifier),
    )


@pages.get("/console/audit/exports/<uuid:export_id>")
@for_staff(*AUDITORS)
def show_one(export_id: UUID) -> Response:
    return page(
        "console/audit/export.html",
        export=_export(export_id),
        key=str(service().checkpoints.verifier),
    )


@pages.get("/console/audit/exports/<uuid:export_id>.manifest")
@for_staff(*AUDITORS)
def fetch_manifest(export_id: UUID) -> Response:
    export = _export(export_id)
    if export.manifest is None:
        raise Problem("not-found")
    return download(export.manifest, f"events-{export.id}.manifest")


def _export(export_id: UUID) -> Export:
    found = service().exports.get(export_id)
    if found is None:
        raise Problem("not-found")
    return found
