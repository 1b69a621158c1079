"""Who looked at whose data, and who signed in: where those facts stand in the log, in order and by account."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from psycopg_pool import ConnectionPool

from domain.access import Access
from projections.read_model import Fact, ReadModel, Row
from projections.timeline import Place

KINDS = ("read", "sign-in")
PLACE = {"position": "bigint", "originator_id": "uuid", "originator_version": "bigint"}

accesses = ReadModel(
    "accesses",
    version=1,
    columns={**PLACE, "kind": "text", "reader": "uuid", "at": "timestamptz"},
    key=("position",),
    indices=["(kind, position)", "(kind, at)", "(reader, kind, position)"],
    keeps_first=True,
)
account_accesses = ReadModel(
    "account_accesses",
    version=1,
    columns={"account_id": "uuid", **PLACE},
    key=("account_id", "position"),
    indices=["(position)"],
    keeps_first=True,
)


@accesses.folds(Access.DataRead)
def _(fact: Fact) -> Row:
    return {**_place(fact), "kind": "read", "reader": fact.actor, "at": fact.timestamp}


@accesses.folds(Access.SignedIn, Access.SignInFailed)
def _(fact: Fact) -> Row:
    return {**_place(fact), "kind": "sign-in", "reader": fact.actor, "at": fact.timestamp}


@account_accesses.folds(Access.DataRead)
def _(fact: Fact) -> Iterator[Row]:
    return ({"account_id": account_id, **_place(fact)} for account_id in fact.accounts)


@account_accesses.folds(Access.SignedIn, Access.SignInFailed)
def _(fact: Fact) -> Row | None:
    return {"account_id": fact.account_id, **_place(fact)} if fact.account_id else None


def _place(fact: Fact) -> Row:
    return {
        "position": fact.position,
        "originator_id": fact.originator_id,
        "originator_version": fact.originator_version,
    }


PAGE = f"""
    SELECT {", ".join(Place._fields)} FROM accesses AS a
    WHERE kind = %(kind)s
      AND (%(reader)s::uuid IS NULL OR reader = %(reader)s)
      AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
      AND (%(account)s::uuid IS NULL OR EXISTS (
          SELECT FROM account_accesses AS whose WHERE whose.account_id = %(account)s AND whose.position = a.position))
      AND position > %(after)s
    ORDER BY position LIMIT %(limit)s
"""
# In one statement, so that no event can come between what it shows of the one and of the other.
WITH_TIMELINE = f"""
    SELECT {", ".join(Place._fields)} FROM timeline WHERE account_id = %(account)s
    UNION ALL (
        SELECT {", ".join(Place._fields)} FROM account_accesses
        WHERE account_id = %(account)s AND position > %(after)s ORDER BY position LIMIT %(limit)s)
    ORDER BY position
"""
LATEST_WITH_TIMELINE = f"""
    SELECT {", ".join(Place._fields)} FROM timeline
    WHERE account_id = %(account)s AND (%(before)s::bigint IS NULL OR position < %(before)s)
    UNION ALL (
        SELECT {", ".join(Place._fields)} FROM account_accesses
        WHERE account_id = %(account)s AND (%(before)s::bigint IS NULL OR position < %(before)s)
        ORDER BY position DESC LIMIT %(limit)s)
    ORDER BY position
"""
OF_ACCOUNT = (
    f"SELECT {', '.join(Place._fields)} FROM account_accesses WHERE account_id = %s ORDER BY position"
)


class AccessPlaces:
    """Queries. What the facts say is loaded from the log."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def page(
        self,
        *,
        kind: str,
        account: UUID | None = None,
        reader: UUID | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> Sequence[Place]:
        """Oldest first. account: whose data. until: not included. after: the last position seen."""
        values = {
            "kind": kind,
            "account": account,
            "reader": reader,
            "since": since,
            "until": until,
            "after": after,
            "limit": limit,
        }
        return self._places(PAGE, values)

    def of(self, account_id: UUID) -> Sequence[Place]:
        """All accesses to an account's data, its own sign-ins among them, oldest first."""
        return self._places(OF_ACCOUNT, (account_id,))

    def with_timeline(self, account_id: UUID, *, after: int = 0, limit: int | None = None) -> Sequence[Place]:
        """All that happened to the account, and of the accesses as many as `limit` after a position; oldest first."""
        return self._places(WITH_TIMELINE, {"account": account_id, "after": after, "limit": limit})

    def latest_with_timeline(
        self, account_id: UUID, *, before: int | None = None, limit: int | None = None
    ) -> Sequence[Place]:
        """The same before a position, with the last accesses of that time; oldest first too."""
        return self._places(LATEST_WITH_TIMELINE, {"account": account_id, "before": before, "limit": limit})

    def _places(self, statement: str, values: object) -> Sequence[Place]:
        with self._pool.connection() as connection:
            return [Place(*row) for row in connection.execute(statement, values)]
