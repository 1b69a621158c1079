"""The service in a process of its own, and people who have signed in to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from running_service import TIRELESS, RunningService, a_service, password_in
from servers import migrated_database
from spec import until


@dataclass(frozen=True)
class Person:
    email: str
    password: str
    token: str


@contextmanager
def a_running_service(server: str) -> Iterator[RunningService]:
    """`matricule run` as in production: full logs, a database of its own. One network may ask as often as it likes."""
    with (
        migrated_database(server) as database,
        a_service(on_disk=True, DATABASE_URL=database, MATRICULE_LOG_LEVEL="INFO", **TIRELESS) as house,
    ):
        house.run()
        yield house


def people(house: RunningService, count: int) -> list[Person]:
    """Who signed up, got their mail and signed in."""
    addresses = [f"person.{number}@example.org" for number in range(count)]
    for address in addresses:
        house.sign_up(address)
    return [_signed_in(house, address) for address in addresses]


def _signed_in(house: RunningService, address: str) -> Person:
    password = password_in(house.wait_for_mail(address))
    token = house.sign_in(address, password).json["token"]
    until(lambda: house.me(token).status == 200)
    return Person(address, password, token)
