"""What all pages of the console share: who may read what, the tabs, and how deadlines are told."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Final, NamedTuple

from flask import current_app, g, request

from api.context import locale, service, today
from api.mirroring import records_state
from api.web.words import short_moment, t
from infrastructure import codes
from infrastructure.sessions import Identity

# As in `api.rest`: who decides, and who may only read.
CLERKS: Final = ("secretariat",)
CASE_READERS: Final = ("secretariat", "auditor")
ACCOUNT_READERS: Final = ("secretariat", "auditor", "data-protection")


class Tab(NamedTuple):
    """endpoint: where it leads; the tab shows once there is one. path: what the pages below it begin with."""

    endpoint: str
    path: str
    label: str
    roles: tuple[str, ...]


# Whoever adds a feature of the console adds its tab here.
TABS: Final = (
    Tab("console_queue.show", "/console", "cases", CASE_READERS),
    Tab("console_accounts.show", "/console/accounts", "accounts", ACCOUNT_READERS),
    Tab("console_dashboard.show", "/console/dashboard", "dashboard", ("secretariat", "operator")),
    Tab("console_imports.show", "/console/imports", "imports", ("secretariat",)),
    Tab("console_audit.show", "/console/audit", "audit", ("auditor",)),
)
SILENT: Final = ("down", "slow", "broken-off", "status")  # faults of a register from which there is no answer
NEAR: Final = {0: "today", 1: "tomorrow", -1: "yesterday"}


def tabs() -> list[tuple[Tab, bool]]:
    """Those of whoever is signed in, and whether this page is below it."""
    mine = _of(g.get("identity"))
    below = [tab for tab in mine if request.path == tab.path or request.path.startswith(f"{tab.path}/")]
    current = max(below, key=lambda tab: len(tab.path), default=None)
    return [(tab, tab is current) for tab in mine]


def home() -> str | None:
    """The path at which the console begins for whoever is signed in; None for whom it is not."""
    mine = _of(g.get("identity"))
    return mine[0].path if mine else None


def may(*roles: str) -> bool:
    """For what a page offers besides; whether it may be done is asked again when it is."""
    identity = g.get("identity")
    return bool(identity and set(identity.roles) & set(roles))


def in_days(due: date) -> str:
    """How far off a deadline is: `in 2 days`, `2 days late`."""
    days = (due - today()).days
    if days in NEAR:
        return t(f"console.deadline.{NEAR[days]}")
    return t(f"console.deadline.{'ahead' if days > 0 else 'behind'}", days=abs(days))


def register() -> str | None:
    """How old what the register says is, while it cannot be read; None where nothing is wrong with it."""
    state = records_state(service())
    if not (state["fault"] or state["late"]):
        return None
    if state["read_at"] is None:
        return t("console.register.never")
    what = "late" if not state["fault"] else "silent" if state["fault"] in SILENT else "odd"
    return t(f"console.register.{what}", at=short_moment(state["read_at"]))


def choices(listed: str) -> list[tuple[str, str]]:
    """What a list offers, as pairs of code and label. listed: reasons as `reasons.link`."""
    offered: Any = codes.codes()
    for part in listed.split("."):
        offered = offered[part]
    return [(item["code"], item["label"][locale()]) for item in offered]


def pairs(names: Iterable[str], place: str) -> list[tuple[str, str]]:
    """The same of words of ours. place: of their words in the catalogue."""
    return [(name, t(f"{place}.{name}")) for name in names]


def _of(identity: Identity | None) -> list[Tab]:
    roles = set(identity.roles) if identity else set()
    return [tab for tab in TABS if roles & set(tab.roles) and tab.endpoint in current_app.view_functions]
