"""«Mes données»: filled in, looked over, saved; and what became of the link to the record.

What was filled in waits sealed for the page to look it over (`visitors.keep`), and that page brings along all that it
shows: what is saved is what was seen, whatever another tab does.
"""

from typing import Final

from flask import Response, g, request, url_for

from api.context import service, today
from api.identity import me, my_entry
from api.web import visitors
from api.web.feature import Feature
from api.web.forms import Form
from api.web.page import go, page
from api.web.personal_data import HOME, ProfileForm, choices, in_fields, in_words
from api.web.visitors import for_holders
from api.web.words import t
from application.ports import Saved
from application.profiles import NONE_YET, Standing
from domain.errors import ProfileMissing, StaleVersion
from domain.profile import PersonalData
from projections.directory import Entry

VERSION: Final = "version"  # of the data that the form was filled with
STEP: Final = "step"
DRAFT, MODIFY = "draft", "modify"  # what was filled in stands in the form again, as one went back to it
VERSION_DIGITS: Final = 18

pages = Feature("my_data")


@pages.get("/my-data")
@for_holders
def show() -> Response:
    """The data as they are, and how the link stands. It renews itself while that is open."""
    try:
        standing = service().profiles.standing(me().account_id)
    except ProfileMissing:
        return go("my_data.fill_in")
    entry = my_entry()
    return page(
        "my-data/show.html",
        state=_state(entry, standing),
        due=entry and entry.link_due,
        standing=standing,
        parts=in_words(standing.data),
    )


@pages.route("/my-data/edit", methods=["GET", "POST"])
@for_holders
def fill_in() -> Response:
    """The form. «Continuer» leads to the page to look all over."""
    form = Form(ProfileForm, _known())
    if form.values.get(STEP):
        form.notice = None  # nothing was interrupted
    if form.read():
        _keep({**form.values, STEP: DRAFT}, "my_data.fill_in", "my_data.check")
        return go("my_data.check")
    return _form_page(form)


@pages.route("/my-data/check", methods=["GET", "POST"])
@for_holders
def check() -> Response:
    """All of it once more: «Enregistrer», or «Modifier»."""
    form, stored = Form(ProfileForm), None
    if "returned" not in g:
        form.notice = None
    if not form.values:
        return go("my_data.show")
    if form.is_sent and request.form.get(STEP) == MODIFY:
        _keep(form.values, "my_data.fill_in")
        return go("my_data.fill_in")
    data = form.understood(form.values)
    if data is None:
        return _form_page(form)
    if form.is_sent:
        with form.refusals(but=(StaleVersion,)):
            try:
                return _done(_save(data, form.values.get(VERSION, "")))
            except StaleVersion:
                stored, version = service().profiles.of(me().account_id)
                if stored == data:
                    return _done(None)  # sent twice
                form.values[VERSION] = str(version)
                form.problem = {"title": t("my-data.stale.title"), "detail": t("my-data.stale.detail")}
                form.status = 412
    return page(
        "my-data/check.html",
        form=form,
        parts=in_words(data),
        stored=stored and {line.name: line for lines in in_words(stored).values() for line in lines},
        brought_along={**in_fields(data), VERSION: form.values.get(VERSION, "")},
    )


def _form_page(form: Form) -> Response:
    is_first = form.values.get(VERSION) == str(NONE_YET)
    return page("my-data/edit.html", form=form, choices=choices(), is_first=is_first, home=HOME)


def _known() -> dict[str, str]:
    """What stands in the form at first: the data as they are, else the names of the sign-up."""
    try:
        data, version = service().profiles.of(me().account_id)
    except ProfileMissing:
        entry = my_entry()
        names = {
            "given_name": (entry and entry.given_name) or "",
            "family_name": (entry and entry.family_name) or "",
        }
        return {**names, "country": HOME, VERSION: str(NONE_YET)}
    return {**in_fields(data), VERSION: str(version)}


def _keep(typed: dict[str, str], *endpoints: str) -> None:
    for endpoint in endpoints:
        visitors.keep(url_for(endpoint), me().account_id, typed)


def _save(data: PersonalData, version: str) -> Saved:
    """Raises StaleVersion."""
    seen = int(version) if version.isdecimal() and len(version) <= VERSION_DIGITS else NONE_YET
    my_id = me().account_id
    return service().profiles.submit(my_id, data, actor=my_id, expected_version=seen)


def _done(saved: Saved | None) -> Response:
    for endpoint in ("my_data.fill_in", "my_data.check"):
        visitors.forget_kept(url_for(endpoint))
    return go("my_data.show", after=saved)


def _state(entry: Entry | None, standing: Standing) -> str:
    """linked, rejected, unlinked, late or waiting."""
    if entry and entry.link_state in ("linked", "rejected"):
        return entry.link_state
    if entry and entry.link_due and entry.link_due < today():
        return "late"
    return "unlinked" if standing.is_unlinked else "waiting"
