"""The secretariat at work: a house with a register, clerks in front of the console, and people who wait for a link."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from api_client import PROFILE, Client, House, running
from browsing import PATIENCE
from page_visitor import Visitor
from playwright.sync_api import Browser, Page
from records_register import Register
from records_register import serving as answering
from running_service import TIRELESS
from services import new_database
from waitress.server import create_server

from api.identity import COOKIE
from domain.calendar import ZURICH
from infrastructure.records_source import Source, SourceFault

HEADER = "record_number;ahv_number;family_name;given_name;birth_name;birth_date;sex;street;postal_code;city;email;phone"
# Claire's record agrees in all but the address; the second one is somebody else's who bears her name.
REGISTER = (
    "R-1001;756.1234.5678.97;Rossel;Claire;Jeanneret;1980-12-31;female;Rue de la Gare 12;2740;Moutier"
    ";claire@old.example;+41328869931",
    "R-1002;;Rossel;Clara;;1980-12-13;female;Grand-Rue 4;2740;Moutier;clara@school.example;",
)


@contextmanager
def secretariat(postgres: str, template: str, home: Path, *records: str) -> Iterator[House]:
    """records: lines of the register besides."""
    with (
        new_database(postgres, template) as database,
        running(database, home, **TIRELESS) as house,
    ):
        file = home / "records.csv"
        file.write_text("\n".join([HEADER, *REGISTER, *records, ""]))
        house.service.records.import_file(file, today=house.service.clock.now().date())
        yield house


@contextmanager
def mirroring(postgres: str, template: str, home: Path, register: Register) -> Iterator[House]:
    """The same, where the institution keeps the register; it is read when a test asks for it."""
    with (
        answering(register) as url,
        new_database(postgres, template) as database,
        running(database, home, RECORDS_URL=url, **TIRELESS) as house,
    ):
        yield house


def read_register(house: House, source: Source | None = None, *, ago: timedelta = timedelta()) -> None:
    """As the service does from time to time: what goes wrong is noted, and the older records stay."""
    now = house.service.clock.now() - ago
    with suppress(SourceFault):
        house.service.mirror.refresh(
            source or house.service.records_source, now=now, today=now.astimezone(ZURICH).date()
        )


def waiting(house: House, **declared: Any) -> Client:
    """Somebody whose data do not suffice for a link at once, with a case on the desk."""
    holder = house.holder()
    assert holder.put("/me/profile", {**PROFILE, **declared}).status_code == 200
    position = house.service.watermark.open(house.match(holder.id))
    house.service.watermark.wait(("cases", "directory", "timeline"), position)
    return holder


def case_of(house: House, holder: Client) -> str:
    """The path of the page of somebody's open case."""
    profile = house.service.store.profile(house.service.store.account(holder.id).profile_id)
    return f"/console/cases/{profile.open_case.id}"


def reads_of(house: House, reader: Client) -> list[dict]:
    """What somebody was shown, as the log has it, the last at the end."""
    auditor = house.staff("auditor", f"auditor-{next(house.numbers)}@canton.example")
    auditor.headers["Log-Position"] = house.position()
    return auditor.get(f"/audit/accesses?reader={reader.id}&limit=200").json["items"]


@contextmanager
def serving(house: House) -> Iterator[str]:
    """The address at which browsers reach the house."""
    server = create_server(house.app, host="127.0.0.1", port=0, threads=8)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.close()
        thread.join(10)


@contextmanager
def browser_of(chromium: Browser, address: str, person: Client, **how: object) -> Iterator[Page]:
    """In which somebody is signed in. how: Playwright's."""
    context = chromium.new_context(base_url=address, locale="fr-CH", reduced_motion="reduce", **how)
    context.set_default_timeout(PATIENCE)
    context.add_cookies([{"name": COOKIE, "value": person.secret, "url": address}])
    try:
        yield context.new_page()
    finally:
        context.close()


def at_the_console(house: House, person: Client) -> Visitor:
    """A browser in which somebody with a second factor is signed in."""
    return Visitor(house).with_session_of(person)
