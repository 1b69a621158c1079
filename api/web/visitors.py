"""Who visits a page, and which pages want somebody signed in."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Final
from uuid import UUID

from flask import Response, current_app, g, redirect, request, url_for
from werkzeug.exceptions import HTTPException

from api.context import service
from api.described import View
from api.errors import Problem
from api.identity import SAFE_METHODS, cookie_token
from api.web import cookies
from application.ports import Saved

POSITION_KEPT: Final = timedelta(minutes=1)


def meet() -> None:
    """Let `api.identity.me` and its like know who asks; None where nobody is signed in."""
    if (
        request.method in SAFE_METHODS
    ):  # what was typed is never turned away because something is not visible yet
        wait_for("directory")
    token = cookie_token()
    entry, identity = (
        service().sessions.find_with_entry(token, service().clock.now()) if token else (None, None)
    )
    if identity and identity.kind != "cookie":
        entry, identity = None, None
    g.identity, g.entry, g.token = identity, entry, token


def wait_for(*read_models: str) -> None:
    """Until these show what was done last in this browser. Raises domain.errors.NotVisibleYet."""
    noted = cookies.read(cookies.POSITION)
    if noted:
        try:
            service().watermark.wait(read_models, service().watermark.open(noted))
        except ValueError:
            cookies.forget(cookies.POSITION)


def note_position(saved: Saved) -> None:
    """The next pages of this browser show what was done."""
    if saved.position:
        cookies.note(cookies.POSITION, service().watermark.seal(saved.position), POSITION_KEPT)


def reads(*read_models: str) -> Callable[[View], View]:
    """For a page that shows these read models, besides the directory: it waits for what was done last."""

    def guard(view: View) -> View:
        @wraps(view)
        def patient(*args: Any, **kwargs: Any) -> Any:
            wait_for(*read_models)
            return view(*args, **kwargs)

        return patient

    return guard


def for_holders(view: View) -> View:
    """Only for whoever is signed in; others sign in first and come back, with what they had typed."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs) if g.identity else sign_in_first()

    return guarded


def for_staff(*roles: str) -> Callable[[View], View]:
    """Only for accounts that have one of the roles today; without a second factor they enrol one first."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not g.identity:
                return sign_in_first()
            g.role = next((role for role in roles if role in g.identity.roles), None)
            if g.role is None:
                raise Problem("not-allowed")
            if not g.identity.second_factor:
                return redirect(ENROLMENT, 303)
            return view(*args, **kwargs)

        return guarded

    return guard


ENROLMENT: Final = "/profile/second-factors"


def sign_in_first() -> Response:
    returned = g.get("returned")
    if returned and returned.account_id and returned.typed:
        keep(request.path, returned.account_id, returned.typed)
    return redirect(url_for("sign_in.show", next=request.path), 303)


def keep(path: str, account_id: UUID, typed: dict[str, str]) -> None:
    """What was typed on a page whose session has ended."""
    service().kept_forms.keep(cookies.browser(), account_id, path, typed, service().clock.now())


def kept() -> dict[str, str] | None:
    """What whoever is signed in had typed on this page when the session ended."""
    browser = cookies.read(cookies.BROWSER)
    if not browser or not g.identity:
        return None
    return service().kept_forms.find(browser, g.identity.account_id, request.path, service().clock.now())


def forget_kept(path: str | None = None) -> None:
    """path: None for that of the request."""
    browser = cookies.read(cookies.BROWSER)
    if browser and g.identity:
        service().kept_forms.forget(browser, g.identity.account_id, path or request.path)


def wanted_page() -> str | None:
    """Where somebody was going who had to sign in first: a page of ours, or None."""
    path = request.args.get("next", "")
    try:
        endpoint, _ = current_app.url_map.bind("").match(path, "GET")
    except HTTPException:
        return None
    if not path.startswith("/"):
        return None
    return path if endpoint.partition(".")[0] in current_app.extensions["features"] else None
