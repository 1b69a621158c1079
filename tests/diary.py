"""A read model of the tests: one row an event, written once or not at all, and events for it."""

from collections.abc import Callable
from uuid import UUID

import orjson

from infrastructure.event_mapper import SealedEvent
from projections.read_model import Fact, ReadModel, Row

TOPIC = "test.noted"
COLUMNS = {"stream": "uuid", "version": "bigint", "day": "date", "text": "text"}


class Diary(ReadModel):
    """Folds no event twice: the second row of one is refused by its key."""

    def __init__(
        self,
        name: str = "diary",
        *,
        version: int = 1,
        spoilt: Callable[[Fact], bool] = lambda fact: False,
        columns: dict[str, str] = COLUMNS,
    ) -> None:
        """spoilt: which events cannot be folded."""
        super().__init__(name, version=version, columns=columns, key=("stream", "version"))
        self.spoilt = spoilt
        self.topics[TOPIC] = self._note

    def _note(self, fact: Fact) -> Row:
        if self.spoilt(fact):
            raise LookupError
        return {
            "stream": fact.originator_id,
            "version": fact.originator_version,
            "day": fact.day,
            "text": fact.text,
        }

    def _statement(self, table: str, columns: tuple[str, ...]) -> str:
        return super()._statement(table, columns).partition(" ON CONFLICT ")[0]


def note(here, stream: UUID, version: int, *, day: str = "2025-09-01", text: str = "") -> int:
    """Append one event of the diary; its position."""
    state = orjson.dumps({"day": day, "text": text})
    return here.store.recorder.commit([SealedEvent(stream, version, TOPIC, state, None, None, None)]).position


def note_many(here, stream: UUID, count: int) -> int:
    """Append the events 1 to `count` of a stream at once; the position of the last."""
    state = orjson.dumps({"day": "2025-09-01", "text": ""})
    events = [SealedEvent(stream, place + 1, TOPIC, state, None, None, None) for place in range(count)]
    return here.store.recorder.commit(events).position


def noted(here, table: str = "diary") -> list[tuple[UUID, int]]:
    return here.rows(f"SELECT stream, version FROM {table} ORDER BY stream, version")
