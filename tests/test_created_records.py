"""A record that the register lacks is made of what somebody declared, and linked."""

from dataclasses import replace

import pytest
from api_client import PROFILE, running
from desk import STRANGER, decide, desk, holders, link, open_case, profile
from people import AURELIE, CLERK, OTHER_CLERK
from read_side import catch_up
from services import new_database
from write_side import AURELIES_RECORD

from domain import errors
from domain.persons import Record
from infrastructure.records import Records

NEWCOMER = replace(AURELIE, ahv_number=None, family_name="Lachat", birth_name=None, canton="BE")
WHY = {"reason": "new-person", "note": "Begins in\nAugust."}


@pytest.fixture
def here(database_url):
    with desk(database_url) as here:
        yield here


def test_a_record_is_made_of_what_was_declared_and_linked_like_any_other(here):
    newcomer = here.submitted(STRANGER, NEWCOMER)
    case_id = open_case(here, newcomer)
    here.linking.create_record(case_id, **WHY, actor=CLERK)
    made = link(here, newcomer).record_number
    assert made.startswith("N-")
    assert holders(here, made) == [newcomer]
    assert here.topics(profile(here, newcomer).id)[-2:] == ["profile.record-created", "profile.record-linked"]
    assert here.linking.sheet(case_id).case.state == "linked"
    assert here.linking.records.written(made) == {
        "record_number": made,
        "ahv_number": None,
        "family_name": "Lachat",
        "given_name": "Aurélie",
        "birth_name": None,
        "birth_date": AURELIE.birth_date,
        "sex": "female",
        "street": AURELIE.street,
        "postal_code": "2800",
        "city": "Delémont",
        "canton": "BE",
        "email": STRANGER,
        "phone": AURELIE.phone,
    }
    with pytest.raises(errors.AlreadyDecided) as refused:
        here.linking.create_record(case_id, **WHY, actor=OTHER_CLERK)
    assert refused.value.details["by"] == CLERK

    here.linking.unlink(newcomer, reason="wrong-person", note=None, actor=CLERK)
    assert (link(here, newcomer), holders(here, made)) == (None, [])
    catch_up(here, here.projector)
    again = profile(here, newcomer).open_case.id
    assert made in [each.record_number for each in here.linking.sheet(again).candidates]
    decide(here, again, made)
    assert holders(here, made) == [newcomer]


def test_nobody_gets_a_second_record(here):
    stranger = here.submitted(STRANGER)
    case_id = open_case(here, stranger)
    with pytest.raises(errors.RecordExists):
        here.linking.create_record(case_id, **WHY, actor=CLERK)
    with pytest.raises(errors.OwnCase):
        here.linking.create_record(case_id, **WHY, actor=stranger)
    assert (link(here, stranger), here.rows("SELECT count(*) FROM records")) == (None, [(2,)])


def test_of_two_clerks_who_make_a_record_with_one_number_at_once_one_is_refused(here):
    number = "7569217076992"
    made = [
        here.linking.records.create(
            Record(**AURELIES_RECORD | {"record_number": each, "ahv_number": number}), "BE"
        )
        for each in ("N-1", "N-2")
    ]
    here.store.record(effects=made[:1])
    with pytest.raises(errors.RecordExists):
        here.store.record(effects=made[1:])


def test_where_the_register_is_only_read_none_is_made(here):
    newcomer = here.submitted(STRANGER, NEWCOMER)
    case_id = open_case(here, newcomer)
    reading = replace(here.linking, records=Records(here.pool, writable=False))
    with pytest.raises(errors.RecordsNotWritable):
        reading.create_record(case_id, **WHY, actor=CLERK)
    assert profile(here, newcomer).open_case.id == case_id


def test_a_clerk_makes_one_over_json(postgres, template, tmp_path):
    with new_database(postgres, template) as database, running(database, tmp_path) as house:
        clerk, holder = house.staff("secretariat", "marc@school.example"), house.holder()
        auditor = house.staff("auditor", "auditor@canton.example")
        holder.put("/me/profile", PROFILE)
        clerk.headers["Log-Position"] = house.match(holder.id)
        (item,) = clerk.get("/cases").json["items"]
        path = f"/cases/{item['id']}/create-record"
        refused = [who.post(path, WHY).status_code for who in (house.client(), holder, auditor)]
        assert refused == [401, 403, 403]
        for bad, field in (({}, "reason"), ({"reason": "no-record"}, "reason"), ({**WHY, "x": 1}, "x")):
            assert list(clerk.post(path, bad).json["errors"]) == [field]
        made = clerk.post(path, WHY)
        assert (made.status_code, made.json["state"]) == (200, "linked")
        number = made.json["link"]["record_number"]
        position = {"Log-Position": made.headers["Log-Position"]}
        account = clerk.get(f"/accounts/{holder.id}", headers=position).json
        assert account["link"]["record_number"] == number
        last = clerk.get(f"/accounts/{holder.id}/timeline").json["items"][-2:]
        assert [each["type"] for each in last] == ["profile.record-created", "profile.record-linked"]
        with house.service.pool.connection() as connection:
            kinds = connection.execute("SELECT kind FROM outbox WHERE account_id = %s", (holder.id,))
            assert ("link-confirmed",) in kinds.fetchall()
