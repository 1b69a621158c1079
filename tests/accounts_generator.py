"""Accounts of the people in invented records (tests/records_generator.py), as a file to import."""

import csv
from collections.abc import Iterator
from pathlib import Path

COLUMNS = (
    *("email", "given_name", "family_name", "locale", "ahv_number", "birth_name", "birth_date", "sex"),
    *("nationality", "street", "postal_code", "city", "country", "phone", "function", "school", "canton"),
    "record_number",
)


def account(number: int, record: dict[str, str]) -> dict[str, str]:
    """The whole of a person; every second one is linked."""
    return {column: record.get(column, "") for column in COLUMNS} | {
        "email": f"person.{number}@school.example",
        "given_name": record["given_name"] or "Sans",
        "family_name": record["family_name"] or "Nom",
        "locale": ("fr", "fr", "de", "en")[number % 4],
        "nationality": "CH",
        "country": "CH",
        "function": "teacher-cycle-1",
        "canton": record["canton"] or "other",
        "record_number": record["record_number"] if number % 2 else "",
    }


def write(path: Path, records: Iterator[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter=";", lineterminator="\n")
        writer.writeheader()
        writer.writerows(account(number, record) for number, record in enumerate(records, start=1))
