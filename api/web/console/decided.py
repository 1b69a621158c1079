"""What a clerk has just done, told on the page that follows; and what somebody else had done before."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from api import errors
from api.context import locale, service
from api.errors import NOBODY
from api.web import told_once
from api.web.forms import Form
from api.web.visitors import note_position
from api.web.words import moment, t
from application.ports import Saved
from domain.errors import Refused

COOKIE: Final = "matricule_decided"
KEPT: Final = timedelta(minutes=2)


def note(what: str, **about: Any) -> None:
    """what: the name of its words. about: what they need, in JSON's own kinds."""
    told_once.keep(COOKIE, {"what": what, **about}, KEPT)


def last() -> dict[str, Any] | None:
    """Told once: a reload does not say it again."""
    found = told_once.kept(COOKIE)
    if found:
        told_once.forget(COOKIE)
    return found


def refused(form: Form, refusal: Refused, holder: UUID | None = None) -> None:
    """Let the form say why; of what somebody else did first, who it was, and when. holder: whose case it is."""
    form.refused(refusal)
    code, by, at = refusal.code, refusal.details.get("by"), refusal.details.get("at")
    if not (by and at):
        return
    note_position(Saved(service().store.recorder.max_notification_id() or 0, None))  # the next page shows it
    if by == holder:
        title, detail = t("console.corrected.title"), t("console.corrected.refused", at=moment(at))
    else:
        who = service().history.label(by, NOBODY, locale())
        title, detail = None, t(f"console.first.{code}", who=who, at=moment(at))
    usual = errors.document(code, locale())
    form.problem = {**usual, "title": title or usual["title"], "detail": detail}
