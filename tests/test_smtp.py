"""Mail through a server, a real one in a thread."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
from certificates import a_certificate, server_side
from letters import ADA, a_letter, a_mail, read_back, sending
from mail_server import Sink, Slow, serving

from infrastructure.mail import MailFailed, MailOutcomeUnknown, MailRefused, MailUnavailable, SmtpMailer


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def mailer(sink: Sink) -> Iterator[SmtpMailer]:
    with serving(sink) as port:
        yield SmtpMailer(f"smtp://127.0.0.1:{port}", timeout=5)


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


def test_a_recipient_that_is_not_taken_is_known_before_there_is_a_message(mailer, sink):
    sink.recipient_answer = "451 4.7.1 Greylisted"
    with mailer.connect() as connection, pytest.raises(MailUnavailable) as trouble:
        connection.expect("HEP <no-reply@hep.example>", ADA)
    assert trouble.value.code == "recipient-451-4.7.1"


def test_a_recipient_that_was_taken_is_not_asked_for_again(mailer, sink):
    with mailer.connect() as connection:
        connection.expect("HEP <no-reply@hep.example>", ADA)
        connection.send(a_mail())
    assert [envelope.rcpt_tos for envelope in sink.taken] == [[ADA]]


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


@pytest.mark.parametrize(
    ("slow_at", "trouble"), [(["MAIL", "RCPT"], MailUnavailable), (["MAIL", "DATA"], MailOutcomeUnknown)]
)
def test_slow_answers_together_may_take_no_longer_than_the_timeout(slow_at, trouble):
    with serving(Slow(*slow_at)) as port, pytest.raises(trouble):
        sending(SmtpMailer(f"smtp://127.0.0.1:{port}", timeout=1))


def test_a_connection_that_was_kept_too_long_sends_nothing(sink):
    with (
        serving(Slow("MAIL", "RCPT")) as slow_port,
        serving(sink) as port,
        SmtpMailer(f"smtp://127.0.0.1:{port}", timeout=1).connect() as connection,
    ):
        sending(SmtpMailer(f"smtp://127.0.0.1:{slow_port}"))  # takes longer than a second
        with pytest.raises(MailUnavailable):
            connection.send(a_mail())
    assert sink.taken == []


def test_a_server_that_does_not_say_goodbye_keeps_nobody():
    class Clinging(Sink):
        async def handle_QUIT(self, server, session, envelope):
            await asyncio.Event().wait()

    clinging, began = Clinging(), monotonic()
    with serving(clinging) as port:
        sending(SmtpMailer(f"smtp://127.0.0.1:{port}", timeout=20))
    assert len(clinging.taken) == 1
    assert monotonic() - began < 10


@pytest.mark.parametrize("answer", ["550 <ada@school.example> unknown", "450 <ada@school.example> later"])
def test_no_error_repeats_an_address(mailer, sink, answer):
    sink.recipient_answer = answer
    with pytest.raises(MailFailed) as trouble:
        sending(mailer)
    assert "school" not in repr(trouble.value) + str(trouble.value)


# Signing in, encryption


def test_name_and_password_of_the_url_sign_in(sink):
    options = {"authenticator": sink.authenticate, "auth_require_tls": False}
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
    return a_certificate(tmp_path_factory.mktemp("tls"))


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
