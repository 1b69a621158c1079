"""On working mornings the secretariat is written to: what is late, what is due, which messages did not arrive."""

from datetime import UTC, datetime, timedelta

import pytest
from api_client import PROFILE, PUBLIC_URL, Client, House, running
from mailing import delivered, text_of
from write_side import StandingClock

from infrastructure.digest import Digest

MONDAY = datetime(2025, 9, 1, 8, 0, tzinfo=UTC)  # 10:00 in Switzerland
WEDNESDAY, THURSDAY, FRIDAY, SATURDAY = (MONDAY + timedelta(days=days) for days in (2, 3, 4, 5))
EARLY, LATE_IN_THE_DAY = timedelta(hours=-3, minutes=-1), timedelta(hours=2)  # 06:59 and 12:00


@pytest.fixture
def house(database_url, tmp_path):
    with running(database_url, tmp_path, StandingClock(MONDAY)) as house:
        yield house


def digest(house: House) -> Digest:
    return next(role for role in house.service.tick() if role.name == "digest")


def digests(house: House, at: datetime) -> dict[str, object]:
    """The digests that leave at an instant, by recipient, made by a process that has just begun."""
    house.service.clock.at = at
    digest(house).step()
    return {mail["To"]: mail for mail in delivered(house) if mail["X-Matricule-Kind"] == "digest"}


def a_case(house: House) -> tuple[Client, str]:
    """Somebody whom no record matches, and the id of her case."""
    holder = house.holder()
    holder.put("/me/profile", PROFILE)
    house.service.watermark.wait(("cases",), house.service.watermark.open(house.match(holder.id)))
    with house.service.pool.connection() as connection:
        statement = "SELECT case_id FROM cases WHERE account_id = %s"
        ((case_id,),) = connection.execute(statement, (holder.id,)).fetchall()
    return holder, str(case_id)


def test_a_case_is_told_of_on_the_day_before_on_its_day_and_after_it_once_each(house):
    for email, locale in (("claire@school.example", "fr"), ("kurt@school.example", "de")):
        clerk = house.staff("secretariat", email)
        clerk.ask("PATCH", "/me", json={"locale": locale})
    house.staff("auditor", "auditor@canton.example")
    holder, case_id = a_case(house)  # due on Thursday
    delivered(house)

    assert digests(house, MONDAY + timedelta(minutes=1)) == {}  # nothing is due today or tomorrow
    assert digests(house, WEDNESDAY + EARLY) == {}
    before = digests(house, WEDNESDAY)
    assert digests(house, WEDNESDAY) == {}
    on_the_day = digests(house, THURSDAY)
    assert digests(house, FRIDAY + LATE_IN_THE_DAY) == {}
    after = digests(house, FRIDAY)
    assert digests(house, SATURDAY) == {}

    for mails in (before, on_the_day, after):
        assert set(mails) == {"claire@school.example", "kurt@school.example"}
    subjects = [mails["kurt@school.example"]["Subject"] for mails in (before, on_the_day, after)]
    name = house.service.institution.name
    assert subjects == [
        f"Fällig am 04.09.2025: 1 – {name}",
        f"Heute fällig: 1 – {name}",
        f"Verspätet: 1 – {name}",
    ]
    said = text_of(after["claire@school.example"])
    assert "Échéance dépassée\u00a0: 04.09.2025, cas ouvert le 01.09.2025\n" in said.replace("\r\n", "\n")
    assert f"{PUBLIC_URL}/console/cases/{case_id}" in said.splitlines()
    named = ("ahv_number", "family_name", "birth_name", "street", "city")
    personal = (holder.email, str(holder.id), *(PROFILE[field] for field in named))
    assert [each for each in personal if each in said] == []


def test_what_did_not_arrive_is_told_once_and_what_is_held_back_until_it_goes(house):
    house.staff("secretariat", "claire@school.example")
    delivered(house)
    with house.service.pool.connection() as connection:
        connection.execute(
            "INSERT INTO outbox (cause, kind, recipient, state, settled_at) VALUES"
            " ('a', 'link-confirmed', 'holder', 'bounced', '2025-09-02T12:00Z'),"
            " ('b', 'link-confirmed', 'holder', 'failed', '2025-09-03T01:00Z'),"
            " ('c', 'match', 'system', 'failed', '2025-09-03T01:00Z'),"
            " ('d', 'link-confirmed', 'holder', 'bounced', '2025-09-01T12:00Z')"
        )
    said = text_of(digests(house, WEDNESDAY)["claire@school.example"])
    assert "a refusés depuis le dernier matin ouvrable\u00a0: 2." in said
    assert digests(house, THURSDAY) == {}
    with house.service.pool.connection() as connection:
        connection.execute("UPDATE outbox SET state = 'parked' WHERE cause = 'a'")
    for morning in (FRIDAY, MONDAY + timedelta(days=7)):
        assert "trop d'essais" in text_of(digests(house, morning)["claire@school.example"])


def test_whoever_is_no_clerk_any_more_and_a_digest_that_comes_too_late_are_left_out(house):
    clerk = house.staff("secretariat", "claire@school.example")
    kurt = house.staff("secretariat", "kurt@school.example")
    second = house.staff("secretariat", "kurts-second@school.example")
    a_case(house)
    delivered(house)
    house.service.clock.at = THURSDAY
    digest(house).step()
    house.service.merges.merge(kurt.id, second.id, reason="same-person", note=None, actor=clerk.id)
    house.service.accounts.revoke("secretariat", clerk.email, actor=clerk.id)
    mails = [mail for mail in delivered(house) if mail["X-Matricule-Kind"] == "digest"]
    assert [mail["To"] for mail in mails] == ["kurt@school.example"]
    house.service.clock.at = FRIDAY
    digest(house).step()
    house.service.clock.at = SATURDAY  # the mail server was away
    assert "digest" not in [mail["X-Matricule-Kind"] for mail in delivered(house)]


def test_none_is_written_where_the_setting_says_never(database_url, tmp_path):
    with running(database_url, tmp_path, StandingClock(THURSDAY), DIGEST_AT="never") as house:
        assert [role.name for role in house.service.tick() if role.name == "digest"] == []
