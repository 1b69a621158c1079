"""Load, decide, save, and decide again when another command was first."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from domain.errors import Conflict

P = ParamSpec("P")
R = TypeVar("R")
ATTEMPTS = 3


def decided_again(use_case: Callable[P, R]) -> Callable[P, R]:
    """Run a use case anew, from loading on, when it lost a race; the last Conflict is the caller's."""

    @wraps(use_case)
    def attempt(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(ATTEMPTS - 1):
            try:
                return use_case(*args, **kwargs)
            except Conflict:
                continue
        return use_case(*args, **kwargs)

    return attempt
