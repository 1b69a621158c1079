"""What journeys through a house have in common. `house` is each file's own."""

from collections.abc import Iterator

import pytest
from api_client import Client, House
from secretariat import serving


@pytest.fixture(scope="module")
def address(house: House) -> Iterator[str]:
    """Where the house answers."""
    with serving(house) as address:
        yield address


@pytest.fixture(scope="module")
def kim(house: House) -> Client:
    """A clerk."""
    return house.staff("secretariat", "kim.frei@secretariat.example")
