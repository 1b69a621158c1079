"""Who was erased, noted outside the database: a restored backup must not bring anybody back.

One line of JSON an erasure, without anything personal, on disk (fsync) before the database changes. A last line without
an end was never finished, and nothing followed from it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import IO
from uuid import UUID

import orjson

from domain.erasure import Erased

IDS = ("account_id", "profile_id", "erasure_id", "proposed_by", "approved_by")


class RegisterFault(Exception):
    """The register cannot be read; the text says what to do."""


class ErasureRegister:
    """A file, readable for its owner only, that any number of processes may append to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, erased: Erased) -> Erased:
        """What stands there of this account from now on: the first entry counts. Raises RegisterFault."""
        new = not self.path.exists()
        with self._opened() as file:
            known = {entry.account_id: entry for entry in self._entries(file)}
            if erased.account_id in known:
                return known[erased.account_id]
            file.write(orjson.dumps(asdict(erased), option=orjson.OPT_APPEND_NEWLINE))
            file.flush()
            os.fsync(file.fileno())
        if new:
            _sync(self.path.parent)
        return erased

    def entries(self) -> list[Erased]:
        """Oldest first. A file that is missing is made: from then on its absence says that it was lost.

        Raises RegisterFault.
        """
        with self._opened() as file:
            return self._entries(file)

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as fault:
            raise RegisterFault(
                f"The register of erasures {self.path} cannot be opened: {fault.strerror}."
            ) from None
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def _entries(self, file: IO[bytes]) -> list[Erased]:
        """All that is whole; what follows it is cut off, and the file stands at its end."""
        whole, _, torn = file.read().rpartition(b"\n")
        if torn:
            file.truncate(len(whole) + 1 if whole else 0)
        file.seek(0, os.SEEK_END)
        lines = whole.split(b"\n") if whole else []
        return [self._entry(number, line) for number, line in enumerate(lines, 1)]

    def _entry(self, number: int, line: bytes) -> Erased:
        try:
            values = orjson.loads(line)
            values |= {name: UUID(values[name]) for name in IDS}
            return Erased(**values | {"at": datetime.fromisoformat(values["at"])})
        except (ValueError, KeyError, TypeError, AttributeError):
            raise RegisterFault(
                f"The register of erasures {self.path} is broken in line {number}: bring back its copy."
            ) from None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
