"""Given facts, when a decision is asked for, then these facts, or a refusal."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from time import monotonic
from typing import Any

import pytest
from eventsourcing.domain import Aggregate

from domain.errors import Refused

Deed = Callable[[Any], object]


def given(aggregate: Aggregate, *deeds: Deed) -> "Given":
    """An aggregate as its log holds it: made, then changed by each deed in turn."""
    for deed in deeds:
        deed(aggregate)
    return Given(aggregate.collect_events())


def replayed(events: list[Any]) -> Any:
    """What loading these events gives."""
    aggregate = None
    for event in events:
        aggregate = event.mutate(aggregate)
    return aggregate


class Given:
    def __init__(self, events: list[Any]) -> None:
        self._events = events

    def when(self, deed: Deed) -> "When":
        return When(self._events, deed)


class When:
    def __init__(self, events: list[Any], deed: Deed) -> None:
        self._before = events
        self._aggregate = replayed(events)
        self._deed = deed

    def then(self, *facts: tuple[type, dict[str, Any]]) -> Any:
        """Exactly these facts, with at least these fields. Returns the aggregate, which replays the same."""
        self._deed(self._aggregate)
        events = self._aggregate.collect_events()
        assert [type(event) for event in events] == [event_class for event_class, _ in facts]
        for event, (_, fields) in zip(events, facts, strict=True):
            assert {name: getattr(event, name) for name in fields} == fields
        assert vars(replayed([*self._before, *events])) == vars(self._aggregate)
        return self._aggregate

    def then_nothing(self) -> None:
        self.then()

    def then_refused(self, refusal: type[Refused], **details: object) -> None:
        """Refused with at least these details, and no fact, nor a half of one."""
        with pytest.raises(refusal) as caught:
            self._deed(self._aggregate)
        assert {name: caught.value.details[name] for name in details} == details
        assert not self._aggregate.collect_events()
        assert vars(self._aggregate) == vars(replayed(self._before))


def fact(event_class: type, **fields: object) -> tuple[type, dict[str, Any]]:
    return event_class, fields


def until(happened: Callable[[], bool], *, patience: float = 20.0) -> None:
    """Look again and again until it has happened; fails after `patience` seconds.

    The longer it lasts, the less often, down to twenty times a second: who works is left to work.
    """
    began, never = monotonic(), Event()
    while not happened():
        waited = monotonic() - began
        assert waited < patience, "it has not happened"
        never.wait(min(0.05, max(0.002, waited / 10)))


def at_once(deed: Callable[[int], Any], count: int) -> list[Any]:
    """What `count` threads get that all start with the deed at the same moment; each is told its number."""
    together = Barrier(count)

    def start(number: int) -> Any:
        together.wait(20)
        return deed(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(start, range(count)))
