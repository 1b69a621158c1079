"""The archive of all that is held about a person: nothing of hers is missing, and nothing of others' is in it."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from api_client import FIREFOX, PROFILE, Client, House, running
from mailing import delivered
from running_service import TIRELESS
from services import new_database

from domain.values import format_ahv
from infrastructure.event_mapper import form_of

HERS, SIMILAR = "R-000777", "R-000778"
NOTE = "She came to the counter on Monday, with a passport."
RECORDS = f"""\
record_number;ahv_number;family_name;given_name;birth_name;birth_date;sex;street;postal_code;city;canton;email;phone
{HERS};;Rossel;Claire;Jeanneret;1980-12-31;female;Rue du Moulin 3;2740;Moutier;BE;claire@other.example;+41328869931
{SIMILAR};;Rossel;Clara;Jeanneret;1980-12-31;female;;;;;;
"""
# Tables that hold something of an account, and where the archive tells it; for the others, why it does not.
TOLD = {
    "events": "history",
    "timeline": "history",
    "account_accesses": "accesses",
    "directory": "account",
    "roles": "account",
    "sessions": "sessions",
    "devices": "devices",
    "totp_factors": "second_factors",
    "passkeys": "second_factors",
    "recovery_codes": "recovery_codes",
    "outbox": "messages",
    "cases": "history",
    "seen_items": "portfolio",
}
UNTOLD = {
    "finder": "names, address and record number once more, as they are looked for",
    "credentials": "hashes of passwords, which help nobody but a thief",
    "links": "digests of tokens; what they were sent for stands in the history",
    "lookup": "keyed digests of what the archive tells in clear",
    "passkey_users": "the random name by which devices know the account",
    "passkey_challenges": "random, for five minutes",
    "data_keys": "what opens the rest",
    "idempotency": "answers that she has had, kept sealed for a day",
    "kept_forms": "what she typed and did not send, kept sealed for half an hour",
    "erasures": "while somebody has proposed one, for those who decide; then nobody is left to be told",
    "statistics": "days of what the history tells, to be counted",
}


@pytest.fixture
def house(postgres, template, tmp_path) -> Iterator[House]:
    home = tmp_path / "home"
    home.mkdir()
    with new_database(postgres, template) as database, running(database, home, **TIRELESS) as house:
        (home / "records.csv").write_text(RECORDS)
        house.service.records.import_file(home / "records.csv", today=date(2025, 9, 1))
        yield house


@pytest.fixture
def clerk(house) -> Client:
    return house.staff("secretariat", "clerk@school.example")


@pytest.fixture
def claire(house) -> Client:
    claire = house.holder()
    claire.browser.environ_base["HTTP_USER_AGENT"] = FIREFOX
    return claire


def exported(house: House, client: Client) -> Any:
    answer = client.post(
        "/me/export", {"password": client.password}, headers={"Log-Position": house.position()}
    )
    assert answer.status_code == 200, answer.json
    assert answer.headers["Content-Disposition"] == 'attachment; filename="matricule.json"'
    return answer.json


def live(house: House, clerk: Client, holder: Client) -> list[str]:
    """Somebody who did much and with whom much was done; her recovery codes."""
    codes = holder.enrol(house.service.clock.now())
    holder.put("/me/profile", PROFILE)
    house.match(holder.id)
    position = {"Log-Position": house.position()}
    cases = clerk.get("/cases?state=open&limit=200", headers=position).json["items"]
    (case_id,) = [item["id"] for item in cases if item["account"]["id"] == str(holder.id)]
    decision = {"record_number": HERS, "reason": "identity-checked", "note": NOTE}
    assert clerk.post(f"/cases/{case_id}/link", decision).status_code == 200
    holder.put("/me/profile", {**PROFILE, "street": "Rue Neuve 1"})
    holder.post("/me/email-changes", {"new_email": "elsewhere@school.example", "password": holder.password})
    proposal = {"email": "lost@school.example", "reason": "mailbox-lost", "note": "Lost, she says."}
    assert clerk.post(f"/accounts/{holder.id}/recovery", proposal).status_code == 201
    return codes


def test_nothing_that_the_log_has_sealed_for_her_is_missing(house, clerk, claire):
    live(house, clerk, claire)
    archive = exported(house, claire)
    held, text = 0, json.dumps(archive, ensure_ascii=False)
    places = house.service.history._timeline.page(claire.id)
    for event in house.service.store.events_at(places):
        for name in form_of(type(event)).personal:
            value = getattr(event, name)
            if value and name != "candidates":
                shown = format_ahv(value) if name == "ahv_number" else str(value)
                assert json.dumps(shown, ensure_ascii=False)[1:-1] in text, (type(event).TOPIC, name)
                held += 1
    assert held > 20
    assert "•" not in text  # masked, as staff reads AHV numbers


def test_every_table_that_holds_something_of_hers_is_told_or_said_why_not(house, claire):
    with house.service.pool.connection() as connection:
        tables = connection.execute(
            "SELECT DISTINCT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attname IN ('account_id', 'person')"
        ).fetchall()
    assert {name for (name,) in tables} == TOLD.keys() | UNTOLD.keys()
    assert set(TOLD.values()) <= exported(house, claire).keys()


def test_second_factors_and_devices_are_told_without_their_secrets(house, claire):
    codes = claire.enrol(house.service.clock.now())
    archive = exported(house, claire)
    (factor,) = archive["second_factors"]
    assert (factor["kind"], factor["label"], factor["last_used_at"]) == ("totp", None, None)
    assert factor["created_at"]
    assert archive["recovery_codes"] == 10
    (device,) = archive["devices"]
    assert device.keys() == {"created_at", "last_seen_at"}
    secrets = [claire.codes.secret, claire.password, claire.secret, *codes]
    assert [secret for secret in secrets if secret in json.dumps(archive)] == []


def test_clerks_notes_stand_in_the_archive_and_not_in_the_history(house, clerk, claire):
    live(house, clerk, claire)
    position = {"Log-Position": house.position()}
    assert NOTE not in claire.get("/me/history", headers=position).text
    linked = next(
        each for each in exported(house, claire)["history"] if each["type"] == "profile.record-linked"
    )
    assert {"field": "note", "old": None, "new": NOTE} in linked["changes"]


def test_the_record_that_she_is_linked_to_is_told_whole(house, clerk, claire):
    assert exported(house, claire)["record"] is None
    live(house, clerk, claire)
    record = exported(house, claire)["record"]
    assert (record["record_number"], record["street"], record["email"]) == (
        HERS,
        "Rue du Moulin 3",
        "claire@other.example",
    )
    clerk.post(f"/accounts/{claire.id}/unlink", {"reason": "wrong-person", "note": None})
    assert exported(house, claire)["record"] is None


def test_no_other_mailbox_no_other_record_and_no_number_of_the_log_is_named(house, clerk, claire):
    live(house, clerk, claire)
    delivered(house)
    archive = exported(house, claire)
    kinds = [message["kind"] for message in archive["messages"]]
    assert "message-to-another-mailbox" in kinds
    assert "email-change-confirm" not in kinds
    text = json.dumps(archive)
    assert SIMILAR not in text
    assert SIMILAR not in claire.get("/me/history").text
    assert '"position"' not in text


def test_whoever_does_not_know_the_password_gets_nothing(claire):
    answer = claire.post("/me/export", {"password": "wrong"})
    assert (answer.status_code, answer.json["type"]) == (403, "/problems/wrong-password")
