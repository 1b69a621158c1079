"""The catalogue of events is what the classes say, and every event that was ever stored loads."""

from pathlib import Path

import golden_events
import orjson
import pytest

from infrastructure.event_catalogue import catalogue, event_classes, fields_of
from infrastructure.event_mapper import SealingMapper
from infrastructure.translations import table

PAGE = Path(__file__).parent.parent / "docs" / "events.md"
GOLDEN = sorted(golden_events.FOLDER.glob("*.json"))
name_of = [path.stem for path in GOLDEN]


@pytest.fixture
def mapper():
    return SealingMapper(golden_events.KEYRING)


def test_the_page_is_what_the_classes_say():
    assert PAGE.read_text("utf-8") == catalogue(), (
        "run: python -m infrastructure.event_catalogue docs/events.md"
    )


def test_every_event_has_its_sentence():
    assert set(table("en", "history", "events")) == {each.TOPIC for each in event_classes()}


def test_every_event_has_a_golden_stored_form():
    missing = [each.TOPIC for each in event_classes() if not golden_events.file_of(each).exists()]
    assert missing == [], "run: python tests/golden_events.py"


@pytest.mark.parametrize("path", GOLDEN, ids=name_of)
def test_a_stored_event_means_for_ever_what_it_meant(mapper, path):
    stored, meaning = golden_events.read(path)
    event = mapper.to_domain_event(stored)
    known_later = {name for name, value in golden_events.meaning(event).items() if value is None}
    assert {name: None for name in known_later} | meaning == golden_events.meaning(event)


@pytest.mark.parametrize("event_class", event_classes(), ids=lambda event_class: event_class.TOPIC)
def test_todays_events_are_stored_in_the_golden_form(mapper, event_class):
    """Whoever changes what is stored, under which name or whether sealed makes a new version of the event."""
    stored, _ = golden_events.read(golden_events.file_of(event_class))
    again = mapper.to_stored_event(mapper.to_domain_event(stored))
    assert _unsealed(again) == _unsealed(stored)
    assert (again.topic, again.originator_id, again.account_id) == (
        stored.topic,
        stored.originator_id,
        stored.account_id,
    )


@pytest.mark.parametrize("event_class", event_classes(), ids=lambda event_class: event_class.TOPIC)
def test_what_the_page_calls_sealed_is_sealed(event_class):
    stored, _ = golden_events.read(golden_events.file_of(event_class))
    sealed = orjson.loads(stored.state).get("sealed", {})
    assert set(sealed) == {field.name for field in fields_of(event_class) if field.sealed}


def _unsealed(stored) -> list:
    """The stored state in its order, of sealed fields the names only."""
    state = orjson.loads(stored.state)
    return [(name, list(value) if name == "sealed" else value) for name, value in state.items()]
