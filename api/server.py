"""HTTP for an application, by waitress, as a role of the program.

What waitress refuses before any view (a body over the limit, broken HTTP) is a problem document as well.
"""

import logging
import threading
import time
from copy import copy
from socket import SHUT_WR
from typing import Any, ClassVar, Final
from weakref import WeakSet
from wsgiref.types import WSGIApplication

import orjson
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask
from waitress.utilities import RequestEntityTooLarge
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from api import access_log, errors
from api.context import liked
from api.headers import API_POLICY, BODY_LIMIT, body_limit

log = logging.getLogger(__name__)

STOP_SECONDS: Final = 0.25  # how soon it is seen that the server shall stop
GRACE_SECONDS: Final = 5.0  # that requests have to end then
IDLE_SECONDS: Final = 20  # after which a connection that sends nothing is closed, in the middle of a body too
REQUEST_SECONDS: Final = 300.0  # in which a request has come whole, however it drips
CONNECTIONS: Final = 1000
UPLOADS_AT_ONCE: Final = 8  # large bodies that are kept on disk meanwhile
LINGER_BYTES: Final = 16 * 1024 * 1024


class Server:
    """A role: answers HTTP on one port until it is told to stop."""

    def __init__(
        self,
        name: str,
        app: WSGIApplication,
        *,
        host: str,
        port: int,
        threads: int,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        self.name = name
        self._app = app
        self._request_seconds = request_seconds
        self._where = {"host": host, "port": port, "threads": threads}

    def run(self, stop: threading.Event) -> None:
        """Raises OSError when the port is taken. What is being answered at the stop is answered."""
        # It tells of every request that waits for a moment.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        server = _Listener(
            self._app,
            ident=None,
            max_request_body_size=BODY_LIMIT + 1,  # this many bytes are too many
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=min(IDLE_SECONDS // 2, int(self._request_seconds)),
            connection_limit=CONNECTIONS,
            asyncore_use_poll=True,
            clear_untrusted_proxy_headers=False,  # `api.proxies` judges them
            **self._where,
        )
        server.request_seconds = self._request_seconds
        try:
            while not stop.is_set():
                server.turn(STOP_SECONDS)
            server.finish()
        finally:
            server.task_dispatcher.shutdown(timeout=1)
            wasyncore.close_all(server._map)


class _Refusal(ErrorTask):
    """The answer to a request that no view will see."""

    def execute(self) -> None:
        error = self.request.error
        if isinstance(error, RequestEntityTooLarge):
            accepted = parse_accept_header(self.request.headers.get("ACCEPT_LANGUAGE"), LanguageAccept)
            members = errors.document("body-too-large", liked(accepted))
        else:
            members = errors.nameless(error.code, error.reason)
        body = orjson.dumps(members)
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [
            ("Content-Type", errors.MEDIA_TYPE),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", API_POLICY),
            ("X-Content-Type-Options", "nosniff"),
        ]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.channel.linger = True
        access_log.refused(error.code)
        self.write(body)


class _Parser(HTTPRequestParser):
    """A request. Refused by its head, it is not asked for its body: waitress would say 100 and read it.

    A file may be large, for a few who show that they are signed in, or say so: who is, a view asks.
    """

    uploading: ClassVar[WeakSet["_Parser"]] = WeakSet()

    def __init__(self, adj: Adjustments) -> None:
        super().__init__(adj)
        self.began = time.monotonic()

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        limit = body_limit(self.command, self.path)
        credentials = self.headers.keys() & {"AUTHORIZATION", "COOKIE"}
        if limit > BODY_LIMIT and credentials and len(self.uploading) < UPLOADS_AT_ONCE:
            self.uploading.add(self)
            self.adj = copy(self.adj)
            self.adj.max_request_body_size = limit + 1

    def received(self, data: bytes) -> int:
        consumed = super().received(data)
        self.expect_continue = self.expect_continue and not self.error
        return consumed


class _Channel(HTTPChannel):
    """A connection. After a refusal it reads on for a while and forgets what it reads: closed over unread
    bytes, a connection is reset, and the client may never see the answer."""

    error_task_class = _Refusal
    parser_class = _Parser
    linger = False  # wanted
    lingering = False  # under way
    forgotten = 0

    def handle_write(self) -> None:
        if self.linger and self.close_when_flushed and not self.total_outbufs_len:
            self.linger = self.close_when_flushed = False
            self.lingering = True
            self.socket.shutdown(SHUT_WR)
        else:
            super().handle_write()

    def readable(self) -> bool:
        return (self.lingering and not self.will_close) or super().readable()

    def handle_read(self) -> None:
        if not self.lingering:
            super().handle_read()
            return
        try:
            self.forgotten += len(self.recv(self.adj.recv_bytes))
        except OSError:
            self.handle_close()
        self.will_close = self.will_close or self.forgotten > LINGER_BYTES


class _Listener(TcpWSGIServer):
    channel_class = _Channel
    request_seconds = REQUEST_SECONDS

    def maintenance(self, now: float) -> None:
        super().maintenance(now)
        latest = time.monotonic() - self.request_seconds
        for channel in self.active_channels.values():
            if not channel.requests and channel.request and channel.request.began < latest:
                channel.will_close = True

    def turn(self, seconds: float) -> None:
        """Look after all connections once, waiting so long for the next thing to happen."""
        wasyncore.loop(timeout=seconds, use_poll=True, map=self._map, count=1)

    def finish(self) -> None:
        """Take no new connections and answer what has begun."""
        wasyncore.dispatcher.close(self)
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline and any(map(_busy, list(self.active_channels.values()))):
            self.turn(0.05)


def _busy(channel: Any) -> bool:
    return bool(channel.requests or channel.total_outbufs_len)
