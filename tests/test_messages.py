"""What the mails say, in each language, in both parts."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import INSTITUTION, PUBLIC_URL, VALUES, Page, lines_with_links, message, with_token

from infrastructure.messages import kinds, render
from infrastructure.translations import LOCALES, catalogue

every_message = pytest.mark.parametrize(
    ("kind", "locale"), [(kind, locale) for kind in kinds() for locale in LOCALES]
)
tokens = st.text("ABCDEFGHabcdefgh0123456789-_", min_size=22, max_size=64)
# What people and attackers write: anything but the control characters that no value may hold.
words = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=60)


def shape(block: str | dict) -> object:
    """A block without its words."""
    return block if isinstance(block, str) else {name: isinstance(part, str) for name, part in block.items()}


@every_message
@settings(max_examples=25)
@given(token=tokens)
def test_each_link_of_the_text_stands_on_a_line_of_its_own(kind, locale, token):
    lines = lines_with_links(with_token(kind, locale, token).text)
    assert lines
    assert [line for line in lines if not re.fullmatch(r"https://\S+", line)] == []


@every_message
@settings(max_examples=25)
@given(token=tokens)
def test_the_html_has_the_links_of_the_text(kind, locale, token):
    made = with_token(kind, locale, token)
    assert Page(made.html).links == lines_with_links(made.text)


@every_message
@settings(max_examples=25)
@given(written=words)
def test_no_value_becomes_markup(kind, locale, written):
    typed = dict.fromkeys(("email", "new_email", "new_email_masked", "password", "device", "place"), written)
    made = message(kind, locale, **typed)
    assert Page(made.html).tags == Page(message(kind, locale).html).tags


@pytest.mark.parametrize("locale", LOCALES)
@given(password=words)
def test_the_initial_password_stands_alone_between_two_empty_lines(locale, password):
    lines = message("initial-password", locale, password=password).text.split("\n")
    place = lines.index(password)
    assert (lines[place - 1], lines[place + 1]) == ("", "")


@every_message
def test_only_the_password_message_holds_the_password(kind, locale):
    made = message(kind, locale)
    assert (
        (VALUES["password"] in made.text) == (VALUES["password"] in made.html) == (kind == "initial-password")
    )
    assert VALUES["password"] not in made.subject


@pytest.mark.parametrize("locale", LOCALES)
def test_the_password_message_says_from_whom_it_is_and_how_long_it_holds(locale):
    made = message("initial-password", locale, hours=48)
    assert made.sender == INSTITUTION
    assert INSTITUTION in made.subject
    assert " 48 " in made.text
    assert lines_with_links(made.text)[0] == VALUES["sign_in_link"]


@every_message
def test_both_parts_say_the_same_words(kind, locale):
    made = message(kind, locale)
    said = [re.sub(r"^\d\. ", "", line) for line in made.text.split("\n") if "://" not in line]
    assert [line for line in said if line not in Page(made.html).words] == []


@every_message
def test_the_html_names_its_language_and_fetches_nothing(kind, locale):
    page = Page(message(kind, locale).html)
    assert page.language == locale
    assert page.fetched == []
    assert {"script", "img", "link", "iframe", "form"}.isdisjoint(page.tags)
    assert not re.search(r"url\(|@import", message(kind, locale).html)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_language_builds_a_message_of_the_same_blocks(locale):
    written, french = (catalogue(language, "messages") for language in (locale, "fr"))
    assert written["shared"]["blocks"].keys() == french["shared"]["blocks"].keys()
    for kind in kinds():
        assert [*map(shape, written[kind]["blocks"])] == [*map(shape, french[kind]["blocks"])]


@pytest.mark.parametrize(
    ("locale", "said"),
    [("fr", "le 25.11.2025 à 00h05"), ("de", "am 25.11.2025 um 00.05 Uhr"), ("en", "on 25.11.2025 at 00:05")],
)
def test_instants_are_shown_in_swiss_time(locale, said):
    assert said in message("password-changed", locale).text


def test_french_sets_its_question_marks_off_where_no_line_breaks():
    assert "de compte\u00a0? Ignorez ce message\u00a0: sans" in message("initial-password", "fr").text


def test_a_missing_value_is_an_error_that_names_it():
    values = {"at": VALUES["at"]}
    with pytest.raises(KeyError, match="reason"):
        render("rejected", "fr", values=values, institution_name=INSTITUTION, public_url=PUBLIC_URL)


def test_without_a_contact_line_the_foot_leaves_it_out():
    values = {"at": VALUES["at"]}
    made = render("link-confirmed", "en", values=values, institution_name=INSTITUTION, public_url=PUBLIC_URL)
    assert "Help and contact" not in made.text + made.html


def test_an_unknown_kind_is_an_error():
    with pytest.raises(KeyError, match="no-such-kind"):
        message("no-such-kind")
