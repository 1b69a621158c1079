"""Roles of the program, kept running side by side in one process until somebody says stop."""

import fcntl
import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol

from infrastructure.observability import Metrics, place_of

log = logging.getLogger(__name__)

LOCK_FILE = "matricule.lock"
FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 5.0
# A role that lived this long has earned a quick restart again.
STEADY_SECONDS = 10.0
STOPPING = (signal.SIGINT, signal.SIGTERM)
# A signal that comes while the main thread is about to sleep is handled only once it wakes.
LONGEST_SLEEP_SECONDS = 0.5
COLLECTED_AFTER = 10_000  # objects made and not yet let go


class Role(Protocol):
    """One part of the service that can run alone."""

    name: str

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set. May raise: it is started again, after a while that grows."""


def spare_the_collector() -> None:
    """What is loaded by now stays to the end: the garbage collector, which stops every thread, no longer looks at it.

    Nor does it look after every 700 objects: almost all go without it, and folding makes a dozen for each event.
    """
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER)


class Unwinding:
    """SIGINT and SIGTERM stop what was started so far, before roles run that end in their own way.

    What a signal raises while the interpreter runs a finaliser is lost: `asked` remembers it for the supervisor.
    """

    def __init__(self) -> None:
        self.asked = False
        for number in STOPPING:
            signal.signal(number, self)

    def __call__(self, number: int, _frame: object) -> None:
        self.asked = True
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)


class Supervisor:
    """Runs roles, each in a thread of its own, and starts again what crashed."""

    def __init__(
        self,
        roles: Sequence[Role],
        metrics: Metrics,
        *,
        wake: Callable[[], None] = lambda: None,
        grace: float = 10.0,
    ) -> None:
        """wake: rouses the roles that wait for other news than the stop.

        grace: seconds that all roles together have to end. What has not ended then is as if killed.
        """
        self._roles = roles
        self._metrics = metrics
        self._wake = wake
        self._grace = grace
        self._stop = threading.Event()
        # Its put, unlike Event.set, may come from a signal handler at any moment.
        self._asked_to_stop: SimpleQueue[None] = SimpleQueue()
        self._up = {role.name: False for role in roles}

    def run(self) -> bool:
        """Start all and block until `stop`, SIGINT or SIGTERM; False when a role did not end in time.

        The first signal stops gracefully, the second kills the process. Signals want the main thread.
        """
        threads = [
            threading.Thread(target=self._keep, args=(role,), name=role.name, daemon=True)
            for role in self._roles
        ]
        with self._signals():
            for thread in threads:
                thread.start()
            self._wait_until_asked()
            self._stop.set()
            self._wake()
            log.info("stopping")
            deadline = time.monotonic() + self._grace
            for thread in threads:
                thread.join(max(0.0, deadline - time.monotonic()))
        for thread in threads:
            if thread.is_alive():
                log.warning("role did not end in time", extra={"role": thread.name})
        return not any(thread.is_alive() for thread in threads)

    def _wait_until_asked(self) -> None:
        while True:
            with suppress(Empty):
                return self._asked_to_stop.get(timeout=LONGEST_SLEEP_SECONDS)

    def stop(self) -> None:
        """Ask all roles to end; from any thread."""
        self._asked_to_stop.put(None)

    def alive(self) -> dict[str, bool]:
        """Which roles are running at this moment, by name."""
        return dict(self._up)

    def _keep(self, role: Role) -> None:
        delay = FIRST_DELAY_SECONDS
        while not self._stop.is_set():
            started = time.monotonic()
            self._note(role, up=True)
            try:
                role.run(self._stop)
                what = {"error": "ended"}
            except Exception as error:  # noqa: BLE001 - whatever it was, the role is started again
                what = place_of(error)
            self._note(role, up=False)
            if self._stop.is_set():
                break
            if time.monotonic() - started > STEADY_SECONDS:
                delay = FIRST_DELAY_SECONDS
            log.error("role crashed, starting it again", extra={"role": role.name, "seconds": delay} | what)
            self._metrics.role_restarts.labels(role.name).inc()
            self._stop.wait(delay)
            delay = min(delay * 2, LONGEST_DELAY_SECONDS)

    def _note(self, role: Role, *, up: bool) -> None:
        self._up[role.name] = up
        self._metrics.role_up.labels(role.name).set(up)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in STOPPING}

        def first(_number: int, _frame: object) -> None:
            for number in before:
                signal.signal(number, signal.SIG_DFL)
            self.stop()

        for number in before:
            signal.signal(number, first)
        if any(isinstance(handler, Unwinding) and handler.asked for handler in before.values()):
            self.stop()
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class AlreadyRunning(Exception):
    """Another process runs on the same home. pid: which one, when it said so."""

    def __init__(self, pid: int | None) -> None:
        super().__init__("already running" if pid is None else f"already running (process {pid})")
        self.pid = pid


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold `home` against a second process; the kernel lets go when this one dies. Raises AlreadyRunning."""
    descriptor = os.open(home / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            written = os.read(descriptor, 20).strip()
            raise AlreadyRunning(int(written) if written.isdigit() else None) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)
