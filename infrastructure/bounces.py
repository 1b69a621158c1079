"""Delivery reports (RFC 3464) that come back: which message did not arrive, and is that the last word?

A report is believed for a message of ours only: the headers that it returns hold `X-Matricule-Message`, or a
`Message-ID` of ours that begins with the same id. Nobody knows these ids but the service and the mailbox.
"""

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import UUID

from infrastructure.outbox import OutboxQueue

STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")  # RFC 3463
OURS = re.compile(r"<([0-9a-f]{32})\.[0-9a-f]{12}@")


class NoReport(Exception):
    """Not a delivery report about a message of ours. code: why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class DeliveryReport:
    """message_id: the outbox row's. final: it will not be tried again. status: RFC 3463, like 5.1.1."""

    message_id: UUID
    final: bool
    status: str


def read(raw: bytes) -> DeliveryReport:
    """Raises NoReport: `no-report`, `no-message` (of ours, in what it returns), `delivered`."""
    mail = message_from_bytes(raw, policy=policy.default)
    if mail.get_content_type() != "multipart/report" or mail.get_param("report-type") != "delivery-status":
        raise NoReport("no-report")
    parts = {part.get_content_type(): part for part in mail.iter_parts()}
    status = parts.get("message/delivery-status")
    if status is None:
        raise NoReport("no-report")
    returned = _returned(parts)
    message_id = _our_id(returned)
    if message_id is None:
        raise NoReport("no-message")
    action, code = _worst(status)
    return DeliveryReport(message_id, action == "failed", code)


def _returned(parts: dict[str, EmailMessage]) -> EmailMessage:
    """The head of the message that did not arrive."""
    if whole := parts.get("message/rfc822"):
        return next(iter(whole.iter_parts()), whole)
    if head := parts.get("text/rfc822-headers") or parts.get("message/rfc822-headers"):
        return message_from_bytes(head.get_payload(decode=True) or b"", policy=policy.default)
    raise NoReport("no-message")


def _our_id(returned: EmailMessage) -> UUID | None:
    named = str(returned.get("X-Matricule-Message", "")).strip()
    in_message_id = OURS.match(str(returned.get("Message-ID", "")).strip())
    try:
        named_id = UUID(named) if named else None
    except ValueError:
        return None
    from_message_id = UUID(in_message_id[1]) if in_message_id else None
    if named_id and from_message_id and named_id != from_message_id:
        return None
    return named_id or from_message_id


def _worst(status: EmailMessage) -> tuple[str, str]:
    """The action and status that say most: a failure before a delay. Raises NoReport."""
    found = [
        (str(block.get("Action", "")).strip().lower(), STATUS.match(str(block.get("Status", "")).strip()))
        for block in status.get_payload()
    ]
    for action in ("failed", "delayed"):
        for said, code in found:
            if said == action:
                return said, code[0] if code else "5.0.0" if action == "failed" else "4.0.0"
    raise NoReport("delivered")


class Bounces:
    def __init__(self, queue: OutboxQueue) -> None:
        self._queue = queue

    def take(self, raw: bytes) -> str:
        """What became of it: `bounced`, `known` (it was already), `delayed` (the server goes on trying).

        Raises NoReport, with `unknown-message` besides where it is none of ours.
        """
        report = read(raw)
        if not self._queue.has_left(report.message_id):
            raise NoReport("unknown-message")
        if not report.final:
            return "delayed"
        return "bounced" if self._queue.bounce(report.message_id, f"report-{report.status}") else "known"
