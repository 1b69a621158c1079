"""«Mes données»: filled in, looked over, saved; and what became of the link to the record.

What was filled in waits sealed for the page to look it over (`visitors.keep`), and that page brings along all that it
shows: what is saved is what was seen, whatever another tab does.
"""

from typing import Final

from flask import Response, g, request, url_for

from api.context import locale, service, today
from api.identity import me, my_entry
from api.schemas.profile import Answering
from api.web import visitors
from api.web.feature import Feature
from api.web.forms import Form
from api.web.page import go, page
from api.web.personal_data import HOME, ProfileForm, Shown, choices, in_fields, in_words
from api.web.told_once import done, what_was_done
from api.web.visitors import for_holders
from api.web.words import t
from application.ports import Saved
from application.profiles import NONE_YET, Standing
from domain.errors import NothingAsked, ProfileMissing, StaleVersion
from domain.profile import PersonalData
from projections.directory import Entry

VERSION: Final = "version"  # of the data that the form was filled with
STEP: Final = "step"
DRAFT, MODIFY, WRONG = "draft", "modify", "wrong"  # why what was filled in stands in the form again
VERSION_DIGITS: Final = 18
NO_VERSION: Final = -1
ANSWERED, NOTHING_ASKED = "question-answered", "nothing-asked"  # what the next page tells

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
        told=what_was_done((ANSWERED, NOTHING_ASKED)),
        parts=in_words(standing.data),
    )


@pages.route("/my-data/question", methods=["GET", "POST"])
@for_holders
def answer() -> Response:
    """The secretariat's question, and the answer to it. Without a question: the data, which say how things stand."""
    form, my_id = Form(Answering), me().account_id
    if wanted := form.read():
        try:
            with form.refusals(but=(NothingAsked,)):
                saved = service().linking.answer(my_id, **wanted)
                done(ANSWERED)
                return go("my_data.show", after=saved)
        except NothingAsked:  # answered already, or decided meanwhile
            done(NOTHING_ASKED)
            return go("my_data.show")
    case = service().linking.case_of(my_id)
    if not (case and case.question):
        return go("my_data.show")
    return page("my-data/question.html", form=form, question=case.question)


@pages.route("/my-data/edit", methods=["GET", "POST"])
@for_holders
def fill_in() -> Response:
    """The form. «Continuer» leads to the page to look all over."""
    form = Form(ProfileForm, _known())
    if form.read():
        form.done()
        _keep({**form.values, STEP: DRAFT}, "my_data.fill_in", "my_data.check")
        return go("my_data.check")
    step = form.values.get(STEP)
    if step:
        form.notice = None  # nothing was interrupted
    if step == WRONG:
        form.understood(form.values)
    return page(
        "my-data/edit.html",
        form=form,
        choices=choices(locale()),
        is_first=form.values.get(VERSION) == str(NONE_YET),
        home=HOME,
    )


@pages.route("/my-data/check", methods=["GET", "POST"])
@for_holders
def check() -> Response:
    """All of it once more: «Enregistrer», or «Modifier»."""
    form = Form(ProfileForm)
    if "returned" not in g:
        form.notice = None
    if not form.values:
        return go("my_data.show")
    if form.is_sent and request.form.get(STEP) == MODIFY:
        _keep(form.values, "my_data.fill_in")
        return go("my_data.fill_in")
    data = form.understood(form.values)
    if data is None:  # what was right when it was filled in
        _keep({**form.values, STEP: WRONG}, "my_data.fill_in")
        return go("my_data.fill_in")
    seen = _version(form.values)
    if form.is_sent:
        try:
            with form.refusals(but=(StaleVersion,)):
                my_id = me().account_id
                return _done(service().profiles.submit(my_id, data, actor=my_id, expected_version=seen))
        except StaleVersion:
            if _stored()[0] == data:
                return _done(None)  # sent twice
            _keep(form.values, "my_data.check")
            return go("my_data.check")
    stored, version = _stored()
    is_stale = version != seen and stored != data and not form.is_wrong
    if is_stale:
        form.problem = {"title": t("my-data.stale.title"), "detail": t("my-data.stale.detail")}
        form.status = 412
    return page(
        "my-data/check.html",
        form=form,
        parts=in_words(data),
        stored=_by_name(stored) if stored and is_stale else None,
        brought_along={**in_fields(data), VERSION: str(version)},
    )


def _by_name(data: PersonalData) -> dict[str, Shown]:
    return {line.name: line for lines in in_words(data).values() for line in lines}


def _stored() -> tuple[PersonalData | None, int]:
    """The data as they are, and their version."""
    try:
        return service().profiles.of(me().account_id)
    except ProfileMissing:
        return None, NONE_YET


def _known() -> dict[str, str]:
    """What stands in the form at first: the data as they are, else the names of the sign-up."""
    data, version = _stored()
    if data:
        return {**in_fields(data), VERSION: str(version)}
    entry = my_entry()
    names = {name: (entry and getattr(entry, name)) or "" for name in ("given_name", "family_name")}
    return {**names, "country": HOME, VERSION: str(version)}


def _keep(typed: dict[str, str], *endpoints: str) -> None:
    for endpoint in endpoints:
        visitors.keep(url_for(endpoint), me().account_id, typed)


def _version(typed: dict[str, str]) -> int:
    """Of the data that the form was filled with; what nobody was shown is no version there is."""
    version = typed.get(VERSION, "")
    return int(version) if version.isdecimal() and len(version) <= VERSION_DIGITS else NO_VERSION


def _done(saved: Saved | None) -> Response:
    for endpoint in ("my_data.fill_in", "my_data.check"):
        visitors.forget_kept(url_for(endpoint))
    return go("my_data.show", after=saved)


def _state(entry: Entry | None, standing: Standing) -> str:
    """asked, linked, rejected, unlinked, late or waiting."""
    if standing.question:
        return "asked"
    if entry and entry.link_state in ("linked", "rejected"):
        return entry.link_state
    if entry and entry.link_due and entry.link_due < today():
        return "late"
    return "unlinked" if standing.is_unlinked else "waiting"
