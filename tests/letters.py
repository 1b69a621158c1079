"""Mails for the tests."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import UUID

from infrastructure.mail import Mailer, compose
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


def sending(mailer: Mailer, mail: EmailMessage | None = None) -> None:
    with mailer.connect() as connection:
        connection.send(mail or a_mail())
