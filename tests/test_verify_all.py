"""Whoever owns the database may change what is in it; that it was changed, and where first, is found."""

from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import Connection
from read_side import catch_up, own_connection, projecting
from tree_side import SIGNER, checkpoints_of, many_events, tampering
from write_side import KEYRING, WriteSide

from infrastructure.event_mapper import opener
from infrastructure.signed_notes import Checkpoint, Signer
from infrastructure.verify_all import Finding, verify_all
from projections.rebuild import rebuild
from projections.tree import tree

EVENTS = 600  # three tiles
STRANGER = Signer(SIGNER.name, Ed25519PrivateKey.from_private_bytes(b"a key of somebody else, 32 bytes"))


@pytest.fixture
def here(database_url) -> Iterator[WriteSide]:
    """A log of 600 events with its tree; the first 300, 400 and all of them are signed."""
    with WriteSide(database_url) as here, projecting(here, [tree]) as projector:
        for count in (300, 100, 200):
            many_events(here, count)
            catch_up(here, projector)
            checkpoints_of(here).sign_now()
        yield here


def verified(here: WriteSide, *outside: str) -> Finding:
    with own_connection(here) as connection:
        return verify_all(connection, SIGNER.verifier, outside)


def position(here: WriteSide, leaf: int) -> int:
    return here.rows("SELECT position FROM events ORDER BY position")[leaf][0]


def test_an_honest_log_agrees_with_its_tree_and_all_checkpoints(here):
    assert verified(here) == Finding(True, None, None, EVENTS, 3)


def test_it_agrees_while_events_come_in_that_the_tree_has_not_seen(here):
    many_events(here, 5)
    assert verified(here) == Finding(True, None, None, EVENTS, 3)


def test_an_empty_log_agrees(database_url):
    with WriteSide(database_url) as here, projecting(here, [tree]) as projector:
        projector.advance()
        assert verified(here) == Finding(True, None, None, 0, 0)


def change(statement: str) -> Callable[[Connection, int], None]:
    return lambda owner, position: owner.execute(statement.replace("{position}", str(position)))


CHANGED = {
    "one byte of the state": "UPDATE events SET state = set_byte(state, 5, 7) WHERE position = {position}",
    "the actor": "UPDATE events SET state = convert_to(replace(convert_from(state, 'UTF8'), '\"actor\":\"', "
    "'\"actor\":\"0'), 'UTF8') WHERE position = {position}",
    "its instant": "UPDATE events SET state = convert_to(replace(convert_from(state, 'UTF8'), '12:00', '12:01'), "
    "'UTF8') WHERE position = {position}",
    "when it was recorded": "UPDATE events SET recorded_at = recorded_at + interval '1 microsecond' "
    "WHERE position = {position}",
    "what it is": "UPDATE events SET topic = 'account.activated' WHERE position = {position}",
    "whose it is": "UPDATE events SET account_id = gen_random_uuid() WHERE position = {position}",
    "its stream": "UPDATE events SET originator_id = gen_random_uuid() WHERE position = {position}",
    "its version": "UPDATE events SET originator_version = 9999 WHERE position = {position}",
}


@pytest.mark.parametrize(
    ("what", "leaf"),
    [*((what, 431) for what in CHANGED), *(("its instant", leaf) for leaf in (0, 255, 256, EVENTS - 1))],
)
def test_an_event_that_was_changed_is_named(here, what, leaf):
    there = position(here, leaf)
    with tampering(here.url) as owner:
        change(CHANGED[what])(owner, there)
    assert verified(here) == Finding(False, there, "event-differs", EVENTS, verified(here).checkpoints)


@pytest.mark.parametrize("leaf", [0, 300, EVENTS - 1])
def test_an_event_that_is_gone_is_named(here, leaf):
    there = position(here, leaf)
    with tampering(here.url) as owner:
        owner.execute("DELETE FROM events WHERE position = %s", (there,))
    found = verified(here)
    assert (found.ok, found.position, found.problem) == (False, there, "event-missing")


def test_the_first_of_two_that_were_swapped_is_named(here):
    first, second = position(here, 20), position(here, 500)
    with tampering(here.url) as owner:
        for old, new in ((first, -1), (second, first), (-1, second)):
            owner.execute("UPDATE events SET position = %s WHERE position = %s", (new, old))
    found = verified(here)
    assert (found.ok, found.position, found.problem) == (False, first, "event-differs")


def test_an_event_that_was_inserted_is_named(here):
    before, after = position(here, 299), position(here, 300)
    assert after - before > 1
    with tampering(here.url) as owner:
        owner.execute(
            "INSERT INTO events SELECT gen_random_uuid(), 1, topic, state, account_id, position + 1, recorded_at"
            " FROM events WHERE position = %s",
            (before,),
        )
    found = verified(here)
    assert (found.ok, found.position, found.problem) == (False, before + 1, "event-inserted")


@pytest.mark.parametrize(("level", "byte", "leaf"), [(0, 40, 1), (1, 0, 0), (1, 40, 256)])
def test_a_tile_that_was_changed_is_named(here, level, byte, leaf):
    with here.transaction() as owner:
        owner.execute(
            "UPDATE tree SET hashes = set_byte(hashes, %s, 255 - get_byte(hashes, %s)) WHERE level = %s AND index = 0",
            (byte, byte, level),
        )
    found = verified(here)
    assert (found.ok, found.position) == (False, position(here, leaf if level == 0 else 0))
    assert found.problem == ("event-differs" if level == 0 else "tile-changed")


@pytest.mark.parametrize("lost", ["hashes = substr(hashes, 1, 64)", "positions = substr(positions, 1, 80)"])
def test_a_tile_that_was_cut_is_found(here, lost):
    with here.transaction() as owner:
        owner.execute(f"UPDATE tree SET {lost} WHERE level = 0 AND index = 2")
    assert not verified(here).ok


def test_a_tile_that_was_lengthened_is_found(here):
    with here.transaction() as owner:
        owner.execute("UPDATE tree SET hashes = hashes || sha256('x') WHERE level = 1")
    assert verified(here).problem == "tile-changed"


def test_a_checkpoint_signed_by_another_key_is_named_by_its_size(here):
    (root,) = here.rows("SELECT root FROM checkpoints WHERE size = 400")[0]
    forged = STRANGER.sign(str(Checkpoint(SIGNER.name, 400, root)))
    with here.transaction() as owner:
        owner.execute("UPDATE checkpoints SET note = %s WHERE size = 400", (forged,))
    found = verified(here)
    assert (found.ok, found.problem, found.size) == (False, "checkpoint-not-signed", 400)


def test_a_checkpoint_in_another_ones_place_is_found(here):
    with here.transaction() as owner:
        owner.execute(
            "UPDATE checkpoints SET note = (SELECT note FROM checkpoints WHERE size = 300) WHERE size = 400"
        )
    assert (verified(here).problem, verified(here).size) == ("checkpoint-not-signed", 400)


def rewrite(here: WriteSide, leaf: int) -> None:
    """The whole of it anew, with the true key: log, tree and checkpoints agree with each other."""
    with tampering(here.url) as owner:
        change(CHANGED["its instant"])(owner, position(here, leaf))
        owner.execute("DELETE FROM checkpoints")
    with own_connection(here) as connection:
        rebuild(connection, tree, opener(KEYRING))
    checkpoints_of(here).sign_now()


def test_a_log_that_was_rewritten_and_signed_anew_is_found_by_what_had_left_the_house(here):
    outside = [note for (note,) in here.rows("SELECT note FROM checkpoints ORDER BY size")]
    rewrite(here, 350)
    assert verified(here).ok
    found = verified(here, *reversed(outside))
    assert (found.ok, found.problem, found.size) == (False, "checkpoint-differs", 400)
    assert found.position == position(here, 399)
    assert verified(here, outside[0]).ok  # what it had signed is still the same


def test_a_log_that_was_cut_and_signed_anew_is_found_too(here):
    outside = [note for (note,) in here.rows("SELECT note FROM checkpoints ORDER BY size")]
    with tampering(here.url) as owner:
        owner.execute("DELETE FROM events WHERE position > %s", (position(here, 449),))
        owner.execute("DELETE FROM checkpoints")
    with own_connection(here) as connection:
        rebuild(connection, tree, opener(KEYRING))
    checkpoints_of(here).sign_now()
    assert verified(here, *outside[:2]).ok
    found = verified(here, *outside)
    assert (found.ok, found.problem, found.size) == (False, "checkpoint-differs", EVENTS)


def test_what_is_no_checkpoint_is_refused(here):
    for note in ("", "nothing", STRANGER.sign("a text\n"), SIGNER.sign("a text\n")):
        assert verified(here, note).problem == "checkpoint-not-signed"
