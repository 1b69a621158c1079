"""A teacher whom a clerk has linked, and an auditor in front of the console."""

import json
from dataclasses import dataclass

from api_client import Client, House
from browsing import Portal, send, sign_in
from playwright.sync_api import Page
from running_service import password_in
from sample_people import somebody
from secretariat import waiting
from spec import until

CARED_FOR = (
    "ahv_number",
    "given_name",
    "family_name",
    "birth_name",
    "birth_date",
    "sex",
    "street",
    "postal_code",
)


@dataclass(frozen=True)
class Teacher:
    """id: of the account. record: its number. clerk: the address of whoever linked both."""

    id: str
    email: str
    record: str
    clerk: str


def linked_by(house: House, clerk: Client) -> Client:
    """Somebody whom the clerk has linked to record R-1001, in a house of `secretariat`."""
    holder = waiting(house)
    case = house.service.store.profile(house.service.store.account(holder.id).profile_id).open_case.id
    why = {"record_number": "R-1001", "reason": "identity-checked", "note": "Carte vue."}
    assert clerk.post(f"/cases/{case}/link", why).status_code == 200
    models = ("directory", "timeline", "tree", "accesses", "account_accesses")
    house.service.watermark.wait(models, house.service.watermark.open(house.position()))
    return holder


def staff(portal: Portal, role: str, name: str) -> tuple[str, str, list[str]]:
    """Address, password and recovery codes of somebody with a second factor."""
    email = portal.new_address(name)
    assert portal.service.command("grant", role, email).returncode == 0
    password = password_in(portal.service.wait_for_mail(email))
    token = portal.service.sign_in(email, password).json["token"]
    _, *codes = portal.service.enrol(password, Authorization=f"Bearer {token}")
    return email, password, codes


def a_teacher(portal: Portal, number: int) -> Teacher:
    """Somebody of the register under another address, so that a clerk has to decide. number: of the record."""
    service, record = portal.service, somebody(number)
    clerk, password, (code, *_) = staff(portal, "secretariat", "kim.frei")
    email = portal.new_address("enseignante")
    token = service.sign_in(email, portal.account(email, **_names(record))).json["token"]
    profile = {name: record[name] or None for name in (*CARED_FOR, "city", "phone")}
    profile |= {"nationality": "CH", "country": "CH", "canton": "JU", "function": None, "school": None}
    answer = service.ask("PUT", "/api/v1/me/profile", profile, Authorization=f"Bearer {token}")
    assert answer.status == 200, answer.body
    mine = service.me(token).json["id"]
    bearer = {
        "Authorization": "Bearer "
        + service.ask("POST", "/api/v1/tokens", {"email": clerk, "password": password, "code": code}).json[
            "token"
        ]
    }

    def cases() -> list[dict]:
        found = service.ask("GET", "/api/v1/cases?limit=200", **bearer).json["items"]
        return [case for case in found if case["account"]["id"] == mine]

    until(lambda: bool(cases()))
    decision = {
        "record_number": record["record_number"],
        "reason": "identity-checked",
        "note": "Carte vue au guichet.",
    }
    linked = service.ask("POST", f"/api/v1/cases/{cases()[0]['id']}/link", decision, **bearer)
    assert linked.status == 200, json.loads(linked.body)
    return Teacher(mine, email, record["record_number"], clerk)


def an_auditor(portal: Portal, page: Page) -> str:
    """Signed in with a second factor, in front of her first page; her address."""
    email, password, (code, *_) = staff(portal, "auditor", "paul.audit")
    sign_in(page, email, password)
    page.fill("#code", code)
    send(page)
    page.goto("/console/audit")
    return email


def _names(record: dict[str, str]) -> dict[str, str]:
    return {name: record[name] for name in ("given_name", "family_name")}
