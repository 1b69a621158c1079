"""What a view's decorators say of it, for the OpenAPI document."""

from collections.abc import Callable
from typing import Any

View = Callable[..., Any]
FACTS = "matricule_facts"
UNUSABLE = ("account-locked", "account-closed")  # now, or since the request was let in
REAUTHENTICATED = ("wrong-password", "wrong-passkey", "too-many-requests", "too-busy")


def described(view: View, **facts: Any) -> View:
    """Note facts on a view; decorators around it carry them on. Tuples add up."""
    noted = dict(facts_of(view))
    for name, fact in facts.items():
        noted[name] = noted.get(name, ()) + fact if isinstance(fact, tuple) else fact
    setattr(view, FACTS, noted)
    return view


def facts_of(view: View) -> dict[str, Any]:
    """signed_in, idempotent, waits, command, versioned, conditional, exports, spreadsheet: bool.

    roles, refuses: tuple of str.
    """
    return getattr(view, FACTS, {})


def tells(*problems: str, **facts: bool) -> Callable[[View], View]:
    """Says with which problems a view may answer, besides those of its other decorators, and what it does.

    facts: command (answers with `Log-Position`, `Recorded-At`), versioned (`ETag`), conditional (`If-Match`), exports
    (files too, with `Export-Id`), spreadsheet (CSV too).
    """
    return lambda view: described(view, refuses=problems, **facts)
