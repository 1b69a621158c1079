"""The auditor's first page: how the proof of the log stands, and what is needed to check it without the service."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from babel.dates import format_datetime
from babel.numbers import format_decimal
from flask import Flask, Response

from api import audit_events
from api import verify as verifier
from api.context import locale, service
from api.errors import Problem
from api.identity import me
from api.web.console import audited
from api.web.console.audited import AUDITORS
from api.web.feature import Feature
from api.web.page import page
from api.web.visitors import for_staff
from api.web.words import DATES, SHORT_DAY
from domain.calendar import ZURICH
from infrastructure.checkpoints import Signed

TEXT: Final = "text/plain; charset=utf-8"
ROOT_SHOWN: Final = 12  # characters of a hash that are enough to compare at a glance

pages = Feature("console_audit")


@dataclass(frozen=True)
class Proof:
    """size: events that the log has now. last: signed last. left: the one that left the house last, and when.

    holds: whether the log still continues what was signed.
    """

    size: int
    last: Signed | None
    left: tuple[Signed, datetime] | None
    holds: bool

    @property
    def beyond(self) -> int:
        """Events that no checkpoint covers yet."""
        return self.size - (self.last.size if self.last else 0)


def install(app: Flask) -> None:
    app.jinja_env.globals |= {
        "audit_pages": audited.PAGES,
        "number": number,
        "hash_text": hash_text,
        "root_shown": ROOT_SHOWN,
        "to_the_second": to_the_second,
        "person": audited.name_of,
        "purposes": audited.purposes,
        "purpose_called": audited.purpose_called,
        "event_name": lambda topic: audit_events.name_of(topic, locale()),
    }


@pages.get("/console/audit")
@for_staff(*AUDITORS)
def show() -> Response:
    parts = service()
    return page(
        "console/audit/overview.html",
        proof=Proof(
            parts.tree.size(),
            parts.checkpoints.latest(),
            parts.checkpoints.last_left(),
            parts.checkpoints.holds(),
        ),
        key=str(parts.checkpoints.verifier),
        origin=parts.checkpoints.origin,
        mandate=_mandate(),
    )


@pages.get("/console/audit/log.checkpoint")
@for_staff(*AUDITORS)
def fetch_checkpoint() -> Response:
    """What the log commits itself to now."""
    signed = service().checkpoints.sign_now()
    if signed is None:
        raise Problem("no-checkpoint")
    return download(signed.note, f"{signed.signed_at:%Y-%m-%d}-{signed.size}.checkpoint")


@pages.get("/console/audit/log.key")
@for_staff(*AUDITORS)
def fetch_key() -> Response:
    return download(f"{service().checkpoints.verifier}\n", "log.key")


@pages.get("/console/audit/verify.py")
@for_staff(*AUDITORS)
def fetch_verifier() -> Response:
    """The program that checks evidence without the service, as `matricule verify --print` writes it."""
    return download(Path(verifier.__file__).read_text("utf-8"), "verify.py")


def download(text: str, name: str) -> Response:
    response = Response(text, content_type=TEXT)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def number(count: int) -> str:
    """`12'345`"""
    return format_decimal(count, locale=DATES[locale()])


def to_the_second(instant: datetime) -> str:
    """`03.03.2026 11:02:48`, in Switzerland."""
    return format_datetime(instant.astimezone(ZURICH), f"{SHORT_DAY} HH:mm:ss", locale=DATES[locale()])


def hash_text(raw: bytes) -> str:
    """As checkpoints and proofs write it."""
    return b64encode(raw).decode("ascii")


def _mandate() -> date | None:
    return service().roles.until(me().account_id, AUDITORS[0])
