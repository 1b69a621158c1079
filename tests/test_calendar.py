"""Working days: the law's holidays, the secretariat's closing days, and the deadline of a link."""

from datetime import UTC, date, datetime

import holidays
import pytest

from domain.calendar import (
    WorkingDays,
    after_a_pause,
    easter_sunday,
    legal_holidays,
    linking_deadline,
    working_days_taken,
)

YEARS = range(2020, 2036)

# Where the library and the law part, by name: days that the library alone holds.
LIBRARY_ONLY = {
    "BE": set(),
    "JU": set(),
    "NE": {"Fronleichnam"},  # a holiday of single communes, not of the canton: docs/sources.md#S2
}


def library_holidays(canton: str, year: int) -> dict[date, str]:
    return dict(holidays.country_holidays("CH", subdiv=canton, years=year, language="de"))


@pytest.mark.parametrize("canton", ["BE", "JU", "NE"])
@pytest.mark.parametrize("year", YEARS)
def test_the_table_holds_what_the_library_holds_but_for_the_listed_differences(canton, year):
    library = library_holidays(canton, year)
    ours = legal_holidays(canton, year)
    assert {name for day, name in library.items() if day not in ours} == LIBRARY_ONLY[canton]
    assert ours - library.keys() == set()


def test_neuchatel_works_on_26_december_unless_christmas_is_a_sunday():
    assert WorkingDays("NE").is_working_day(date(2023, 12, 26))
    assert not WorkingDays("NE").is_working_day(date(2022, 12, 26))


def test_neuchatel_works_on_2_january_unless_new_year_is_a_sunday():
    assert WorkingDays("NE").is_working_day(date(2024, 1, 2))
    assert not WorkingDays("NE").is_working_day(date(2023, 1, 2))


def test_neuchatel_rests_on_1_march_and_works_on_easter_monday():
    assert not WorkingDays("NE").is_working_day(date(2024, 3, 1))
    assert WorkingDays("NE").is_working_day(date(2024, 4, 1))


def test_jura_rests_on_23_june_when_berne_works():
    assert not WorkingDays("JU").is_working_day(date(2025, 6, 23))
    assert WorkingDays("BE").is_working_day(date(2025, 6, 23))


@pytest.mark.parametrize(
    "sunday",
    # The earliest and the latest possible, a leap year, a century that is none, two exceptions of the rule.
    [
        date(1818, 3, 22),
        date(2038, 4, 25),
        date(2024, 3, 31),
        date(2100, 3, 28),
        date(1981, 4, 19),
        date(1954, 4, 18),
    ],
)
def test_easter_falls_where_the_almanac_says(sunday):
    assert easter_sunday(sunday.year) == sunday


def test_weekends_never_count():
    friday = date(2025, 9, 5)
    assert WorkingDays("BE").after(friday, 1) == date(2025, 9, 8)


def test_closing_days_do_not_count():
    calendar = WorkingDays("BE", closing_days=[date(2025, 12, 24), date(2025, 12, 29)])
    assert calendar.after(date(2025, 12, 23), 1) == date(2025, 12, 30)


def test_a_canton_without_a_table_is_refused():
    with pytest.raises(ValueError, match="'VD'"):
        WorkingDays("VD")


def test_a_profile_sent_on_maundy_thursday_is_due_after_easter():
    submitted = datetime(2025, 4, 17, 9, 0, tzinfo=UTC)
    assert linking_deadline(submitted, WorkingDays("BE")) == date(2025, 4, 24)


def test_a_profile_sent_on_a_sunday_counts_from_monday():
    assert linking_deadline(datetime(2025, 9, 7, 12, 0, tzinfo=UTC), WorkingDays("BE")) == date(2025, 9, 10)


def test_the_day_counts_in_zurich_in_summer_and_in_winter():
    # 22:30 UTC is already the next day in July, and 22:30 UTC is still the same day in January.
    assert linking_deadline(datetime(2025, 7, 7, 22, 30, tzinfo=UTC), WorkingDays("BE")) == date(2025, 7, 11)
    assert linking_deadline(datetime(2025, 1, 13, 22, 30, tzinfo=UTC), WorkingDays("BE")) == date(2025, 1, 16)


def test_an_instant_without_a_time_zone_is_refused():
    naive = datetime(2025, 7, 7, 22, 30)  # noqa: DTZ001
    with pytest.raises(ValueError, match="time zone"):
        linking_deadline(naive, WorkingDays("BE"))
    with pytest.raises(ValueError, match="time zone"):
        after_a_pause(date(2025, 7, 10), naive, datetime(2025, 7, 8, tzinfo=UTC), WorkingDays("BE"))


def test_the_last_working_day_before_a_monday_or_a_closing_day_is_looked_for_further_back():
    calendar = WorkingDays("BE", closing_days=[date(2025, 9, 10)])
    assert calendar.before(date(2025, 9, 8)) == date(2025, 9, 5)
    assert calendar.before(date(2025, 9, 11)) == date(2025, 9, 9)


# --- while a question to the holder is open, the clock stands still. 1 to 12 September 2025 are whole weeks.


def at(day: int, hour: int = 9) -> datetime:
    return datetime(2025, 9, day, hour, tzinfo=UTC)


def resumed(due: int, asked: datetime, answered: datetime, **calendar: object) -> date:
    return after_a_pause(date(2025, 9, due), asked, answered, WorkingDays("BE", **calendar))


def test_a_deadline_moves_by_the_working_days_that_a_question_was_open():
    # Sent on Monday the 1st, due on Thursday the 4th; asked on Tuesday, answered a week and a day later.
    assert resumed(4, at(2), at(10)) == date(2025, 9, 12)
    assert resumed(4, at(2), at(10), closing_days=[date(2025, 9, 11)]) == date(2025, 9, 15)
    assert resumed(4, at(2), at(2, hour=15)) == date(2025, 9, 4)


def test_an_answer_leaves_the_secretariat_the_next_working_day():
    assert resumed(4, at(4), at(4, hour=15)) == date(2025, 9, 5)
    assert resumed(4, at(4), at(6)) == date(2025, 9, 8)  # a Saturday
    assert resumed(4, at(4), at(8, hour=21)) == date(2025, 9, 9)


def test_what_was_late_when_the_holder_was_asked_stays_so_by_as_much():
    assert resumed(4, at(8), at(10)) == date(2025, 9, 8)  # two working days late before, and after
    assert resumed(4, at(8), at(8, hour=10)) == date(2025, 9, 4)


def test_the_days_of_question_and_answer_are_swiss_ones():
    # 22:30 UTC is the next day there: the question is of the 3rd, the answer of the 5th.
    late_on = [datetime(2025, 9, day, 22, 30, tzinfo=UTC) for day in (2, 4)]
    assert resumed(4, *late_on) == date(2025, 9, 8)


def test_how_long_linking_took_is_reckoned_from_the_deadline():
    def taken(due: int, done: int) -> int:
        return working_days_taken(date(2025, 9, due), date(2025, 9, done), WorkingDays("BE"))

    assert [taken(4, done) for done in range(1, 10)] == [
        0,
        1,
        2,
        3,
        4,
        4,
        4,
        5,
        6,
    ]  # the 6th and 7th: a weekend
    # The pause of the first test moved the deadline to the 12th: four days of it count for nothing.
    assert taken(12, 11) == 2


def test_working_days_from_one_day_to_another_count_the_second_one():
    passed = WorkingDays("BE").passed
    assert passed(date(2025, 9, 5), date(2025, 9, 8)) == 1
    assert passed(date(2025, 9, 8), date(2025, 9, 5)) == -1
    assert passed(date(2025, 9, 6), date(2025, 9, 7)) == 0
