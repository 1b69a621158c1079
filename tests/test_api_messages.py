"""What was written to an account, and how it fared, as staff sees it."""

import pytest
from api_client import PROFILE, Client, running
from services import new_database


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with new_database(postgres, template) as database, running(database, home) as house:
        yield house


@pytest.fixture(scope="module")
def clerk(house) -> Client:
    return house.staff("secretariat", "marc@school.example")


@pytest.fixture(scope="module")
def claire(house, clerk) -> Client:
    """Who has asked for another address, so that two mailboxes were written to."""
    claire = house.holder("claire@school.example")
    claire.put("/me/profile", PROFILE)
    wanted = {"new_email": "rossel@school.example", "password": claire.password}
    clerk.headers["Log-Position"] = claire.post("/me/email-changes", wanted).headers["Log-Position"]
    return claire


def test_what_was_written_is_told_with_how_it_fared(clerk, claire):
    items = clerk.get(f"/accounts/{claire.id}/messages").json["items"]
    assert {"initial-password", "email-change-confirm", "email-change-notice"} <= {
        each["kind"] for each in items
    }
    assert {each["state"] for each in items} == {"waiting"}
    assert [each["created_at"] for each in items] == sorted(each["created_at"] for each in items)
    assert all(each["attempts"] == 0 for each in items)


def test_messages_are_told_page_by_page(clerk, claire):
    whole = clerk.get(f"/accounts/{claire.id}/messages").json["items"]
    items, cursor = [], ""
    while cursor is not None:
        page = clerk.get(f"/accounts/{claire.id}/messages?limit=1{cursor}").json
        items, following = items + page["items"], page["next_cursor"]
        cursor = following and f"&cursor={following}"
    assert items == whole


def test_only_staff_sees_them(house, clerk, claire):
    assert claire.get(f"/accounts/{claire.id}/messages").status_code == 403
    assert clerk.get("/accounts/b1c3d1de-95bb-4a44-8f0a-4f1d6a0c2f6e/messages").status_code == 404
    auditor = house.staff("auditor", "auditor@canton.example")
    assert auditor.get(f"/accounts/{claire.id}/messages").json["items"]


def test_that_they_were_looked_at_is_noted(house, clerk, claire):
    clerk.get(f"/accounts/{claire.id}/messages")
    auditor = house.staff("auditor", "other@canton.example")
    seen = auditor.get(f"/audit/accesses?account={claire.id}&reader={clerk.id}").json["items"]
    assert "messages" in {each["what"] for each in seen}
