"""Folding the log: in batches, each event once, rows and position together, by one process at a time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Event
from uuid import UUID, uuid4

import psycopg
import pytest
from diary import Diary, note, note_many, noted
from people import AURELIE_ADDRESS, NOON
from read_side import catch_up, parked, projecting
from spec import until
from write_side import WriteSide

from domain.account import Account
from projections.cases import Cases
from projections.directory import Directory
from projections.projector import BATCH, LostTurn
from projections.read_model import Fact
from projections.timeline import Timeline

ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))


@pytest.fixture
def here(database_url):
    with WriteSide(database_url, connections=6) as here:
        yield here


def position(here, model: str = "diary") -> int:
    return here.rows("SELECT position FROM projections WHERE name = %s", model)[0][0]


# --- what happened is what is read


def test_the_read_models_say_what_happened(here):
    account_id = here.submitted()
    with projecting(here) as projector:
        catch_up(here, projector)
    entry = Directory(here.pool).get(account_id)
    assert (entry.email, entry.family_name, entry.state) == (AURELIE_ADDRESS, "Chappuis-Favre", "requested")
    assert (entry.profile_state, entry.link_state, entry.link_due) == (
        "submitted",
        "waiting",
        date(2025, 9, 4),
    )
    assert [place.originator_version for place in Timeline(here.pool).page(account_id)] == [1, 1]
    assert here.rows("SELECT kind, recipient, state FROM outbox ORDER BY position") == [
        ("initial-password", "holder", "waiting"),
        ("match", "system", "waiting"),
    ]


def test_a_case_is_listed_until_it_is_decided(here):
    account_id = here.submitted()
    with projecting(here) as projector:
        here.linking.match(account_id, settled=lambda cursor: None)
        catch_up(here, projector)
        (case,) = Cases(here.pool).page(state="open", today=date(2025, 9, 1), limit=10)
        here.linking.reject(case.case_id, reason="no-record", note=None, actor=ONE)
        catch_up(here, projector)
    assert Cases(here.pool).page(state="open", today=date(2025, 9, 1), limit=10) == []
    (case,) = Cases(here.pool).page(today=date(2025, 9, 1), limit=10)
    assert (case.account_id, case.state, case.cause, case.decided_by) == (
        account_id,
        "rejected",
        "no-record",
        ONE,
    )
    assert Directory(here.pool).get(account_id).link_state == "rejected"


def test_without_its_persons_key_a_row_reads_as_null(here):
    account_id = here.submitted()
    here.destroy_key(account_id)
    with projecting(here) as projector:
        catch_up(here, projector)
    entry = Directory(here.pool).get(account_id)
    assert (entry.email, entry.given_name, entry.family_name) == (None, None, None)
    assert (entry.locale, entry.canton, entry.link_state) == ("fr", "JU", "waiting")
    assert parked(here) == []


def test_more_than_a_batch_is_folded_batch_by_batch(here):
    note_many(here, ONE, BATCH + 200)
    touched = []
    with projecting(here, [Diary()], after_batch=touched.append) as projector:
        catch_up(here, projector)
        assert touched == [["diary"], ["diary"]]
        assert projector.advance() == 0
    assert len(noted(here)) == BATCH + 200


def test_who_waits_is_told_which_models_got_rows(here):
    touched = []
    with projecting(
        here, [Diary(), Diary("other", spoilt=lambda fact: True)], after_batch=touched.append
    ) as it:
        note(here, ONE, 1)
        catch_up(here, it)
    assert touched == [["diary"]]


def test_a_model_that_is_new_catches_up_while_the_others_stay_where_they_are(here):
    note_many(here, ONE, 3)
    with projecting(here, [Diary()]) as projector:
        catch_up(here, projector)
    with projecting(here, [Diary(), Diary("late")]) as projector:
        note(here, TWO, 1)
        catch_up(here, projector)
    assert noted(here) == noted(here, "late") == [(ONE, 1), (ONE, 2), (ONE, 3), (TWO, 1)]


def test_a_model_of_another_version_must_be_rebuilt_and_says_so(here):
    with projecting(here, [Diary()]):
        pass
    with projecting(here, [Diary(version=2), Diary("other")]) as projector:
        assert projector.prepare() == ["diary"]


NAMES = [
    "NULL",
    "null",
    '"',
    "\\",
    '\\"',
    "{a,b}",
    "O'Neill",
    "",
    " ",
    "two\nlines",
    "Zoé 🙂",
    "%s",
    "--",
    "ẞ",
]


def test_names_are_stored_as_they_were_typed(here):
    ids = {name: uuid4() for name in NAMES}
    for name, account_id in ids.items():
        here.store.record(an_account_of(account_id, name))
    with projecting(here) as projector:
        catch_up(here, projector)
    entries = Directory(here.pool).many(ids.values())
    assert {name: entries[account_id].given_name for name, account_id in ids.items()} == {
        name: name for name in NAMES
    }


def an_account_of(account_id: UUID, given_name: str) -> Account:
    return Account.request(
        account_id,
        profile_id=uuid4(),
        email=AURELIE_ADDRESS,
        given_name=given_name,
        family_name=None,
        locale="fr",
        origin="sign-up",
        privacy_policy=None,
        actor=account_id,
        now=NOON,
    )


# --- rows and position together, one projector at a time


def test_a_projector_that_is_killed_in_the_midst_leaves_neither_rows_nor_a_position(here):
    note_many(here, ONE, 3)
    mine = []

    def kill_me(fact: Fact) -> bool:
        if fact.originator_version == 3:
            here.rows("SELECT pg_terminate_backend(%s, 10000)", *mine)
        return False

    with projecting(here, [Diary("first"), Diary(spoilt=kill_me)]) as projector:
        mine.append(projector._connection.info.backend_pid)
        with pytest.raises(psycopg.OperationalError):
            catch_up(here, projector)
    assert (noted(here, "first"), noted(here)) == ([], [])
    assert (position(here, "first"), position(here)) == (0, 0)

    with projecting(here, [Diary("first"), Diary()]) as projector:
        catch_up(here, projector)
    assert noted(here, "first") == noted(here) == [(ONE, 1), (ONE, 2), (ONE, 3)]


def test_of_two_projectors_one_loses_its_turn_and_goes_on_from_where_the_other_came(here):
    with projecting(here, [Diary()]) as projector, projecting(here, [Diary()]) as other:
        note(here, ONE, 1)
        catch_up(here, other)
        with pytest.raises(LostTurn):
            projector.advance()
        note(here, ONE, 2)
        catch_up(here, projector)
    assert noted(here) == [(ONE, 1), (ONE, 2)]


def test_two_projectors_at_once_fold_each_event_once(here):
    ended, lost = Event(), []

    def project() -> None:
        with projecting(here, [Diary(), Diary("other")]) as projector:
            last_look = False
            while not last_look:
                last_look = ended.is_set()
                try:
                    while projector.advance():
                        pass
                except LostTurn:
                    lost.append(projector)
                    last_look = False

    with projecting(here, [Diary(), Diary("other")]) as last, ThreadPoolExecutor() as threads:
        projecting_both = [threads.submit(project) for _ in range(2)]
        for number in range(300):
            note_many(here, UUID(int=number), 2)
        ended.set()
        for each in projecting_both:
            each.result(30)
        last.prepare()
        catch_up(here, last)
    assert lost
    assert parked(here) == []
    assert len(noted(here)) == len(noted(here, "other")) == 600


def test_one_process_has_the_turn_until_its_connection_ends(here):
    with projecting(here) as second:
        with projecting(here) as first:
            assert first.take_turn()
            assert not second.take_turn()
        until(second.take_turn)


# --- the outbox


def test_what_has_been_sent_is_not_due_again_when_an_event_is_folded_again(here):
    here.opened()
    with projecting(here) as projector:
        catch_up(here, projector)
        here.rows("UPDATE outbox SET state = 'sent' RETURNING id")
        here.rows("UPDATE projections SET position = 0 RETURNING name")
        projector.prepare()
        catch_up(here, projector)
    assert here.rows("SELECT state FROM outbox") == [("sent",)]
