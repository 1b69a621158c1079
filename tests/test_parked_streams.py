"""What a read model cannot fold waits by itself, says so, and catches up in its place."""

from copy import copy
from uuid import UUID

import pytest
from diary import TOPIC, Diary, note, note_many, noted
from people import AURELIE_ADDRESS
from read_side import catch_up, parked, projecting
from write_side import WriteSide

from infrastructure.event_mapper import SealedEvent
from infrastructure.keys import Keyring
from projections.cases import cases
from projections.directory import Directory, directory

ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))


@pytest.fixture
def here(database_url):
    with WriteSide(database_url, connections=6) as here:
        yield here


def position(here, model: str = "diary") -> int:
    return here.rows("SELECT position FROM projections WHERE name = %s", model)[0][0]


def test_a_stream_that_cannot_be_folded_is_parked_and_the_others_go_on(here):
    spoilt = lambda fact: (fact.originator_id, fact.originator_version) == (TWO, 2)  # noqa: E731
    with projecting(here, [Diary(spoilt=spoilt), Diary("other")]) as projector:
        note(here, ONE, 1)
        note(here, TWO, 1)
        first_left_out = note(here, TWO, 2)
        note(here, TWO, 3)
        note(here, THREE, 1)
        catch_up(here, projector)
        last = note(here, TWO, 4)
        catch_up(here, projector)
    assert noted(here) == [(ONE, 1), (TWO, 1), (THREE, 1)]
    assert noted(here, "other") == [(ONE, 1), (TWO, 1), (TWO, 2), (TWO, 3), (TWO, 4), (THREE, 1)]
    assert parked(here) == [("diary", TWO, first_left_out, TOPIC, "LookupError")]
    assert position(here) == last


def test_a_parked_stream_stays_parked_for_the_next_process_too(here):
    with projecting(here, [Diary(spoilt=lambda fact: fact.originator_version == 1)]) as projector:
        note(here, ONE, 1)
        catch_up(here, projector)
    with projecting(here, [Diary()]) as projector:
        note(here, ONE, 2)
        catch_up(here, projector)
    assert noted(here) == []


def test_a_parked_stream_catches_up_after_the_fix_and_goes_on(here):
    with projecting(here, [Diary(spoilt=lambda fact: fact.originator_id == ONE)]) as projector:
        note_many(here, ONE, 3)
        note_many(here, TWO, 2)
        catch_up(here, projector)
    with projecting(here, [Diary()]) as projector:
        assert projector.fold_parked() == 1
        note(here, ONE, 4)
        catch_up(here, projector)
    assert noted(here) == [(ONE, 1), (ONE, 2), (ONE, 3), (ONE, 4), (TWO, 1), (TWO, 2)]
    assert parked(here) == []


def test_a_parked_stream_that_still_cannot_be_folded_stays_whole(here):
    spoilt = Diary(spoilt=lambda fact: fact.originator_version == 2)
    with projecting(here, [spoilt]) as projector:
        note_many(here, ONE, 3)
        catch_up(here, projector)
        before = parked(here)
        assert projector.fold_parked() == 0
    assert noted(here) == [(ONE, 1)]
    assert parked(here) == before


def test_when_a_stream_catches_up_the_persons_later_events_still_count(here):
    """At sign-up she was Chappuis; the profile, which was folded in time, says Chappuis-Favre."""
    account_id = here.submitted()
    broken = copy(directory)
    broken.topics = directory.topics | {"account.requested": lambda fact: 1 / 0}
    with projecting(here, [broken, cases]) as projector:
        catch_up(here, projector)
    assert [entry[1] for entry in parked(here)] == [account_id]
    with projecting(here, [directory, cases]) as projector:
        assert projector.fold_parked() == 1
    entry = Directory(here.pool).get(account_id)
    assert (entry.email, entry.family_name, entry.profile_state) == (
        AURELIE_ADDRESS,
        "Chappuis-Favre",
        "submitted",
    )


@pytest.mark.parametrize(
    "wrong",
    [{"day": "9999999-01-01"}, {"day": "no day"}, {"text": "a\0b"}, {"day": None}],
    ids=["too late", "no day", "NUL", "missing"],
)
def test_a_row_that_postgresql_refuses_parks_its_stream_only(here, wrong):
    models = [Diary(columns=Diary().columns | {"day": "date NOT NULL"}), Diary("other", columns=LENIENT)]
    with projecting(here, models) as projector:
        note(here, ONE, 1)
        note(here, TWO, 1)
        first_left_out = note(here, TWO, 2, **wrong)
        note(here, TWO, 3)
        last = note(here, THREE, 1)
        catch_up(here, projector)
    refused = [entry[:4] for entry in parked(here) if entry[0] == "diary"]
    assert noted(here) == [(ONE, 1), (TWO, 1), (THREE, 1)]
    assert refused == [("diary", TWO, first_left_out, TOPIC)]
    assert (position(here), position(here, "other")) == (last, last)
    assert len(noted(here, "other")) == (3 if wrong.get("text") else 5)


LENIENT = {"stream": "uuid", "version": "bigint", "day": "text", "text": "text"}


def test_after_a_refused_row_batches_are_batches_again(here):
    batches = []
    with projecting(here, [Diary()], after_batch=batches.append) as projector:
        note(here, ONE, 1, day="no day")
        catch_up(here, projector)
        note_many(here, TWO, 50)
        catch_up(here, projector)
    assert len(noted(here)) == 50
    assert batches[-1] == ["diary"]


def test_an_event_whose_state_is_broken_parks_its_stream(here):
    broken = SealedEvent(ONE, 1, TOPIC, b"{", None, None, None)
    with projecting(here, [Diary()]) as projector:
        here.store.recorder.commit([broken])
        note(here, TWO, 1)
        catch_up(here, projector)
    assert noted(here) == [(TWO, 1)]
    assert [(stream, error) for _, stream, _, _, error in parked(here)] == [(ONE, "JSONDecodeError")]


def test_under_a_wrong_master_key_people_are_parked_and_none_is_taken_for_erased(here):
    account_id = here.submitted()
    with projecting(here, keyring=Keyring({1: b"\x02" * 32})) as projector:
        catch_up(here, projector)
    assert {entry[::4] for entry in parked(here)} == {("directory", "KeyFault"), ("finder", "KeyFault")}
    with projecting(here) as projector:
        assert (
            projector.fold_parked() == 4
        )  # in each of the two the account's stream and the profile's, in the order of the log
    entry = Directory(here.pool).get(account_id)
    assert (entry.email, entry.family_name, entry.link_state) == (
        AURELIE_ADDRESS,
        "Chappuis-Favre",
        "waiting",
    )
    assert parked(here) == []
