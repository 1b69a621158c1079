"""The role that writes accesses outside as they happen, to a file or a syslog: ids and codes, never personal data.

How far it has come stands in the database, and in the file's own last line: after whatever restart nothing is missing
in the file and nothing is there twice. Datagrams to a syslog can get lost on their way.
"""

import os
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol
from uuid import UUID

import orjson
import psycopg
from psycopg import Connection

from domain.access import Access
from infrastructure.doorbell import Doorbell
from projections.projector import BATCH, ENDLESS, read_batch
from projections.read_model import Fact

POLL: Final = (
    1.0  # s; the safety net under the doorbell, and how often a second process looks whether it is needed
)
TURN: Final = 0x4D617472_0002  # the advisory lock of whoever ships
TOPICS: Final = f"{Access.TOPIC}."
NAMES: Final = {"actor": "reader", "shown": "count", "timestamp": "at"}  # as the API calls them
INTERNAL: Final = ("originator_topic", "class_version", "sealed")
TAIL: Final = 1 << 16  # bytes
PRIORITY: Final = 10 * 8 + 5  # authpriv, notice
ACCOUNTS_A_DATAGRAM: Final = 40  # of the 8 kB that most servers take
NOTE: Final = """
    INSERT INTO shipped (position) VALUES (%s) ON CONFLICT (single) DO UPDATE SET position = excluded.position
"""
SYSLOG: Final = re.compile(
    r"syslog:(?P<path>/[^/].*)|syslog://(?P<host>[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:(?P<port>\d{1,5}))?"
)


class Sink(Protocol):
    def resume(self) -> dict[str, Any] | None:
        """Make ready; the last access that is there, where that can be known."""

    def write(self, accesses: Sequence[dict[str, Any]]) -> None:
        """Raises OSError."""


def sink(address: str) -> Sink:
    """`syslog:/dev/log`, `syslog://host:514` or the path of a file. Raises ValueError."""
    if not address.startswith("syslog:"):
        return AccessFile(Path(address))
    place = SYSLOG.fullmatch(address)
    if not place or int(place["port"] or 0) > 65535:
        raise ValueError("write syslog:/dev/log or syslog://host:514")
    return Syslog(place["path"] or (place["host"].strip("[]"), int(place["port"] or 514)))


class AccessFile:
    """One line of JSON an access, whole lines only; opened anew when it was moved away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def resume(self) -> dict[str, Any] | None:
        descriptor = self._open()
        size = os.fstat(descriptor).st_size
        tail, taken = b"", 0
        while taken < size and tail.count(b"\n") < 2:
            taken = min(size, 2 * taken or TAIL)
            tail = os.pread(descriptor, taken, size - taken)
        whole, end, cut_off = tail.rpartition(b"\n")
        if cut_off:  # by a crash; it is written again
            os.ftruncate(descriptor, size - len(cut_off))
        with suppress(ValueError):
            return orjson.loads(whole.rpartition(b"\n")[2]) if end else None
        return None

    def write(self, accesses: Sequence[dict[str, Any]]) -> None:
        descriptor = self._open()
        lines = memoryview(
            b"".join(orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE) for each in accesses)
        )
        while lines:
            lines = lines[os.write(descriptor, lines) :]
        os.fsync(descriptor)

    def _open(self) -> int:
        if self._descriptor is not None and self._is_moved(self._descriptor):
            os.close(self._descriptor)
            self._descriptor = None
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        return self._descriptor

    def _is_moved(self, descriptor: int) -> bool:
        try:
            return not os.path.samestat(os.fstat(descriptor), os.stat(self._path))
        except FileNotFoundError:
            return True


class Syslog:
    """RFC 5424 in datagrams. A long list of accounts is told in parts."""

    def __init__(self, place: str | tuple[str, int]) -> None:
        self._place = place
        self._socket: socket.socket | None = None

    def resume(self) -> None:
        if self._socket:
            self._socket.close()
        family = socket.AF_UNIX
        if not isinstance(self._place, str):
            [(family, *_), *_] = socket.getaddrinfo(*self._place, type=socket.SOCK_DGRAM)
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.connect(self._place)

    def write(self, accesses: Sequence[dict[str, Any]]) -> None:
        head = f"<{PRIORITY}>1 {{at}} {socket.gethostname()} matricule - access - "
        for access in accesses:
            for part in _parts(access):
                self._socket.send(head.format(at=access["at"]).encode() + orjson.dumps(part))


def _parts(access: dict[str, Any]) -> Iterator[dict[str, Any]]:
    accounts = access.get("accounts", [])
    if len(accounts) <= ACCOUNTS_A_DATAGRAM:
        yield access
        return
    for first in range(0, len(accounts), ACCOUNTS_A_DATAGRAM):
        yield {**access, "accounts": accounts[first : first + ACCOUNTS_A_DATAGRAM], "from": first}


class ShipAccesses:
    """Any number of processes may run this; one ships, the others wait to take over."""

    name = "ship-accesses"

    def __init__(self, conninfo: str, sink: Sink, doorbell: Doorbell) -> None:
        self._conninfo = conninfo
        self._sink = sink
        self._doorbell = doorbell

    def run(self, stop: threading.Event) -> None:
        """Work until `stop`. Raises OSError and psycopg's errors: whoever runs it begins again."""
        with psycopg.connect(
            self._conninfo, autocommit=True, application_name="matricule ship", options="-c TimeZone=UTC"
        ) as connection:
            while not _takes_turn(connection):
                if stop.wait(POLL):
                    return
            self.ship(connection, stop.is_set, self._doorbell.wait)

    def ship(
        self,
        connection: Connection,
        done: Callable[[], bool],
        wait: Callable[[str, int, float], int] | None = None,
    ) -> None:
        """Follow the log from where it stopped. wait: for news, None: end where there are none."""
        position, seen = self._position(connection), -1
        while not done():
            facts = read_batch(connection, position, ENDLESS, _never)
            accesses = [_told(fact) for fact in facts if fact.topic.startswith(TOPICS)]
            if accesses:
                self._sink.write(accesses)
            if facts:
                position = facts[-1].position
            if accesses or len(facts) == BATCH:
                connection.execute(NOTE, (position,))
            elif wait is None:
                return
            else:
                seen = wait("events", seen, POLL)

    def _position(self, connection: Connection) -> int:
        """Behind the last access in the file, where that one is in this log; else as noted."""
        last = self._sink.resume()
        (noted,) = connection.execute("SELECT coalesce(max(position), 0) FROM shipped").fetchone()
        return max(noted, last["position"]) if last and _is_ours(connection, last) else noted


def _takes_turn(connection: Connection) -> bool:
    (mine,) = connection.execute("SELECT pg_try_advisory_lock(%s)", (TURN,)).fetchone()
    return mine


def _is_ours(connection: Connection, last: dict[str, Any]) -> bool:
    """A restored copy goes on from an earlier position: others may then have the positions in the file."""
    try:
        place = (last["position"], UUID(last["id"]))
    except (KeyError, TypeError, ValueError):
        return False
    found = connection.execute("SELECT FROM events WHERE position = %s AND originator_id = %s", place)
    return found.rowcount == 1


def _told(fact: Fact) -> dict[str, Any]:
    """What stands in the log in clear: ids, codes, numbers and instants."""
    said: Iterable[tuple[str, Any]] = (
        (NAMES.get(name, name), value) for name, value in fact.state.items() if name not in INTERNAL
    )
    return {"position": fact.position, "id": str(fact.originator_id), "type": fact.topic, **dict(said)}


def _never(*_: object) -> NoReturn:
    raise PermissionError("what is sealed does not leave the house")
