"""A form that is shown again by GET: its state waits, sealed, for the address that shows it.

So an answer to a POST is always a redirect, and neither going back nor reloading asks whether to send it once more. Who
is signed in finds the state in the database, whoever is not in a cookie.
"""

import secrets
from datetime import timedelta
from typing import Any, Final

import orjson
from flask import Response, g, redirect, request, url_for

from api.context import service
from api.web import cookies
from api.web.seals import seals

QUERY: Final = "again"  # which state belongs to an address: a random word
KEPT: Final = timedelta(minutes=30)
LARGEST: Final = 3_000  # bytes of a cookie; browsers take 4,096 with its name
COOKIE: Final = "matricule_form"


def show(state: dict[str, Any]) -> Response | None:
    """The way to the same page, which shows the state; None where it is too large to be kept."""
    word = secrets.token_urlsafe(6)
    state = {"word": word, "path": request.path, **state}
    if not _keep(state):
        return None
    query = {name: value for name, value in request.args.items() if name not in (QUERY, "lang")}
    return redirect(url_for(request.endpoint, **(request.view_args or {}), **query, **{QUERY: word}), 303)


def state() -> dict[str, Any] | None:
    """What the page at this address was to show."""
    word = request.args.get(QUERY)
    if not word:
        return None
    found = _found()
    return found if found and (found["word"], found["path"]) == (word, request.path) else None


def forget() -> None:
    cookies.forget(COOKIE)
    if g.identity and cookies.read(cookies.BROWSER):
        service().kept_forms.forget(cookies.browser(), g.identity.account_id, _place())


def _keep(state: dict[str, Any]) -> bool:
    if g.identity:
        now = service().clock.now()
        service().kept_forms.keep(cookies.browser(), g.identity.account_id, _place(), state, now)
        return True
    if len(orjson.dumps(state)) * 4 / 3 > LARGEST:
        return False
    cookies.note(COOKIE, seals().seal(COOKIE, state), KEPT)
    return True


def _found() -> dict[str, Any] | None:
    if g.identity:
        now = service().clock.now()
        return service().kept_forms.find(cookies.browser(), g.identity.account_id, _place(), now)
    return seals().open(COOKIE, cookies.read(COOKIE))


def _place() -> str:
    """Beside what waits at the page's own address for whoever signs in again."""
    return f"{request.path}?{QUERY}"
