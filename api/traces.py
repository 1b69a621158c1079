"""Whoever is shown others' data leaves a trace, which is on disk before the answer leaves."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final
from uuid import UUID

from flask import g

from api.context import service
from api.identity import me
from api.whence import whence
from domain.access import Filter
from domain.values import OPERATOR
from infrastructure.bootstrap import Service

PAGING: Final = frozenset({"cursor", "limit", "purpose"})  # of a query, that narrow nothing


def traced(
    what: str,
    *,
    accounts: Iterable[UUID] = (),
    purpose: str | None = None,
    count: int | None = None,
    filters: Mapping[str, Filter] | None = None,
) -> None:
    """Note what is about to be shown; for views under `staff`.

    what: of domain.policies.READS. accounts: whose data. count: of entries, None for as many as there are accounts.
    filters: of domain.policies.READ_FILTERS, what pages are asked by left out; never what was typed into a search.
    """
    tracer(what, purpose=purpose, filters=filters)(accounts=accounts, count=count)


def tracer(
    what: str, *, purpose: str | None = None, filters: Mapping[str, Filter] | None = None
) -> Callable[..., Any]:
    """The same for what is noted bit by bit, also when the request is over: takes `accounts` and `count`."""
    return partial(
        service().accesses.note_read,
        what,
        reader=me().account_id,
        role=g.role,
        purpose=purpose,
        filters={name: value for name, value in (filters or {}).items() if name not in PAGING},
        whence=whence(),
    )


def traced_for_operator(
    service: Service,
    what: str,
    *,
    accounts: Iterable[UUID] = (),
    purpose: str | None = None,
    count: int | None = None,
    filters: Mapping[str, Filter] | None = None,
) -> None:
    """The same for the command line."""
    service.accesses.note_read(
        what,
        reader=OPERATOR,
        role="operator",
        accounts=accounts,
        purpose=purpose,
        count=count,
        filters=filters,
    )
