"""A case is taken by a clerk, and asked back about: the clock stands still until the holder answers."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from desk import CORRECTED, STRANGER, decide, desk, link, open_case, profile, reject
from people import CASE_ID, CLERK, DAY, NOON, OTHER_CLERK
from read_side import catch_up

from domain import errors
from domain.calendar import WorkingDays, after_a_pause

TEXT = "Which name did you bear in 2004?"


@pytest.fixture
def here(database_url):
    with desk(database_url) as here:
        yield here


@pytest.fixture
def stranger(here) -> UUID:
    return here.submitted(STRANGER)


def a_day(day: int, hour: int = 12) -> datetime:
    return datetime(2025, 9, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("due", "asked", "answered", "moved"),
    [
        (4, 1, 1, 4),  # on the same day
        (4, 1, 3, 8),  # two working days: over the week-end
        (4, 5, 7, 4),  # a week-end is no time lost
        (5, 5, 8, 9),  # on its last day, over a week-end: the day after the answer
        (1, 3, 4, 2),  # late stays late by as much
    ],
)
def test_a_deadline_moves_by_the_working_days_of_the_pause(due, asked, answered, moved):
    calendar = WorkingDays("BE")
    given = after_a_pause(date(2025, 9, due), a_day(asked), a_day(answered), calendar)
    assert given == date(2025, 9, moved)


def test_a_pause_ends_on_the_day_that_it_is_in_switzerland():
    """23:00 in London is Tuesday here."""
    assert after_a_pause(date(2025, 9, 4), a_day(1), a_day(1, 23), WorkingDays("BE")) == date(2025, 9, 5)


def test_a_question_stops_the_clock_and_its_answer_lets_it_go_on(here, stranger):
    case_id = open_case(here, stranger)
    here.linking.ask(case_id, TEXT, actor=CLERK)
    asked = here.linking.case_of(stranger)
    assert (asked.state, asked.question.text, asked.due) == ("asked", TEXT, date(2025, 9, 4))
    with pytest.raises(errors.AlreadyAsked) as refused:
        here.linking.ask(case_id, "Another one?", actor=OTHER_CLERK)
    assert refused.value.details == {"by": CLERK, "at": NOON}
    catch_up(here, here.projector)
    cases = here.linking.cases
    assert cases.asks(stranger)
    (row,) = cases.page(state="asked", today=date(2026, 1, 1), limit=9)
    assert (row.case_id, cases.page(late=True, today=date(2026, 1, 1), limit=9)) == (case_id, [])

    here.clock.goes_on(2 * DAY)
    here.linking.answer(stranger, "Chappuis.")
    answered = here.linking.case_of(stranger)
    assert (answered.state, answered.question, answered.due) == ("open", None, date(2025, 9, 8))
    (question,) = here.linking.sheet(case_id).questions
    assert (question.answer, question.answered_at) == ("Chappuis.", NOON + 2 * DAY)
    with pytest.raises(errors.NothingAsked):
        here.linking.answer(stranger, "Twice.")
    catch_up(here, here.projector)
    assert not cases.asks(stranger)
    (row,) = cases.page(state="open", today=NOON.date(), limit=9)
    assert row.due == date(2025, 9, 8)
    assert here.rows("SELECT link_due FROM directory WHERE account_id = %s", stranger) == [(row.due,)]
    assert here.rows("SELECT kind FROM outbox WHERE kind = 'question'") == [("question",)]
    here.linking.ask(case_id, "And where?", actor=CLERK)  # as often as it takes


def test_what_was_asked_may_be_decided_without_an_answer_which_then_comes_too_late(here, stranger):
    case_id = open_case(here, stranger)
    here.linking.ask(case_id, TEXT, actor=CLERK)
    decide(here, case_id, actor=OTHER_CLERK)
    assert link(here, stranger).by == OTHER_CLERK
    for act in (
        lambda: here.linking.ask(case_id, TEXT, actor=CLERK),
        lambda: here.linking.take(case_id, actor=CLERK),
    ):
        with pytest.raises(errors.AlreadyDecided) as refused:
            act()
        assert refused.value.details["by"] == OTHER_CLERK
    with pytest.raises(errors.NothingAsked):
        here.linking.answer(stranger, "Too late.")


def test_a_correction_is_an_answer_too(here, stranger):
    case_id = open_case(here, stranger)
    here.linking.ask(case_id, TEXT, actor=CLERK)
    here.profiles.submit(stranger, CORRECTED, actor=stranger)
    assert profile(here, stranger).cases[case_id].state == "withdrawn"
    with pytest.raises(errors.NothingAsked):
        here.linking.answer(stranger, "Lachat.")
    following = open_case(here, stranger)
    (question,) = here.linking.sheet(following).questions
    assert (question.case_id, question.text, question.answer) == (case_id, TEXT, None)


def test_whoever_cannot_come_in_is_not_asked(here, stranger):
    case_id = open_case(here, stranger)
    here.standings.lock(stranger, reason="suspected-misuse", note=None, actor=CLERK)
    with pytest.raises(errors.AccountLocked):
        here.linking.ask(case_id, TEXT, actor=CLERK)
    here.standings.close(stranger, reason="duplicate", note=None, actor=CLERK)
    with pytest.raises(errors.AccountClosed):
        here.linking.ask(case_id, TEXT, actor=CLERK)
    assert here.linking.case_of(stranger).state == "open"


def test_a_case_is_taken_by_one_clerk_until_another_takes_it_from_her(here, stranger):
    case_id = open_case(here, stranger)
    here.linking.take(case_id, actor=CLERK)
    stream = profile(here, stranger).id
    assert here.linking.take(case_id, actor=CLERK).position == 0
    for guess in (None, CASE_ID):
        with pytest.raises(errors.AlreadyTaken) as refused:
            here.linking.take(case_id, instead_of=guess, actor=OTHER_CLERK)
    assert refused.value.details == {"by": CLERK, "at": NOON, "instead_of": CLERK}
    here.linking.take(case_id, instead_of=CLERK, actor=OTHER_CLERK)
    assert here.topics(stream)[-2:] == ["case.taken", "case.taken"]
    catch_up(here, here.projector)
    (row,) = here.linking.cases.page(today=NOON.date(), limit=9)
    assert row.taken_by == OTHER_CLERK
    reject(here, case_id, actor=CLERK)  # to have it is no lock
    assert here.linking.sheet(case_id).case.taken_by is None
    catch_up(here, here.projector)
    (row,) = here.linking.cases.page(today=NOON.date(), limit=9)
    assert (row.state, row.taken_by) == ("rejected", None)


def test_nobody_works_on_their_own_case(here, stranger):
    case_id = open_case(here, stranger)
    for act in (
        lambda: here.linking.ask(case_id, TEXT, actor=stranger),
        lambda: here.linking.take(case_id, actor=stranger),
    ):
        with pytest.raises(errors.OwnCase):
            act()
    with pytest.raises(errors.NothingAsked):
        here.linking.answer(here.opened("nobody@example.org"), "Who?")
