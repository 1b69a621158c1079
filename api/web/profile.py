"""«Mon profil»: what one may see and change of one's own access, one page a thing; the language."""

from typing import Final

from flask import Response

from api.context import service
from api.identity import me, my_entry
from api.schemas.accounts import LocaleChange
from api.web import cookies, language
from api.web.feature import Feature
from api.web.forms import Form
from api.web.page import go, page
from api.web.told_once import done, what_was_done
from api.web.visitors import for_holders
from api.whence import whence

# Each in itself, so that it is found by whoever cannot read the others.
NAMES: Final = {"fr": "Français", "de": "Deutsch", "en": "English"}
DONE: Final = ("password", "email-asked", "email-withdrawn", "language")

pages = Feature("profile")


@pages.get("/profile")
@for_holders
def show() -> Response:
    parts, my_id, entry = service(), me().account_id, my_entry()
    factors, codes_left = parts.factors.of(my_id)
    return page(
        "profile/show.html",
        told=what_was_done(DONE),
        called=NAMES[entry.locale] if entry else "",
        pending=parts.address_changes.pending(my_id),
        factors=factors,
        codes_left=codes_left,
        sessions=len(parts.sessions.of(my_id, parts.clock.now())),
    )


@pages.route("/profile/language", methods=["GET", "POST"])
@for_holders
def choose_language() -> Response:
    """Of pages and messages."""
    entry = my_entry()
    form = Form(LocaleChange, {"locale": entry and entry.locale})
    if wanted := form.read():
        with form.refusals():
            saved = service().accounts.change_locale(me().account_id, **wanted, whence=whence())
            cookies.note(cookies.LANGUAGE, wanted["locale"], language.KEPT)
            done("language")
            return go("profile.show", after=saved)
    return page("profile/language.html", form=form, choices=NAMES.items())
