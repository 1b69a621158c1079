"""Wakes whoever waits for news in the database: in this process at once, in the others by NOTIFY.

A ring is a hint that looking is worth while, never the news itself. Rings are bundled, and they may be lost
with a connection: whoever waits looks again after its own timeout.
"""

import logging
import selectors
import socket
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import Literal, get_args

import psycopg

log = logging.getLogger(__name__)

Channel = Literal["events", "imports", "intake", "outbox", "projected"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)

BUNDLE_SECONDS = 0.001
RECONNECT_SECONDS = 0.5
POSTGRES_CHANNEL = "matricule_doorbell"
# A host that vanished is noticed within about half a minute (sockets in the file system ignore these).
CONNECTING = {
    "application_name": "matricule doorbell",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}


class Doorbell:
    """One bell a channel, shared by all threads of a process, heard in every process on the same database."""

    def __init__(self, conninfo: str) -> None:
        """Start listening in the background; the database may be away and come later."""
        self._conninfo = conninfo
        self._rung: Counter[str] = Counter()
        self._news = {channel: threading.Condition() for channel in CHANNELS}
        self._unsent: set[str] = set()
        self._unsent_lock = threading.Lock()
        self._closing = threading.Event()
        self._nudged, self._nudge = socket.socketpair()
        self._nudged.setblocking(False)
        self._nudge.setblocking(False)
        self._thread = threading.Thread(target=self._keep_listening, name="doorbell", daemon=True)
        self._thread.start()

    def ring(self, channel: Channel) -> None:
        """Wake the waiters here now and those elsewhere within milliseconds; call it after the commit."""
        self._wake(channel)
        with self._unsent_lock:
            self._unsent.add(channel)
        self._wake_thread()

    def wait(self, channel: Channel, seen: int, timeout: float) -> int:
        """How often the bell rang: at once if that is not `seen`, else at the next ring or after `timeout` s.

        Read the count (`seen` -1), look for work, then wait with that count: no ring in between is lost.
        """
        with self._news[channel]:
            self._news[channel].wait_for(lambda: self._rung[channel] != seen, timeout)
            return self._rung[channel]

    def wake(self) -> None:
        """Everybody who waits here, and nobody elsewhere."""
        for channel in CHANNELS:
            self._wake(channel)

    def close(self) -> None:
        """Stop listening and wake everybody."""
        self._closing.set()
        self._wake_thread()
        self._thread.join(timeout=2)
        if not self._thread.is_alive():
            self._nudge.close()
            self._nudged.close()
        self.wake()

    def _wake(self, channel: Channel) -> None:
        with self._news[channel]:
            self._rung[channel] += 1
            self._news[channel].notify_all()

    def _wake_thread(self) -> None:
        with suppress(OSError):  # full of nudges, so it will wake; or closed
            self._nudge.send(b"\0")

    def _keep_listening(self) -> None:
        heard_of_trouble = False
        while not self._closing.is_set():
            try:
                with psycopg.connect(self._conninfo, autocommit=True, **CONNECTING) as connection:
                    # A NOTIFY takes a transaction id; nobody needs it on disk.
                    connection.execute("SET synchronous_commit = off")
                    connection.execute(f"LISTEN {POSTGRES_CHANNEL}")
                    heard_of_trouble = False
                    self.wake()  # rings may have passed unheard
                    self._listen(connection)
            except psycopg.Error as error:
                if not heard_of_trouble:
                    log.warning("doorbell lost the database", extra={"error": type(error).__name__})
                heard_of_trouble = True
                self._closing.wait(RECONNECT_SECONDS)

    def _listen(self, connection: psycopg.Connection) -> None:
        may_send_at = 0.0
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            selector.register(self._nudged, selectors.EVENT_READ)
            while not self._closing.is_set():
                selector.select(max(0.0, may_send_at - time.monotonic()) if self._unsent else None)
                self._forget_nudges()
                for notice in connection.notifies(timeout=0):
                    if notice.pid != connection.info.backend_pid and notice.payload in self._news:
                        self._wake(notice.payload)
                if self._unsent and time.monotonic() >= may_send_at:
                    self._send(connection)
                    may_send_at = time.monotonic() + BUNDLE_SECONDS

    def _forget_nudges(self) -> None:
        with suppress(BlockingIOError):
            while self._nudged.recv(4096):
                pass

    def _send(self, connection: psycopg.Connection) -> None:
        with self._unsent_lock:
            channels = sorted(self._unsent)
            self._unsent.clear()
        try:
            connection.execute(
                "SELECT pg_notify(%s, channel) FROM unnest(%s::text[]) AS channel",
                (POSTGRES_CHANNEL, channels),
            )
        except psycopg.Error:
            with self._unsent_lock:
                self._unsent.update(channels)
            raise
