"""A mail server for tests of the whole service: keeps what it took, and fails when it is told to."""

import asyncio
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage

from mail_server import Sink


class SmtpSink(Sink):
    """url: for SMTP_URL. taken: the envelopes of what was acknowledged, or taken before a hang."""

    def __init__(self) -> None:
        super().__init__()
        self.url = ""
        self._hangs = False
        self._arrived = threading.Condition()

    def mails(self, to: str | None = None) -> list[EmailMessage]:
        """What was taken, oldest first. to: only for this recipient."""
        return [
            message_from_bytes(envelope.original_content, policy=policy.default)
            for envelope in list(self.taken)
            if to is None or to in envelope.rcpt_tos
        ]

    def wait_for(self, count: int = 1, to: str | None = None, seconds: float = 20.0) -> list[EmailMessage]:
        """As soon as so many are there; fails when they do not come."""
        with self._arrived:
            there = self._arrived.wait_for(lambda: len(self.mails(to)) >= count, seconds)
        assert there, f"{len(self.mails(to))} of {count} mails came in {seconds} s"
        return self.mails(to)

    def refuse(self, answer: str = "451 4.3.0 Try again later") -> None:
        """Answer each mail with this from now on, and take none."""
        self.data_answer = answer

    def accept(self) -> None:
        """Take mails again, after `refuse` or `hang`, and say so to whoever still waits for it."""
        self.data_answer, self._hangs = "250 OK", False

    def hang(self) -> None:
        """Take each mail from now on, and do not say so until `accept`."""
        self._hangs = True

    async def handle_DATA(self, server, session, envelope):
        if not self.data_answer.startswith("2"):
            return self.data_answer
        answer = await super().handle_DATA(server, session, envelope)
        with self._arrived:
            self._arrived.notify_all()
        while self._hangs:
            await asyncio.sleep(0.01)
        return answer
