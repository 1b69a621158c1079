"""What operators see: metrics in a registry of our own, and logs of one JSON object a line.

No address, name, number, password or token may reach a log. So fields are logged by name from a closed list,
exceptions by type and place but never by text, and what looks like an address, an AHV number or a query
string is blotted out of every message, also of other people's code.
"""

import atexit
import logging
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from projections.cases import Backlog

LOG_FIELDS = (
    "account", "attempt", "channel", "code", "count", "error", "item", "kind", "method", "place", "position",
    "projection", "request", "role", "route", "seconds", "state", "status", "stream", "topic",
)  # fmt: skip

BUNDLE_SECONDS = 0.1
UNWRITTEN = 100_000  # lines, where stderr takes none; the oldest go first

_BLOTS = (
    (re.compile(r"\?[^\s\"'<>]+"), "?…"),
    (re.compile(r"[^\s@<>\"'(),;:]{1,64}(?:@|%40)[^\s@<>\"'(),;:]+"), "…@…"),
    (re.compile(r"\b756[.\s]?\d{4}[.\s]?\d{4}[.\s]?\d{2}\b"), "756…"),
)
_FRAMES_SHOWN = 8


class Metrics:
    """Everything that `/metrics` shows, one attribute each."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.http_requests = Counter(
            "matricule_http_requests", "Requests answered", ["method", "route", "status"], registry=registry
        )
        self.http_seconds = Histogram(
            "matricule_http_seconds", "Time to answer a request", ["method", "route"], registry=registry
        )
        self._request = lru_cache(maxsize=1000)(  # finding a label's child costs more than counting
            lambda method, route, status: (
                self.http_requests.labels(method, route, status),
                self.http_seconds.labels(method, route),
            )
        )
        self.events_appended = Counter("matricule_events_appended", "Events appended", registry=registry)
        self.horizon_age_seconds = Gauge(
            "matricule_horizon_age_seconds",
            "Age of the oldest open writing transaction on the server; readers wait for it",
            registry=registry,
        )
        self.projection_lag_positions = Gauge(
            "matricule_projection_lag_positions",
            "Distance between the log's last position and the read model's; positions have gaps",
            ["projection"],
            registry=registry,
        )
        self.projection_lag_seconds = Gauge(
            "matricule_projection_lag_seconds",
            "Age of the oldest event that the read model lacks",
            ["projection"],
            registry=registry,
        )
        self.parked_streams = Gauge(
            "matricule_parked_streams",
            "Streams that a read model could not fold",
            ["projection"],
            registry=registry,
        )
        self.outbox_items = Gauge(
            "matricule_outbox_items", "Outbox items that are not done", ["state"], registry=registry
        )
        self.outbox_settled = Counter(
            "matricule_outbox_settled",
            "Outbox items that came to an end",
            ["kind", "state"],
            registry=registry,
        )
        self.cases = Gauge(
            "matricule_cases",
            "Cases that are not decided: open ones wait for a clerk, asked ones for the holder",
            ["state"],
            registry=registry,
        )
        self.cases_late = Gauge("matricule_cases_late", "Open cases past their deadline", registry=registry)
        self.case_oldest_seconds = Gauge(
            "matricule_case_oldest_seconds", "Age of the open case that has waited longest", registry=registry
        )
        self.malformed_messages = Counter(
            "matricule_malformed_messages", "Messages in the queue that hold no id", registry=registry
        )
        self.tree_disagrees = Gauge(
            "matricule_tree_disagrees",
            "1 while the log is not the one that was signed; nothing more is signed",
            registry=registry,
        )
        self.records_age_seconds = Gauge(
            "matricule_records_age_seconds",
            "Since the institution's records were read whole, or known not to have changed; none from files",
            registry=registry,
        )
        self.records_fault = Gauge(
            "matricule_records_fault",
            "1 while the institution's records cannot be read, or are not believed",
            registry=registry,
        )
        self.records_refused = Gauge(
            "matricule_records_refused", "Records that could not be taken as they are", registry=registry
        )
        self.hash_queue = Gauge(
            "matricule_hash_queue", "Password hashes waiting for a core", registry=registry
        )
        self.role_up = Gauge("matricule_role_up", "1 while the role runs", ["role"], registry=registry)
        self.role_restarts = Counter(
            "matricule_role_restarts", "Crashes of a role", ["role"], registry=registry
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request. route: its template, of which there are few."""
        counter, histogram = self._request(method, route, status)
        counter.inc()
        histogram.observe(seconds)

    def show_outbox(self, counts: Mapping[str, int]) -> None:
        """Take over the counts of `OutboxQueue.counts`."""
        for state, count in counts.items():
            self.outbox_items.labels(state).set(count)

    def show_records(self, state: Mapping[str, Any]) -> None:
        """Take over how the mirror of the institution's records stands."""
        self.records_age_seconds.set(state["age_seconds"] or 0)
        self.records_fault.set(state["fault"] is not None)
        self.records_refused.set(state["refused"])

    def show_cases(self, backlog: Backlog, now: datetime) -> None:
        self.cases.labels("open").set(backlog.open)
        self.cases.labels("asked").set(backlog.asked)
        self.cases_late.set(backlog.late)
        self.case_oldest_seconds.set((now - backlog.oldest).total_seconds() if backlog.oldest else 0)

    def render(self) -> bytes:
        """The text format of Prometheus."""
        return generate_latest(self.registry)


def set_up_logging(level: str) -> None:
    """Send all logs of the process, uncaught exceptions too, to stderr as JSON lines. level: `INFO` …"""
    handler = Stderr()
    handler.setFormatter(JsonLines())
    # Nobody is told of these, and they are a third of the cost of a line ("Optimization" in Python's logging HOWTO).
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    # kombu and werkzeug are chatty at INFO, and access logs would hold addresses with tokens in them.
    for name in ("amqp", "kombu", "werkzeug", "waitress"):
        logging.getLogger(name).setLevel(logging.WARNING)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda crash: _log_uncaught(crash.exc_type, crash.exc_value, crash.exc_traceback)


class Stderr(logging.Handler):
    """Writes lines to stderr: what is wrong at once, the rest in bundles, by a thread that has nothing else to do.

    Written by whoever answers a request, a line makes all threads wait for it. A process that is killed takes the
    lines of its last tenth of a second along, none of which tells of trouble.
    """

    def __init__(self) -> None:
        super().__init__()
        self._unwritten: deque[logging.LogRecord] = deque(maxlen=UNWRITTEN)
        self._some = threading.Event()
        atexit.register(self.flush)
        threading.Thread(target=self._keep_writing, name="log", daemon=True).start()

    def handle(self, record: logging.LogRecord) -> bool:
        self._unwritten.append(record)
        if record.levelno >= logging.WARNING:
            self.flush()
        elif not self._some.is_set():
            self._some.set()
        return True

    def flush(self) -> None:
        with self.lock:
            waiting = [self._unwritten.popleft() for _ in range(len(self._unwritten))]
            lines = "".join(map(self._line, waiting))
            # A log that cannot be written stops no work.
            with suppress(OSError, ValueError):
                sys.stderr.write(lines)
                sys.stderr.flush()

    def _line(self, record: logging.LogRecord) -> str:
        try:
            return self.format(record) + "\n"
        except Exception as fault:  # noqa: BLE001 - a record that cannot be told takes no other along
            told = {"level": "error", "message": "a log line could not be made"} | place_of(fault)
            return orjson.dumps(told).decode() + "\n"

    def _keep_writing(self) -> None:
        while True:
            self._some.wait()
            time.sleep(BUNDLE_SECONDS)
            self._some.clear()
            self.flush()


class JsonLines(logging.Formatter):
    """A record as one JSON object: `at level logger message` and those fields that LOG_FIELDS names."""

    def format(self, record: logging.LogRecord) -> str:
        """One line without line breaks; fields that nobody has allowed are left out."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": blot(record.getMessage()),
        }
        fields = record.__dict__
        for name in LOG_FIELDS:
            if name in fields:
                value = fields[name]
                line[name] = value if isinstance(value, int | float | None) else blot(str(value))
        if record.exc_info and record.exc_info[1]:
            line |= place_of(record.exc_info[1])
        return orjson.dumps(line).decode()


@lru_cache(maxsize=1000)  # most texts are the program's own: a method, a route, "request"
def blot(text: str) -> str:
    """The text without query strings, mail addresses and AHV numbers."""
    for pattern, replacement in _BLOTS:
        text = pattern.sub(replacement, text)
    return text


def place_of(error: BaseException) -> dict[str, str]:
    """Type of an exception and the innermost calls that led to it; not its text, which may hold anything."""
    return {"error": type(error).__name__, "place": " < ".join(_frames(error.__traceback__))}


def _frames(traceback: TracebackType | None) -> list[str]:
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{Path(code.co_filename).name}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return frames[::-1][:_FRAMES_SHOWN]


def _log_uncaught(
    kind: type[BaseException], error: BaseException | None, _traceback: TracebackType | None
) -> None:
    if error is None or issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    logging.getLogger("matricule").critical("uncaught exception", extra=place_of(error))
