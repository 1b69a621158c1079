"""Asking for an account, and the accounts as staff sees them."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response, request

from api import account_lists, pagination, representations
from api.answers import after, answer, nothing
from api.arguments import Blueprint
from api.context import locale, service
from api.described import tells
from api.errors import Problem
from api.idempotency import idempotent
from api.identity import caller, me, staff
from api.positions import waits_for
from api.rest.audit_history import past_changes, past_state
from api.schemas import answers, audit_history, audit_history_examples, examples
from api.schemas.accounts import AccountRequest
from api.schemas.staff import AccountFilter, AccountSearch, Page, Unlinking
from api.traces import traced
from api.whence import whence
from domain.errors import AccountErased, ProfileMissing
from domain.profile import PersonalData
from infrastructure.search import READ_MODELS
from projections.directory import Entry

READERS = ("secretariat", "auditor", "data-protection")

blueprint = Blueprint("accounts", __name__, url_prefix="/api/v1/accounts")


@blueprint.post("")
@blueprint.arguments(AccountRequest, example=examples.ACCOUNT_REQUEST)
@idempotent()
@blueprint.response(202, answers.Accepted, example=examples.ACCEPTED)
@tells("too-many-requests")
def ask_for_account(typed: dict[str, Any]) -> Response:
    """Ask for an account.

    The answer is the same for every address. If the address can have an account, a message with an initial
    password is on its way; if it has one already, the message says so.
    """
    service().accounts.request(
        typed["email"],
        typed["given_name"],
        typed["family_name"],
        typed["locale"],
        service().institution.privacy_policy,
        caller(),
        whence(),
    )
    return answer({"status": "accepted"}, 202)


@blueprint.get("")
@staff(*READERS)
@blueprint.arguments(AccountFilter, location="query")
@waits_for("directory")
@blueprint.response(200, answers.AccountPage, example=examples.ACCOUNT_PAGE)
@tells("bad-cursor", spreadsheet=True)
def list_accounts(wanted: dict[str, Any]) -> Response:
    """Accounts, newest first.

    A bare date in `created_from` or `created_to` is a day in Switzerland, itself included. As `text/csv`: all that the
    filters leave, or as many as `limit` says.
    """
    return _accounts(None, wanted, most=wanted["limit"] if "limit" in request.args else None)


@blueprint.post("/search")
@staff(*READERS)
@blueprint.arguments(AccountSearch, example=examples.ACCOUNT_SEARCH)
@idempotent()
@waits_for(*READ_MODELS)
@blueprint.response(200, answers.AccountPage, example=examples.ACCOUNT_PAGE)
@tells("bad-cursor", spreadsheet=True)
def search_accounts(wanted: dict[str, Any]) -> Response:
    """Find accounts by the beginning of a name, an e-mail address or a record number, or by an AHV number.

    Case, accents and hyphens do not matter, nor the order of the names; an AHV number must be whole. Without `q`, all
    accounts, newest first. What was looked for is noted nowhere; who was found is.
    """
    typed = wanted.pop("q")
    return _accounts(typed, wanted, most=wanted["limit"] if "limit" in request.get_json() else None)


def _accounts(typed: str | None, wanted: dict[str, Any], *, most: int | None) -> Response:
    if account_lists.is_file_wanted():
        return account_lists.sent(typed, wanted, most=most)
    entries, following = account_lists.listed(
        typed, wanted, cursor=wanted.get("cursor"), limit=wanted["limit"]
    )
    return answer({"items": [*map(representations.account_item, entries)], "next_cursor": following})


@blueprint.get("/<uuid:account_id>")
@staff(*READERS)
@blueprint.arguments(audit_history.AsOf, location="query")
@waits_for("directory")
@blueprint.response(
    200,
    {"oneOf": [answers.AccountSheet, audit_history.PastState]},
    examples={
        "now": {"value": examples.ACCOUNT_SHEET},
        "as of": {"value": audit_history_examples.PAST_STATE},
    },
)
@tells("not-found", "not-yet")
def show_account(wanted: dict[str, Any], account_id: UUID) -> Response:
    """One account: how it stands, what was declared, to which record it is linked.

    The AHV number is masked; with a `purpose` it is shown whole, and the purpose is noted. With `as_of` or
    `at_position`: how it stood then, from the log alone, as `GET /audit/accounts/{account_id}` says it.
    """
    if wanted.keys() & {"as_of", "at_position"}:
        return past_state(account_id, wanted)
    entry, purpose = _entry(account_id), wanted.get("purpose")
    related = service().merges.of(account_id)
    sheet = representations.account_sheet(entry, declared(account_id), related, masked=purpose is None)
    traced("account", accounts=[account_id], purpose=purpose)
    return answer(sheet)


@blueprint.get("/<uuid:account_id>/diff")
@staff(*READERS)
@blueprint.arguments(audit_history.Between, location="query")
@blueprint.response(200, audit_history.PastChanges, example=audit_history_examples.PAST_CHANGES)
@tells("not-found", "not-yet", "soon")
def show_changes(wanted: dict[str, Any], account_id: UUID) -> Response:
    """What changed after `from` and up to `to`, as `GET /audit/accounts/{account_id}/diff` says it."""
    return past_changes(account_id, wanted)


@blueprint.get("/<uuid:account_id>/timeline")
@staff(*READERS)
@blueprint.arguments(Page, location="query")
@waits_for("directory", "timeline")
@blueprint.response(200, answers.Timeline, example=examples.TIMELINE)
@tells("not-found", "bad-cursor")
def show_timeline(wanted: dict[str, Any], account_id: UUID) -> Response:
    """What happened to an account, oldest first, each event as a sentence with old and new values."""
    _entry(account_id)
    moments, following = pagination.by_position(
        f"timeline {account_id}",
        wanted,
        lambda last, limit: service().history.of(account_id, locale(), after=last, limit=limit),
    )
    traced("timeline", accounts=[account_id], count=len(moments))
    return answer({"items": list(map(representations.moment, moments)), "next_cursor": following})


@blueprint.get("/<uuid:account_id>/messages")
@staff(*READERS)
@blueprint.arguments(Page, location="query")
@waits_for("directory", "outbox")
@blueprint.response(200, answers.Messages, example=examples.MESSAGES)
@tells("not-found", "bad-cursor")
def show_messages(wanted: dict[str, Any], account_id: UUID) -> Response:
    """What was written to an account or because of it, and how it fared, oldest first. `recipient`: to whom."""
    _entry(account_id)
    limit, kind = wanted["limit"], f"messages {account_id}"
    after_last = pagination.opened(wanted.get("cursor"), kind, datetime.fromisoformat, UUID)
    sent = service().outbox_queue.of(account_id, after=after_last, limit=limit + 1)
    following = pagination.page(sent, limit, lambda each: (each.created_at, each.id), kind)
    traced("messages", accounts=[account_id], count=len(sent[:limit]))
    return answer({"items": [asdict(each) for each in sent[:limit]], "next_cursor": following})


@blueprint.post("/<uuid:account_id>/unlink")
@staff("secretariat")
@blueprint.arguments(Unlinking, example=examples.UNLINKING)
@idempotent()
@blueprint.response(204)
@tells("not-found", "profile-missing", "own-case", "not-linked", command=True)
def unlink(typed: dict[str, Any], account_id: UUID) -> Response:
    """Take a link back. A new case is opened, by which the right record is decided on."""
    return after(service().linking.unlink(account_id, **typed, actor=me().account_id), nothing())


def _entry(account_id: UUID) -> Entry:
    entry = service().directory.get(account_id)
    if entry is None:
        raise Problem("not-found")
    return entry


def declared(account_id: UUID) -> PersonalData | None:
    """The personal data, where they were sent and are still there."""
    try:
        return service().profiles.known(account_id)
    except (ProfileMissing, AccountErased):
        return None
