"""What a message says besides its own words: when, from where, for how long, and nothing to whom it is not for."""

import re

import pytest
from reading import PUBLIC_URL, VALUES, lines_with_links, message, named_in, paragraphs

from infrastructure import messages
from infrastructure.messages import kinds
from infrastructure.translations import LOCALES, table

# What may reach somebody whom its sender does not know: before the first sign-in, and at an address not yet proved.
FOR_A_STRANGER = ("initial-password", "account-exists", "email-change-confirm", "email-change-taken")
# Where the secretariat sits is nothing to anybody; and the mailbox that was taken away may be the thief's.
BY_STAFF = (
    "link-confirmed",
    "link-notice",
    "question",
    "rejected",
    "recovery-proposed",
    "account-locked",
    "account-unlocked",
    "second-factor-reset",
    "account-merged",
    "other-account-merged",
    "accounts-separated",
    "erased",
)
# A checkpoint is about the log, a digest about the day's work.
ABOUT_THE_READER = [kind for kind in kinds() if kind not in ("checkpoint", "digest")]
TELLS_FROM_WHERE = [kind for kind in ABOUT_THE_READER if kind not in (*BY_STAFF, "email-change-undone")]
IF_IT_WAS_NOT_YOU = {
    "fr": r"pas vous|pas de vous|surprend|attendiez|pas voulu|pas le vôtre|pas demandé|aucune donnée|ou non",
    "de": r"nicht Sie|nicht von Ihnen|überrascht|nicht erwartet|nicht gewollt|nicht Ihnen|kein Konto beantragt"
    r"|nicht verlangt|keine Daten|oder nicht",
    "en": r"not you|not come from you|surprise|not expect|not intended|not yours|not request|not ask|no data|or not",
}
GREETINGS = {"fr": "Bonjour,", "de": "Guten Tag", "en": "Hello"}

every_message = pytest.mark.parametrize(
    ("kind", "locale"), [(kind, locale) for kind in kinds() for locale in LOCALES]
)


@pytest.mark.parametrize("kind", FOR_A_STRANGER)
@pytest.mark.parametrize("locale", LOCALES)
def test_a_stranger_reads_nothing_that_was_typed_but_the_address(kind, locale):
    harmless = "email new_email password sign_in_link link hours asked_at opening unwanted device place"
    assert named_in(kind, locale) <= {*harmless.split()}


def test_the_mailbox_that_was_taken_away_does_not_learn_from_where():
    assert named_in("email-change-undone", "fr") == {"at"}


@every_message
def test_the_table_names_what_each_message_needs(kind, locale):
    (row,) = re.findall(rf"^\| {kind} .*\|(.*)\|$", messages.__doc__, re.MULTILINE)
    whence = {"device", "place"} if "whence" in row else set()
    objection = {"new_email_masked", "object_link"} if "an objection" in row else set()
    (work,) = re.findall(r"^a day's work: ([^.]*)", messages.__doc__, re.MULTILINE)
    listed = row + work if "a day's work" in row else row
    assert named_in(kind, locale) == {*re.findall(r"`(\w+)`", listed)} | whence | objection


@pytest.mark.parametrize(
    ("kind", "name", "listed"),
    [
        ("rejected", "reason", "reasons.reject"),
        ("account-locked", "reason", "reasons.lock"),
        ("email-change-cancelled", "cause", "cancellations"),
        ("second-factor-added", "factor", "factors"),
        ("second-factor-removed", "factor", "factors"),
    ],
)
@pytest.mark.parametrize("locale", LOCALES)
def test_every_code_of_a_list_is_told_in_words(kind, name, listed, locale):
    codes = table(locale, "codes", *listed.split("."))
    told = {code: message(kind, locale, **{name: code}).text for code in codes}
    assert len(set(told.values())) == len(codes)
    assert [code for code in codes if "-" in code and code in told[code]] == []


@pytest.mark.parametrize(
    ("kind", "name", "choices"),
    [
        ("password-changed", "how", ("chosen", "reset")),
        ("email-changed", "by_staff", (True, False)),
        ("email-changed-previous", "by_staff", (True, False)),
    ],
)
@pytest.mark.parametrize("locale", LOCALES)
def test_who_or_what_did_it_is_told(kind, name, choices, locale):
    told = [message(kind, locale, **{name: choice}).text for choice in choices]
    assert len(set(told)) == len(choices)
    assert [text for text in told if re.search(r"\b(True|False)\b", text)] == []


def test_a_code_without_words_is_an_error_that_names_it():
    with pytest.raises(KeyError, match="no-such-code"):
        message("account-locked", reason="no-such-code")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", TELLS_FROM_WHERE)
def test_from_where_is_told_as_far_as_it_is_known(kind, locale):
    known = paragraphs(message(kind, locale))
    without_place = paragraphs(message(kind, locale, place=None))
    without_device = paragraphs(message(kind, locale, device=None))
    unknown = paragraphs(message(kind, locale, device=None, place=None))

    (whence,) = [each for each in known if each not in unknown]
    device, place = whence.split("\n")
    assert device.endswith(VALUES["device"])
    assert place.endswith(VALUES["place"])
    assert [each for each in without_place if each not in unknown] == [device]
    assert [each for each in without_device if each not in unknown] == [place]
    assert unknown == [each for each in known if each != whence]


@every_message
def test_what_is_unknown_leaves_nothing_behind(kind, locale):
    made = message(kind, locale, device=None, place=None, reopen_link=None, until=None)
    for part in (made.subject, made.text, made.html):
        assert "None" not in part
    assert "\n\n\n" not in made.text
    assert not re.search(r"<p[^>]*>\s*</p>", made.html)


@pytest.mark.parametrize("locale", LOCALES)
def test_an_account_that_staff_closed_is_reopened_by_nobody_with_a_link(locale):
    by_holder = message("account-closed", locale)
    by_staff = message("account-closed", locale, reopen_link=None, until=None)
    assert VALUES["reopen_link"] in lines_with_links(by_holder.text)
    assert "02.12.2025" in by_holder.text
    assert lines_with_links(by_staff.text) == [PUBLIC_URL]
    assert set(paragraphs(by_staff)) < set(paragraphs(by_holder))


@pytest.mark.parametrize("kind", ABOUT_THE_READER)
@pytest.mark.parametrize("locale", LOCALES)
def test_when_it_happened_is_told(kind, locale):
    assert "25.11.2025" in message(kind, locale).text


@pytest.mark.parametrize("kind", ABOUT_THE_READER)
@pytest.mark.parametrize("locale", LOCALES)
def test_what_to_do_is_told_to_whoever_did_not_ask_for_it(kind, locale):
    assert re.search(IF_IT_WAS_NOT_YOU[locale], message(kind, locale).text)


@pytest.mark.parametrize("kind", BY_STAFF)
def test_where_the_secretariat_sits_is_told_to_nobody(kind):
    assert not named_in(kind, "fr") & {"device", "place"}


@pytest.mark.parametrize("kind", ["password-reset", "email-change-confirm", "email-changed-previous"])
@pytest.mark.parametrize("locale", LOCALES)
def test_how_long_a_link_holds_is_told(kind, locale):
    assert re.search(r"\b(60 Minut|60 minut|72 [hS]|02\.12\.2025)", message(kind, locale).text)


@every_message
def test_no_message_greets_by_name_or_sex(kind, locale):
    made = message(kind, locale)
    assert made.text.startswith(GREETINGS[locale] + "\n\n")
    assert not re.search(r"\b(Monsieur|Madame|Herr|Frau|Mr|Ms)\b", made.text)
