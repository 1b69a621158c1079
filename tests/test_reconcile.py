"""Live read models are compared with what the log says, row by row."""

from collections.abc import Iterator
from datetime import date
from uuid import uuid4

import pytest
from desk import OTHER, STRANGER, match, open_case
from erasing import ErasingSide
from people import CLERK
from read_side import MODELS, catch_up, projecting
from write_side import KEYRING, WriteSide

from application.imports import AccountLine, Imports
from domain.access import Access
from domain.values import OPERATOR
from infrastructure.event_mapper import opener
from infrastructure.reconcile import Difference, reconcile

COMPARED = [model for model in MODELS if model.rebuildable]
WHY = {"reason": "same-person", "note": None, "actor": CLERK}


@pytest.fixture
def here(database_url, tmp_path) -> Iterator[WriteSide]:
    """Two accounts, one of them with an open case."""
    with ErasingSide(database_url, tmp_path, connections=8) as here, projecting(here) as here.projector:
        here.with_records({}, {"record_number": OTHER, "ahv_number": "7569217076985", "email": None})
        here.opened("somebody@example.org")
        open_case(here, here.submitted(STRANGER))
        catch_up(here, here.projector)
        yield here


def differences(here: WriteSide) -> list[Difference]:
    return list(reconcile(here.url, COMPARED, opener(KEYRING)))


def change(here: WriteSide, statement: str, *values: object) -> None:
    with here.transaction() as cursor:
        cursor.execute(statement, values)


def test_what_is_as_the_log_says_has_no_differences(here):
    assert differences(here) == []


def test_events_that_are_not_folded_yet_are_no_difference(here):
    here.opened("new@example.org")
    assert differences(here) == []


def test_a_column_that_differs_is_named_with_both_values(here):
    (account_id,) = here.lookup.find("email", STRANGER)
    change(here, "UPDATE directory SET locale = 'de' WHERE account_id = %s", account_id)
    assert differences(here) == [
        Difference("directory", {"account_id": account_id}, "locale", "de", "fr", account_id)
    ]


def test_a_row_that_is_missing_is_named_with_all_that_it_should_hold(here):
    ((case_id, due),) = here.rows("SELECT case_id, due FROM cases")
    change(here, "DELETE FROM cases")
    found = differences(here)
    assert {each.table for each in found} == {"cases"}
    (account_id,) = here.lookup.find("email", STRANGER)
    assert Difference("cases", {"case_id": case_id}, "due", None, due, account_id) in found
    assert all(each.live is None for each in found)


def test_a_row_that_should_not_be_there_is_named(here):
    stranger = uuid4()
    change(
        here,
        "INSERT INTO timeline SELECT %s, position, originator_id, originator_version FROM timeline",
        stranger,
    )
    found = differences(here)
    assert {each.key["account_id"] for each in found} == {stranger}
    assert all(each.replayed is None for each in found)


def test_after_a_merge_an_import_an_erasure_and_accesses_each_model_is_compared_and_as_the_log_says(here):
    ((kept,), (somebody,)) = (here.lookup.find("email", each) for each in (STRANGER, "somebody@example.org"))
    merged, erased = here.submitted(), here.submitted("gone@example.org")
    match(here, merged)
    here.merges.merge(kept, merged, **WHY)
    match(here, erased)
    imports = Imports(here.store, here.lookup, here.linking.records, here.clock, uuid4)
    for name in ("Favre", "Frei"):
        told = {"birth_date": date(1980, 2, 3)}
        line = AccountLine(2, "brought@school.example", "Zoé", name, "de", told, OTHER)
        assert imports.take([line], actor=OPERATOR) in (["added"], ["changed"])
    here.accesses.note_read("case", reader=somebody, role="secretariat", accounts=[kept, erased])
    signed_in = {"session_kind": "cookie", "passkey": False, "second_factor": True}
    for account_id in (somebody, erased):
        here.store.record(Access.sign_in(uuid4(), account=account_id, **signed_in, now=here.clock.now()))
    catch_up(here, here.projector)
    here.erased(erased)
    catch_up(here, here.projector)
    assert differences(here) == []
    for model in COMPARED:
        change(here, f"DELETE FROM {model.name}")
    found = differences(here)
    assert {each.table for each in found} == {model.name for model in COMPARED}
    assert {kept, merged, somebody} < {each.account for each in found}


def test_a_model_that_nobody_has_folded_is_told(here):
    change(here, "DELETE FROM projections WHERE name = 'cases'")
    ((end,),) = here.rows("SELECT max(position) FROM events")
    assert differences(here) == [Difference("projections", {"name": "cases"}, "position", None, end)]


def test_of_an_empty_log_nothing_needs_to_be_folded(database_url):
    with WriteSide(database_url) as empty:
        assert differences(empty) == []


def test_it_leaves_nothing_behind(here):
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    before = here.rows(tables)
    change(here, "DELETE FROM cases")
    differences(here)
    assert here.rows(tables) == before
