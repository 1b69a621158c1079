"""The catalogues: every language says everything, with the same placeholders."""

from string import Formatter

import pytest

from domain import errors
from domain.matching import CAUSES
from infrastructure.translations import LOCALES, catalogue, completed, table, text, topics

PLACES = [(topic, locale) for topic in topics() for locale in LOCALES if locale != "fr"]


def texts_by_path(written: object, path: str = "") -> dict[str, str]:
    """Every text of a catalogue by its place in it: `/fields/missing`."""
    match written:
        case dict():
            parts = written.items()
        case list():
            parts = enumerate(written)
        case _:
            return {path: str(written)}
    return {
        place: said for key, part in parts for place, said in texts_by_path(part, f"{path}/{key}").items()
    }


def placeholders(said: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(said) if name}


def placeholders_by_path(locale: str, topic: str) -> dict[str, set[str]]:
    return {place: placeholders(said) for place, said in texts_by_path(catalogue(locale, topic)).items()}


@pytest.mark.parametrize(("topic", "locale"), PLACES)
def test_every_language_says_everything_with_the_same_placeholders(topic, locale):
    assert placeholders_by_path(locale, topic) == placeholders_by_path("fr", topic)


@pytest.mark.parametrize("topic", topics())
@pytest.mark.parametrize("locale", LOCALES)
def test_no_text_is_empty_or_has_stray_spaces(topic, locale):
    texts = texts_by_path(catalogue(locale, topic)).values()
    assert [said for said in texts if not said.strip() or said != said.strip()] == []


def test_german_is_written_as_in_switzerland():
    assert [topic for topic in topics() if "ß" in str(catalogue("de", topic))] == []


def test_placeholders_are_filled_in():
    assert text("de", "problems", "fields", "too-long", max=200) == "Höchstens 200 Zeichen."


def test_a_placeholder_without_a_value_is_an_error():
    with pytest.raises(KeyError, match="max"):
        text("de", "problems", "fields", "too-long")


@pytest.mark.parametrize("locale", ["rm", "", "../translations/en"])
def test_an_unknown_language_reads_french(locale):
    assert text(locale, "problems", "not-found", "title") == "Introuvable"


def test_what_a_language_lacks_is_read_from_french():
    french = {"greeting": "Bonjour", "labels": {"yes": "oui", "no": "non"}}
    german = {"labels": {"yes": "ja"}}
    assert completed(german, french) == {"greeting": "Bonjour", "labels": {"yes": "ja", "no": "non"}}


@pytest.mark.parametrize(
    ("topic", "keys"),
    [
        ("no-such-topic", ()),
        ("problems", ("no-such-code", "title")),
        ("problems", ("not-found", "title", "found")),
    ],
)
def test_what_no_language_says_is_an_error(topic, keys):
    for read in (text, table):
        with pytest.raises(KeyError):
            read("en", topic, *keys)


def test_a_table_is_no_text_and_a_text_no_table():
    with pytest.raises(KeyError):
        text("en", "problems", "not-found")
    with pytest.raises(KeyError):
        table("en", "problems", "not-found", "title")


def every_refusal(root: type[errors.Refused] = errors.Refused):
    for refusal in root.__subclasses__():
        yield refusal
        yield from every_refusal(refusal)


@pytest.mark.parametrize("code", sorted({refusal.code for refusal in every_refusal()}))
def test_every_refusal_is_explained(code):
    assert set(table("fr", "problems", code)) == {"title", "detail"}


@pytest.mark.parametrize("place", ["codes", "console"])
def test_every_cause_of_a_case_has_words(place):
    """A queue that has none for one of them cannot be shown at all."""
    assert table("fr", place, "causes").keys() == set(CAUSES)
