"""Where the institution keeps its records: what a mirror asks of a source, and what can go wrong with one."""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from threading import Timer
from typing import Any, Final, Protocol

from infrastructure.records_file import columns

MERGED_INTO: Final = "merged_into"
FIELDS: Final = (*columns(date.max), MERGED_INTO)  # of a record; what a source leaves out is unknown
MOST_NAMED: Final = 5

Raw = dict[str, Any]
"""A record as the source tells it, by field."""


class SourceFault(Exception):
    """The register cannot be had, or not believed. code: of FAULTS. detail: nothing secret, nothing about a person."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


FAULTS: Final = {
    "down": "does not answer",
    "slow": "takes too long",
    "certificate": "has a certificate that is not to be trusted",
    "login": "does not let us in",
    "status": "answers with an error",
    "redirect": "leads elsewhere",
    "too-large": "answers with too much at once",
    "broken-off": "broke off in the middle of an answer",
    "not-json": "does not answer in JSON",
    "shape": "answers in another shape than agreed",
    "columns": "has columns that are not agreed, or lacks record_number",
    "no-view": "has no such view, or does not let us read it",
    "database": "refuses the query",
    "twice": "names a record twice",
    "incomplete": "names fewer or more records than it announces",
    "changed": "changes while it is read, each time",
    "losses": "lacks too many of the records that it had",
    "strangers": "says of too many records that they are somebody else's",
}


class Reading(Protocol):
    """The whole register, once. mark: by which the source knows the next time what was read; None: it cannot."""

    mark: str | None

    def pages(self) -> Iterator[Sequence[Raw]]:
        """Raises SourceFault: also at the end, where it turns out not to have been the whole."""


class Source(Protocol):
    """name: what operators are told of it."""

    name: str

    def read(self, mark: str | None) -> Reading | None:
        """None: nothing has changed since the reading with this mark. Raises SourceFault."""


@contextmanager
def at_most(seconds: float, descriptor: int) -> Iterator[None]:
    """Break a connection off where this takes longer, whatever somebody waits for. Raises SourceFault `slow`.

    A timeout of the socket alone is for each byte: a server that dribbles would hold its reader for ever.
    """
    late = False
    # One of our own, for the library may close its descriptor, and the number be somebody else's by then.
    ours = socket.socket(fileno=os.dup(descriptor))

    def break_off() -> None:
        nonlocal late
        late = True
        with suppress(OSError):  # it is closed already
            ours.shutdown(socket.SHUT_RDWR)

    timer = Timer(seconds, break_off)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception:
        if late:
            raise SourceFault("slow") from None
        raise
    finally:
        timer.cancel()
        timer.join()
        ours.close()
    if late:
        raise SourceFault("slow")


def check_fields(names: Sequence[str], code: str) -> None:
    """Raises SourceFault: a name that is written wrongly would pass for something that nobody knows."""
    unknown = sorted(set(names) - set(FIELDS))
    if unknown:
        raise SourceFault(code, ", ".join(name[:40] for name in unknown[:MOST_NAMED]))
    if "record_number" not in names:
        raise SourceFault(code, "record_number")
