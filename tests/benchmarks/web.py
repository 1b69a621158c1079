"""A light HTTP client with many connections, in a process of its own, and an empty view to hold ours against."""

import multiprocessing
import re
import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from clients import spawn
from flask import Flask
from private_rabbitmq import free_ports
from spec import until

from api.running import API_THREADS
from api.server import Server

CLIENTS = 8
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass
class Answers:
    """seconds: of each, from when it should have been asked until it was there."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    elapsed: float = 0.0

    def rate(self, status: int) -> float:
        """Answers a second; all of them have this status, or it raises RuntimeError."""
        if set(self.statuses) != {status}:
            raise RuntimeError(f"answers: {dict(self.statuses)}")
        return len(self.seconds) / self.elapsed


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def ask(
    port: int,
    requests: Sequence[bytes],
    *,
    seconds: float,
    a_second: float | None = None,
    warm_up: float = 0.5,
    clients: int = CLIENTS,
) -> Answers:
    """Ask in turns, each client the next as soon as it has its answer, or `a_second` of all together at their times."""
    answers = spawn.SimpleQueue()
    process = spawn.Process(
        target=_ask, args=(answers, port, requests, seconds, a_second, warm_up, clients), daemon=True
    )
    process.start()
    result = answers.get()
    process.join()
    if isinstance(result, Exception):
        raise result
    return result


def _ask(answers: multiprocessing.SimpleQueue, *how: object) -> None:
    try:
        answers.put(_Asking(*how).run())
    except Exception as fault:  # noqa: BLE001 - told by whoever waits for the answers
        answers.put(RuntimeError(f"{type(fault).__name__}: {fault}"))


class _Client:
    def __init__(self, port: int, first: float) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = first
        self.asked = False
        self.received = b""


class _Asking:
    def __init__(
        self,
        port: int,
        requests: Sequence[bytes],
        seconds: float,
        a_second: float | None,
        warm_up: float,
        clients: int,
    ) -> None:
        self._requests = iter(requests[number % len(requests)] for number in range(1 << 40))
        self._begin = time.perf_counter() + warm_up
        self._end = self._begin + seconds
        self._every = clients / a_second if a_second else None
        first = self._begin - warm_up
        gap = 1 / a_second if a_second else 0.0
        self._clients = [_Client(port, first + number * gap) for number in range(clients)]
        self._answers = Answers(elapsed=seconds)

    def run(self) -> Answers:
        with selectors.DefaultSelector() as selector:
            for client in self._clients:
                selector.register(client.socket, selectors.EVENT_READ, client)
            while (now := time.perf_counter()) < self._end:
                for client in self._clients:
                    if not client.asked and client.due <= now:
                        client.socket.sendall(next(self._requests))
                        client.asked = True
                resting = [client.due for client in self._clients if not client.asked]
                timeout = max(0.0, min([self._end, *resting]) - now)
                for key, _ in selector.select(timeout):
                    self._receive(key.data)
        for client in self._clients:
            client.socket.close()
        return self._answers

    def _receive(self, client: _Client) -> None:
        client.received += client.socket.recv(65536)
        head, end, body = client.received.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not end or len(body) < (int(length[1]) if length else 0):
            return
        now = time.perf_counter()
        if client.due >= self._begin:
            self._answers.statuses[int(head[9:12])] += 1
            self._answers.seconds.append(now - client.due)
        client.due = client.due + self._every if self._every else now
        client.asked, client.received = False, b""


@contextmanager
def empty_view() -> Iterator[int]:
    """The port of a server like ours with a view that does nothing."""
    (port,) = free_ports(1)
    process = spawn.Process(target=_serve_nothing, args=(port,), daemon=True)
    process.start()
    until(lambda: _listens(port))
    try:
        yield port
    finally:
        process.terminate()
        process.join()


def _serve_nothing(port: int) -> None:
    app = Flask("empty")
    app.add_url_rule("/", view_func=lambda: "")
    Server("empty", app, host="127.0.0.1", port=port, threads=API_THREADS).run(threading.Event())


def _listens(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0
