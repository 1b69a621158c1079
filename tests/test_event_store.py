"""Appending: all or nothing, first in its transaction, once; and what is read back."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
import pytest
from people import ADA_ID, ADA_PROFILE_ID, AURELIE, NOON, a_profile, an_account
from spec import until
from write_side import KEYRING, WriteSide

from domain import errors
from domain.values import SYSTEM
from infrastructure.event_mapper import SealedEvent
from infrastructure.event_store import PLACES, AppendRefused, EventStore

LATER = NOON.replace(year=2031)


@pytest.fixture
def here(database_url):
    with WriteSide(database_url, connections=8) as here:
        yield here


@pytest.fixture
def saved(here):
    """Ada's account and profile, stored."""
    here.store.record(an_account(), a_profile())
    return here


def plain_events(stream: UUID, count: int, after: int = 0) -> list[SealedEvent]:
    """Events that belong to nobody, so that nothing is sealed."""
    return [
        SealedEvent(stream, version, "test.plain", b"{}", None, None, None)
        for version in range(after + 1, after + count + 1)
    ]


def everything(here) -> list[tuple]:
    return here.rows(
        "SELECT originator_id, originator_version, position, recorded_at FROM events ORDER BY position"
    )


# --- an append is the first write of its transaction, and the only append in it


def test_an_append_after_another_write_is_refused_and_nothing_is_written(here):
    def write_then_append() -> None:
        with here.transaction() as cursor:
            cursor.execute("INSERT INTO roles (account_id, role) VALUES (%s, 'auditor')", (ADA_ID,))
            here.store.recorder.append(cursor, plain_events(uuid4(), 1))

    with pytest.raises(AppendRefused, match="first write"):
        write_then_append()
    assert everything(here) == []
    assert here.rows("SELECT * FROM roles") == []


def test_an_append_after_a_row_was_locked_is_refused(here):
    """A lock takes the transaction's id: what it loads afterwards may be newer than its place in the log."""

    def lock_then_append() -> None:
        with here.transaction() as cursor:
            cursor.execute("SELECT * FROM log_offset FOR UPDATE")
            here.store.recorder.append(cursor, plain_events(uuid4(), 1))

    with pytest.raises(AppendRefused):
        lock_then_append()
    assert everything(here) == []


@pytest.mark.parametrize("count", [1, 20])
def test_a_second_append_is_refused_and_takes_the_first_with_it(here, count):
    def append_twice() -> None:
        with here.transaction() as cursor:
            here.store.recorder.append(cursor, plain_events(uuid4(), 1))
            here.store.recorder.append(cursor, plain_events(uuid4(), count))

    with pytest.raises(AppendRefused):
        append_twice()
    assert everything(here) == []


def test_an_append_may_follow_what_only_reads(here):
    with here.transaction() as cursor:
        cursor.execute("SELECT count(*) FROM events")
        here.store.recorder.append(cursor, plain_events(uuid4(), 1))
    assert len(everything(here)) == 1


@pytest.mark.parametrize("count", [1, 8, 9, PLACES])
def test_the_positions_of_an_append_are_in_order_and_its_instant_is_one(here, count):
    stream = uuid4()
    last = here.store.recorder.commit(plain_events(stream, count))
    rows = everything(here)
    assert [version for _, version, _, _ in rows] == list(range(1, count + 1))
    assert [position for _, _, position, _ in rows] == list(
        range(last.position - count + 1, last.position + 1)
    )
    assert {recorded_at for *_, recorded_at in rows} == {last.recorded_at}


def test_more_events_than_there_are_places_are_refused_and_none_is_written(here):
    with pytest.raises(AppendRefused, match="4097"):
        here.store.recorder.commit(plain_events(uuid4(), PLACES + 1))
    assert everything(here) == []


def test_later_appends_have_later_positions(here):
    positions = [here.store.recorder.commit(plain_events(uuid4(), 3)).position for _ in range(5)]
    assert positions == sorted(set(positions))


def test_events_are_never_changed_or_removed(saved):
    with saved.pool.connection() as connection:
        connection.execute("GRANT UPDATE, DELETE, TRUNCATE ON events TO CURRENT_USER")
    for statement in ("UPDATE events SET topic = 'x'", "DELETE FROM events", "TRUNCATE events"):
        with pytest.raises(psycopg.errors.RaiseException, match="never changed"):
            saved.rows(statement)
    assert len(everything(saved)) == 2


def test_not_even_their_owner_has_the_right_to_change_events(here):
    granted = here.rows(
        "SELECT privilege_type FROM pg_class, aclexplode(relacl) WHERE oid = 'events'::regclass"
    )
    assert {"SELECT", "INSERT"} <= {right for (right,) in granted}
    assert not {"UPDATE", "DELETE", "TRUNCATE"} & {right for (right,) in granted}


# --- moments


def test_an_event_bears_the_commands_moment_and_the_databases_own(here):
    (before,) = here.rows("SELECT clock_timestamp()")[0]
    saved = here.store.record(an_account(now=datetime(2001, 2, 3, 4, 5, 6, 7, tzinfo=UTC)))
    (after,) = here.rows("SELECT clock_timestamp()")[0]
    (event,) = here.store.events_at([(0, ADA_ID, 1)])
    assert event.timestamp == datetime(2001, 2, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert before <= saved.recorded_at <= after
    assert [row[3] for row in everything(here)] == [saved.recorded_at]


# --- all or nothing


def test_of_two_that_decide_on_the_same_version_one_is_in_conflict(saved):
    mine, theirs = saved.store.account(ADA_ID), saved.store.account(ADA_ID)
    mine.activate(now=NOON)
    theirs.issue_password(expires_at=LATER, actor=SYSTEM, now=NOON)
    saved.store.record(mine)
    with pytest.raises(errors.Conflict):
        saved.store.record(theirs)
    assert saved.topics(ADA_ID) == ["account.requested", "account.activated"]


def test_what_an_effect_refuses_takes_the_events_with_it(saved):
    def refuse(_) -> None:
        raise errors.RecordTaken

    account = saved.store.account(ADA_ID)
    account.activate(now=NOON)
    with pytest.raises(errors.RecordTaken):
        saved.store.record(account, effects=[saved.roles.set(ADA_ID, "auditor", None), refuse])
    assert saved.topics(ADA_ID) == ["account.requested"]
    assert saved.rows("SELECT * FROM roles") == []


def test_a_new_account_that_was_refused_leaves_no_key_behind(here):
    def refuse(_) -> None:
        raise errors.EmailTaken

    with pytest.raises(errors.EmailTaken):
        here.store.record(an_account(), effects=[refuse])
    assert here.rows("SELECT * FROM data_keys") == []


def test_effects_alone_are_carried_out_and_reach_no_position(here):
    assert here.store.record(effects=[here.roles.set(ADA_ID, "auditor", None)]).position == 0
    assert here.rows("SELECT role FROM roles") == [("auditor",)]


def test_where_nothing_was_decided_nothing_is_written(saved):
    before = everything(saved)
    assert saved.store.record(saved.store.account(ADA_ID)).position == 0
    assert everything(saved) == before


def test_two_aggregates_are_saved_in_one_append(here):
    account, profile = an_account(), a_profile()
    last = here.store.record(account, profile)
    assert [row[0] for row in everything(here)] == [ADA_ID, ADA_PROFILE_ID]
    assert here.store.profile(ADA_PROFILE_ID).data == AURELIE
    assert last.position == everything(here)[-1][2]


def test_whoever_waits_for_news_is_told_after_a_commit_and_not_without_one(here):
    rings = []
    store = EventStore(
        here.pool, KEYRING, after_append=lambda count: rings.append((count, len(everything(here))))
    )
    store.record(an_account(), a_profile())
    store.record(effects=[here.roles.set(ADA_ID, "auditor", None)])
    with pytest.raises(errors.Conflict):
        store.record(an_account())
    assert rings == [(2, 2)]


# --- reading


def test_what_was_saved_is_loaded(saved):
    account, profile = saved.store.account(ADA_ID), saved.store.profile(ADA_PROFILE_ID)
    assert (account.email, account.version) == (an_account().email, 1)
    assert (profile.data, profile.account_id) == (AURELIE, ADA_ID)


def test_what_was_never_saved_is_unknown(here):
    with pytest.raises(errors.AccountUnknown):
        here.store.account(ADA_ID)
    with pytest.raises(errors.ProfileMissing):
        here.store.profile(ADA_PROFILE_ID)


def test_a_part_of_a_stream_is_read_from_either_end(here):
    stream, read = uuid4(), here.store.recorder.select_events
    here.store.recorder.commit(plain_events(stream, 10))
    here.store.recorder.commit(plain_events(uuid4(), 10))

    def versions(**part: object) -> list[int]:
        return [event.originator_version for event in read(stream, **part)]

    assert versions() == list(range(1, 11))
    assert versions(gt=3, lte=6) == [4, 5, 6]
    assert versions(desc=True, limit=2) == [10, 9]


def test_a_part_of_the_log_is_read_by_position_and_topic(saved):
    read, last = saved.store.recorder.select_notifications, saved.store.recorder.max_notification_id()
    until(lambda: len(read(None, 10)) == 2)
    first = read(None, 10)[0].id
    assert [each.topic for each in read(first, 10)] == ["account.requested", "profile.submitted"]
    assert [each.topic for each in read(first, 10, inclusive_of_start=False)] == ["profile.submitted"]
    assert [each.topic for each in read(None, 1)] == ["account.requested"]
    assert [each.topic for each in read(None, 10, stop=first)] == ["account.requested"]
    assert [each.topic for each in read(None, 10, topics=["profile.submitted"])] == ["profile.submitted"]
    assert last in (None, first, read(None, 10)[-1].id)


def test_events_are_given_in_the_order_asked_for(saved):
    places = [(0, ADA_PROFILE_ID, 1), (0, ADA_ID, 1)]
    assert [type(event).TOPIC for event in saved.store.events_at(places)] == [
        "profile.submitted",
        "account.requested",
    ]
