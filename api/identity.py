"""Who is asking, and may they: sessions by cookie or bearer token, and staff roles.

On unsafe methods the cookie is believed only beside the session's own `X-CSRF-Token`; a bearer token, which
no browser sends by itself, needs none.
"""

import hmac
from collections.abc import Callable
from functools import wraps
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Response, g, request

from api.context import service
from api.described import View, described
from api.errors import Problem
from application.guesses import Caller
from infrastructure.sessions import Identity
from projections.directory import Entry

COOKIE: Final = "matricule_session"
DEVICE_COOKIE: Final = "matricule_device"
DEVICE_SECONDS: Final = 365 * 24 * 60 * 60
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def me() -> Identity:
    """Whoever is signed in; for views under `signed_in` or `staff`."""
    return g.identity


def my_token() -> str:
    """The secret by which `me` came in."""
    return g.token


def my_entry() -> Entry | None:
    """How the directory showed the account when it was asked who `me` is; for views under `signed_in_with_entry`."""
    return g.entry


def signed_in(view: View) -> View:
    """Only for whoever is signed in."""
    return _guarded(view)


def signed_in_with_entry(view: View) -> View:
    """The same, for a view that shows the account itself: one question to the database instead of two."""
    return _guarded(view, with_entry=True)


def _guarded(view: View, **how: bool) -> View:
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        _identify(**how)
        return view(*args, **kwargs)

    return described(guarded, signed_in=True)


def staff(*roles: str) -> Callable[[View], View]:
    """Only for accounts that have one of the roles today, in a session for which a second factor was asked."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            identity = _identify()
            g.role = next((role for role in roles if role in identity.roles), None)
            if g.role is None:
                raise Problem("not-allowed")
            if not identity.second_factor:
                raise Problem("second-factor-required")
            return view(*args, **kwargs)

        return described(
            guarded, signed_in=True, roles=roles, refuses=("not-allowed", "second-factor-required")
        )

    return guard


def has_role(role: str) -> bool:
    """The same for a view that everybody may ask, and such people get more of."""
    try:
        identity = _identify()
    except Problem:
        return False
    return role in identity.roles and identity.second_factor


def same_site(view: View) -> View:
    """Only for our own pages, allowed origins and what is no browser: for doors that set the cookie."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if is_foreign():
            raise Problem("csrf-failed")
        return view(*args, **kwargs)

    return described(guarded, refuses=("csrf-failed",))


def is_looked_at() -> bool:
    """Whether whoever asked reads the answer: not by HEAD, and not led here by another site."""
    return request.method == "GET" and not is_foreign()


def caller() -> Caller:
    """Where the request comes from, by network and by the cookie that a device keeps when one signs out."""
    return Caller(request.remote_addr or "", request.cookies.get(cookie_name(DEVICE_COOKIE)) or None)


def cookie_name(name: str = COOKIE) -> str:
    """With the prefix by which browsers refuse the cookie from neighbouring hosts, where https allows it."""
    return f"__Host-{name}" if _is_https() else name


def set_cookie(response: Response, token: str) -> Response:
    response.set_cookie(cookie_name(), token, **cookie_attributes())
    return response


def set_device(response: Response, secret: str) -> Response:
    response.set_cookie(cookie_name(DEVICE_COOKIE), secret, max_age=DEVICE_SECONDS, **cookie_attributes())
    return response


def forget_cookie(response: Response) -> Response:
    response.delete_cookie(cookie_name(), **cookie_attributes())
    return response


def cookie_attributes() -> dict[str, Any]:
    return {"httponly": True, "secure": _is_https(), "samesite": "Lax", "path": "/"}


def cookie_token() -> str | None:
    return request.cookies.get(cookie_name())


def _identify(*, with_entry: bool = False) -> Identity:
    token, kind = _presented()
    identity, sessions, now = None, service().sessions, service().clock.now()
    if token and with_entry:
        g.entry, identity = sessions.find_with_entry(token, now)
    elif token:
        identity = sessions.find(token, now)
    if identity is None or identity.kind != kind:
        raise Problem("not-signed-in")
    if kind == "cookie" and request.method not in SAFE_METHODS and not _knows(identity.csrf_token):
        raise Problem("csrf-failed")
    g.identity, g.token = identity, token
    return identity


def _presented() -> tuple[str | None, str]:
    authorization = request.headers.get("Authorization")
    if authorization is None:
        return cookie_token(), "cookie"
    scheme, _, token = authorization.partition(" ")
    return (token.strip() if scheme.lower() == "bearer" else None), "bearer"


def _knows(csrf_token: str) -> bool:
    return hmac.compare_digest(request.headers.get("X-CSRF-Token", "").encode(), csrf_token.encode())


def is_foreign() -> bool:
    """By `Sec-Fetch-Site`, which no page can forge, else by `Origin`; who sends neither is no browser."""
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin in service().settings.cors_origins:
        return False
    if site is not None:
        return site not in ("same-origin", "none")
    own = (origin_of(service().settings.public_url), origin_of(request.host_url))
    return origin is not None and origin not in own


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _is_https() -> bool:
    return service().settings.public_url.startswith("https:")
