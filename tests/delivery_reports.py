"""Delivery reports (RFC 3464) as mail servers send them back."""

from collections.abc import Mapping

REPORT = """\
From: MAILER-DAEMON@mx.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="part"

--part
Content-Type: text/plain

I am sorry to have to inform you that your message could not be delivered.

--part
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; somebody@else.example
Action: {action}
Status: {status}

--part
Content-Type: {returned}

{head}

--part--
"""
KEPT = ("From", "To", "Message-ID", "X-Matricule-Message")


def report(
    mail: Mapping[str, str],
    *,
    action: str = "failed",
    status: str = "5.1.1",
    returned: str = "text/rfc822-headers",
    kept: tuple[str, ...] = KEPT,
) -> bytes:
    """kept: the headers that the server returns."""
    head = "\n".join(f"{name}: {mail[name]}" for name in kept if mail[name])
    return REPORT.format(action=action, status=status, returned=returned, head=head).encode()
