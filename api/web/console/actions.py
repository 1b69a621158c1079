"""What a clerk does to an account, each with a reason."""

from uuid import UUID

from flask import Response

from api.context import service
from api.errors import Problem
from api.identity import me
from api.schemas.staff import Unlinking
from api.web.console import decided, desk
from api.web.console.desk import CLERKS
from api.web.feature import Feature
from api.web.forms import Form
from api.web.page import go, page
from api.web.visitors import for_staff, note_position, reads, wait_for
from domain.errors import Refused

pages = Feature("console_actions")


@pages.route("/console/accounts/<uuid:account_id>/unlink", methods=["GET", "POST"])
@for_staff(*CLERKS)
@reads("cases")
def unlink(account_id: UUID) -> Response:
    """Take a link back; what follows is the case that is open now."""
    entry = service().directory.get(account_id)
    if entry is None:
        raise Problem("not-found")
    form = Form(Unlinking)
    if wanted := form.read():
        try:
            saved = service().linking.unlink(account_id, **wanted, actor=me().account_id)
        except Refused as refusal:
            decided.refused(form, refusal)
        else:
            form.done()
            decided.note("unlinked", account=str(account_id))
            note_position(saved)
            wait_for("cases")
            case_id = service().cases.open_of(account_id)
            return go("console_case.show", case_id=case_id) if case_id else go("console_queue.show")
    return page("console/unlink.html", form=form, entry=entry, reasons=desk.choices("reasons.unlink"))
