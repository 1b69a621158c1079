"""Evidence that auditors take away: what an account was, and proof of it."""

from typing import Any
from uuid import UUID

from flask import Response

from api.arguments import Blueprint
from api.context import service
from api.described import tells
from api.identity import staff
from api.schemas.accesses import Purpose
from api.schemas.audit_evidence import EVIDENCE, EvidenceFile
from api.traces import traced

blueprint = Blueprint("audit_evidence", __name__, url_prefix="/api/v1/audit")


@blueprint.get("/accounts/<uuid:account_id>/bundle")
@staff("auditor")
@blueprint.arguments(Purpose, location="query")
@blueprint.response(200, EvidenceFile, example=EVIDENCE)
@tells("not-found", "soon", "log-differs")
def show_bundle(wanted: dict[str, Any], account_id: UUID) -> Response:
    """The evidence of one account, a file that is checked without the service (`matricule verify FILE`).

    Byte for byte in the canonical form of RFC 8785: keep it as it came. AHV numbers stay sealed in it; with a
    `purpose` they are disclosed, and the purpose is noted.
    """
    purpose = wanted.get("purpose")
    file = service().evidence.of(account_id, disclosing=purpose is not None)
    traced("bundle", accounts=[account_id], purpose=purpose)
    response = Response(file.content, content_type="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    return response
