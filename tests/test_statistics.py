"""Figures of the secretariat's work: counted from the log, told day by day."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from api_client import running
from desk import OTHER, decide, desk, match, open_case, reject
from people import AURELIE, CLERK, DAY, NOON
from read_side import catch_up, own_connection
from write_side import KEYRING, StandingClock

from domain.calendar import WorkingDays
from infrastructure.event_mapper import opener
from infrastructure.outbox import OutboxQueue
from infrastructure.statistics import Duration, Reports
from projections.cases import Cases
from projections.rebuild import rebuild
from projections.statistics import Statistics, statistics

MONDAY = date(2025, 9, 1)  # NOON's day
FRIDAY, NEXT_MONDAY = MONDAY + timedelta(days=4), MONDAY + timedelta(days=7)


@pytest.fixture
def here(database_url):
    with desk(database_url) as here:
        here.reports = Reports(
            Statistics(here.pool), Cases(here.pool), OutboxQueue(here.pool), WorkingDays("BE")
        )
        yield here


def a_week(here) -> None:
    """On Monday Aurélie is linked at once, and four others wait; one of them is rejected on Tuesday.

    On Friday, a day late, one is linked and one rejected. The last one corrects her data on the Monday after.
    """
    match(here, here.submitted())
    waiting = [here.submitted(f"{name}@example.org") for name in ("a", "b", "c", "d")]
    cases = [open_case(here, each) for each in waiting]
    here.accounts.grant("secretariat", "clerk@school.example", None, actor=CLERK)  # nobody's request
    here.clock.at = NOON + DAY
    reject(here, cases[3])
    here.clock.at = NOON + 4 * DAY
    decide(here, cases[0], OTHER)
    reject(here, cases[1])
    here.clock.at = NOON + 7 * DAY
    here.profiles.submit(waiting[2], replace(AURELIE, city="Porrentruy"), actor=waiting[2])
    open_case(here, waiting[2])


def test_what_happened_is_counted_by_day_and_what_is_left_at_its_end(here):
    a_week(here)
    days = {counts.day: counts[1:] for counts in here.reports.statistics.days(MONDAY, NEXT_MONDAY)}
    #                    requests, submissions, automatic, linked, rejected, open, late
    assert days[MONDAY] == (5, 5, 1, 0, 0, 4, 0)
    assert days[MONDAY + timedelta(days=1)] == (0, 0, 0, 0, 1, 3, 0)
    assert days[MONDAY + timedelta(days=3)] == (0, 0, 0, 0, 0, 3, 0)  # due on Thursday
    assert days[FRIDAY] == (0, 0, 0, 1, 1, 1, 1)
    assert days[FRIDAY + timedelta(days=1)] == (0, 0, 0, 0, 0, 1, 1)
    assert days[NEXT_MONDAY] == (0, 1, 0, 0, 0, 1, 0)  # withdrawn, and a new one
    assert len(days) == 8


def test_a_period_begins_with_what_was_left_before_it(here):
    a_week(here)
    [saturday] = here.reports.statistics.days(FRIDAY + timedelta(days=1), FRIDAY + timedelta(days=1))
    assert (saturday.open, saturday.late) == (1, 1)
    assert [day[1:] for day in here.reports.statistics.days(date(2020, 1, 1), date(2020, 1, 1))] == [(0,) * 7]


def test_how_long_links_took_is_told_in_working_days(here):
    a_week(here)
    report = here.reports.of(MONDAY, NEXT_MONDAY, NEXT_MONDAY)
    assert report.durations == [
        Duration(0, 1, 0, 0),
        Duration(1, 0, 0, 1),
        Duration(2, 0, 0, 0),
        Duration(3, 0, 0, 0),
        Duration(4, 0, 1, 1),
    ]
    assert (report.decided, report.on_time, report.median) == (4, 2, 1)
    assert (report.backlog.open, report.backlog.late) == (1, 0)
    nothing = here.reports.of(date(2020, 1, 1), date(2020, 1, 2), NEXT_MONDAY)
    assert (nothing.durations, nothing.decided, nothing.on_time, nothing.median) == ([], 0, 0, None)


def test_a_link_without_a_clerk_is_as_late_as_the_matching_of_the_last_submission(here):
    """The worker was away for a week; what was sent first has been corrected since."""
    account = here.submitted()
    here.clock.goes_on(DAY)
    here.profiles.submit(account, replace(AURELIE, city="Porrentruy"), actor=account)
    here.clock.goes_on(6 * DAY)
    match(here, account)
    catch_up(here, here.projector)
    report = here.reports.of(MONDAY, NEXT_MONDAY, NEXT_MONDAY)
    assert [each for each in report.durations if each.count] == [Duration(4, 1, 0, 0)]


def test_while_a_question_is_open_nothing_gets_late_and_no_day_is_counted(here):
    """Asked on Tuesday, both of them: one answers on Monday and is linked a day later, the other one is on Friday."""
    answering, silent = (here.submitted(f"{name}@example.org") for name in ("a", "b"))
    cases = [open_case(here, each) for each in (answering, silent)]
    here.clock.at = NOON + DAY
    for case_id in cases:
        here.linking.ask(case_id, "Which school, in 2004?", actor=CLERK)
    here.clock.at = NOON + 4 * DAY
    reject(here, cases[1])
    here.clock.at = NOON + 7 * DAY
    here.linking.answer(answering, "The one in Moutier.")
    here.clock.at = NOON + 8 * DAY
    decide(here, cases[0])
    catch_up(here, here.projector)
    days = here.reports.statistics.days(MONDAY, NEXT_MONDAY + timedelta(days=1))
    assert [counts.open for counts in days] == [2, 2, 2, 2, 1, 1, 1, 1, 0]
    assert [counts.late for counts in days] == [0] * 9
    report = here.reports.of(MONDAY, NEXT_MONDAY + timedelta(days=1), NEXT_MONDAY)
    assert [each for each in report.durations if each.count] == [Duration(1, 0, 0, 1), Duration(2, 0, 1, 0)]


def test_made_anew_it_is_the_same_and_of_the_erased_nothing_is_left(here):
    a_week(here)
    columns = ", ".join(statistics.columns)
    live = here.rows(f"SELECT {columns} FROM statistics ORDER BY id, version")
    with own_connection(here) as connection:
        rebuild(connection, statistics, opener(KEYRING))
    assert here.rows(f"SELECT {columns} FROM statistics ORDER BY id, version") == live
    (account,) = here.lookup.find("email", "a@example.org")
    assert here.rows("SELECT count(*) FROM statistics WHERE account_id = %s", account) == [(3,)]
    here.destroy_key(account)
    with own_connection(here) as connection:
        rebuild(connection, statistics, opener(KEYRING))
    assert here.rows("SELECT count(*) FROM statistics WHERE account_id = %s", account) == [(0,)]


def test_mails_are_counted_by_the_swiss_day_on_which_they_left_or_were_refused(here):
    for number, (state, recipient, at) in enumerate(
        [
            ("sent", "holder", "2025-09-01T21:59Z"),
            ("sent", "holder", "2025-09-01T22:00Z"),  # midnight in Switzerland
            ("bounced", "record", "2025-09-02T10:00Z"),
            ("failed", "holder", "2025-09-02T10:00Z"),
            ("failed", "system", "2025-09-02T10:00Z"),
            ("done", "holder", "2025-09-02T10:00Z"),
        ]
    ):
        with here.transaction() as cursor:
            cursor.execute(
                "INSERT INTO outbox (cause, kind, recipient, state, settled_at) VALUES (%s, 'k', %s, %s, %s)",
                (str(number), recipient, state, at),
            )
    catch_up(here, here.projector)
    report = here.reports.of(MONDAY, MONDAY + timedelta(days=1), NEXT_MONDAY)
    assert [(day.sent, day.undelivered) for day in report.mails] == [(1, 0), (1, 2)]


# --- asked for over the API


@pytest.fixture
def house(database_url, tmp_path):
    with running(database_url, tmp_path, StandingClock(NOON)) as house:
        yield house


def test_the_secretariat_and_operators_ask_for_a_period_and_whatever_is_wrong_with_it_is_told(house):
    house.holder()
    for role in ("secretariat", "operator"):
        reader = house.staff(role, f"{role}@school.example")
        answer = reader.get("/statistics", headers={"Log-Position": house.position()})
        assert answer.status_code == 200
        assert (answer.json["from"], answer.json["to"], len(answer.json["days"])) == (
            "2025-08-03",
            "2025-09-01",
            30,
        )
        assert answer.json["totals"]["requests"] == answer.json["days"][-1]["requests"] == 1
    assert house.staff("auditor", "auditor@canton.example").get("/statistics").status_code == 403

    def told(query: str) -> dict:
        refused = reader.get(f"/statistics?{query}")
        assert refused.status_code == 422, query
        return refused.json["errors"]

    assert told("from=2025-08-31&to=2025-08-30") == {
        "from": ["This lies after the end of the period. Exchange the two."]
    }
    assert told("from=2025-09-02") == {"from": ["This date lies in the future."]}
    assert told("to=2999-01-01") == {"to": ["This date lies in the future."]}
    assert told("from=2024-08-31&to=2025-09-01") == {
        "from": ["A period has 366 days at most. Choose a later beginning."]
    }
    assert told("from=yesterday") == {"from": ["There is no such date. Example: 1980-12-31"]}
    assert set(told("since=2025-08-01")) == {"since"}
    for day in ("2025-09-01", "0001-01-01"):
        answer = reader.get(f"/statistics?from={day}&to={day}")
        assert (answer.status_code, [each["day"] for each in answer.json["days"]]) == (200, [day])
    assert reader.get("/statistics?to=0001-01-02").status_code == 200
