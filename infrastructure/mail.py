"""How mail leaves: through an SMTP server, or in the demonstration as files in a folder.

A worker connects and asks whether the recipient is taken, then makes the password, then sends: a server that is down
or says "not now" costs nobody a password.
Errors say codes only, never an address and never the server's own words, which often repeat it.
"""

import os
import re
import smtplib
import ssl
import unicodedata
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from email import policy
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from time import monotonic
from typing import Protocol
from urllib.parse import unquote, urlsplit
from uuid import UUID, uuid4

import idna

from infrastructure.messages import Message

_SCHEMES = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
_GOODBYE_SECONDS = 1.0


class MailFailed(Exception):
    """The message may not have left. code: what went wrong and where, without personal data."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class MailUnavailable(MailFailed):
    """Nothing was taken: no connection, too slow, or "not now" (4xx). Later it may work."""


class MailRefused(MailFailed):
    """The server said no (5xx). permanent: to this recipient; else to this message, and another may pass."""

    def __init__(self, permanent: bool, code: str) -> None:
        super().__init__(code)
        self.permanent = permanent


class MailOutcomeUnknown(MailFailed):
    """The connection was lost while the server had the message: it may have been taken."""


class Connection(Protocol):
    def expect(self, mail_from: str, to: str) -> None:
        """Ask whether a message from and to these would be taken now, before it is made; `send` need not ask again.

        mail_from, to: as for `compose`. Raises MailRefused, MailUnavailable.
        """

    def send(self, message: EmailMessage) -> None:
        """Hand over one message, from its `From` to its `To`.

        Raises MailRefused, MailUnavailable, MailOutcomeUnknown.
        """


class Mailer(Protocol):
    def connect(self) -> AbstractContextManager[Connection]:
        """A connection that is open and greeted. Raises MailUnavailable."""


def compose(
    message: Message,
    *,
    to: str,
    mail_from: str,
    kind: str,
    message_row_id: UUID,
    locale: str,
    now: datetime,
) -> EmailMessage:
    """The mail of one attempt, under a `Message-ID` of its own: a mailbox drops one that it has seen.

    mail_from: `address` or `Name <address>`; without a name the message's sender is shown. now: aware.
    Raises MailRefused where no mail can go to this address, ValueError where a value has no place in one.
    """
    if not re.fullmatch("[a-z]+(-[a-z]+)*", kind):
        raise ValueError("a kind of message is lower-case words joined by hyphens")
    name, sender = parseaddr(_one_line(mail_from))
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = Address(_one_line(name or message.sender), addr_spec=_ascii_address(sender))
    mail["To"] = Address(addr_spec=_recipient(to))
    mail["Subject"] = _one_line(message.subject)
    mail["Date"] = format_datetime(now.astimezone(UTC))
    # Some servers return no other header: infrastructure/bounces.py finds the row by it.
    mail["Message-ID"] = f"<{message_row_id.hex}.{uuid4().hex[:12]}@{mail['From'].addresses[0].domain}>"
    mail["X-Matricule-Message"] = str(message_row_id)
    mail["X-Matricule-Kind"] = kind
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(message.text, cte="quoted-printable")
    mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
    mail["Content-Language"] = _one_line(locale)  # last, or it would move into the first part
    return mail


def _recipient(address: str) -> str:
    try:
        return _ascii_address(address)
    except ValueError:
        raise MailRefused(permanent=True, code="address-unusable") from None


def _ascii_address(address: str) -> str:
    """The address as every server takes it, its domain in ASCII. Raises ValueError, without the address."""
    local, at, domain = address.rpartition("@")
    try:
        ascii_address = local + at + idna.encode(domain, uts46=True).decode()
        Address(addr_spec=_one_line(ascii_address))
    except (ValueError, LookupError, HeaderParseError):  # what says no quotes the address
        raise ValueError("not an address that mail can be sent to or from") from None
    return ascii_address


def _one_line(value: str) -> str:
    """The value, if it can stand in a header: no line breaks of any kind, no control characters."""
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in value):
        raise ValueError("a header holds no line breaks and no control characters")
    return value


class SmtpMailer:
    """Sends through the institution's mail server."""

    def __init__(self, url: str, timeout: float = 20) -> None:
        """url: `smtp://`, `smtps://` or `smtp+starttls://`, `user:password@` where needed, host, port.

        timeout: seconds from connecting to the server's last answer. Raises ValueError, without the password.
        """
        try:
            parts = urlsplit(url)
            self._host, self._port = parts.hostname, parts.port or _SCHEMES[parts.scheme]
        except (ValueError, KeyError):  # a port that is none: it may be a part of the password
            self._host = None
        if not self._host:
            raise ValueError("write smtp://host:25, smtps://user:password@host or smtp+starttls://…")
        self._scheme = parts.scheme
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._timeout = timeout

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        deadline = monotonic() + self._timeout
        try:
            smtp = self._greeted()
        except smtplib.SMTPAuthenticationError:
            raise MailUnavailable("sign-in-refused") from None
        except ssl.SSLError:
            raise MailUnavailable("tls-failed") from None
        except smtplib.SMTPNotSupportedError:
            raise MailUnavailable("starttls-or-sign-in-missing") from None
        except OSError:  # smtplib's errors are OSErrors too
            raise MailUnavailable("connection-failed") from None
        try:
            yield _SmtpConnection(smtp, deadline)
        finally:
            self._part(smtp)

    @staticmethod
    def _part(smtp: smtplib.SMTP) -> None:
        """Say goodbye, but do not wait for an answer: what was sent must soon be written down."""
        if smtp.sock is not None:
            smtp.sock.settimeout(_GOODBYE_SECONDS)
        with suppress(OSError):
            smtp.quit()
        smtp.close()

    def _greeted(self) -> smtplib.SMTP:
        if self._scheme == "smtps":
            context = ssl.create_default_context()
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout, context=context
            )
        else:
            smtp = smtplib.SMTP(self._host, self._port, timeout=self._timeout)
        try:
            if self._scheme == "smtp+starttls":
                smtp.starttls(context=ssl.create_default_context())
            smtp.ehlo_or_helo_if_needed()
            if self._user:
                smtp.login(self._user, self._password)
        except OSError:
            smtp.close()
            raise
        return smtp


class _SmtpConnection:
    def __init__(self, smtp: smtplib.SMTP, deadline: float) -> None:
        """deadline: the monotonic instant after which no server is waited for."""
        self._smtp = smtp
        self._deadline = deadline
        self._announced: tuple[str, str] | None = None

    def expect(self, mail_from: str, to: str) -> None:
        self._announce(_ascii_address(parseaddr(mail_from)[1]), _recipient(to))

    def send(self, message: EmailMessage) -> None:
        sender, recipient = (message[end].addresses[0].addr_spec for end in ("From", "To"))
        content = re.sub(rb"(?m)^\.", b"..", message.as_bytes())  # a dot alone would end it
        if self._announced != (sender, recipient):
            self._announce(sender, recipient)
        try:
            self._ask("DATA", "data")
        except OSError:
            raise MailUnavailable("connection-lost") from None
        # From here on the server may have it, whatever becomes of the connection.
        try:
            self._wait_no_longer_than_the_deadline()
            self._smtp.send(content + b".\r\n")
            self._judge(*self._smtp.getreply(), "message")
        except OSError:
            raise MailOutcomeUnknown("connection-lost-after-data") from None

    def _announce(self, sender: str, recipient: str) -> None:
        try:
            self._ask(f"MAIL FROM:<{sender}>", "sender")
            self._ask(f"RCPT TO:<{recipient}>", "recipient")
        except OSError:
            raise MailUnavailable("connection-lost") from None
        self._announced = sender, recipient

    def _ask(self, command: str, stage: str) -> None:
        self._wait_no_longer_than_the_deadline()
        self._judge(*self._smtp.docmd(command), stage)

    def _wait_no_longer_than_the_deadline(self) -> None:
        remaining = self._deadline - monotonic()
        if self._smtp.sock is None or remaining <= 0:
            raise TimeoutError
        self._smtp.sock.settimeout(remaining)

    @staticmethod
    def _judge(reply: int, words: bytes, stage: str) -> None:
        """Raises what a reply other than yes means at this stage; the code keeps its RFC 3463 status."""
        if 200 <= reply < 400:
            return
        status = re.match(rb"[245]\.\d{1,3}\.\d{1,3}", words)
        code = "-".join([stage, str(reply), *([status[0].decode()] if status else [])])
        if reply < 500 or stage == "sender":  # a sender that is refused is for the operator to mend
            raise MailUnavailable(code)
        raise MailRefused(permanent=stage == "recipient", code=code)


class FileMailer:
    """Writes each mail into a folder, for its owner only: `<time>-<kind>-<message>.eml`, appearing whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._folder.chmod(0o700)
        except OSError:
            raise MailUnavailable("outbox-folder-missing") from None
        yield self

    def expect(self, mail_from: str, to: str) -> None:
        """A folder takes everything."""

    def send(self, message: EmailMessage) -> None:
        arrived = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        name = f"{arrived}-{message['X-Matricule-Kind']}-{message['X-Matricule-Message']}.eml"
        unfinished = self._folder / f".{name}.part"
        try:
            self._write(unfinished, message.as_bytes(policy=policy.default))
            unfinished.rename(self._folder / name)
            self._sync_folder()
        except OSError:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise MailUnavailable("outbox-folder-not-writable") from None

    @staticmethod
    def _write(file: Path, content: bytes) -> None:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(descriptor)

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
