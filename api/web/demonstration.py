"""The demonstration's mails, for whoever sits at this machine."""

from email import message_from_bytes, policy
from ipaddress import ip_address

from flask import Response, request

from api.context import service
from api.errors import Problem
from api.web.feature import Feature
from api.web.page import page

SHOWN = 50

pages = Feature("demonstration")


@pages.before_request
def loopback_only() -> None:
    """A demonstration listens on no other address; whoever puts a proxy in front of it still shows no mail."""
    if not ip_address(request.remote_addr or "0.0.0.0").is_loopback:
        raise Problem("not-found")


@pages.get("/demo")
def list_mails() -> Response:
    files = sorted((service().settings.home / "outbox").glob("*.eml"), reverse=True)[:SHOWN]
    return page("demonstration/mails.html", mails=[(file.stem, _read(file.read_bytes())) for file in files])


@pages.get("/demo/<name>")
def show_mail(name: str) -> Response:
    file = service().settings.home / "outbox" / f"{name}.eml"
    if "/" in name or "\0" in name or not file.is_file():
        raise Problem("not-found")
    mail = _read(file.read_bytes())
    lines = mail.get_body(("plain",)).get_content().splitlines()
    return page("demonstration/mail.html", mail=mail, lines=lines)


def _read(content: bytes):
    return message_from_bytes(content, policy=policy.default)
