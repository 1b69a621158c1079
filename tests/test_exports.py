"""An export of a long log: gone through in short batches, in as much memory as a short one needs."""

import tracemalloc
from uuid import uuid4

import pytest
from people import CLERK
from read_side import catch_up, projecting
from tree_side import checkpoints_of, many_events
from write_side import KEYRING, WriteSide

from infrastructure import audit_log, exports
from infrastructure.audit_log import AuditLog, Wanted
from infrastructure.doorbell import Doorbell
from infrastructure.exports import Exports
from infrastructure.instants import Instants
from infrastructure.watermark import Watermark
from projections.tree import Tree, tree

SHORT, LONG = 4_000, 16_000
PIECE = 4000  # events in one append
LITTLE = 1 << 18  # bytes: 22 for each event that the long one has more


@pytest.fixture
def here(database_url):
    with WriteSide(database_url) as here, projecting(here, [tree]) as here.projector:
        doorbell = Doorbell(here.url)
        here.audit_log = AuditLog(here.pool, KEYRING)
        here.exports = Exports(
            here.pool,
            log=here.audit_log,
            instants=Instants(here.pool),
            watermark=Watermark(here.pool, doorbell, KEYRING.box("position")),
            tree=Tree(here.pool),
            checkpoints=checkpoints_of(here),
            clock=here.clock,
        )
        yield here
        doorbell.close()


def rendered(numbered) -> bytes:
    return b"".join(b"%d %d\n" % (leaf, fact.position) for fact, leaf in numbered)


def begun(here, **wanted):
    return here.exports.begin(
        Wanted(**wanted), by=CLERK, format_="jsonl", filter_={}, head=b"", render=rendered
    )


def filled(here, count: int) -> list[int]:
    """The positions of so many events."""
    for _ in range(0, count, PIECE):
        many_events(here, PIECE)
    catch_up(here, here.projector)
    return [position for (position,) in here.rows("SELECT position FROM events ORDER BY position")]


def test_a_long_file_takes_no_more_memory_than_a_short_one(here):
    positions = filled(here, LONG)

    def peak(count: int) -> int:
        tracemalloc.start()
        sending = begun(here, up_to=positions[count - 1])
        assert sum(chunk.count(b"\n") for chunk in sending) == count
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert here.exports.get(sending.id).count == count
        return most

    peak(PIECE)  # whatever is made once
    short, long = peak(SHORT), peak(LONG)
    assert long < short + LITTLE, (short, long)


def test_what_is_rare_is_found_in_a_long_log(here):
    positions = filled(here, 2 * PIECE)
    saved = here.opened()
    catch_up(here, here.projector)
    more = filled(here, PIECE)
    assert len(more) == 3 * PIECE + 1
    for wanted in ({"topic": "account.requested"}, {"actor": saved}):
        assert [int(line.split()[0]) for line in b"".join(begun(here, **wanted)).splitlines()] == [
            len(positions)
        ]
        facts, reached = here.audit_log.page(Wanted(**wanted), 2)
        assert [(fact.topic, reached) for fact in facts] == [("account.requested", None)]
    assert b"".join(begun(here, topic="account.locked")) == b""


@pytest.mark.parametrize("wanted", [{"topic": "account.requested"}, {"actor": CLERK}])
def test_a_page_is_shorter_where_looking_on_would_take_too_long(here, wanted):
    """And the next one goes on from there, until the rare one is found."""
    filled(here, PIECE)
    account_id = here.opened()
    filled(here, PIECE)
    wanted = {"actor": account_id} if "actor" in wanted else wanted
    patient = AuditLog(here.pool, KEYRING, scan=500)
    after, pages, found = 0, 0, []
    while after is not None:
        facts, after = patient.page(Wanted(**wanted, after=after), 10)
        found, pages = found + facts, pages + 1
    assert [fact.topic for fact in found] == ["account.requested"]
    assert pages == 1 + (2 * PIECE + 1) // (500 * audit_log.SCANS)


def test_a_file_whose_process_was_killed_is_broken_in_the_end(here):
    filled(here, PIECE)
    killed, slow = begun(here), begun(here)
    pool, quarter = here.pool, exports.SILENCE
    next(killed)
    here.clock.goes_on(quarter / 2)
    next(slow), next(slow)
    here.clock.goes_on(quarter / 2)
    assert exports.give_up_silent(pool, here.clock.now()) == 1
    found = here.exports.get(killed.id)
    assert (found.state, found.finished_at, found.manifest) == ("broken", here.clock.now(), None)
    assert here.exports.get(slow.id).state == "running"
    assert sum(chunk.count(b"\n") for chunk in slow)
    assert here.exports.get(slow.id).state == "done"
    assert exports.give_up_silent(pool, here.clock.now() + quarter) == 0


def test_an_export_that_never_was_is_none(here):
    assert here.exports.get(uuid4()) is None
