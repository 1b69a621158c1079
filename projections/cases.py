"""Links that the secretariat decides or decided: one row a case."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from psycopg.rows import class_row
from psycopg_pool import ConnectionPool

from domain.account import Account
from domain.profile import Profile
from projections.read_model import Fact, Forgotten, ReadModel, Row

cases = ReadModel(
    "cases",
    version=5,
    columns={
        "case_id": "uuid",
        "account_id": "uuid",
        "profile_id": "uuid",
        "state": "text",
        "cause": "text",
        "due": "date",
        "opened_at": "timestamptz",
        "taken_by": "uuid",
        "decided_by": "uuid",
        "decided_at": "timestamptz",
    },
    key=("case_id",),
    indices=["(due, case_id) WHERE state IN ('open', 'asked')", "(due, case_id)", "(account_id)"],
    person="account_id",
)


@cases.folds(Profile.CaseOpened)
def _(fact: Fact) -> Row:
    return {
        "case_id": fact.case_id,
        "account_id": fact.account_id,
        "profile_id": fact.originator_id,
        "state": "open",
        "cause": fact.cause,
        "due": fact.due,
        "opened_at": fact.timestamp,
    }


@cases.folds(Profile.CaseTaken)
def _(fact: Fact) -> Row:
    return {"case_id": fact.case_id, "taken_by": fact.actor}


@cases.folds(Profile.QuestionAsked)
def _(fact: Fact) -> Row:
    return {"case_id": fact.case_id, "state": "asked"}


@cases.folds(Profile.QuestionAnswered)
def _(fact: Fact) -> Row:
    return {"case_id": fact.case_id, "state": "open", "due": fact.due}


@cases.folds(Profile.CaseRenewed)
def _(fact: Fact) -> Row:
    return {"case_id": fact.case_id, "cause": fact.cause}


@cases.folds(Profile.RecordLinked)
def _(fact: Fact) -> Row | None:
    return _decided(fact, "linked") if fact.case_id else None


@cases.folds(Profile.CaseRejected)
def _(fact: Fact) -> Row:
    return _decided(fact, "rejected")


@cases.folds(Profile.CaseWithdrawn)
def _(fact: Fact) -> Row:
    return _decided(fact, "withdrawn")


@cases.folds(Account.AccountErased)
def _(fact: Fact) -> Forgotten:
    return Forgotten(fact.originator_id)


def _decided(fact: Fact, state: str) -> Row:
    return {
        "case_id": fact.case_id,
        "state": state,
        "taken_by": None,
        "decided_by": fact.actor,
        "decided_at": fact.timestamp,
    }


class CaseRow(NamedTuple):
    """taken_by, decided_by: actors. due: the last day on which linking is on time."""

    case_id: UUID
    account_id: UUID
    profile_id: UUID
    state: str
    cause: str
    due: date
    opened_at: datetime
    taken_by: UUID | None
    decided_by: UUID | None
    decided_at: datetime | None


# What a page is asked for by, each as its index has it.
CONDITIONS: Final = {
    "state": "state = %(state)s",
    "late": "state = 'open' AND due < %(today)s",
    "in time": "NOT (state = 'open' AND due < %(today)s)",
    "after": "(due, case_id) > (%(after_due)s, %(after_id)s)",
}

BACKLOG = """
    SELECT count(*) FILTER (WHERE state = 'open'),
           count(*) FILTER (WHERE state = 'asked'),
           count(*) FILTER (WHERE state = 'open' AND due < %(today)s),
           count(*) FILTER (WHERE state = 'open' AND due = %(today)s),
           count(*) FILTER (WHERE state = 'open' AND due > %(today)s AND due <= %(next_day)s),
           min(opened_at) FILTER (WHERE state = 'open')
    FROM cases WHERE state IN ('open', 'asked') AND due IS NOT NULL
"""


class Backlog(NamedTuple):
    """How many cases wait for a clerk, and since when the oldest one does.

    asked: wait for their holder's answer instead. due_next: on the next working day.
    """

    open: int
    asked: int
    late: int
    due_today: int
    due_next: int
    oldest: datetime | None


# One either side of a case, whatever has become of it meanwhile.
BESIDE = """
    SELECT (SELECT case_id FROM cases WHERE state = 'open' AND (due, case_id) < (here.due, here.case_id)
            ORDER BY due DESC, case_id DESC LIMIT 1),
           (SELECT case_id FROM cases WHERE state = 'open' AND (due, case_id) > (here.due, here.case_id)
            ORDER BY due, case_id LIMIT 1)
    FROM cases AS here WHERE here.case_id = %s
"""


class Cases:
    """Queries. What a case is decided by is loaded from the log."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def profile_of(self, case_id: UUID) -> UUID | None:
        with self._pool.connection() as connection:
            row = connection.execute("SELECT profile_id FROM cases WHERE case_id = %s", (case_id,)).fetchone()
        return row and row[0]

    def asks(self, account_id: UUID) -> bool:
        """Whether the holder is asked something that is not answered."""
        with self._pool.connection() as connection:
            asked = connection.execute(
                "SELECT FROM cases WHERE account_id = %s AND state = 'asked'", (account_id,), prepare=True
            )
            return asked.fetchone() is not None

    def undecided_of(self, account_id: UUID) -> UUID | None:
        """The case of an account that waits for a decision or an answer."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT case_id FROM cases WHERE account_id = %s AND state IN ('open', 'asked')",
                (account_id,),
            ).fetchone()
        return row and row[0]

    def beside(self, case_id: UUID) -> tuple[UUID | None, UUID | None]:
        """The open cases before and after this one in the queue."""
        with self._pool.connection() as connection:
            return connection.execute(BESIDE, (case_id,)).fetchone() or (None, None)

    def backlog(self, today: date, next_day: date) -> Backlog:
        """next_day: the working day after `today`."""
        with self._pool.connection() as connection:
            row = connection.execute(BACKLOG, {"today": today, "next_day": next_day}, prepare=True).fetchone()
        return Backlog(*row)

    def page(
        self,
        *,
        state: str | None = None,
        late: bool | None = None,
        today: date,
        after: tuple[date, UUID] | None = None,
        limit: int,
    ) -> Sequence[CaseRow]:
        """Oldest deadline first. late: open past its deadline as of `today`. after: due and id of the last seen."""
        asked = {
            "state": state is not None,
            "late": late is True,
            "in time": late is False,
            "after": after is not None,
        }
        narrowed = "".join(f" AND {CONDITIONS[name]}" for name, given in asked.items() if given)
        statement = f"""
            SELECT {", ".join(CaseRow._fields)} FROM cases WHERE due IS NOT NULL{narrowed}
            ORDER BY due, case_id LIMIT %(limit)s
        """
        after_due, after_id = after or (None, None)
        values = {
            "state": state,
            "today": today,
            "after_due": after_due,
            "after_id": after_id,
            "limit": limit,
        }
        with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(CaseRow)) as cursor,
        ):
            # Planned for these very values, or the index of what is undecided would help nobody.
            return cursor.execute(statement, values, prepare=False).fetchall()
