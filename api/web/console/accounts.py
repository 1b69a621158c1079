"""The search: one box that finds anybody. What is typed into it stands in no address, no history and no log."""

import secrets
from typing import Any, Final

from flask import Response, request

from api import account_lists, representations
from api.context import service
from api.errors import Problem
from api.identity import me
from api.schemas.staff import ACCOUNT_STATES, LINK_STATES, AccountSearch
from api.web import cookies
from api.web.console import desk
from api.web.console.desk import ACCOUNT_READERS
from api.web.feature import Feature
from api.web.forms import Form
from api.web.page import go, page
from api.web.visitors import for_staff, reads
from infrastructure.search import READ_MODELS

SHOWN: Final = 50  # on a page
ASKED: Final = "search"  # which one an address shows: a random word, under which it is kept for half an hour

pages = Feature("console_accounts")


class Search(AccountSearch):
    class Meta:
        exclude = ("cursor", "limit")


@pages.route("/console/accounts", methods=["GET", "POST"])
@for_staff(*ACCOUNT_READERS)
@reads(*READ_MODELS)
def show() -> Response:
    kept = _kept()
    form = Form(Search, kept)
    if form.read() is not None:
        form.done()
        return go("console_accounts.show", **{ASKED: _keep(form.values)})
    items, cursor = [], None
    if kept is not None:
        try:
            items, cursor = _page(kept, request.args.get("cursor"))
        except Problem:
            return go("console_accounts.show", **{ASKED: request.args[ASKED]})
    return page(
        "console/accounts.html",
        form=form,
        searched=kept is not None,
        filtered=any(form.values.get(name) for name in account_lists.FILTERS),
        lost=kept is None and ASKED in request.args,
        word=request.args.get(ASKED),
        items=items,
        cursor=cursor,
        is_first="cursor" not in request.args,
        states=ACCOUNT_STATES,
        links=LINK_STATES,
        cantons=desk.choices("cantons"),
        locales=desk.choices("locales"),
    )


@pages.get("/console/accounts.csv")
@for_staff(*ACCOUNT_READERS)
@reads(*READ_MODELS)
def export() -> Response:
    """All that a search has found, as a file."""
    kept = _kept()
    if kept is None:
        raise Problem("not-found")
    wanted = _understood(kept)
    return account_lists.sent(wanted.pop("q"), wanted)


def _page(kept: dict[str, str], cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """Raises Problem `bad-cursor`."""
    wanted = _understood(kept)
    entries, following = account_lists.listed(wanted.pop("q"), wanted, cursor=cursor, limit=SHOWN)
    return [representations.account_item(entry) for entry in entries], following


def _understood(kept: dict[str, str]) -> dict[str, Any]:
    return Search().load({name: text for name, text in kept.items() if name in Search().fields})


def _keep(typed: dict[str, str]) -> str:
    """The word under which the search is found again."""
    word = secrets.token_urlsafe(8)
    service().kept_forms.keep(cookies.browser(), me().account_id, _place(word), typed, service().clock.now())
    return word


def _kept() -> dict[str, str] | None:
    word, browser = request.args.get(ASKED), cookies.read(cookies.BROWSER)
    if not word or not browser:
        return None
    return service().kept_forms.find(browser, me().account_id, _place(word), service().clock.now())


def _place(word: str) -> str:
    return f"/console/accounts?{word}"
