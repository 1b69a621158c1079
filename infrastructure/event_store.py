"""The event store: the library's application, mapper and recorder over one PostgreSQL log that appends without a lock.

An event's position is its transaction's id, shifted: `((pg_current_xact_id() + shift) << 12) | place in the append`.
Readers take only what lies below the oldest transaction still running (the horizon), so nothing is ever skipped and the
order never changes (docs/decisions.md). What it asks for: the append is the first write of its transaction and the only
append in it; what else belongs to the command (effects) comes after it.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import ApplicationRecorder, IntegrityError, Notification
from psycopg import Cursor
from psycopg_pool import ConnectionPool

from application.ports import Effect, Saved
from domain import errors
from domain.account import Account
from domain.profile import Profile
from domain.values import ERASED
from infrastructure.event_mapper import SealedEvent, SealingMapper
from infrastructure.keys import Keyring
from infrastructure.prepared import Prepared, transaction

PLACES = 1 << 12  # events in one append
HORIZON = "((pg_snapshot_xmin(pg_current_snapshot())::text::bigint + o.shift) << 12)"


class AppendRefused(Exception):
    """The append was not the first write of its transaction, or was larger than one append may be."""


def _append(rows: str, key_is_gone: str | None) -> str:
    # The key is looked at in RETURNING, when the row is written: its lock must not take the transaction's id first.
    check = f", CASE WHEN {key_is_gone} THEN refuse('key-destroyed') END" if key_is_gone else ""
    return f"""
        INSERT INTO events (originator_id, originator_version, topic, state, account_id, position, recorded_at)
        SELECT v.id, v.version, v.topic, v.state, v.account,
               ((pg_current_xact_id()::text::bigint + (SELECT shift FROM log_offset)) << 12) | v.place,
               (SELECT clock_timestamp())
        FROM {rows} AS v (id, version, topic, state, account, place)
        WHERE pg_current_xact_id_if_assigned() IS NULL
        RETURNING position, recorded_at{check}
    """


@cache
def _append_few(count: int, sealed: bool) -> Prepared:
    """For events of one person. sealed: under a key that must still be there."""
    types = ("uuid", "bigint", "text", "bytea", "uuid")
    rows = ", ".join(
        "("
        + ", ".join(f"${5 * place + number}::{kind}" for number, kind in enumerate(types, 1))
        + f", {place})"
        for place in range(count)
    )
    gone = f"(SELECT true FROM data_keys WHERE person = ${5 * count + 1}::uuid FOR SHARE) IS NULL"
    return Prepared(_append(f"(VALUES {rows})", gone if sealed else None))


APPEND_MANY = Prepared(
    _append(
        "(SELECT id, version, topic, state, account, place - 1 FROM"
        " unnest($1::uuid[], $2::bigint[], $3::text[], $4::bytea[], $5::uuid[])"
        " WITH ORDINALITY AS u (id, version, topic, state, account, place))",
        "(SELECT count(*) FROM (SELECT FROM data_keys WHERE person = ANY($6::uuid[]) FOR SHARE) AS held) < $7",
    )
)
# Up to here each count has a statement of its own: the client adapts no arrays, and PostgreSQL keeps the plan. One with
# arrays it plans anew each time, for it cannot know their lengths, and that takes longer than the append itself.
FEW = 8

SELECT_STREAM = """
    SELECT e.originator_id, e.originator_version, e.topic, e.state, e.account_id, k.generation, k.wrapped
    FROM events AS e LEFT JOIN data_keys AS k ON k.person = e.account_id
    WHERE e.originator_id = $1 AND e.originator_version > $2 AND e.originator_version <= $3
    ORDER BY e.originator_version {order} LIMIT $4
"""
SELECT_STREAMS = """
    SELECT e.originator_id, e.originator_version, e.topic, e.state, e.account_id, k.generation, k.wrapped
    FROM events AS e LEFT JOIN data_keys AS k ON k.person = e.account_id
    WHERE e.originator_id = ANY(%s) ORDER BY e.originator_id, e.originator_version
"""
INSERT_KEYS = """
    INSERT INTO data_keys (person, generation, wrapped)
    SELECT * FROM unnest(%s::uuid[], %s::smallint[], %s::bytea[])
"""
SELECT_KEY = Prepared("SELECT generation, wrapped FROM data_keys WHERE person = $1")
SELECT_PLACES = """
    SELECT e.originator_id, e.originator_version, e.topic, e.state, e.account_id, k.generation, k.wrapped
    FROM unnest(%s::uuid[], %s::bigint[]) WITH ORDINALITY AS p (stream, version, place)
    JOIN events AS e ON e.originator_id = p.stream AND e.originator_version = p.version
    LEFT JOIN data_keys AS k ON k.person = e.account_id
    ORDER BY p.place
"""
OLDEST_FIRST, NEWEST_FIRST = (Prepared(SELECT_STREAM.format(order=order)) for order in ("ASC", "DESC"))
SELECT_LOG = f"""
    SELECT e.originator_id, e.originator_version, e.topic, e.state, e.position
    FROM events AS e CROSS JOIN log_offset AS o
    WHERE e.position >= %s AND e.position <= %s AND e.position < {HORIZON}
      AND (%s::text[] IS NULL OR e.topic = ANY(%s::text[]))
    ORDER BY e.position LIMIT %s
"""
LOOKED_AT = 0x4D617473  # the advisory locks of those who decide on what another stream says
ONE_AFTER_THE_OTHER = "SELECT pg_advisory_xact_lock(%s, hashtext(%s::uuid::text))"
LAST_VERSION = "SELECT max(originator_version) FROM events WHERE originator_id = %s"
ENDLESS = (1 << 63) - 1


class LocklessRecorder(ApplicationRecorder):
    """Appends to and reads from the log. See the module's text."""

    def __init__(self, pool: ConnectionPool) -> None:
        self.pool = pool

    def append(self, cursor: Cursor, events: Sequence[SealedEvent]) -> Saved:
        """Append within the cursor's transaction. Raises AppendRefused, IntegrityError, domain.errors.AccountErased."""
        if len(events) > PLACES:
            raise AppendRefused(f"{len(events)} events in one append, at most {PLACES}")
        rows = [(e.originator_id, e.originator_version, e.topic, e.state, e.account_id) for e in events]
        made = {e.account_id for e in events if e.new_key}
        sealing = list({e.account_id for e in events if e.wrapped is not None} - made)
        if len(events) <= FEW and len(sealing) <= 1:
            statement = _append_few(len(events), bool(sealing))
            values = [value for row in rows for value in row] + sealing
        else:
            statement = APPEND_MANY
            values = [*map(list, zip(*rows, strict=True)), sealing, len(sealing)]
        try:
            written = statement.on(cursor.connection, values)
        except psycopg.errors.UniqueViolation as taken:
            raise IntegrityError(taken.diag.constraint_name) from None
        except psycopg.Error as fault:
            if fault.sqlstate != "MT001":
                raise
            raise errors.AccountErased from None
        if not written:
            raise AppendRefused("an append is the first write of its transaction, and the only append in it")
        keys = [(event.account_id, event.generation, event.wrapped) for event in events if event.new_key]
        if keys:
            cursor.execute(INSERT_KEYS, [list(column) for column in zip(*keys, strict=True)])
        return Saved(*max(written)[:2])

    def commit(self, events: Sequence[SealedEvent], effects: Iterable[Effect] = ()) -> Saved:
        """Append and carry out the effects, in one transaction."""
        effects = list(effects)
        if not events and not effects:
            return Saved(0, None)
        with self.pool.connection() as connection:
            if not effects and not any(event.new_key for event in events):
                return self.append(connection.cursor(), events)
            with transaction(connection), connection.cursor() as cursor:
                saved = self.append(cursor, events) if events else Saved(0, None)
                for effect in effects:
                    effect(cursor)
            return saved

    def insert_events(self, stored_events: Sequence[SealedEvent], **kwargs: Any) -> Sequence[int] | None:
        if not stored_events:
            return None
        last = self.commit(stored_events, kwargs.get("effects", ())).position
        return list(range(last - len(stored_events) + 1, last + 1))

    def select_events(
        self,
        originator_id: UUID,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[SealedEvent]:
        values = (originator_id, gt or 0, ENDLESS if lte is None else lte, limit)
        rows = (NEWEST_FIRST if desc else OLDEST_FIRST).all(self.pool, values)
        return [SealedEvent(*row) for row in rows]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        first = 0 if start is None else start if inclusive_of_start else start + 1
        wanted = list(topics) or None
        values = (first, ENDLESS if stop is None else stop, wanted, wanted, limit)
        with self.pool.connection() as connection:
            rows = connection.execute(SELECT_LOG, values, prepare=True, binary=True)
            return [Notification(*row) for row in rows]

    def max_notification_id(self) -> int | None:
        """The last position that readers may see."""
        with self.pool.connection() as connection:
            (last,) = connection.execute(
                "SELECT max(e.position) FROM events AS e CROSS JOIN log_offset AS o"
                f" WHERE e.position < {HORIZON}"
            ).fetchone()
        return last

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Any:
        raise NotImplementedError("readers of this log are projections: projections/projector.py")


class EventStore(Application[UUID]):
    """The one application over the one log."""

    name = "matricule"

    def __init__(
        self, pool: ConnectionPool, keyring: Keyring, *, after_append: Callable[[int], None]
    ) -> None:
        """after_append: called with the number of events, once they are committed; must not block."""
        self._pool = pool
        self._keyring = keyring
        self._after_append = after_append
        super().__init__()

    def construct_mapper(self) -> SealingMapper:
        return SealingMapper(self._keyring, lambda person: SELECT_KEY.one(self._pool, (person,)))

    def construct_recorder(self) -> LocklessRecorder:
        return LocklessRecorder(self._pool)

    def account(self, account_id: UUID) -> Account:
        """Raises domain.errors.AccountUnknown, AccountErased."""
        account = self._load(account_id, errors.AccountUnknown)
        if account.erased or account.email is ERASED:
            raise errors.AccountErased
        return account

    def account_or_remains(self, account_id: UUID) -> Account:
        """Also one whose key is gone. Raises domain.errors.AccountUnknown."""
        return self._load(account_id, errors.AccountUnknown)

    def profile(self, profile_id: UUID) -> Profile:
        """Raises domain.errors.ProfileMissing, AccountErased."""
        profile = self._load(profile_id, errors.ProfileMissing)
        if profile.data.family_name is ERASED:
            raise errors.AccountErased
        return profile

    def accounts(self, account_ids: Collection[UUID]) -> dict[UUID, Account]:
        """Many at once, erased ones too."""
        return self._load_all(account_ids)

    def profiles(self, profile_ids: Collection[UUID]) -> dict[UUID, Profile]:
        """Many at once, of those that there are."""
        return self._load_all(profile_ids)

    def _load_all(self, streams: Collection[UUID]) -> dict[UUID, Any]:
        found: dict[UUID, Any] = {}
        if streams:
            with self._pool.connection() as connection:
                rows = connection.execute(SELECT_STREAMS, [list(streams)], binary=True).fetchall()
            for row in rows:
                found[row[0]] = self.mapper.to_domain_event(SealedEvent(*row)).mutate(found.get(row[0]))
        return found

    def events_at(self, places: Sequence[tuple[int, UUID, int]]) -> list[Any]:
        """The domain events at (position, stream, version), in the order asked for."""
        streams, versions = [place[1] for place in places], [place[2] for place in places]
        with self._pool.connection() as connection:
            rows = connection.execute(SELECT_PLACES, (streams, versions), binary=True)
            return [self.mapper.to_domain_event(SealedEvent(*row)) for row in rows]

    def _load(self, stream: UUID, missing: type[errors.Refused]) -> Any:
        """As the library's repository does, which asks each event whether it can be replayed; that takes longer."""
        aggregate = None
        for stored in self.recorder.select_events(stream):
            aggregate = self.mapper.to_domain_event(stored).mutate(aggregate)
        if aggregate is None:
            raise missing
        return aggregate

    def unmoved(self, account_id: UUID, aggregate: Aggregate) -> Effect:
        """See `application.ports.EventLog`. The lock is taken after the append, and held until the end."""

        def check(cursor: Cursor) -> None:
            cursor.execute(ONE_AFTER_THE_OTHER, [LOOKED_AT, account_id])
            # A statement of its own, which sees what was committed while the lock was waited for.
            (last,) = cursor.execute(LAST_VERSION, [aggregate.id]).fetchone()
            if last != aggregate.version:
                raise errors.Conflict

        return check

    def record(self, *aggregates: Aggregate, effects: Iterable[Effect] = ()) -> Saved:
        """Append what the aggregates decided and carry out the effects, all or nothing.

        Raises domain.errors.Conflict when another command was first, AccountErased when the person's key is gone, and
        what an effect refuses.
        """
        stored = [
            self.mapper.to_stored_event(event) for each in aggregates for event in each.collect_events()
        ]
        try:
            saved = self.recorder.commit(stored, effects)
        except (IntegrityError, psycopg.errors.DeadlockDetected):
            raise errors.Conflict from None
        if stored:
            self._after_append(len(stored))
        return saved
