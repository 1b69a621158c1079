"""What the console says of a register kept elsewhere: its age while it cannot be read, and that it is only read."""

import re
from datetime import timedelta

import pytest
from page_visitor import Visitor
from records_register import Register, a_record, send
from secretariat import at_the_console, case_of, mirroring, read_register, waiting

from domain.calendar import ZURICH

READ_AT = re.compile(
    r"Les dossiers datent du (\d\d[.]\d\d[.]\d{4} \d\d:\d\d) ; vous pouvez décider comme d'habitude[.]"
)


@pytest.fixture
def register() -> Register:
    return Register(a_record(1))


@pytest.fixture
def house(postgres, template, tmp_path, register):
    with mirroring(postgres, template, tmp_path, register) as house:
        yield house


@pytest.fixture
def clerk(house) -> Visitor:
    return at_the_console(house, house.staff("secretariat", "kim.frei@secretariat.example"))


def test_how_old_the_records_are_is_said_while_the_register_cannot_be_read(house, register, clerk):
    pages = ("/console", case_of(house, waiting(house)))
    acts = {
        "ne répond pas": lambda handler, page: True,
        "répond autre chose que prévu": lambda handler, page: send(handler, b"<html>Maintenance</html>"),
    }
    register.act = acts["ne répond pas"]
    read_register(house)
    assert all("n'a encore jamais pu être lu" in clerk.get(path).words for path in pages)
    register.act = lambda handler, page: False
    read_register(house, ago=timedelta(minutes=10))
    read_at = house.service.mirror.state().read_at.astimezone(ZURICH)
    assert not any("Les dossiers datent" in clerk.get(path).words for path in pages)
    for said, act in acts.items():
        register.act = act
        read_register(house)
        for path in pages:
            told = clerk.get(path).words
            assert said in told
            assert READ_AT.search(told)[1] == f"{read_at:%d.%m.%Y %H:%M}"


def test_that_nobody_has_read_the_register_for_long_is_said_too(house, clerk):
    read_register(house, ago=timedelta(minutes=46))
    assert "n'a pas été lu depuis un moment" in clerk.get("/console").words
    read_register(house, ago=timedelta(minutes=44))
    assert "Le registre" not in clerk.get("/console").words


def test_a_register_that_is_only_read_says_where_records_are_created(house, clerk):
    holder = waiting(house)
    path = f"{case_of(house, holder)}/create-record"
    page = clerk.get(path)
    assert "Créez le dossier dans ce système" in page.words
    assert 'name="reason"' not in page.html
    page = clerk.shown(clerk.send(path, {"reason": "new-person", "note": ""}))
    assert page.status_code == 409
    assert "Les dossiers ne peuvent pas être créés ici" in page.words
    assert house.service.directory.get(holder.id).link_state == "waiting"
