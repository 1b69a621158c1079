"""Writes docs/events.md: every event that the log can hold, from the classes themselves.

python -m infrastructure.event_catalogue docs/events.md
"""

import ast
import inspect
import sys
import textwrap
import tokenize
from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime
from io import StringIO
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints
from uuid import UUID

from eventsourcing.domain import Aggregate

from domain.access import Access
from domain.account import Account
from domain.profile import Profile
from domain.values import Personal
from infrastructure.translations import table

AGGREGATES: tuple[type[Aggregate], ...] = (Account, Profile, Access)
LIBRARY_FIELDS = {
    "originator_id": "the stream: an account's or a profile's id, or an access's own",
    "originator_version": "the event's place in its stream, from 1",
    "timestamp": "when it happened",
    "originator_topic": "what kind of stream begins",
}
TYPES = {str: "text", int: "number", bool: "yes or no", UUID: "UUID", date: "day", datetime: "instant"}

COLUMNS = "| field | type | meaning |\n| --- | --- | --- |\n"
HEAD = f"""\
# Events

Made from the classes in `domain/` by `python -m infrastructure.event_catalogue docs/events.md`; change those.

An event is a fact. It is never changed or removed, and its topic stays what it is. Other fields are another
version, with an upcaster from the one before; a stored event of every version is kept in `tests/golden/`.
🔒: sealed under the person's data key (`infrastructure/sealing.py`); without it the field reads as erased.

Beside its topic, its position in the log and the instant at which the database took it, every event holds

{COLUMNS}"""


@dataclass(frozen=True)
class Field:
    name: str
    type: str
    meaning: str
    sealed: bool

    @property
    def row(self) -> str:
        meaning = self.meaning.replace("|", "\\|")
        return f"| `{self.name}`{' 🔒' if self.sealed else ''} | {self.type} | {meaning} |"


def event_classes() -> list[type]:
    """Every event of every aggregate, in the order in which they are written."""
    return [
        each
        for aggregate in AGGREGATES
        for each in dict.fromkeys(vars(aggregate).values())  # `Created` is a second name of the first
        if isinstance(each, type) and issubclass(each, aggregate.Event) and hasattr(each, "TOPIC")
    ]


def as_written(event_class: type) -> type:
    """The class that somebody wrote: of an event that an aggregate has from a part of it, the library makes another."""
    return next((each for each in event_class.__mro__ if "TOPIC" in vars(each)), event_class)


def fields_of(event_class: type, *, but: Collection[str] = ()) -> list[Field]:
    """In the order of their definition. Raises KeyError for a field whose meaning nobody has written down."""
    hints = get_type_hints(event_class, include_extras=True)
    comments = LIBRARY_FIELDS | {
        name: comment
        for each in reversed(as_written(event_class).__mro__)
        if each.__module__.startswith("domain.")
        for name, comment in _comments(each)
    }
    labels = table("en", "history", "fields")
    return [
        Field(
            name,
            _type(hints[name]),
            ": ".join(filter(None, (labels.get(name), comments.get(name)))) or labels[name],
            get_origin(hints[name]) is Annotated and Personal in hints[name].__metadata__,
        )
        for name in (field.name for field in fields(event_class))
        if name not in but
    ]


def catalogue() -> str:
    """The page, as Markdown."""
    common = "\n".join(field.row for field in fields_of(Profile.Event))
    return HEAD + common + "\n" + "".join(map(_section, event_classes()))


def _section(event_class: type) -> str:
    """Heading, meaning and fields of its own."""
    version = getattr(event_class, "class_version", 1)
    common = ("originator_topic", *(field.name for field in fields(Profile.Event)))
    rows = "".join(f"{field.row}\n" for field in fields_of(event_class, but=common))
    meaning = " ".join(as_written(event_class).__doc__.split())
    return f"\n## {event_class.TOPIC}\n\nVersion {version}. {meaning}\n" + (rows and f"\n{COLUMNS}{rows}")


def _type(hint: Any) -> str:
    if isinstance(hint, TypeVar):  # the library's name for the type of its ids
        return TYPES[UUID]
    if get_origin(hint) is Annotated:
        return _type(get_args(hint)[0])
    parts = get_args(hint)
    if get_origin(hint) is list:
        return f"list of {_type(parts[0])}"
    if get_origin(hint) is dict:
        return "names and values"
    if NoneType in parts:
        return " or ".join(_type(part) for part in parts if part is not NoneType) + ", or none"
    return TYPES[hint]


def _comments(event_class: type) -> Iterator[tuple[str, str]]:
    """What stands behind a field on its line."""
    source = textwrap.dedent(inspect.getsource(event_class))
    said = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    for line in ast.parse(source).body[0].body:
        if isinstance(line, ast.AnnAssign) and line.end_lineno in said:
            yield line.target.id, said[line.end_lineno]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(catalogue(), "utf-8")
