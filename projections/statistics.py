"""How much there is to do and how long it takes: one row a request, a submission, a case or a link without a clerk.

Rows hold days and no names; those of an erased person go, so figures of the past may become smaller by one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from psycopg import Cursor
from psycopg_pool import ConnectionPool

from domain.account import Account
from domain.calendar import swiss_day
from domain.profile import Profile
from projections.read_model import Fact, Forgotten, ReadModel, Row

# An automatic link is as late as the submission before it on its stream: what a fold of one event cannot know.
SENT_BEFORE = """
    UPDATE {0} AS link SET (began, due) = (
        SELECT sent.began, sent.due FROM {0} AS sent
        WHERE sent.id = link.id AND sent.version < link.version AND sent.matter = 'submission'
        ORDER BY sent.version DESC LIMIT 1)
    WHERE matter = 'automatic' AND due IS NULL
"""


class Matters(ReadModel):
    """A read model whose automatic links learn from an earlier row what they were decided on."""

    def write(self, cursor: Cursor, table: str, changes: Iterable[Row | Forgotten]) -> int:
        changes = list(changes)
        count = super().write(cursor, table, changes)
        if any(isinstance(change, dict) and change.get("matter") == "automatic" for change in changes):
            cursor.execute(SENT_BEFORE.format(table))
        return count


statistics = Matters(
    "statistics",
    version=2,
    columns={
        "id": "uuid",  # of the account, the case, or the profile's stream
        "version": "bigint",  # on the profile's stream; else 0
        "account_id": "uuid",
        "matter": "text",  # request | submission | automatic | case
        "began": "date",  # in Switzerland, as all days
        "due": "date",
        "asked": "date",  # since when the clock stands still, for the holder was asked something
        "ended": "date",
        "outcome": "text",  # linked | rejected | withdrawn
    },
    key=("id", "version"),
    indices=[
        "(matter, began)",
        "(ended, matter, outcome, due) WHERE ended IS NOT NULL",
        "(id) WHERE matter = 'automatic' AND due IS NULL",
        "(account_id)",
    ],
    person="account_id",
)


@statistics.folds(Account.AccountRequested)
def _(fact: Fact) -> Row | None:
    if fact.origin != "sign-up":
        return None
    return {
        "id": fact.originator_id,
        "version": 0,
        "account_id": fact.originator_id,
        "matter": "request",
        "began": _day(fact),
    }


@statistics.folds(Profile.ProfileSubmitted, Profile.ProfileCorrected)
def _(fact: Fact) -> Row:
    return {**_on_the_stream(fact), "matter": "submission", "began": _day(fact), "due": fact.due}


@statistics.folds(Profile.RecordLinked)
def _(fact: Fact) -> Row:
    if fact.case_id:
        return _decided(fact, "linked")
    return {**_on_the_stream(fact), "matter": "automatic", "ended": _day(fact), "outcome": "linked"}


@statistics.folds(Profile.CaseOpened)
def _(fact: Fact) -> Row:
    return {
        "id": fact.case_id,
        "version": 0,
        "account_id": fact.account_id,
        "matter": "case",
        "began": _day(fact),
        "due": fact.due,
    }


@statistics.folds(Profile.QuestionAsked)
def _(fact: Fact) -> Row:
    return {"id": fact.case_id, "version": 0, "asked": _day(fact)}


@statistics.folds(Profile.QuestionAnswered)
def _(fact: Fact) -> Row:
    return {"id": fact.case_id, "version": 0, "asked": None, "due": fact.due}


@statistics.folds(Profile.CaseRejected)
def _(fact: Fact) -> Row:
    return _decided(fact, "rejected")


@statistics.folds(Profile.CaseWithdrawn)
def _(fact: Fact) -> Row:
    return _decided(fact, "withdrawn")


@statistics.folds(Account.AccountErased)
def _(fact: Fact) -> Forgotten:
    return Forgotten(fact.originator_id)


def _on_the_stream(fact: Fact) -> Row:
    return {"id": fact.originator_id, "version": fact.originator_version, "account_id": fact.account_id}


def _decided(fact: Fact, outcome: str) -> Row:
    return {"id": fact.case_id, "version": 0, "ended": _day(fact), "outcome": outcome}


def _day(fact: Fact) -> date:
    return _day_of(fact.timestamp[:13])


@lru_cache(10_000)
def _day_of(hour: str) -> date:
    """In Switzerland, whose clocks differ from UTC, in which events are stamped, by whole hours."""
    return swiss_day(datetime.fromisoformat(f"{hour}:00+00:00"))


LATE = "matter = 'case' AND (asked IS NULL OR asked > due)"  # at some time, if nobody decides
# What was before the period counts as of its first day, so that a running sum is right from there on.
BY_DAY = f"""
    SELECT matter, began, count(*) FROM statistics
    WHERE matter IN ('request', 'submission') AND began BETWEEN %(since)s AND %(until)s GROUP BY 1, 2
    UNION ALL
    SELECT CASE matter WHEN 'automatic' THEN matter ELSE outcome END, ended, count(*) FROM statistics
    WHERE ended BETWEEN %(since)s AND %(until)s GROUP BY 1, 2
    UNION ALL
    SELECT 'opened', greatest(began, %(since)s), count(*) FROM statistics
    WHERE matter = 'case' AND began <= %(until)s GROUP BY 1, 2
    UNION ALL
    SELECT 'closed', greatest(ended, %(since)s), count(*) FROM statistics
    WHERE matter = 'case' AND ended <= %(until)s GROUP BY 1, 2
    UNION ALL
    SELECT 'became late', greatest(due + 1, began, %(since)s), count(*) FROM statistics
    WHERE {LATE} AND greatest(due + 1, began) <= %(until)s AND (ended IS NULL OR ended > due) GROUP BY 1, 2
    UNION ALL
    SELECT 'late no more', greatest(ended, %(since)s), count(*) FROM statistics
    WHERE {LATE} AND ended > due AND ended <= %(until)s GROUP BY 1, 2
"""
DECIDED = """
    SELECT CASE matter WHEN 'automatic' THEN matter ELSE outcome END, due, coalesce(asked, ended), count(*)
    FROM statistics
    WHERE ended BETWEEN %(since)s AND %(until)s AND outcome IN ('linked', 'rejected') AND due IS NOT NULL
    GROUP BY 1, 2, 3
"""


class DayCounts(NamedTuple):
    """What happened on a day, and how many cases were open and late at its end.

    automatic: links that no clerk decided. linked, rejected: what clerks decided.
    """

    day: date
    requests: int
    submissions: int
    automatic: int
    linked: int
    rejected: int
    open: int
    late: int


class Decided(NamedTuple):
    """How many links were decided alike. how: automatic, linked or rejected. due: the last day on time.

    done: the day of the decision, or of the question that it did not wait for.
    """

    how: str
    due: date
    done: date
    count: int


class Statistics:
    """Queries."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def days(self, since: date, until: date) -> Sequence[DayCounts]:
        """Each day of a period, its last one included."""
        with self._pool.connection() as connection:
            rows = connection.execute(BY_DAY, {"since": since, "until": until}).fetchall()
        return list(_counted(since, until, Counter({(what, day): count for what, day, count in rows})))

    def decided(self, since: date, until: date) -> Sequence[Decided]:
        """All that was decided in a period, automatic links too."""
        with self._pool.connection() as connection:
            return [Decided(*row) for row in connection.execute(DECIDED, {"since": since, "until": until})]


def _counted(since: date, until: date, counts: Counter[tuple[str, date]]) -> Iterator[DayCounts]:
    open_cases = late = 0
    for number in range((until - since).days + 1):
        day = since + timedelta(days=number)
        open_cases += counts["opened", day] - counts["closed", day]
        late += counts["became late", day] - counts["late no more", day]
        yield DayCounts(
            day,
            counts["request", day],
            counts["submission", day],
            counts["automatic", day],
            counts["linked", day],
            counts["rejected", day],
            open_cases,
            late,
        )
