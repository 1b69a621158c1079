"""What could not be shown or done, as a page that says what to do; what it is, `api.errors` decides for both doors."""

from typing import Final

from flask import Flask, Response, current_app, g, request
from psycopg import OperationalError

from api import errors
from api.web import language
from api.web.feature import finish, prepare
from api.web.page import page
from domain.errors import Refused

FOR_PROGRAMS: Final = ("/api/", "/health/")
RELOADED: Final = ("soon",)  # by the browser itself, when the answer says so


def install(app: Flask) -> None:
    app.register_error_handler(Exception, answer)  # in the place of that of `api.errors`, which it asks


def answer(error: Exception) -> Response:
    problem = errors.of_exception(error)
    if request.path.startswith(FOR_PROGRAMS) or problem.status_code < 400:
        return problem
    if "locale" not in g:
        _prepare()
    members = problem.members
    code = str(members["type"]).rpartition("/")[2]
    response = page("problem-page.html", status=problem.status_code, code=code, problem=members)
    if wait := problem.headers.get("Retry-After"):
        response.headers["Retry-After"] = wait
        if code in RELOADED and request.method == "GET":
            response.headers["Refresh"] = wait
    if "Allow" in problem.headers:
        response.headers["Allow"] = problem.headers["Allow"]
    return response if request.blueprint in current_app.extensions["features"] else finish(response)


def _prepare() -> None:
    """As far as it goes: a page says that the database is away without asking it."""
    try:
        prepare()
    except (OperationalError, Refused):
        g.identity = g.entry = g.token = None
        language.choose()
