"""Reading one's own writes: opaque tokens, and waiting for read models, but not for ever and not in crowds."""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest
from diary import Diary, note
from people import ADA_ID
from read_side import catch_up, projecting
from spec import until
from write_side import KEYRING, WriteSide

from domain.errors import NotVisibleYet
from infrastructure.doorbell import Doorbell
from infrastructure.watermark import WAITERS, Watermark

LONG, SHORT = 30.0, 0.05  # s


@pytest.fixture
def here(database_url):
    with WriteSide(database_url, connections=8) as here:
        yield here


@pytest.fixture
def doorbell(here):
    doorbell = Doorbell(here.url)
    yield doorbell
    doorbell.close()


@pytest.fixture
def watermark(here, doorbell):
    return Watermark(here.pool, doorbell, KEYRING.box("position"))


@pytest.fixture
def tokens():
    """One that only seals and opens."""
    return Watermark(pool=None, doorbell=None, box=KEYRING.box("position"))


# --- tokens


@pytest.mark.parametrize("position", [0, 1, 4711, (1 << 63) - 1])
def test_a_token_holds_a_position_that_only_we_can_read(tokens, position):
    token = tokens.seal(position)
    assert tokens.open(token) == position
    assert token != tokens.seal(position)
    assert token.isascii()
    assert not set(token) & set("+/=;, ")


@pytest.mark.parametrize("token", ["", "0", "4711", "é", "A" * 50, "=", "\0", "🙂"])
def test_what_was_not_given_out_is_refused(tokens, token):
    with pytest.raises(ValueError, match="not"):
        tokens.open(token)


def test_a_token_that_was_changed_or_made_for_something_else_is_refused(tokens):
    sealed = urlsafe_b64decode(tokens.seal(4711) + "==")
    forged = [
        sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :] for place in range(len(sealed))
    ]
    forged += [sealed[:-1], os.urandom(len(sealed))]
    others = Watermark(None, None, KEYRING.box("cursor"))
    for token in (*(urlsafe_b64encode(each).decode() for each in forged), others.seal(4711)):
        with pytest.raises(ValueError, match="not"):
            tokens.open(token)


# --- waiting


def test_what_is_there_already_is_not_waited_for(here, watermark):
    with projecting(here, [Diary()]) as projector:
        position = note(here, ADA_ID, 1)
        catch_up(here, projector)
        watermark.wait(["diary"], position, patience=0)
        watermark.wait(["diary"], 0, patience=0)


def test_a_reader_goes_on_as_soon_as_the_read_model_is_there(here, watermark, doorbell):
    with (
        projecting(here, [Diary()], after_batch=lambda names: doorbell.ring("projected")) as projector,
        ThreadPoolExecutor() as threads,
    ):
        position = note(here, ADA_ID, 1)
        reading = threads.submit(watermark.wait, ["diary"], position, LONG)
        catch_up(here, projector)
        assert reading.result(LONG) is None


def test_a_reader_without_a_bell_looks_for_itself(here, watermark):
    with projecting(here, [Diary()]) as projector, ThreadPoolExecutor() as threads:
        position = note(here, ADA_ID, 1)
        reading = threads.submit(watermark.wait, ["diary"], position, LONG)
        catch_up(here, projector)
        assert reading.result(LONG) is None


def test_the_read_model_that_is_furthest_behind_counts(here, watermark):
    with projecting(here, [Diary(), Diary("other")]) as projector:
        position = note(here, ADA_ID, 1)
        catch_up(here, projector)
        here.rows("UPDATE projections SET position = 0 WHERE name = 'other' RETURNING name")
        watermark.wait(["diary"], position, patience=0)
        with pytest.raises(NotVisibleYet):
            watermark.wait(["diary", "other"], position, patience=SHORT)


def test_a_read_model_that_is_not_made_yet_has_reached_nothing(here, watermark):
    with projecting(here, [Diary()]) as projector:
        position = note(here, ADA_ID, 1)
        catch_up(here, projector)
        with pytest.raises(NotVisibleYet):
            watermark.wait(["diary", "not-made-yet"], position, patience=SHORT)


def test_who_has_waited_long_enough_is_told_to_come_back(here, watermark):
    with projecting(here, [Diary()]):
        position = note(here, ADA_ID, 1)
        for _ in range(WAITERS + 1):  # each gives its place back
            began = monotonic()
            with pytest.raises(NotVisibleYet):
                watermark.wait(["diary"], position, patience=SHORT)
            assert monotonic() - began >= SHORT


def test_more_than_may_wait_are_told_at_once(here, watermark):
    with projecting(here, [Diary()]) as projector, ThreadPoolExecutor() as threads:
        position = note(here, ADA_ID, 1)
        readers = [threads.submit(watermark.wait, ["diary"], position, LONG) for _ in range(WAITERS + 3)]
        until(lambda: sum(each.done() for each in readers) == 3)
        turned_away = [each for each in readers if each.done()]
        assert [type(each.exception()) for each in turned_away] == [NotVisibleYet] * 3
        catch_up(here, projector)
        assert [each.result(LONG) for each in readers if each not in turned_away] == [None] * WAITERS
