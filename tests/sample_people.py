"""People of the demonstration's register, and how they fill in «Mes données»."""

import csv
from itertools import islice
from pathlib import Path

from playwright.sync_api import Page

SAMPLES = Path(__file__).parents[1] / "infrastructure" / "samples" / "records.csv"
IN_FIELDS = (
    "ahv_number",
    "given_name",
    "family_name",
    "birth_name",
    "birth_date",
    "street",
    "postal_code",
    "city",
    "phone",
)


def somebody(number: int) -> dict[str, str]:
    """A record whose address an account is asked for with: it is linked at once."""
    with SAMPLES.open(encoding="utf-8", newline="") as file:
        (record,) = islice(csv.DictReader(file, delimiter=";"), number, number + 1)
    return record


def fill_in(page: Page, record: dict[str, str], **different: str) -> None:
    for name in IN_FIELDS:
        page.fill(f"#{name}", {**record, **different}[name])
    page.check(f"input[name=sex][value={record['sex']}]")
    page.select_option("#nationality", "CH")
    page.check("input[name=canton][value=JU]")
