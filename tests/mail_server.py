"""A mail server in a thread, which answers as a test tells it to."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread

from aiosmtpd.smtp import SMTP, AuthResult, Envelope


class Sink:
    """What the mail server does: it takes everything, unless told what to answer."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.signed_in: list[tuple[bytes, bytes]] = []
        self.sender_answer = self.recipient_answer = self.data_answer = "250 OK"
        self.at_data: Callable[[object], object] = lambda server: None

    async def handle_MAIL(self, server, session, envelope, address, options):
        envelope.mail_from = address
        return self.sender_answer

    async def handle_RCPT(self, server, session, envelope, address, options):
        envelope.rcpt_tos.append(address)
        return self.recipient_answer

    async def handle_DATA(self, server, session, envelope):
        self.taken.append(envelope)
        self.at_data(server)
        return self.data_answer

    def authenticate(self, server, session, envelope, mechanism, given):
        self.signed_in.append((given.login, given.password))
        return AuthResult(success=given.password == b"p@ss", handled=False)


class Slow(Sink):
    """Answers each of the commands named after a while."""

    def __init__(self, *commands: str) -> None:
        super().__init__()
        for command in commands:  # MAIL, RCPT, DATA
            setattr(self, f"handle_{command}", self._later(getattr(self, f"handle_{command}")))

    @staticmethod
    def _later(handle):
        async def handle_later(*given):
            await asyncio.sleep(0.6)
            return await handle(*given)

        return handle_later


@contextmanager
def serving(sink: Sink, *, encrypted: ssl.SSLContext | None = None, **options: object) -> Iterator[int]:
    """A mail server on a port of its own, in a thread. encrypted: from the first byte, with this."""
    started: Future[tuple[int, Callable[[], object]]] = Future()

    async def serve() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        server = await loop.create_server(
            lambda: SMTP(sink, loop=loop, **options), "127.0.0.1", 0, ssl=encrypted
        )
        started.set_result((server.sockets[0].getsockname()[1], lambda: loop.call_soon_threadsafe(stop.set)))
        await stop.wait()
        server.close()

    thread = Thread(target=asyncio.run, args=[serve()])
    thread.start()
    port, stop = started.result(timeout=10)
    try:
        yield port
    finally:
        stop()
        thread.join()
