"""Live read models are compared with what the log says, row by row."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from desk import STRANGER, desk, open_case
from read_side import catch_up
from write_side import KEYRING, WriteSide

from infrastructure.event_mapper import opener
from infrastructure.reconcile import Difference, reconcile
from projections.cases import cases
from projections.directory import directory
from projections.statistics import statistics
from projections.timeline import timeline

MODELS = (directory, cases, statistics, timeline)


@pytest.fixture
def here(database_url) -> Iterator[WriteSide]:
    """Two accounts, one of them with an open case."""
    with desk(database_url) as here:
        here.opened("somebody@example.org")
        open_case(here, here.submitted(STRANGER))
        catch_up(here, here.projector)
        yield here


def differences(here: WriteSide) -> list[Difference]:
    return list(reconcile(here.url, MODELS, opener(KEYRING)))


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
    assert differences(here) == [Difference("directory", {"account_id": account_id}, "locale", "de", "fr")]


def test_a_row_that_is_missing_is_named_with_all_that_it_should_hold(here):
    ((case_id, due),) = here.rows("SELECT case_id, due FROM cases")
    change(here, "DELETE FROM cases")
    found = differences(here)
    assert {each.table for each in found} == {"cases"}
    assert Difference("cases", {"case_id": case_id}, "due", None, due) in found
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


def test_it_leaves_nothing_behind(here):
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    before = here.rows(tables)
    change(here, "DELETE FROM cases")
    differences(here)
    assert here.rows(tables) == before
