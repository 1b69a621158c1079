"""What could not be shown or done, as a page that says what to do; what it is, `api.errors` decides for both doors."""

from typing import Final

from flask import Flask, Response, current_app, g, request
from psycopg import OperationalError

from api import errors
from api.web import csrf, language
from api.web.feature import finish, prepare
from api.web.page import page
from domain.errors import Refused

FOR_PROGRAMS: Final = ("/api/", "/health/")
PASSING: Final = (500, 503)
RELOADED: Final = ("soon",)  # by the browser itself, when the answer says so


def install(app: Flask) -> None:
    app.register_error_handler(Exception, answer)  # in the place of that of `api.errors`, which it asks


def answer(error: Exception) -> Response:
    problem = errors.of_exception(error)
    if request.path.startswith(FOR_PROGRAMS) or problem.status_code < 400:
        return problem
    if "locale" not in g:
        _prepare(error)
    members = problem.members
    code = str(members["type"]).rpartition("/")[2]
    again = _to_be_sent_again() if problem.status_code in PASSING else None
    response = page("problem-page.html", status=problem.status_code, code=code, problem=members, again=again)
    if wait := problem.headers.get("Retry-After"):
        response.headers["Retry-After"] = wait
        if code in RELOADED and request.method == "GET":
            response.headers["Refresh"] = wait
    if "Allow" in problem.headers:
        response.headers["Allow"] = problem.headers["Allow"]
    return response if request.blueprint in current_app.extensions["features"] else finish(response)


def _to_be_sent_again() -> dict[str, str] | None:
    """What a form had brought: the page holds it for another attempt. Secrets are typed again."""
    if request.method != "POST" or request.blueprint not in current_app.extensions["features"]:
        return None
    return {**csrf.typed(), csrf.FIELD: request.form.get(csrf.FIELD, "")}


def _prepare(error: Exception) -> None:
    """As far as it goes: a page says that the database is away without asking it."""
    try:
        if isinstance(error, OperationalError | Refused):
            raise error
        prepare()
    except (OperationalError, Refused):
        g.was_sent = False
        g.identity = g.entry = g.token = None
        language.choose()
