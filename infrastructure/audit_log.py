"""The log as auditors read it: events in its order, by account, type, actor and period, opened."""

from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from orjson import JSONDecodeError
from psycopg_pool import ConnectionPool

from infrastructure.event_mapper import opener
from infrastructure.event_store import ENDLESS, HORIZON
from infrastructure.keys import Keyring
from infrastructure.sealing import SealBroken
from projections.read_model import Fact

SCAN = 50_000  # events that one statement looks through
SCANS = 4  # for one page; where they are not enough, the page is shorter and goes on
ENVELOPE = ("actor", "class_version", "originator_topic")  # not among an event's own data
END = f"""
    SELECT coalesce(max(e.position), 0) FROM events AS e CROSS JOIN log_offset AS o WHERE e.position < {HORIZON}
"""
SELECT = """
    SELECT e.originator_id, e.originator_version, e.topic, e.state, e.account_id, e.position, e.recorded_at,
           k.generation, k.wrapped
    FROM events AS e CROSS JOIN log_offset AS o LEFT JOIN data_keys AS k ON k.person = e.account_id
    WHERE e.position > %(after)s AND e.position <= %(up_to)s AND e.position < {horizon} {more}
    ORDER BY e.position LIMIT %(limit)s
"""
AHEAD = f"""
    SELECT e.position FROM events AS e CROSS JOIN log_offset AS o
    WHERE e.position > %s AND e.position <= %s AND e.position < {HORIZON} ORDER BY e.position OFFSET %s LIMIT 1
"""


@dataclass(frozen=True)
class Wanted:
    """Which events. account: whose key seals them. after, up_to: positions."""

    account: UUID | None = None
    topic: str | None = None
    actor: UUID | None = None
    after: int = 0
    up_to: int = ENDLESS


class Found(NamedTuple):
    """reached: the position up to which was looked; None where there is nothing more."""

    facts: list[Fact]
    reached: int | None


class Opened(NamedTuple):
    """An event's own fields. erased: those whose key is gone. broken: those that are not as they were sealed."""

    actor: str | None
    data: dict[str, Any]
    erased: list[str]
    broken: list[str]


class AuditLog:
    def __init__(self, pool: ConnectionPool, keyring: Keyring, *, scan: int = SCAN) -> None:
        self._pool = pool
        self._scan = scan
        self._unseal = opener(keyring)

    def page(self, wanted: Wanted, limit: int) -> Found:
        """The next events; fewer than `limit`, or none, where they are so rare that looking on would take too long."""
        facts: list[Fact] = []
        after: int | None = wanted.after
        for _ in range(SCANS):
            found = self.batch(wanted, after, limit - len(facts))
            facts, after = facts + found.facts, found.reached
            if after is None or len(facts) >= limit:
                break
        return Found(facts, after)

    def batch(self, wanted: Wanted, after: int, limit: int) -> Found:
        """What one statement finds; a long log is gone through with many of them."""
        more, up_to = "", wanted.up_to
        values = {"after": after, "limit": limit}
        if wanted.account:
            more, values["account"] = "AND e.account_id = %(account)s", wanted.account
        elif wanted.topic or wanted.actor:
            up_to = self._ahead(after, wanted.up_to) or up_to
        if wanted.topic:
            more += " AND e.topic = %(topic)s"
            values["topic"] = wanted.topic
        if wanted.actor:
            # Wherever the words stand in the stored text; whether that is the actor is looked at below.
            more += " AND position(%(actor)b IN e.state) > 0"
            values["actor"] = f'"actor":"{wanted.actor}"'.encode()
        statement = SELECT.format(horizon=HORIZON, more=more)
        with self._pool.connection() as connection:
            rows = connection.execute(statement, {**values, "up_to": up_to}, binary=True).fetchall()
        facts = [Fact(row, self._unseal) for row in rows]
        reached = up_to if up_to < wanted.up_to else None
        if len(facts) == limit:
            reached = facts[-1].position
        if wanted.actor:
            facts = [fact for fact in facts if opened(fact).actor == str(wanted.actor)]
        return Found(facts, reached)

    def end(self) -> int:
        """The position of the last event that readers see; 0 while there is none."""
        with self._pool.connection() as connection:
            (last,) = connection.execute(END).fetchone()
        return last

    def _ahead(self, after: int, up_to: int) -> int | None:
        """The position of the event that stands so far ahead; None where there are fewer."""
        with self._pool.connection() as connection:
            row = connection.execute(AHEAD, (after, up_to, self._scan - 1)).fetchone()
        return row and row[0]


def opened(fact: Fact) -> Opened:
    """What an event says, whatever was done to it: an auditor must be able to look at it."""
    try:
        state = dict(fact.state)
    except (JSONDecodeError, TypeError, ValueError):
        return Opened(None, {}, [], ["data"])
    erased: list[str] = []
    broken: list[str] = []
    sealed = state.pop("sealed", {})
    actor, *_ = [state.pop(name, None) for name in ENVELOPE]
    for name in sealed:
        state[name] = None
        if fact.wrapped is None:
            erased.append(name)
            continue
        try:
            state[name] = getattr(fact, name)
        except SealBroken:
            broken.append(name)
    return Opened(actor, state, erased, broken)
