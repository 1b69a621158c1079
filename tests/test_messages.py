"""What the mails say, in each language, in both parts."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.messages import Message, kinds, render
from infrastructure.translations import LOCALES, catalogue

INSTITUTION = "HEP-BEJUNE"
PUBLIC_URL = "https://ma.hep-bejune.example"
CONTACT = "032 886 99 31"
BEFORE_THE_FIRST_SIGN_IN = ("initial-password", "account-exists")

VALUES = {
    "email": "o'hara&<ada>@school.example",
    "password": "kfTm-4wXd-9pHs-qyzr",
    "sign_in_link": f"{PUBLIC_URL}/?token=Zk3mQ9vT2xY7wL5pN8rB1cD4",
    "hours": 72,
    "reason": "no-record",
    "changed_at": datetime(2025, 11, 24, 23, 5, tzinfo=UTC),
}

every_message = pytest.mark.parametrize(
    ("kind", "locale"), [(kind, locale) for kind in kinds() for locale in LOCALES]
)
tokens = st.text("ABCDEFGHabcdefgh0123456789-_", min_size=22, max_size=64)
# What people and attackers write: anything but the control characters that no value may hold.
words = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=60)


def message(kind: str, locale: str = "fr", **values: object) -> Message:
    return render(
        kind,
        locale,
        values=VALUES | values,
        institution_name=INSTITUTION,
        public_url=PUBLIC_URL,
        contact=CONTACT,
    )


class Page(HTMLParser):
    """The HTML part as a reader meets it: its words, its links, everything it would fetch."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.language: str | None = None
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        if tag == "html":
            self.language = given["lang"]
        if tag == "a":
            self.links.append(given["href"])
        self.fetched += [value for name, value in attrs if name in ("src", "srcset", "background", "data")]

    def handle_data(self, data):
        self.words += data


def lines_with_links(text: str) -> list[str]:
    return [line for line in text.split("\n") if "://" in line]


@every_message
@given(token=tokens)
def test_each_link_of_the_text_stands_on_a_line_of_its_own(kind, locale, token):
    lines = lines_with_links(message(kind, locale, sign_in_link=f"{PUBLIC_URL}/?token={token}").text)
    assert lines
    assert [line for line in lines if not re.fullmatch(r"https://\S+", line)] == []


@every_message
@given(token=tokens)
def test_the_html_has_the_links_of_the_text(kind, locale, token):
    made = message(kind, locale, sign_in_link=f"{PUBLIC_URL}/?token={token}")
    assert Page(made.html).links == lines_with_links(made.text)


@every_message
@given(written=words)
def test_no_value_becomes_markup(kind, locale, written):
    made = message(kind, locale, email=written, password=written)
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


@pytest.mark.parametrize("kind", BEFORE_THE_FIRST_SIGN_IN)
@pytest.mark.parametrize("locale", LOCALES)
def test_before_the_first_sign_in_nothing_that_was_typed_but_the_address_is_said(kind, locale):
    named = set(re.findall(r"\{(\w+)", str(catalogue(locale, "messages")[kind])))
    assert named <= {"email", "password", "sign_in_link", "hours", "institution", "public_url"}


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
def test_every_reason_of_a_rejection_is_told_in_words(locale):
    codes = catalogue(locale, "codes")["reasons"]["reject"]
    told = {code: message("rejected", locale, reason=code).text for code in codes}
    assert len(set(told.values())) == len(codes)
    assert [code for code in codes if code in told[code].split()] == []


@pytest.mark.parametrize(
    ("locale", "said"),
    [("fr", "le 25.11.2025 à 00h05"), ("de", "am 25.11.2025 um 00.05 Uhr"), ("en", "on 25.11.2025 at 00:05")],
)
def test_instants_are_shown_in_swiss_time(locale, said):
    assert said in message("password-changed", locale).text


def test_french_sets_its_question_marks_off_where_no_line_breaks():
    assert "de compte\u00a0? Ignorez ce message\u00a0: sans" in message("initial-password", "fr").text


def test_a_missing_value_is_an_error_that_names_it():
    with pytest.raises(KeyError, match="reason"):
        render("rejected", "fr", values={}, institution_name=INSTITUTION, public_url=PUBLIC_URL)


def test_without_a_contact_line_the_foot_leaves_it_out():
    made = render("link-confirmed", "en", values={}, institution_name=INSTITUTION, public_url=PUBLIC_URL)
    assert "Help and contact" not in made.text + made.html


def test_an_unknown_kind_is_an_error():
    with pytest.raises(KeyError, match="no-such-kind"):
        message("no-such-kind")
