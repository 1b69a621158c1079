"""An institution's register that answers over HTTP, as a test tells it to."""

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Handler = BaseHTTPRequestHandler
Act = Callable[[Handler, int], bool]


def a_record(number: int, **fields: Any) -> dict[str, Any]:
    """As the register tells it. number: from which its names follow."""
    return {
        "record_number": f"R-{number}",
        "family_name": f"Family{number}",
        "given_name": "Ada",
        "birth_date": "1990-05-14",
        "email": f"ada{number}@school.example",
        "phone": None,
    } | fields


class Register:
    """What it knows, and how it answers. asked: the requests so far, paths with their headers.

    act: may answer a request itself, and then says so; it is told which page is asked for, from 0.
    """

    def __init__(self, *records: dict[str, Any], page: int = 2) -> None:
        self.records = list(records)
        self.version = 1
        self.page = page
        self.total: int | None = None
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.act: Act = lambda handler, page: False

    def change(self, *records: dict[str, Any]) -> None:
        self.records = list(records)
        self.version += 1

    def answer(self, handler: Handler) -> None:
        self.asked.append((handler.path, dict(handler.headers)))
        page = int(handler.path.partition("page=")[2] or 0)
        if self.act(handler, page):
            return
        etag = f'"{self.version}"'
        if handler.headers["If-None-Match"] == etag:
            handler.send_response(304)
            handler.end_headers()
            return
        first, last = page * self.page, (page + 1) * self.page
        send(
            handler,
            {
                "version": str(self.version),
                "total": len(self.records) if self.total is None else self.total,
                "records": self.records[first:last],
                "next": f"?page={page + 1}" if last < len(self.records) else None,
            },
            etag=etag,
        )


def send(handler: Handler, body: Any, *, status: int = 200, **headers: str) -> bool:
    """body: bytes as they are, anything else in JSON. headers: with _ for -."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    headers = {"content_length": str(len(raw))} | headers
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(raw)
    return True


@contextmanager
def serving(register: Register, *, encrypted: ssl.SSLContext | None = None) -> Iterator[str]:
    """The address of its first page."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            register.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.handle_error = lambda *_: None  # clients of these tests hang up
    if encrypted:
        server.socket = encrypted.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        scheme = "https" if encrypted else "http"
        yield f"{scheme}://127.0.0.1:{server.server_port}/records"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
