"""The service with its own PostgreSQL, when nothing is asked of it: memory, and how soon it is ready again."""

import http.client
import signal
import statistics
import time
from pathlib import Path

from figures import Figure, at_most
from running_service import RunningService, a_service

STARTS = 3
REST = 3.0  # s


def measure(_server: str) -> list[Figure]:
    with a_service(on_disk=True, MATRICULE_LOG_LEVEL="INFO") as house:
        house.run()
        _stop(house)
        starts = []
        for number in range(STARTS):
            starts.append(_start(house))
            if number < STARTS - 1:
                _stop(house)
        time.sleep(REST)
        own, database = _memory(house)
        _stop(house)
    return [
        Figure("embedded service at rest", own + database, "MB", at_most(300)),
        Figure("  of it PostgreSQL, without shared buffers", database, "MB"),
        Figure("ready when set up", statistics.median(starts), "s", at_most(3)),
    ]


def _start(house: RunningService) -> float:
    """Seconds until it answers that it is ready."""
    began = time.perf_counter()
    process = house.start()
    while not _ready(house.ops_port):
        if process.poll() is not None:
            raise RuntimeError(house.told())
        time.sleep(0.005)
    return time.perf_counter() - began


def _ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(house: RunningService) -> None:
    (process,) = house.processes
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    house.processes.remove(process)


def _memory(house: RunningService) -> tuple[float, float]:
    """Of our process and of PostgreSQL's, in MB: each one's share of what it maps, but for memory shared by intent."""
    (process,) = house.processes
    note = house.home / "postgresql" / "data" / "postmaster.pid"
    first = int(note.read_text().splitlines()[0])
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    return _own(process.pid), sum(map(_own, (first, *map(int, children))))


def _own(pid: int) -> float:
    sizes = dict(line.split(":") for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return sum(int(sizes[name].split()[0]) for name in ("Pss_Anon", "Pss_File")) / 1024
