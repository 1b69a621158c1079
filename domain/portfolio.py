"""What the institution publishes about a person in its register: courses, certificates and documents."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

KINDS = ("course", "certificate", "document")
STATES = ("registered", "followed", "obtained")


@dataclass(frozen=True)
class File:
    """name: for whoever keeps it. sha256: 64 hexadecimal digits; the bytes are found by it."""

    name: str
    media_type: str
    size: int  # bytes
    sha256: str


@dataclass(frozen=True)
class Item:
    """One thing of a record's portfolio; None is unknown. revision: rises with each change."""

    id: UUID
    kind: str
    number: str
    title: str | None
    state: str | None
    starts: date | None
    ends: date | None
    ects: float | None
    file: File | None
    new: bool  # or changed since, for the holder who asks
    revision: int

    @property
    def place(self) -> "Place":
        return Place(self.starts or self.ends or NO_DAY, self.kind, self.number)


class Place(NamedTuple):
    """Where an item stands in its list: the latest day first, then by kind and number."""

    day: date
    kind: str
    number: str


class Seen(NamedTuple):
    """What an account was shown of a record. file: its name, where it was fetched. at: None, before that was kept."""

    number: str
    title: str | None
    file: str | None
    at: datetime | None


NO_DAY = date.min  # what has no dates comes last


@dataclass(frozen=True)
class Wanted:
    """Which items; None is any. since, until: days, at least one of which the item was going on."""

    kind: str | None = None
    state: str | None = None
    since: date | None = None
    until: date | None = None
    with_file: bool = False
