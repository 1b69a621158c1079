"""Mail, against a real SMTP server in a thread, and into a folder."""

import asyncio
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from uuid import UUID

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.mail import (
    FileMailer,
    MailFailed,
    MailOutcomeUnknown,
    MailRefused,
    MailUnavailable,
    SmtpMailer,
    compose,
)
from infrastructure.messages import Message

ROW = UUID("0b4b35c2-6c0f-4d0e-9d10-0b5a0f5b7a11")
NOON = datetime(2025, 11, 24, 11, 0, tzinfo=UTC)
ADA = "ada@school.example"
LETTER = Message(
    sender="Haute école pédagogique",
    subject="Votre mot de passe initial – Haute école pédagogique",
    text="Bonjour,\n\n.\n..lines that begin with dots\n\n" + "é" * 2000 + "\n",
    html="<p>Bonjour, " + "é" * 2000 + "</p>\n",
)

# A line break in all its forms, and what else cannot stand in a header.
BREAKS = ["\r\n", "\n", "\r", "\x00", "\x0b", "\x85", "\u2028"]


def a_mail(letter: Message = LETTER, **different: object) -> EmailMessage:
    usual = {
        "to": ADA,
        "mail_from": "no-reply@hep.example",
        "kind": "initial-password",
        "message_row_id": ROW,
        "locale": "fr",
        "now": NOON,
    }
    return compose(letter, **(usual | different))


def a_letter(**different: str) -> Message:
    return Message(**({"sender": "HEP", "subject": "Bonjour", "text": "…\n", "html": "<p>…"} | different))


def read_back(mail: bytes) -> EmailMessage:
    return message_from_bytes(mail, policy=policy.default)


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


@contextmanager
def serving(sink: Sink, *, encrypted: ssl.SSLContext | None = None, **options: object) -> Iterator[int]:
    """A mail server on a port of its own, in a thread. encrypted: from the first byte, with this."""
    loop = asyncio.new_event_loop()
    starting = loop.create_server(lambda: SMTP(sink, loop=loop, **options), "127.0.0.1", 0, ssl=encrypted)
    server = loop.run_until_complete(starting)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def mailer(sink: Sink) -> Iterator[SmtpMailer]:
    with serving(sink) as port:
        yield SmtpMailer(f"smtp://127.0.0.1:{port}", timeout=5)


def sending(mailer: SmtpMailer | FileMailer, mail: EmailMessage | None = None) -> None:
    with mailer.connect() as connection:
        connection.send(mail or a_mail())


# What a mail looks like


def test_the_headers_say_what_the_mail_is():
    mail = read_back(bytes(a_mail()))
    assert str(mail["From"]) == "Haute école pédagogique <no-reply@hep.example>"
    assert mail["To"] == ADA
    assert mail["Subject"] == "Votre mot de passe initial – Haute école pédagogique"
    assert mail["Date"].datetime == NOON
    assert mail["X-Matricule-Message"] == str(ROW)
    assert mail["X-Matricule-Kind"] == "initial-password"
    assert mail["Content-Language"] == "fr"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail.get_content_type() == "multipart/alternative"


def test_each_attempt_has_a_message_id_of_its_own():
    first, second = a_mail(), a_mail()
    assert re.fullmatch(r"<[^@\s]+@hep\.example>", first["Message-ID"])
    assert first["Message-ID"] != second["Message-ID"]
    assert first["X-Matricule-Message"] == second["X-Matricule-Message"]


def test_text_comes_before_html_and_both_arrive_as_written():
    text, html = read_back(bytes(a_mail())).iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content().replace("\r\n", "\n") == LETTER.text
    assert html.get_content().replace("\r\n", "\n") == LETTER.html


def test_every_server_can_pass_the_mail_on():
    lines = bytes(a_mail()).split(b"\r\n")
    assert [
        line for line in lines if len(line) > 78 or not line.isascii() or b"\n" in line or b"\r" in line
    ] == []


def test_the_name_in_the_setting_goes_before_the_institutions():
    assert str(a_mail(mail_from="Secrétariat <info@hep.example>")["From"]) == "Secrétariat <info@hep.example>"


@given(sender=st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=120))
def test_any_name_reaches_the_reader(sender):
    mail = message_from_bytes(bytes(a_mail(a_letter(sender=sender, subject=sender))))
    assert str(make_header(decode_header(mail["Subject"]))) == sender
    assert read_back(bytes(mail))["From"].addresses[0].addr_spec == "no-reply@hep.example"


@pytest.mark.parametrize("broken", BREAKS)
@pytest.mark.parametrize("where", ["sender", "subject"])
def test_no_value_adds_a_header(where, broken):
    with pytest.raises(ValueError, match="header"):
        a_mail(a_letter(**{where: f"HEP{broken}Bcc: eve@evil.example"}))


@pytest.mark.parametrize("broken", BREAKS)
def test_no_setting_adds_a_header(broken):
    with pytest.raises(ValueError, match="header"):
        a_mail(mail_from=f"HEP{broken}Bcc: eve@evil.example <no-reply@hep.example>")
    with pytest.raises(ValueError, match="header"):
        a_mail(locale=f"fr{broken}Bcc: eve@evil.example")
    with pytest.raises(ValueError, match="kind"):
        a_mail(kind=f"initial-password{broken}Bcc")


UNUSABLE = [
    "",
    "ada",
    "ada@",
    "@school.example",
    "ada@school.example, eve@evil.example",
    "ada@school.example>, <eve@evil.example",
    "Ada <ada@school.example>",
    "ada lovelace@school.example",
    "adà@school.example",
    *(f"ada@school.example{broken}Bcc: eve@evil.example" for broken in BREAKS),
    *(f"ada{broken}@school.example" for broken in BREAKS),
]


@pytest.mark.parametrize("address", UNUSABLE)
def test_an_address_that_no_mail_reaches_is_refused_for_good_and_not_repeated(address):
    with pytest.raises(MailRefused) as refusal:
        a_mail(to=address)
    assert refusal.value.permanent
    assert str(refusal.value) == refusal.value.code == "address-unusable"
    assert refusal.value.__suppress_context__


@given(local=st.text(min_size=1, max_size=64), domain=st.text(min_size=1, max_size=64))
def test_a_mail_has_one_recipient_whatever_the_address(local, domain):
    try:
        mail = a_mail(to=f"{local}@{domain}")
    except MailRefused:
        return
    assert len(read_back(bytes(mail))["To"].addresses) == 1


def test_a_domain_with_umlauts_is_written_as_servers_know_it():
    assert read_back(bytes(a_mail(to="ada@schüle.example")))["To"] == "ada@xn--schle-mva.example"


# Through a mail server


def test_the_server_gets_the_mail_for_its_one_recipient(mailer, sink):
    mail = a_mail()
    sending(mailer, mail)
    [envelope] = sink.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@hep.example", [ADA])
    assert envelope.original_content == bytes(mail)


def test_lines_that_begin_with_a_dot_arrive(mailer, sink):
    sending(mailer, a_mail(a_letter(text=".\n..\n.mailrc\n")))
    text = read_back(sink.taken[0].content).get_body(("plain",)).get_content()
    assert text.splitlines() == [".", "..", ".mailrc"]


@pytest.mark.parametrize(
    ("answer", "code"), [("550 5.1.1 No such user", "recipient-550-5.1.1"), ("553 no", "recipient-553")]
)
def test_a_refused_recipient_is_refused_for_good(mailer, sink, answer, code):
    sink.recipient_answer = answer
    with pytest.raises(MailRefused) as refusal:
        sending(mailer)
    assert (refusal.value.permanent, refusal.value.code) == (True, code)
    assert sink.taken == []


def test_a_refused_message_says_nothing_about_the_recipient(mailer, sink):
    sink.data_answer = f"554 5.7.1 {ADA} gets no such message"
    with pytest.raises(MailRefused) as refusal:
        sending(mailer)
    assert (refusal.value.permanent, refusal.value.code) == (False, "message-554-5.7.1")


@pytest.mark.parametrize(
    ("stage", "answer", "code"),
    [
        ("sender_answer", "451 4.3.0 later", "sender-451-4.3.0"),
        ("sender_answer", "553 5.7.1 not you", "sender-553-5.7.1"),
        ("recipient_answer", "450 4.7.1 greylisted", "recipient-450-4.7.1"),
        ("data_answer", "452 4.3.1 disk full", "message-452-4.3.1"),
    ],
)
def test_what_time_or_the_operator_mends_may_be_tried_again(mailer, sink, stage, answer, code):
    setattr(sink, stage, answer)
    with pytest.raises(MailUnavailable) as trouble:
        sending(mailer)
    assert trouble.value.code == code


def test_a_server_that_is_down_is_found_out_before_anything_is_made():
    with socket.create_server(("127.0.0.1", 0)) as closing:
        mailer = SmtpMailer(f"smtp://127.0.0.1:{closing.getsockname()[1]}")
    with pytest.raises(MailUnavailable) as trouble, mailer.connect():
        pytest.fail("there is no connection")
    assert trouble.value.code == "connection-failed"


def test_a_server_that_never_greets_is_not_waited_for():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mailer = SmtpMailer(f"smtp://127.0.0.1:{mute.getsockname()[1]}", timeout=0.2)
        with pytest.raises(MailUnavailable), mailer.connect():
            pytest.fail("it never greeted")


def test_a_server_that_goes_away_before_the_data_took_nothing(mailer, sink):
    with mailer.connect() as connection:
        sink.recipient_answer = "421 4.3.2 going down"
        with pytest.raises(MailUnavailable):
            connection.send(a_mail())


def test_a_server_that_dies_with_the_data_may_have_taken_it(mailer, sink):
    sink.at_data = lambda server: server.transport.abort()
    with pytest.raises(MailOutcomeUnknown) as trouble:
        sending(mailer)
    assert trouble.value.code == "connection-lost-after-data"


def test_a_server_that_falls_silent_with_the_data_may_have_taken_it():
    class Silent(Sink):
        async def handle_DATA(self, server, session, envelope):
            await asyncio.Event().wait()

    with serving(Silent()) as port, pytest.raises(MailOutcomeUnknown):
        sending(SmtpMailer(f"smtp://127.0.0.1:{port}", timeout=0.5))


def test_slow_answers_together_may_take_no_longer_than_the_timeout():
    class Slow(Sink):
        async def handle_MAIL(self, *given):
            await asyncio.sleep(0.6)
            return await super().handle_MAIL(*given)

        async def handle_RCPT(self, *given):
            await asyncio.sleep(0.6)
            return await super().handle_RCPT(*given)

    slow = Slow()
    with serving(slow) as port, pytest.raises(MailUnavailable):
        sending(SmtpMailer(f"smtp://127.0.0.1:{port}", timeout=1))
    assert slow.taken == []


@pytest.mark.parametrize("answer", ["550 <ada@school.example> unknown", "450 <ada@school.example> later"])
def test_no_error_repeats_an_address(mailer, sink, answer):
    sink.recipient_answer = answer
    with pytest.raises(MailFailed) as trouble:
        sending(mailer)
    assert "school" not in repr(trouble.value) + str(trouble.value)


# Signing in, encryption


def test_name_and_password_of_the_url_sign_in(sink):
    options = {"authenticator": sink.authenticate, "auth_require_tls": False, "auth_required": True}
    with serving(sink, **options) as port:
        sending(SmtpMailer(f"smtp://hep%40mail:p%40ss@127.0.0.1:{port}"))
    assert sink.signed_in == [(b"hep@mail", b"p@ss")]
    assert len(sink.taken) == 1


def test_a_wrong_password_is_said_without_it(sink):
    options = {"authenticator": sink.authenticate, "auth_require_tls": False}
    with serving(sink, **options) as port, pytest.raises(MailUnavailable) as trouble:
        sending(SmtpMailer(f"smtp://hep:wrong@127.0.0.1:{port}"))
    assert trouble.value.code == "sign-in-refused"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A certificate for 127.0.0.1 and its key, signed by itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail of the tests")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return file


def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


def test_starttls_encrypts_before_anything_is_said(sink, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(sink, tls_context=server_side(certificate), require_starttls=True) as port:
        sending(SmtpMailer(f"smtp+starttls://127.0.0.1:{port}"))
    assert len(sink.taken) == 1


def test_starttls_with_a_certificate_that_nobody_vouches_for_is_refused(sink, certificate):
    options = {"tls_context": server_side(certificate)}
    with serving(sink, **options) as port, pytest.raises(MailUnavailable) as trouble:
        sending(SmtpMailer(f"smtp+starttls://127.0.0.1:{port}"))
    assert trouble.value.code == "tls-failed"


def test_a_server_without_starttls_gets_nothing_in_clear(sink):
    with serving(sink) as port, pytest.raises(MailUnavailable) as trouble:
        sending(SmtpMailer(f"smtp+starttls://127.0.0.1:{port}"))
    assert trouble.value.code == "starttls-or-sign-in-missing"
    assert sink.taken == []


def test_smtps_encrypts_from_the_first_byte(sink, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(sink, encrypted=server_side(certificate)) as port:
        sending(SmtpMailer(f"smtps://127.0.0.1:{port}"))
    assert len(sink.taken) == 1


NO_SERVERS = [
    "",
    "mail.example",
    "http://mail.example",
    "smtp://",
    "smtp://hep:secret@:25",
    "smtp://hep:secret/word@mail.example",
    "smtp://hep:secret@[mail",
]


@pytest.mark.parametrize("url", NO_SERVERS)
def test_an_address_of_a_server_that_is_none_is_told_without_the_password(url):
    with pytest.raises(ValueError, match="write smtp://") as trouble:
        SmtpMailer(url)
    assert "secret" not in str(trouble.value)
    assert trouble.value.__context__ is None


# Into a folder


def test_each_mail_is_a_file_for_its_owner_only(tmp_path):
    folder = tmp_path / "var" / "outbox"
    sending(FileMailer(folder))
    [file] = folder.iterdir()
    assert re.fullmatch(rf"\d{{8}}T\d{{6}}\.\d{{6}}Z-initial-password-{ROW}\.eml", file.name)
    assert file.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    mail = read_back(file.read_bytes())
    assert mail["To"] == ADA
    assert mail.get_body(("plain",)).get_content() == LETTER.text


def test_two_attempts_are_two_files_in_their_order(tmp_path):
    for subject in ("first", "second"):
        sending(FileMailer(tmp_path), a_mail(a_letter(subject=subject)))
    assert [read_back(file.read_bytes())["Subject"] for file in sorted(tmp_path.iterdir())] == [
        "first",
        "second",
    ]


def test_a_folder_that_cannot_be_is_found_out_before_anything_is_made(tmp_path):
    (tmp_path / "outbox").write_text("a file stands in the way")
    with pytest.raises(MailUnavailable), FileMailer(tmp_path / "outbox").connect():
        pytest.fail("there is no folder")


def test_a_mail_that_cannot_be_written_leaves_no_half_of_it(tmp_path):
    folder = tmp_path / "outbox"
    with FileMailer(folder).connect() as connection:
        folder.rmdir()
        with pytest.raises(MailUnavailable):
            connection.send(a_mail())
    assert not folder.exists()
