"""The Merkle tree over the log: tiles, roots and proofs as the log grows, and after a rebuild."""

import random
from datetime import timedelta
from uuid import uuid4

import pytest
from read_side import catch_up, own_connection, projecting
from tree_side import checkpoints_of, many_events, tampering
from write_side import KEYRING, WriteSide

from domain import merkle
from infrastructure.event_mapper import opener
from infrastructure.proofs import NeverThatLarge, NotInTree, Proofs
from projections.projector import Projector
from projections.rebuild import rebuild
from projections.tree import WIDTH, Tree, TreeDisagrees, leaf_bytes, tree

TOPIC = "account.requested-again"


@pytest.fixture
def here(database_url):
    with WriteSide(database_url) as here:
        yield here


def leaves_of(here: WriteSide) -> list[bytes]:
    rows = here.rows(
        "SELECT position, originator_id, originator_version, topic, account_id, recorded_at, state"
        " FROM events ORDER BY position"
    )
    return [merkle.leaf_hash(leaf_bytes(index, *row)) for index, row in enumerate(rows)]


def root_of(leaves: list[bytes]) -> bytes:
    edge = merkle.Edge()
    edge.grow(leaves)
    return edge.root()


@pytest.mark.parametrize("batches", [[1], [255, 1, 1], [256, 256], [1000, 300], [3, 700, 2, 95]])
def test_every_size_that_the_tree_ever_had_has_its_root(here, batches):
    known = Tree(here.pool)
    with projecting(here, [tree]) as projector:
        for batch in batches:
            many_events(here, batch)
            catch_up(here, projector)
    leaves = leaves_of(here)
    assert known.size() == len(leaves) == sum(batches)
    for size in {1, min(2, len(leaves)), len(leaves) // 2 or 1, len(leaves) - 1 or 1, len(leaves)}:
        assert known.root(size) == root_of(leaves[:size])


def test_proofs_of_any_leaf_in_any_size_hold(here):
    many_events(here, 700)
    with projecting(here, [tree]) as projector:
        catch_up(here, projector)
    known, leaves, chance = Tree(here.pool), leaves_of(here), random.Random(9)
    proofs = Proofs(here.pool, known, checkpoints_of(here))
    positions = [position for (position,) in here.rows("SELECT position FROM events ORDER BY position")]
    for _ in range(60):
        size = chance.randint(1, 700)
        index, first = chance.randrange(size), chance.randint(1, size)
        found = proofs.inclusion(positions[index], size)
        assert (found.leaf_index, found.leaf_hash, found.size) == (index, leaves[index], size)
        assert merkle.includes(known.root(size), size, found.leaf_hash, index, found.hashes)
        assert merkle.extends(
            known.root(first), first, known.root(size), size, proofs.consistency(first, size)
        )


def test_a_proof_without_a_size_is_for_a_signed_one(here):
    many_events(here, 3)
    with projecting(here, [tree]) as projector:
        catch_up(here, projector)
        checkpoints = checkpoints_of(here)
        proofs = Proofs(here.pool, Tree(here.pool), checkpoints)
        checkpoints.sign_now()
        many_events(here, 2)
        catch_up(here, projector)
    first, *_, last = [row[0] for row in here.rows("SELECT position FROM events ORDER BY position")]
    assert proofs.inclusion(first).size == 3
    assert proofs.inclusion(last).size == 5
    assert checkpoints.latest().size == 5


def test_what_never_was_is_not_proved(here):
    many_events(here, 3)
    with projecting(here, [tree]) as projector:
        catch_up(here, projector)
    proofs = Proofs(here.pool, Tree(here.pool), checkpoints_of(here))
    (last,) = here.rows("SELECT max(position) FROM events")[0]
    with pytest.raises(NotInTree):
        proofs.inclusion(last + 1)
    with pytest.raises(NotInTree):
        proofs.inclusion(last, 2)
    with pytest.raises(NeverThatLarge):
        proofs.inclusion(last, 4)
    with pytest.raises(NeverThatLarge):
        proofs.consistency(1, 4)
    with pytest.raises(ValueError, match="no tree of 3"):
        proofs.consistency(3, 2)


def test_leaves_are_numbered_without_a_gap_though_positions_have_some(here):
    for _ in range(3):
        many_events(here, 100)
    with projecting(here, [tree]) as projector:
        catch_up(here, projector)
    known = Tree(here.pool)
    positions = [position for (position,) in here.rows("SELECT position FROM events ORDER BY position")]
    assert positions[-1] - positions[0] > 300
    assert known.leaf_indices([positions[299], positions[0], positions[256]]) == [299, 0, 256]
    assert known.leaf_indices([positions[0] - 1, positions[299] + 1]) == [None, None]
    assert known.positions(250, 10) == positions[250:260]
    assert known.positions(298, 10) == positions[298:]


def test_a_tile_is_the_beginning_of_what_it_becomes(here):
    with projecting(here, [tree]) as projector:
        many_events(here, 100)
        catch_up(here, projector)
        known = Tree(here.pool)
        narrow = known.tile(0, 0, 100)
        many_events(here, 200)
        catch_up(here, projector)
    assert known.tile(0, 0, 100) == narrow
    assert known.tile(0, 0, WIDTH)[: 100 * 32] == narrow
    assert known.tile(1, 0, 1) == known.root(256)
    for level, index, width in ((0, 1, 45), (1, 0, 2), (2, 0, 1)):
        with pytest.raises(LookupError):
            known.tile(level, index, width)


def test_two_projectors_that_take_turns_make_one_tree(here):
    with projecting(here, [tree]) as first, own_connection(here) as connection:
        many_events(here, 5)
        catch_up(here, first)
        second = Projector(connection, [tree], opener(KEYRING))
        second.prepare()
        many_events(here, 5)
        catch_up(here, second)
    assert Tree(here.pool).root(10) == root_of(leaves_of(here))


def test_a_rebuilt_tree_is_the_same(here):
    many_events(here, 600)
    with projecting(here, [tree]) as projector:
        catch_up(here, projector)
    before = here.rows("SELECT * FROM tree ORDER BY level, index")
    checkpoints_of(here).publish()
    with own_connection(here) as connection:
        rebuild(connection, tree, opener(KEYRING))
    assert here.rows("SELECT * FROM tree ORDER BY level, index") == before


def test_a_rebuilt_tree_that_is_not_the_published_one_takes_no_place(here):
    many_events(here, 10)
    with projecting(here, [tree]) as projector:
        catch_up(here, projector)
    checkpoints_of(here).publish()
    before = here.rows("SELECT * FROM tree ORDER BY level, index")
    with tampering(here.url) as owner:
        owner.execute(
            "UPDATE events SET recorded_at = recorded_at + interval '1 s' WHERE originator_version = 4"
        )
    with own_connection(here) as connection, pytest.raises(TreeDisagrees):
        rebuild(connection, tree, opener(KEYRING))
    assert here.rows("SELECT * FROM tree ORDER BY level, index") == before


def test_a_log_that_has_become_shorter_takes_no_place_either(here):
    many_events(here, 10)
    with projecting(here, [tree]) as projector:
        catch_up(here, projector)
    checkpoints_of(here).publish()
    with tampering(here.url) as owner:
        owner.execute("DELETE FROM events WHERE originator_version = 10")
    with own_connection(here) as connection, pytest.raises(TreeDisagrees):
        rebuild(connection, tree, opener(KEYRING))


def test_nothing_is_signed_that_does_not_continue_the_last_checkpoint(here):
    many_events(here, 300)
    checkpoints = checkpoints_of(here)
    with projecting(here, [tree]) as projector:
        catch_up(here, projector)
        checkpoints.sign_now()
        here.rows(
            "UPDATE tree SET hashes = set_byte(hashes, 0, (get_byte(hashes, 0) + 1) %% 256) RETURNING 1"
        )
        many_events(here, 1)
        catch_up(here, projector)
    with pytest.raises(TreeDisagrees):
        checkpoints.sign_now()


def test_one_checkpoint_a_day_is_published(here):
    checkpoints = checkpoints_of(here)
    with projecting(here, [tree]) as projector:
        projector.advance()
        assert checkpoints.publish() is None  # of nothing
        many_events(here, 2)
        catch_up(here, projector)
        first = checkpoints.publish()
        many_events(here, 2)
        catch_up(here, projector)
        assert checkpoints.publish() == checkpoints.daily() == first
        assert checkpoints.sign_now().size == 4
        here.clock.goes_on(timedelta(days=1))
        second = checkpoints.publish()
    assert (first.size, second.size, second.day - first.day) == (2, 4, timedelta(days=1))
    assert checkpoints.published(5) == [second, first]
    here.clock.goes_on(timedelta(days=1))
    assert checkpoints.publish() == second  # nothing has happened since


def test_the_leaf_is_json_in_the_form_of_rfc_8785(here):
    stream = uuid4()
    (at,) = here.rows("SELECT '2026-03-03 12:00:00+00'::timestamptz")[0]
    assert (
        leaf_bytes(7, 4096, stream, 1, "account.requested", None, at, b"{}")
        == (
            '{"account":null,"leaf_index":7,"position":4096,"recorded_at":"2026-03-03T12:00:00.000000Z",'
            f'"state":"e30=","stream":"{stream}","topic":"account.requested","version":1}}'
        ).encode()
    )
