"""Accesses are written outside as they happen: each once, whole, without anything personal, whatever is restarted."""

import json
import os
import socket
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from uuid import UUID, uuid4

import pytest
from api_client import running
from people import ADA_ID
from read_side import own_connection
from services import folder_for_all
from spec import until
from write_side import WriteSide

from domain.fact import Whence
from domain.values import OPERATOR
from infrastructure.access_shipping import AccessFile, ShipAccesses, Syslog, sink
from infrastructure.doorbell import Doorbell
from infrastructure.settings import Settings, SettingsError

FIREFOX = Whence("Firefox · Windows", "192.0.2.7")


@pytest.fixture
def here(database_url):
    with WriteSide(database_url) as here:
        here.reader = here.opened()
        yield here


@pytest.fixture
def file(tmp_path):
    return tmp_path / "accesses.jsonl"


def read(here, count: int = 1, **said) -> None:
    for _ in range(count):
        here.accesses.note_read(
            "account",
            **{"reader": here.reader, "role": "auditor", "accounts": [ADA_ID], "whence": FIREFOX} | said,
        )


def ship(here, into) -> None:
    """All that is there, as a process does that has just been started."""
    with own_connection(here) as connection:
        ShipAccesses(here.url, into, doorbell=None).ship(connection, lambda: False)


def lines(file) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def positions(here) -> list[int]:
    return [
        position
        for (position,) in here.rows("SELECT position FROM events WHERE topic ^@ 'access.' ORDER BY 1")
    ]


def test_an_access_is_one_line_with_ids_and_codes_and_nothing_personal(here, file):
    read(here, purpose="audit", filters={"state": "active"})
    ship(here, AccessFile(file))
    [line] = lines(file)
    assert {name: value for name, value in line.items() if name not in ("id", "position", "at")} == {
        "type": "access.read",
        "reader": str(here.reader),
        "role": "auditor",
        "what": "account",
        "accounts": [str(ADA_ID)],
        "purpose": "audit",
        "count": 1,
        "filters": {"state": "active"},
    }
    assert [line["position"]] == positions(here)
    assert line["at"] == "2025-09-01T12:00:00Z"
    for personal in ("Firefox", "192.0.2.7", "aurelie", "sealed"):
        assert personal not in file.read_text()


def test_the_file_is_its_owners_alone(here, file):
    os.umask(0o022)
    read(here)
    ship(here, AccessFile(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_restart_loses_nothing_and_writes_nothing_twice(here, file):
    for _ in range(3):
        read(here, 2)
        ship(here, AccessFile(file))
        ship(here, AccessFile(file))
    assert [line["position"] for line in lines(file)] == positions(here)


def test_after_a_crash_between_the_line_and_its_position_nothing_is_there_twice(here, file):
    read(here, 3)
    ship(here, AccessFile(file))
    here.rows("DELETE FROM shipped RETURNING 1")
    read(here)
    ship(here, AccessFile(file))
    assert [line["position"] for line in lines(file)] == positions(here)


@pytest.mark.parametrize("kept", [1, 40, 70_000])
def test_a_line_that_a_crash_cut_off_is_written_again_whole(here, file, kept):
    read(here, 2, accounts=[uuid4() for _ in range(1000)])
    read(here, accounts=[uuid4() for _ in range(1000)])
    ship(here, AccessFile(file))
    whole = file.read_bytes()
    file.write_bytes(whole[: max(1, len(whole) - kept)])
    here.rows("DELETE FROM shipped RETURNING 1")
    ship(here, AccessFile(file))
    assert [line["position"] for line in lines(file)] == positions(here)
    assert file.read_bytes() == whole


def test_a_file_that_was_moved_away_is_begun_anew(here, file):
    into = AccessFile(file)
    read(here)
    ship(here, into)
    file.rename(file.with_suffix(".1"))
    read(here)
    ship(here, into)
    assert [line["position"] for each in (file.with_suffix(".1"), file) for line in lines(each)] == positions(
        here
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_line_of_another_log_does_not_hide_what_is_new(here, file):
    """A restored copy goes on from an earlier position than the file."""
    file.write_text(json.dumps({"position": 1 << 60, "id": str(uuid4())}) + "\n")
    read(here)
    ship(here, AccessFile(file))
    assert lines(file)[1]["position"] == positions(here)[0]


def test_the_role_writes_as_it_happens_and_of_two_one_writes(here, file):
    with doorbell(here) as bell, ThreadPoolExecutor(2) as threads:
        stop = Event()
        roles = [threads.submit(ShipAccesses(here.url, AccessFile(file), bell).run, stop) for _ in range(2)]
        try:
            read(here)
            bell.ring("events")
            until(lambda: file.exists() and len(lines(file)) == 1)
            read(here, reader=OPERATOR, role="operator")
            bell.ring("events")
            until(lambda: len(lines(file)) == 2)
        finally:
            stop.set()
            bell.ring("events")
        for role in roles:
            role.result(30)
    assert [line["position"] for line in lines(file)] == positions(here)


@contextmanager
def doorbell(here) -> Iterator[Doorbell]:
    bell = Doorbell(here.url)
    try:
        yield bell
    finally:
        bell.close()


# --- syslog


@contextmanager
def a_syslog() -> Iterator[tuple[socket.socket, str]]:
    with folder_for_all() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(folder / "log"))
        server.settimeout(20)
        yield server, f"syslog:{folder / 'log'}"


def heard(server: socket.socket) -> tuple[str, dict]:
    head, _, said = server.recv(1 << 20).decode().partition("{")
    return head, json.loads("{" + said)


def test_a_syslog_gets_each_access_as_a_datagram(here):
    with a_syslog() as (server, address):
        read(here)
        ship(here, sink(address))
        head, said = heard(server)
    assert head == f"<85>1 2025-09-01T12:00:00Z {socket.gethostname()} matricule - access - "
    assert (said["reader"], said["position"]) == (str(here.reader), positions(here)[0])


def test_a_syslog_gets_a_long_list_in_parts_and_nothing_again(here):
    accounts = [UUID(int=number) for number in range(1, 91)]
    with a_syslog() as (server, address):
        read(here, accounts=accounts)
        ship(here, sink(address))
        ship(here, sink(address))
        parts = [heard(server)[1] for _ in range(3)]
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            heard(server)
    assert [part["from"] for part in parts] == [0, 40, 80]
    assert [each for part in parts for each in part["accounts"]] == list(map(str, accounts))


def test_a_syslog_in_the_network_is_reached_by_udp(here):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(20)
        read(here)
        ship(here, sink(f"syslog://127.0.0.1:{server.getsockname()[1]}"))
        assert heard(server)[1]["reader"] == str(here.reader)


# --- the setting


@pytest.mark.parametrize(
    "address", ["syslog:", "syslog://", "syslog://host:99999", "syslog://a b", "/nowhere/file"]
)
def test_what_is_no_place_for_accesses_is_refused(address):
    with pytest.raises(SettingsError, match="ACCESS_LOG"):
        Settings.from_environment({"ACCESS_LOG": address})


def test_a_service_ships_where_the_setting_says(database_url, tmp_path, file):
    with running(database_url, tmp_path, ACCESS_LOG=str(file)) as house:
        names = [role.name for role in house.service.tick()]
    assert names[-1] == "ship-accesses"
    with running(database_url, tmp_path) as house:
        assert "ship-accesses" not in [role.name for role in house.service.tick()]
    assert isinstance(sink("syslog:/dev/log"), Syslog)
