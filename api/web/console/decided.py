"""What a clerk has just done, told on the page that follows; and what somebody else had done before."""

from datetime import timedelta
from typing import Any, Final

from api import errors
from api.context import locale, service
from api.errors import NOBODY
from api.web import told_once
from api.web.forms import Form
from api.web.words import moment, t
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


def refused(form: Form, refusal: Refused) -> None:
    """Let the form say why; of what somebody else did first, who it was, and when."""
    form.refused(refusal)
    details = refusal.details
    if details.get("by") and details.get("at"):
        code = refusal.code
        usual = errors.document(code, locale())
        who = service().history.label(details["by"], NOBODY, locale())
        detail = t(f"console.first.{code}", who=who, at=moment(details["at"]))
        form.problem = {**usual, "detail": detail}
