"""The role that takes over the files which the secretariat brings."""

import logging
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg import OperationalError

from application.ports import Clock
from domain.calendar import ZURICH
from infrastructure.accounts_import import AccountsImport
from infrastructure.doorbell import Doorbell
from infrastructure.import_file import Report
from infrastructure.import_jobs import ImportJob, ImportJobs, LeaseLost
from infrastructure.observability import place_of
from infrastructure.portfolio import Portfolio
from infrastructure.records import Records

log = logging.getLogger(__name__)

POLL = 5.0  # s, for what comes without a ring
REFUSALS = 10_000  # read at once
TOLD = 1.0  # s between two words on how far it is, within a batch


class Stopped(Exception):
    """The service ends; the import goes on at its next start."""


class TakeOver:
    """Any number may run: each takes the next file."""

    name = "take-over"

    def __init__(
        self,
        jobs: ImportJobs,
        accounts: AccountsImport,
        records: Records,
        portfolio: Portfolio,
        clock: Clock,
        doorbell: Doorbell,
    ) -> None:
        self._jobs = jobs
        self._imports: dict[str, Callable[..., Report]] = {
            "accounts": accounts.import_file,
            "records": records.import_file,
            "portfolio": portfolio.import_file,
        }
        self._clock = clock
        self._doorbell = doorbell

    def run(self, stop: threading.Event) -> None:
        """Work until `stop`. Raises psycopg's errors: whoever runs it begins again."""
        seen = self._doorbell.wait("imports", seen=-1, timeout=0)
        while not stop.is_set():
            while not stop.is_set() and self.take_next(stop):
                pass
            seen = self._doorbell.wait("imports", seen, POLL)

    def take_next(self, stop: threading.Event) -> bool:
        """Whether there was one."""
        job = self._jobs.claim()
        if job is None:
            return False
        about = {"import": str(job.id), "kind": job.kind, "attempt": job.attempts}
        try:
            self._take(job, stop)
            self._jobs.finish(job, "done")
            log.info("import done", extra=about)
        except Stopped:
            self._jobs.hand_back(job)
        except LeaseLost:
            log.warning("import went on elsewhere", extra=about)
        except OperationalError:
            raise
        except Exception as fault:  # noqa: BLE001 - by a file that nobody can take over no worker may die
            self._jobs.finish(job, "failed")
            log.error("import failed", extra=about | place_of(fault))
        return True

    def _take(self, job: ImportJob, stop: threading.Event) -> None:
        report = self._report_so_far(job)
        noted, line, at = len(report.refused), report.line, time.monotonic()

        def progress(_done: int, lines: int) -> None:
            nonlocal noted, line, at
            if report.line != line or time.monotonic() - at >= TOLD:
                self._jobs.note(job, report, lines, noted)
                noted, line, at = len(report.refused), report.line, time.monotonic()
            if stop.is_set():
                raise Stopped

        with _unsealed(self._jobs.pieces(job)) as file, tempfile.TemporaryDirectory() as no_documents:
            self._jobs.note(job, report, job.lines, noted)  # the pieces may have been taken away meanwhile
            self._imports[job.kind](
                file,
                dry_run=job.dry_run,
                names=job.names,
                progress=progress,
                report=report,
                **self._more(job, Path(no_documents)),
            )
        self._jobs.note(job, report, max(job.lines, report.line), noted)

    def _more(self, job: ImportJob, no_documents: Path) -> dict[str, Any]:
        if job.kind == "portfolio":
            return {"folder": no_documents}
        today = self._clock.now().astimezone(ZURICH).date()
        return {"today": today, "actor": job.actor} if job.kind == "accounts" else {"today": today}

    def _report_so_far(self, job: ImportJob) -> Report:
        refused, last = [], -1
        while page := self._jobs.refusals(job.id, after=last, limit=REFUSALS):
            refused += [refusal for _, refusal in page]
            last = page[-1][0]
        return Report(job.read, job.added, job.changed, job.unchanged, refused, job.line, job.unlisted)


@contextmanager
def _unsealed(pieces: Iterator[bytes]) -> Iterator[Path]:
    """A file without a name, so that nothing is left of it whatever happens."""
    with tempfile.TemporaryFile() as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        yield Path(f"/proc/self/fd/{file.fileno()}")
