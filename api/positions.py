"""Reading one's own writes: a read that brings a `Log-Position` waits until what it reads has come so far."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from flask import request

from api.context import service
from api.described import View, described
from api.errors import Problem

LONGEST: Final = 18  # digits of a version


def waits_for(*read_models: str) -> Callable[[View], View]:
    def guard(view: View) -> View:
        @wraps(view)
        def patient(*args: Any, **kwargs: Any) -> Any:
            token = request.headers.get("Log-Position")
            if token is not None:
                service().watermark.wait(read_models, _opened(token))
            return view(*args, **kwargs)

        return described(patient, waits=True, refuses=("bad-log-position", "soon"))

    return guard


def _opened(token: str) -> int:
    try:
        return service().watermark.open(token)
    except ValueError:
        raise Problem("bad-log-position") from None


def expected_version() -> int | None:
    """The version that `If-Match` names; None where any will do. Raises Problem `precondition-failed`."""
    tag = request.headers.get("If-Match", "*").strip()
    if tag == "*":
        return None
    number = tag.strip('"')
    if tag != f'"{number}"' or not number.isdecimal() or len(number) > LONGEST:
        raise Problem("precondition-failed")
    return int(number)
