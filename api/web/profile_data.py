"""«Mon profil»: what happened to one's data, all of it as a file, and the end of the account."""

from typing import Final

import orjson
from flask import Response, request

from api import pagination
from api.archive import archive
from api.context import locale, service
from api.errors import Problem
from api.identity import forget_cookie, me
from api.web import history_words
from api.web.feature import Feature
from api.web.page import go, page
from api.web.reauthentication import GuardedForm, passkey_offered
from api.web.visitors import for_holders, reads
from api.whence import whence
from domain import policies

SHOWN: Final = 25  # events on a page
FILE: Final = "matricule.json"

pages = Feature("profile_data")


@pages.get("/profile/history")
@for_holders
@reads("timeline", "account_accesses")
def show_history() -> Response:
    """Newest first: what, when, from where, by whom, and who looked."""
    my_id = me().account_id
    kind = f"own history {my_id}"
    try:
        (before,) = pagination.opened(request.args.get("cursor"), kind, int) or (None,)
    except Problem:
        return go("profile_data.show_history")
    found = service().history.latest(my_id, locale(), before=before, limit=SHOWN + 1)
    older = pagination.page(found, SHOWN, lambda each: (each.position,), kind)
    days = history_words.by_day(found[:SHOWN])
    return page("profile/history.html", days=days, older=older, first=before is None)


@pages.route("/profile/data", methods=["GET", "POST"])
@for_holders
@reads("timeline", "account_accesses")
def download() -> Response:
    """All that is held, as a file."""
    form = GuardedForm()
    if shown := form.read():
        with form.refusals():
            service().reauthentication.confirm(me().account_id, shown["evidence"], me().session_id)
            written = orjson.dumps(archive(me()), option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z)
            response = Response(written, content_type="application/json")
            response.headers["Content-Disposition"] = f'attachment; filename="{FILE}"'
            return response
    return page("profile/data.html", form=form, passkey=passkey_offered())


@pages.route("/profile/closure", methods=["GET", "POST"])
@for_holders
def close() -> Response:
    form = GuardedForm()
    if shown := form.read():
        with form.refusals():
            service().standings.close_own(
                me().account_id, shown["evidence"], session_id=me().session_id, whence=whence()
            )
            return forget_cookie(go("profile_data.closed"))
    return page(
        "profile/closure.html", form=form, days=policies.CLOSURE_GRACE.days, passkey=passkey_offered()
    )


@pages.get("/profile/closed")
def closed() -> Response:
    """For whoever has just left: nobody is signed in here any more."""
    return page("profile/closed.html", days=policies.CLOSURE_GRACE.days)
