"""What a clerk does to an account, each on a page of its own, with a reason."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple
from uuid import UUID

from flask import Response, request
from marshmallow import Schema

from api.context import service
from api.errors import Problem
from api.identity import me
from api.schemas.fields import Input
from api.schemas.second_factors import SecondFactorReset
from api.schemas.staff import (
    Closing,
    Correction,
    Locking,
    Merge,
    NotingDown,
    RecoveryProposal,
    Resending,
    Separation,
    Unlinking,
    Unlocking,
)
from api.traces import traced
from api.web.console import decided, desk
from api.web.console.desk import CLERKS
from api.web.feature import Feature
from api.web.forms import Form
from api.web.page import go, page
from api.web.visitors import for_staff, note_position, reads, wait_for
from application.ports import Saved
from domain.errors import Refused
from infrastructure.bootstrap import Service
from projections.directory import Entry

pages = Feature("console_actions")


class Action(NamedTuple):
    """carry_out: a command of the service, by account, what the form says, and actor. fits: whether it is offered."""

    schema: type[Schema]
    reasons: str | None
    carry_out: Callable[[Service], Callable[..., Saved]]
    fits: Callable[[Entry], bool]
    danger: bool = False


def _merge(parts: Service) -> Callable[..., Saved]:
    """The account of the page goes on; the one that the form names is closed."""

    def merge(kept_id: UUID, *, account: UUID, **why: Any) -> Saved:
        return parts.merges.merge(kept_id, account, **why)

    return merge


def _propose_recovery(parts: Service) -> Callable[..., Saved]:
    """Another clerk finds it on the sheet."""
    return lambda account_id, **said: parts.recovery.propose(account_id, **said)[1]


ACTIONS: Final = {
    "unlink": Action(
        Unlinking, "unlink", lambda parts: parts.linking.unlink, lambda entry: entry.link_state == "linked"
    ),
    "note": Action(NotingDown, None, lambda parts: parts.assistance.note, lambda entry: True),
    "resend": Action(
        Resending, "resend", lambda parts: parts.assistance.resend, lambda entry: entry.state == "requested"
    ),
    "correct": Action(
        Correction,
        "correct",
        lambda parts: parts.address_changes.correct,
        lambda entry: entry.state != "closed",
    ),
    "recovery": Action(
        RecoveryProposal,
        "recovery",
        _propose_recovery,
        lambda entry: entry.state != "closed",
    ),
    "second-factor-reset": Action(
        SecondFactorReset, "second-factor-reset", lambda parts: parts.factors.reset, lambda entry: True
    ),
    "lock": Action(
        Locking,
        "lock",
        lambda parts: parts.standings.lock,
        lambda entry: entry.state in ("requested", "active"),
        danger=True,
    ),
    "unlock": Action(
        Unlocking, "unlock", lambda parts: parts.standings.unlock, lambda entry: entry.state == "locked"
    ),
    "merge": Action(Merge, "merge", _merge, lambda entry: entry.state != "closed", danger=True),
    "unmerge": Action(
        Separation, "unmerge", lambda parts: parts.merges.separate, lambda entry: entry.state == "closed"
    ),
    "close": Action(
        Closing,
        "close",
        lambda parts: parts.standings.close,
        lambda entry: entry.state != "closed",
        danger=True,
    ),
}


def offered(entry: Entry, *, is_merged: bool) -> list[str]:
    """What may be done to it as it stands; to one's own account nothing. is_merged: into another one."""
    if entry.state == "erased" or entry.account_id == me().account_id:
        return []
    without = set() if is_merged else {"unmerge"}
    return [name for name, action in ACTIONS.items() if action.fits(entry) and name not in without]


@pages.route(
    "/console/accounts/<uuid:account_id>/<any(" + ", ".join(f'"{name}"' for name in ACTIONS) + "):name>",
    methods=["GET", "POST"],
)
@for_staff(*CLERKS)
@reads("cases", "timeline")
def act(account_id: UUID, name: str) -> Response:
    """The form, and what it says carried out."""
    entry, action = _entry(account_id), ACTIONS[name]
    form = Form(action.schema)
    seen = service().portfolios.seen(account_id) if name == "unlink" and entry.link_state == "linked" else []
    wanted = form.read()
    if wanted and request.form.get("seen", "0") != str(len(seen)):  # what the clerk was told, if anything
        form.ask()
    elif wanted:
        try:
            saved = action.carry_out(service())(account_id, **wanted, actor=me().account_id)
        except Refused as refusal:
            decided.refused(form, refusal)
        else:
            form.done()
            return _told(account_id, name, saved)
    traced("account", accounts=[account_id])
    return page(
        "console/action.html",
        form=form,
        name=name,
        entry=entry,
        fields=action.schema().fields.keys(),
        reasons=desk.choices(f"reasons.{action.reasons}") if action.reasons else [],
        danger=action.danger,
        documents=[each for each in seen if each.file],
        seen=seen,
    )


@pages.route("/console/accounts/<uuid:account_id>/approve-recovery", methods=["GET", "POST"])
@for_staff(*CLERKS)
def approve_recovery(account_id: UUID) -> Response:
    """A second clerk lets somebody back in whose mailbox is lost."""
    entry, recovery = _entry(account_id), service().store.account(account_id).recovery
    if recovery is None:
        return go("console_sheet.show", account_id=account_id)
    form = Form(Input)
    if form.read() is not None:
        try:
            saved = service().recovery.approve(recovery.id, actor=me().account_id)
        except Refused as refusal:
            decided.refused(form, refusal)
        else:
            form.done()
            return _told(account_id, "approve-recovery", saved)
    traced("account", accounts=[account_id])
    return page(
        "console/action.html",
        form=form,
        name="approve-recovery",
        entry=entry,
        recovery=recovery,
        fields=(),
        reasons=[],
        danger=False,
    )


def _told(account_id: UUID, name: str, saved: Saved) -> Response:
    """The sheet; after a link was taken back the case that is open now."""
    decided.note(name, account=str(account_id))
    note_position(saved)
    if name == "unlink":
        wait_for("cases")
        if case_id := service().cases.undecided_of(account_id):
            return go("console_case.show", case_id=case_id)
    return go("console_sheet.show", account_id=account_id)


def _entry(account_id: UUID) -> Entry:
    entry: Any = service().directory.get(account_id)
    if entry is None:
        raise Problem("not-found")
    return entry
