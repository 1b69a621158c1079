"""That a form was sent from our own page, by whoever it was shown to.

Besides `Sec-Fetch-Site` and `Origin`, each form holds a sealed note of the browser, account and session that it was
made for; it is another text each time. One that no longer fits (an old page, a session that has ended) carries nothing
out: the request goes on as a GET of the same page, which shows what was typed again.
"""

import hashlib
from typing import Final, NamedTuple
from uuid import UUID

from flask import g, request

from api.errors import Problem
from api.identity import SAFE_METHODS, is_foreign
from api.web import cookies
from api.web.seals import seals

FIELD: Final = "csrf_token"
SECRETS: Final = frozenset(
    {FIELD, "password", "current_password", "new_password", "code", "token", "credential"}
)


class Returned(NamedTuple):
    """What a form brought that was not carried out. account_id: for whom the form had been made; None if unknown."""

    typed: dict[str, str]
    account_id: UUID | None


def value() -> str:
    """For the hidden field of a form on the page that is being made."""
    return seals().seal(FIELD, _due())


def judge() -> None:
    """Raises Problem `csrf-failed` for another site's form, and where there is no page to show again."""
    if request.method in SAFE_METHODS:
        return
    unknown_origin = _hides_its_origin()
    if is_foreign() and not unknown_origin:
        raise Problem("csrf-failed")
    shown = seals().open(FIELD, request.form.get(FIELD))
    if shown == _due():
        return
    if unknown_origin or "GET" not in request.url_rule.methods:
        raise Problem("csrf-failed")
    owner = UUID(shown[1]) if shown and shown[1] else None
    if g.identity and owner not in (None, g.identity.account_id):
        g.returned = Returned({}, None)  # somebody else's, who used this browser before
    else:
        g.returned = Returned(typed(), owner)
    request.method = "GET"


def _hides_its_origin() -> bool:
    """As browsers without `Sec-Fetch-Site` do on pages with `no-referrer`: then the sealed note alone judges."""
    return request.headers.get("Origin") == "null" and "Sec-Fetch-Site" not in request.headers


def typed() -> dict[str, str]:
    """What a form brought, without what is never shown again."""
    return {name: text for name, text in request.form.items() if name not in SECRETS}


def _due() -> list[str | None]:
    """Whoever is signed in is known by the session, whoever is not by the browser."""
    if g.identity:
        return ["session", str(g.identity.account_id), str(g.identity.session_id)]
    return ["browser", None, hashlib.sha256(cookies.browser().encode()).hexdigest()]
