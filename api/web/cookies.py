"""Short notes that a browser keeps for us from one page to the next, all out of scripts' reach."""

import secrets
from datetime import timedelta
from typing import Final

from flask import Response, g, request

from api.identity import cookie_attributes, cookie_name

BROWSER: Final = (
    "matricule_browser"  # which browser it is, until it is closed; tells nothing and opens nothing
)
LANGUAGE: Final = "matricule_lang"
POSITION: Final = "matricule_position"  # how far the log had come with what was done last
LINK: Final = "matricule_link"  # the token of the mailed link that was opened last
SECOND_STEP: Final = "matricule_second_step"  # that the password was right, sealed


def read(name: str) -> str | None:
    """What a page of this request has noted, else what the browser brought."""
    if name in g.setdefault("cookies", {}):
        return g.cookies[name][0]
    return request.cookies.get(cookie_name(name))


def note(name: str, value: str, lifetime: timedelta | None = None) -> None:
    """lifetime: None until the browser is closed."""
    g.setdefault("cookies", {})[name] = (value, lifetime)


def forget(name: str) -> None:
    if read(name) is not None:
        g.cookies[name] = (None, None)


def browser() -> str:
    """The secret by which this browser is known to be the same one."""
    known = read(BROWSER)
    if not known:
        known = secrets.token_urlsafe(16)
        note(BROWSER, known)
    return known


def lay(response: Response) -> Response:
    """Send along what was noted."""
    for name, (value, lifetime) in g.get("cookies", {}).items():
        if value is None:
            response.delete_cookie(cookie_name(name), **cookie_attributes())
        else:
            response.set_cookie(cookie_name(name), value, max_age=lifetime, **cookie_attributes())
    return response
