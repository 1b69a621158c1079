"""Before any role starts: positions go on after a restore, and a restored copy harms nobody."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from io import BytesIO
from uuid import UUID, uuid4

import pytest
from copies import restore
from people import AURELIE_ADDRESS, HOUR, NOON
from read_side import catch_up, own_connection, projecting
from services import new_database
from spec import until
from write_side import WriteSide, nothing

from domain.errors import LinkDead
from domain.values import SYSTEM
from infrastructure.boot import prepare
from infrastructure.event_mapper import SealedEvent
from infrastructure.import_jobs import ImportJobs

FUTURE = 1 << 40  # positions ahead: more than this server's transaction ids will reach
BURN_TRANSACTION_IDS = """
    DO $$ BEGIN FOR i IN 1..3000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$
"""  # more than a server has used up that was made just now


@pytest.fixture
def here(database_url):
    with WriteSide(database_url, connections=8) as here:
        yield here


@pytest.fixture
def database_copy(postgres):
    """Restores a database into another one of the same server."""
    with ExitStack() as copies:

        def copy(here) -> str:
            database = copies.enter_context(new_database(postgres))
            restore(here.url, database)
            return database

        yield copy


@pytest.fixture
def as_if_restored(here):
    """A log that was written where transaction ids were much higher."""
    here.opened()
    with here.pool.connection() as connection, connection.transaction():
        connection.execute("GRANT UPDATE ON events TO CURRENT_USER")
        connection.execute("ALTER TABLE events DISABLE TRIGGER events_stay")
        connection.execute("UPDATE events SET position = position + %s", (FUTURE,))
        connection.execute("ALTER TABLE events ENABLE TRIGGER events_stay")
    return here


def note(here, stream: UUID, version: int = 1) -> int:
    event = SealedEvent(stream, version, "test.plain", b"{}", None, None, None)
    return here.store.recorder.commit([event]).position


def visible(here) -> list[int]:
    return [each.id for each in here.store.recorder.select_notifications(None, 100)]


def stored(here) -> list[int]:
    return [position for (position,) in here.rows("SELECT position FROM events ORDER BY position")]


def shift(here) -> int:
    return here.rows("SELECT shift FROM log_offset")[0][0]


# --- positions


def test_where_positions_go_on_by_themselves_nothing_is_changed(here):
    here.opened()
    assert prepare(here.url).shift is None
    assert shift(here) == 0


def test_an_empty_log_needs_no_offset(here):
    assert prepare(here.url).shift is None


def test_events_from_the_future_are_visible_again_and_the_next_ones_follow(as_if_restored):
    here = as_if_restored
    assert visible(here) == []
    assert prepare(here.url).shift == shift(here) > 0
    until(lambda: visible(here) == stored(here))
    before = stored(here)
    position = note(here, uuid4())
    assert position > before[-1]
    assert position - before[-1] < FUTURE >> 8  # it follows closely: the place is not used up
    until(lambda: visible(here) == [*before, position])


def test_the_offset_is_raised_once(as_if_restored):
    prepare(as_if_restored.url)
    raised = shift(as_if_restored)
    note(as_if_restored, uuid4())
    assert prepare(as_if_restored.url).shift is None
    assert shift(as_if_restored) == raised


def test_two_processes_boot_while_a_writer_is_in_flight(as_if_restored):
    """A writer that is not through yet is waited for, and one that comes later gets its place after the last."""
    here, late = as_if_restored, uuid4()
    with ThreadPoolExecutor() as threads:
        with here.transaction() as cursor:
            event = SealedEvent(uuid4(), 1, "test.plain", b"{}", None, None, None)
            in_flight = here.store.recorder.append(cursor, [event]).position
            booting = [threads.submit(prepare, here.url) for _ in range(2)]
            until(lambda: here.waiting_for_locks() == 2)
            late_writer = threads.submit(note, here, late)
            until(lambda: here.waiting_for_locks() == 3)
        found = [each.result(30) for each in booting]
        late_position = late_writer.result(30)
    assert sorted(each.shift is not None for each in found) == [False, True]
    before, after = [position for position in stored(here) if position < FUTURE], stored(here)
    assert before == [in_flight]
    assert late_position == after[-1]
    next_position = note(here, late, 2)
    assert next_position > late_position
    until(lambda: visible(here) == [*after, next_position])


def test_a_database_restored_into_a_younger_server_goes_on(here, private_database):
    account_id = here.opened()
    with own_connection(here) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute(BURN_TRANSACTION_IDS)
    account = here.store.account(account_id)
    account.issue_password(expires_at=NOON, actor=SYSTEM, now=NOON)
    here.store.record(account)
    with projecting(here) as projector:
        catch_up(here, projector)

    younger = private_database.start()
    restore(here.url, younger)
    with WriteSide(younger) as there:
        assert visible(there) == []
        found = prepare(younger)
        assert found.shift is not None
        until(lambda: visible(there) == stored(there))
        assert len(stored(there)) == 2
        account = there.store.account(account_id)
        account.activate(now=NOON)
        there.store.record(account)
        with projecting(there) as projector:
            catch_up(there, projector)
        assert there.rows("SELECT email, state FROM directory") == [(AURELIE_ADDRESS, "active")]
        assert there.topics(account_id) == [
            "account.requested",
            "account.password-issued",
            "account.activated",
        ]
        assert visible(there) == stored(there)


# --- whose database this is


def test_a_database_that_is_itself_is_no_copy(here):
    assert not prepare(here.url).restored
    assert not prepare(here.url).restored


def test_a_copy_parks_what_waits_and_ends_sessions_and_mailed_links_and_harms_nothing_else(
    here, database_copy
):
    prepare(here.url)
    account_id = here.opened()
    password = here.accounts.issue_initial_password(account_id)
    session = here.accounts.sign_in(AURELIE_ADDRESS, password, "cookie")
    link = here.links.make("reset", account_id, 1, NOON + HOUR)
    here.rows(
        "INSERT INTO passkey_challenges VALUES (gen_random_uuid(), '', %s, gen_random_uuid(), now() + interval '1 h')"
        " RETURNING id",
        account_id,
    )
    here.rows(
        "INSERT INTO passkey_answers VALUES (gen_random_uuid(), now() + interval '1 h') RETURNING attempt"
    )
    with projecting(here) as projector:
        catch_up(here, projector)
    here.rows(
        "INSERT INTO outbox (cause, kind, recipient, state) VALUES ('x', 'y', 'holder', 'sent') RETURNING id"
    )

    with WriteSide(database_copy(here)) as there:
        assert prepare(there.url).restored
        assert there.rows("SELECT cause, state, parked_for FROM outbox ORDER BY state") == [
            (f"{account_id}:1", "parked", "restored"),
            ("x", "sent", None),
        ]
        assert there.sessions.find(session.token, NOON) is None
        with pytest.raises(LinkDead):
            there.links.find("reset", link, NOON)
        assert there.rows("SELECT count(*) FROM passkey_challenges") == [(0,)]
        assert there.rows("SELECT count(*) FROM passkey_answers") == [(1,)]  # not to be given once more
        assert there.accounts.sign_in(AURELIE_ADDRESS, password, "cookie").account_id == account_id
        assert not prepare(there.url).restored
        assert there.rows("SELECT count(*) FROM sessions") == [(1,)]
    assert not prepare(here.url).restored
    assert here.sessions.find(session.token, NOON) is not None
    assert here.links.find("reset", link, NOON).account_id == account_id


def test_a_copy_takes_over_no_file_that_the_dump_brought_along(here, database_copy):
    prepare(here.url)
    jobs = ImportJobs(here.pool, here.keyring.box("import"), after_put=nothing)
    job_id = jobs.put(BytesIO(b"email"), "accounts", dry_run=False, actor=SYSTEM)
    with WriteSide(database_copy(here)) as there:
        assert prepare(there.url).restored
        copied = ImportJobs(there.pool, there.keyring.box("import"), after_put=nothing)
        assert copied.claim() is None
        assert (copied.get(job_id).state, copied.has_file(job_id)) == ("failed", False)
        assert [refusal.code for _, refusal in copied.refusals(job_id, limit=9)] == ["abandoned"]
    assert not prepare(here.url).restored
    assert jobs.claim().id == job_id


def test_of_two_processes_that_boot_on_a_copy_one_parks(here, database_copy):
    prepare(here.url)
    copy = database_copy(here)
    with ThreadPoolExecutor() as threads:
        found = list(threads.map(prepare, [copy] * 4))
    assert sorted(each.restored for each in found) == [False, False, False, True]
