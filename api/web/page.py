"""Answers of the HTML door: a page, or the way to the next one."""

import gzip
from typing import Any, Final

from flask import Response, current_app, g, redirect, render_template, request, url_for

from api.web import again, visitors
from application.ports import Saved

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
WORTH_PACKING: Final = 1000  # bytes; below, the answer's head weighs more than what is won


def page(template: str, *, status: int = 200, **values: Any) -> Response:
    """A page from its template. values: for the template; `form`, if any, says the status.

    A form that was sent and is wrong is shown by the next request, a GET of the same page.
    """
    form = values.get("form")
    if form and g.was_sent and (form.is_wrong or form.notice) and (shown := again.show(form.state())):
        return shown
    html = render_template(template, **values)
    response = Response(html, form.status if form and status == 200 else status)
    response.content_type = "text/html; charset=utf-8"
    response.headers["Content-Security-Policy"] = POLICY
    if form and form.retry_after:
        response.headers["Retry-After"] = str(form.retry_after)
    return packed(response)


def packed(response: Response) -> Response:
    """Smaller on its way. The one secret on a page, its form's note, is another text each time: sizes tell nothing."""
    body = response.get_data()
    response.vary.add("Accept-Encoding")
    if len(body) >= WORTH_PACKING and request.accept_encodings["gzip"]:
        response.set_data(gzip.compress(body, 5, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def go(endpoint: str, *, after: Saved | None = None, **places: Any) -> Response:
    """After a form: the page that shows what was done, by GET. after: what it waits for."""
    if after:
        visitors.note_position(after)
    return redirect(url_for(endpoint, **places), 303)


def exists(endpoint: str) -> bool:
    return endpoint in current_app.view_functions
