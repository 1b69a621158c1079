"""Holders with records of their own, linked by the secretariat."""

from pathlib import Path

from api_client import PROFILE, Client, House


def a_record(house: House, folder: Path) -> str:
    """The number of a record that agrees with no other."""
    number = f"R-{next(house.numbers):06}"
    file = folder / f"{number}.csv"
    file.write_text(f"record_number;family_name;given_name;birth_date\n{number};Rossel;Claire;1980-12-31\n")
    assert not house.service.records.import_file(file, today=house.service.clock.now().date()).refused
    return number


def link(house: House, clerk: Client, holder: Client, record: str) -> None:
    if holder.get("/me/profile").status_code == 404:
        holder.put("/me/profile", {**PROFILE, "ahv_number": None})
        position = house.match(holder.id)
    else:
        position = house.position()
    house.service.watermark.wait(("cases", "directory"), house.service.watermark.open(position))
    profile = house.service.store.profile(house.service.store.account(holder.id).profile_id)
    decision = {"record_number": record, "reason": "identity-checked", "note": None}
    answer = clerk.post(f"/cases/{profile.open_case.id}/link", decision)
    assert answer.status_code == 200, answer.json


def linked(house: House, clerk: Client, folder: Path) -> tuple[Client, str]:
    """Somebody new, and the number of the record."""
    holder, record = house.holder(), a_record(house, folder)
    link(house, clerk, holder, record)
    return holder, record


def unlink(clerk: Client, holder: Client) -> None:
    answer = clerk.post(f"/accounts/{holder.id}/unlink", {"reason": "wrong-record", "note": None})
    assert answer.status_code == 204, answer.json
