"""People who do not exist, for trying the console: their records, their accounts, and what they have done so far.

Names, streets and places are those of the sample records, put together anew; the same number gives the same person.
Nothing here is followed by a mail.
"""

import csv
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from importlib import resources
from itertools import islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

from application.imports import MOST, AccountLine
from domain.calendar import ZURICH
from domain.values import LOCALES, OPERATOR, SYSTEM, ahv_check_digit, fold
from infrastructure.bootstrap import Service
from infrastructure.codes import codes

COLUMNS: Final = (
    *(
        "record_number",
        "ahv_number",
        "family_name",
        "given_name",
        "birth_date",
        "sex",
        "street",
        "postal_code",
    ),
    *("city", "canton", "email", "phone"),
)
LINKED, WAITING, COMPLETE = 0.55, 0.75, 0.9  # shares, one after the other; who is left has told nothing yet
SIGNED_IN: Final = 0.7
OLDEST, YOUNGEST = date(1960, 1, 1), date(2004, 1, 1)
DUE: Final = range(-2, 6)  # days from now, of those who wait


class Person(NamedTuple):
    """record: as the register has it. waits: a clerk decides on the link. signed_in: she has come."""

    line: AccountLine
    record: dict[str, str]
    waits: bool
    signed_in: bool


def people(number: int) -> Iterator[Person]:
    records = resources.files("infrastructure") / "samples" / "records.csv"
    with records.open(encoding="utf-8", newline="") as file:
        samples = list(csv.DictReader(file, delimiter=";"))
    functions = [item["code"] for item in codes()["functions"]]
    for place in range(1, number + 1):
        yield _person(place, samples, functions)


def _person(number: int, samples: Sequence[dict[str, str]], functions: Sequence[str]) -> Person:
    chance = Random(number)
    named, family, home = (chance.choice(samples) for _ in range(3))
    twelve = f"756{chance.randrange(10**9):09}"
    born = OLDEST + timedelta(days=chance.randrange((YOUNGEST - OLDEST).days))
    ahv_number = twelve + ahv_check_digit(twelve)
    given_name, family_name = named["given_name"] or "Camille", family["family_name"] or "Favre"
    local = fold(f"{given_name} {family_name}").replace(" ", ".")
    email = f"{local}.{number}@example.org"
    record = {
        "record_number": f"D-{number:06}",
        "ahv_number": ahv_number,
        "family_name": family_name,
        "given_name": given_name,
        "birth_date": born.isoformat(),
        "sex": named["sex"],
        "street": home["street"],
        "postal_code": home["postal_code"],
        "city": home["city"],
        "canton": home["canton"],
        "phone": f"+4179{chance.randrange(10**7):07}",
    }
    share = chance.random()
    told: dict[str, Any] = {}
    if share < COMPLETE:
        told = {name: value or None for name, value in record.items() if name != "record_number"}
        told |= {
            "birth_date": born,
            "street": record["street"] or "Grand-Rue 1",
            "postal_code": record["postal_code"] or "2740",
            "city": record["city"] or "Moutier",
            "sex": record["sex"] or "female",
            "canton": record["canton"] or "other",
            "nationality": "CH",
            "country": "CH",
            "function": chance.choice(functions),
        }
        del told["family_name"], told["given_name"]
    waits = LINKED <= share < WAITING
    line = AccountLine(
        number,
        email,
        given_name,
        family_name,
        LOCALES[0] if chance.random() < 0.8 else LOCALES[1],
        told,
        record["record_number"] if share < LINKED else None,
    )
    known = record | {"email": f"{local}@old.example" if waits else email}
    return Person(line, known, waits, chance.random() < SIGNED_IN)


def fill(service: Service, number: int) -> int:
    """So many accounts, once; how many are new."""
    added, everybody = 0, people(number)
    while some := list(islice(everybody, MOST)):
        _register(service, some)
        outcomes = service.imports.take([person.line for person in some], actor=OPERATOR)
        new = [person for person, outcome in zip(some, outcomes, strict=True) if outcome == "added"]
        _let_them_live(service, new)
        added += len(new)
    return added


def _register(service: Service, some: Sequence[Person]) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder, "records.csv")
        with file.open("w", encoding="utf-8", newline="") as opened:
            lines = csv.DictWriter(opened, COLUMNS, delimiter=";")
            lines.writeheader()
            lines.writerows(person.record for person in some)
        service.records.import_file(file, today=_today(service.clock.now()))


def _let_them_live(service: Service, new: Sequence[Person]) -> None:
    """First sign-ins, and cases for those who wait."""
    now = service.clock.now()
    ids = service.accounts.lookup.holders_of("email", [person.line.email for person in new])
    accounts = service.store.accounts({account_id for account_id, _ in ids.values()})
    profiles = service.store.profiles({account.profile_id for account in accounts.values()})
    changed: list[Any] = []
    for person in new:
        account = accounts[ids[person.line.email][0]]
        if person.signed_in:
            account.activate(now=now)
            changed.append(account)
        if person.waits:
            profile = profiles[account.profile_id]
            due = _today(now) + timedelta(days=DUE[person.line.line % len(DUE)])
            candidates = [person.record["record_number"]]
            profile.open_case_for(
                service.imports.new_id(), "address-differs", candidates, due=due, actor=SYSTEM, now=now
            )
            changed.append(profile)
    service.store.record(*changed)


def _today(now: datetime) -> date:
    return now.astimezone(ZURICH).date()
