"""`/accounts/<id>/erasure` and `/erasures/<id>`: for two people who answer for data protection, and nobody else."""

from uuid import uuid4

import pytest
from api_client import PROFILE, House, running
from letters import read_back
from mailing import reset_token
from page_visitor import Visitor
from services import new_database

from infrastructure.erasure_book import LAST_MESSAGE
from infrastructure.outbox import OutboxItem
from infrastructure.worker import GiveUp

WHY = {"reason": "request-of-holder"}


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    with (
        new_database(postgres, template) as database,
        running(database, tmp_path_factory.mktemp("home")) as house,
    ):
        yield house


@pytest.fixture(scope="module")
def first(house):
    return house.staff("data-protection", "first@protection.example")


@pytest.fixture(scope="module")
def second(house):
    return house.staff("data-protection", "second@protection.example")


def carried_out(house: House, holder) -> str:
    """The last message goes, then the erasure. Returns a `Log-Position`."""
    parts = house.service
    parts.watermark.wait(("outbox",), parts.watermark.open(house.position()))
    with parts.pool.connection() as connection:
        connection.execute("UPDATE outbox SET state = 'sent' WHERE account_id = %s", (holder.id,))
    (erase,) = [role for role in parts.tick() if role.name == "erase"]
    assert erase.carry_out_due() == 1
    return house.position()


def test_two_people_erase_a_third(house, first, second):
    holder = house.holder("gone@school.example")
    assert holder.put("/me/profile", PROFILE).status_code == 200

    proposed = first.post(f"/accounts/{holder.id}/erasure", WHY)
    assert (proposed.status_code, proposed.json["state"]) == (201, "proposed")
    erasure = f"/erasures/{proposed.json['id']}"
    assert first.get(erasure).json["state"] == "proposed"
    assert holder.get("/me").json["state"] == "active"

    refused = first.post(f"{erasure}/approve")
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/same-person")
    approved = second.post(f"{erasure}/approve")
    assert (approved.status_code, approved.json["state"]) == (202, "approved")
    again = second.post(f"{erasure}/approve")
    assert (again.status_code, again.json["type"]) == (409, "/problems/already-decided")

    position = carried_out(house, holder)
    sheet = first.get(erasure).json
    assert sheet["state"] == "done"
    assert sheet["reason"] == "request-of-holder"
    assert "first@protection.example" in sheet["proposed_by"]
    assert "second@protection.example" in sheet["approved_by"]
    assert "CPDT-JUNE" in sheet["law"]
    assert sheet["backups_until"]

    account = first.get(f"/accounts/{holder.id}", headers={"Log-Position": position}).json
    assert account["state"] == "erased"
    assert (account["email"], account["given_name"], account["profile"], account["link"]) == (None,) * 4
    timeline = first.get(f"/accounts/{holder.id}/timeline").json["items"]
    assert timeline[-1]["type"] == "account.erased"
    assert {change["field"] for change in timeline[-1]["changes"]} == {"reason", "proposed_by", "approved_by"}
    assert holder.get("/me").status_code == 401
    assert holder.again().post("/session", holder.pair).status_code == 401
    assert first.post(f"/accounts/{holder.id}/erasure", WHY).json["type"] == "/problems/account-erased"
    erased = first.get("/accounts?state=erased").json["items"]
    assert [item["id"] for item in erased] == [str(holder.id)]


def test_only_data_protection_may(house, first):
    holder = house.holder()
    for role in ("secretariat", "auditor", "operator"):
        clerk = house.staff(role, f"{role}@school.example")
        assert clerk.post(f"/accounts/{holder.id}/erasure", WHY).status_code == 403
        assert clerk.get(f"/erasures/{uuid4()}").status_code == 403
        assert clerk.post(f"/erasures/{uuid4()}/approve").status_code == 403
    assert holder.post(f"/accounts/{holder.id}/erasure", WHY).status_code == 403
    assert house.client().get(f"/erasures/{uuid4()}").status_code == 401


def test_nobody_decides_on_her_own_account(house, first, second):
    own = first.post(f"/accounts/{first.id}/erasure", WHY)
    assert (own.status_code, own.json["type"]) == (403, "/problems/own-account")
    proposed = second.post(f"/accounts/{first.id}/erasure", WHY).json
    own = first.post(f"/erasures/{proposed['id']}/approve")
    assert (own.status_code, own.json["type"]) == (403, "/problems/own-account")


@pytest.mark.parametrize(
    "typed", [{}, {"reason": "because"}, {**WHY, "note": "A note."}, {"reason": None}], ids=str
)
def test_the_reason_is_a_code_and_there_is_no_note(house, first, typed):
    assert first.post(f"/accounts/{house.holder().id}/erasure", typed).status_code == 422


def test_what_is_not_there_is_not_found(first):
    assert first.post(f"/accounts/{uuid4()}/erasure", WHY).status_code == 404
    assert first.post(f"/erasures/{uuid4()}/approve").status_code == 404
    assert first.get(f"/erasures/{uuid4()}").status_code == 404


def test_the_same_request_again_is_answered_and_proposes_nothing(house, first):
    holder, key = house.holder(), {"Idempotency-Key": "once"}
    proposed = first.post(f"/accounts/{holder.id}/erasure", WHY, headers=key)
    again = first.post(f"/accounts/{holder.id}/erasure", WHY, headers=key)
    assert proposed.json == again.json


def test_to_whoever_was_erased_every_page_is_as_to_a_stranger(house, first, second):
    holder = house.holder()
    visitor, link = Visitor(house).signed_in(holder), reset_token(house, holder)
    erasure = first.post(f"/accounts/{holder.id}/erasure", WHY).json["id"]
    second.post(f"/erasures/{erasure}/approve")
    house.service.watermark.wait(("directory",), house.service.watermark.open(carried_out(house, holder)))
    assert visitor.get("/my-data").leads_to == "/?next=/my-data"
    visitor.get("/")
    refused = visitor.shown_again("/", holder.pair)
    visitor.get("/")
    stranger = visitor.shown_again("/", {**holder.pair, "email": "nobody@school.example"})
    assert refused.words.partition("Adresse")[0] == stranger.words.partition("Adresse")[0]
    assert "J'ai perdu mon mot de passe" in refused.words
    dead = visitor.open(f"/password-reset?token={link}")
    assert (dead.status_code, "Ce lien n'est plus valable" in dead.words) == (410, True)


def test_an_answer_that_was_kept_is_kept_no_more_after_an_erasure(house, first, second):
    other, holder, key = house.holder(), house.holder(), {"Idempotency-Key": "kept"}
    assert first.post(f"/accounts/{other.id}/erasure", WHY, headers=key).status_code == 201
    erasure = first.post(f"/accounts/{holder.id}/erasure", WHY).json["id"]
    second.post(f"/erasures/{erasure}/approve")
    carried_out(house, holder)
    again = first.post(f"/accounts/{other.id}/erasure", WHY, headers=key)
    assert (again.status_code, again.json["type"]) == (409, "/problems/idempotency-secret")


def test_the_last_message_is_the_last_and_says_until_when_backups_can_be_read(house, first, second):
    holder = house.holder("last@school.example")
    erasure = first.post(f"/accounts/{holder.id}/erasure", WHY).json["id"]
    second.post(f"/erasures/{erasure}/approve")
    parts = house.service
    parts.watermark.wait(("outbox",), parts.watermark.open(house.position()))
    with parts.pool.connection() as connection:
        rows = connection.execute(
            "SELECT id, cause, kind, recipient, account_id, position, attempts, created_at FROM outbox"
            " WHERE account_id = %s ORDER BY position",
            (holder.id,),
        ).fetchall()
    handlers = parts.deliveries.handlers()
    for item in (OutboxItem(*row) for row in rows):
        if item.kind == LAST_MESSAGE:
            handlers[item.kind](item)
        else:
            with pytest.raises(GiveUp, match="erasure-approved"):
                handlers[item.kind](item)
    mails = [read_back(file.read_bytes()) for file in (parts.settings.home / "outbox").glob("*-erased-*.eml")]
    (mail,) = [mail for mail in mails if mail["To"] == "last@school.example"]
    until = parts.store.account(holder.id).erasure.due + parts.settings.backups_kept
    assert f"{until:%d.%m.%Y}" in mail.get_body(("plain",)).get_content()
    assert "CPDT-JUNE" in mail.get_body(("html",)).get_content()
