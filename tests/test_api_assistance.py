"""What staff does for an account over JSON: merge and separate two, send an initial password again, note down."""

import pytest
from api_client import PROFILE, Client, running
from mailing import delivered, text_of
from running_service import password_in
from services import new_database

from application.imports import AccountLine
from application.ports import AccountRequest

NOBODY = "b1c3d1de-95bb-4a44-8f0a-4f1d6a0c2f6e"
MERGE = {"reason": "same-person", "note": "Seen at the\ncounter."}
BODIES = {
    "merge": {**MERGE, "account": NOBODY},
    "unmerge": {"reason": "error"},
    "resend": {"reason": "not-received"},
    "note": {"note": "Calls again on Monday."},
}


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with new_database(postgres, template) as database, running(database, home) as house:
        yield house


@pytest.fixture(scope="module")
def clerk(house) -> Client:
    return house.staff("secretariat", "marc@school.example")


def asked_for(house, email: str) -> str:
    """The id of an account that nobody has entered."""
    now = house.service.clock.now()
    wanted = AccountRequest(email, "Claire", "Rossel", "en", "2018-08-27", now)
    house.service.accounts.decide_request(wanted, lambda _cursor: None)
    return str(house.account_id(email))


def sheet(clerk: Client, account: object, after) -> dict:
    return clerk.get(f"/accounts/{account}", headers={"Log-Position": after.headers["Log-Position"]}).json


def test_two_accounts_become_one_and_two_again(house, clerk):
    kept, other = house.holder("claire@new.example"), house.holder("claire@old.example")
    for each in (kept, other):
        each.put("/me/profile", PROFILE)
    delivered(house)
    path, body = f"/accounts/{kept.id}/merge", {**MERGE, "account": str(other.id)}
    merged = clerk.post(path, body)
    assert merged.status_code == 204
    assert other.get("/me").status_code == 401
    assert kept.get("/me").status_code == 200
    shown = sheet(clerk, other.id, merged)
    assert (shown["state"], shown["merged_into"], shown["merged"]) == ("closed", str(kept.id), [])
    assert sheet(clerk, kept.id, merged)["merged"] == [str(other.id)]
    again = clerk.post(path, body)
    assert (again.status_code, again.json["type"]) == (409, "/problems/already-merged")
    assert (again.json["by"], again.json["into"]) == ("marc@school.example", str(kept.id))

    mails = {mail["To"]: mail for mail in delivered(house)}
    assert {mail["X-Matricule-Kind"] for mail in mails.values()} == {"account-merged", "other-account-merged"}
    assert "c•••@new.example" in text_of(mails["claire@old.example"])
    assert "c•••@old.example" in text_of(mails["claire@new.example"])
    for door in ("/password-resets", "/accounts"):
        asked = {"email": "claire@old.example"}
        if door == "/accounts":
            asked |= {"given_name": "C", "family_name": "R", "locale": "fr", "accept_privacy_policy": True}
        house.client().post(door, asked)
        (told_again,) = delivered(house)
        assert (told_again["To"], told_again["X-Matricule-Kind"]) == ("claire@old.example", "account-merged")

    (event,) = [each for each in timeline(clerk, other.id) if each["type"] == "account.merged"]
    assert event["sentence"] == (
        "This account was merged into another one of the same person, and closed: The same person, identity checked."
    )
    assert {"field": "note", "old": None, "new": MERGE["note"]} in event["changes"]
    then = clerk.get(f"/accounts/{other.id}?at_position={event['position']}").json
    assert then["account"]["state"] == "closed"
    before = clerk.get(f"/accounts/{other.id}?at_position={event['position'] - 1}").json
    assert before["account"]["state"] == "active"
    span = f"from={event['position'] - 1}&to={event['position']}"
    changes = clerk.get(f"/accounts/{other.id}/diff?{span}").json["changes"]
    assert {each["field"]: each["new"] for each in changes}["merged_into"] == str(kept.id)

    separated = clerk.post(f"/accounts/{other.id}/unmerge", BODIES["unmerge"])
    assert separated.status_code == 204
    shown = sheet(clerk, other.id, separated)
    assert (shown["state"], shown["merged_into"]) == ("active", None)
    assert {mail["X-Matricule-Kind"] for mail in delivered(house)} >= {"accounts-separated"}
    again = clerk.post(f"/accounts/{other.id}/unmerge", BODIES["unmerge"])
    assert (again.status_code, again.json["type"]) == (409, "/problems/not-merged")


def timeline(clerk: Client, account: object) -> list[dict]:
    return clerk.get(f"/accounts/{account}/timeline").json["items"]


def test_once_an_erasure_is_approved_no_other_address_of_the_person_is_written_to(house, clerk):
    kept, other = house.holder("ada@new.example"), house.holder("ada@old.example")
    house.staff("data-protection", "nadine@school.example")
    delivered(house)
    clerk.post(f"/accounts/{kept.id}/merge", {**MERGE, "account": str(other.id)})
    erasures = house.service.erasures
    erasure_id, _ = erasures.propose(kept.id, reason="request-of-holder", actor=clerk.id)
    erasures.approve(erasure_id, actor=house.account_id("nadine@school.example"))
    refused = clerk.post(f"/accounts/{other.id}/unmerge", BODIES["unmerge"])
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/already-decided")
    assert [(mail["To"], mail["X-Matricule-Kind"]) for mail in delivered(house)] == [
        ("ada@new.example", "erased")
    ]


def test_an_initial_password_is_sent_again_until_somebody_came_in(house, clerk):
    email = "late@school.example"
    account = asked_for(house, email)
    (first,) = [mail for mail in delivered(house) if mail["To"] == email]
    for _ in range(3):  # as often as a clerk is asked
        assert (
            clerk.post(f"/accounts/{account}/resend", {**BODIES["resend"], "note": "By phone."}).status_code
            == 204
        )
        (sent,) = delivered(house)
        assert (sent["To"], sent["X-Matricule-Kind"]) == (email, "initial-password")
    passwords = [password_in(mail) for mail in (first, sent)]
    assert passwords[0] != passwords[1]
    newcomer = house.client()
    newcomer.sign_in(email, passwords[1])
    late = clerk.post(f"/accounts/{account}/resend", BODIES["resend"])
    assert (late.status_code, late.json["type"]) == (409, "/problems/signed-in-already")
    clerk.post(f"/accounts/{account}/close", {"reason": "duplicate"})
    assert (
        clerk.post(f"/accounts/{account}/resend", BODIES["resend"]).json["type"] == "/problems/account-closed"
    )


def test_a_note_stands_in_the_timeline_and_in_what_its_holder_takes_along(house, clerk):
    holder = house.holder()
    noted = clerk.post(f"/accounts/{holder.id}/note", BODIES["note"])
    assert noted.status_code == 204
    last = clerk.get(
        f"/accounts/{holder.id}/timeline", headers={"Log-Position": noted.headers["Log-Position"]}
    ).json["items"][-1]
    assert (last["type"], last["by"]) == ("account.noted", "marc@school.example")
    assert last["changes"] == [{"field": "note", "old": None, "new": BODIES["note"]["note"]}]
    (own,) = [each for each in holder.get("/me/history").json["items"] if each["type"] == "account.noted"]
    assert own["changes"] == []
    archive = holder.post("/me/export", {"password": holder.password}).json
    assert BODIES["note"]["note"] in str(archive["history"])


def test_only_clerks_do_it_and_not_to_themselves(house, clerk):
    holder = house.holder()
    auditor = house.staff("auditor", "auditor@canton.example")
    for who, status in ((house.client(), 401), (holder, 403), (auditor, 403)):
        answers = [who.post(f"/accounts/{holder.id}/{deed}", body) for deed, body in BODIES.items()]
        assert [each.status_code for each in answers] == [status] * len(BODIES)
    answers = [clerk.post(f"/accounts/{NOBODY}/{deed}", body) for deed, body in BODIES.items()]
    assert [each.status_code for each in answers if each.json["type"] != "/problems/same-account"] == [
        404
    ] * 4
    own = {**BODIES, "merge": {**MERGE, "account": str(holder.id)}}
    del own["unmerge"]
    for deed, body in own.items():
        assert clerk.post(f"/accounts/{clerk.id}/{deed}", body).json["type"] == "/problems/own-account"
    into = {**MERGE, "account": str(clerk.id)}
    assert clerk.post(f"/accounts/{holder.id}/merge", into).json["type"] == "/problems/own-account"


def test_what_is_wrong_is_told_beside_its_field(house, clerk):
    holder = house.holder()
    path = f"/accounts/{holder.id}"
    wrong = [
        ("merge", MERGE, "account"),
        ("merge", {**MERGE, "account": "x"}, "account"),
        ("merge", {**MERGE, "account": str(holder.id)}, "account"),
        ("merge", {"account": NOBODY, "reason": "error"}, "reason"),
        ("unmerge", {"reason": "same-person"}, "reason"),
        ("resend", {}, "reason"),
        ("note", {}, "note"),
        ("note", {"note": " "}, "note"),
        ("note", {"note": "x" * 2001}, "note"),
        ("note", {"note": "x", "reason": "other"}, "reason"),
    ]
    for deed, body, field in wrong:
        answer = clerk.post(f"{path}/{deed}", body)
        assert (answer.status_code, list(answer.json["errors"])) == (422, [field]), body


def test_nobody_comes_in_by_an_imported_link_unseen(house, clerk):
    """A clerk's own second mailbox, and somebody's record."""
    mine, hers = "second@clerk.example", "her@school.example"
    with house.service.pool.connection() as connection:
        connection.execute(
            "INSERT INTO records (record_number, family_name, given_name, email) VALUES ('R-9', 'Keller', 'Eva', %s)",
            (hers,),
        )
    line = AccountLine(2, mine, "Eva", "Keller", "de", {}, "R-9")
    assert house.service.imports.take([line], actor=clerk.id) == ["added"]
    account = house.account_id(mine)
    refused = clerk.post(f"/accounts/{account}/resend", BODIES["resend"])
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/not-invited")
    delivered(house)
    assert house.client().sign_in(mine, house.initial_password(mine)).status_code < 300
    assert [(mail["To"], mail["X-Matricule-Kind"]) for mail in delivered(house)] == [(hers, "link-notice")]
    house.holder()  # of no imported link nobody is told
    assert delivered(house) == []
