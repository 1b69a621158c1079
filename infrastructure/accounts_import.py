"""Accounts from a file into the log: batch by batch, each whole, so that a run that broke off is simply run again."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from uuid import UUID

from application.imports import MOST, Imports
from domain.imported import LineRefused
from infrastructure.accounts_file import AccountsFile, account_line
from infrastructure.import_file import FileRefused, Refusal, Report, Row

Progress = Callable[[int, int], None]


class AccountsImport:
    def __init__(self, imports: Imports) -> None:
        self._imports = imports

    def import_file(
        self,
        path: Path,
        *,
        today: date,
        actor: UUID,
        dry_run: bool = False,
        progress: Progress = lambda done, lines: None,
        names: Mapping[str, str] | None = None,
        report: Report | None = None,
    ) -> Report:
        """Add accounts and update those whose holder has not come yet; what the file does not mention stays as it is.

        actor: who brings the file. The other arguments and what is raised: as for records.
        """
        report = report or Report()
        try:
            file = AccountsFile(path, today=today, names=names)
        except FileRefused as refused:
            report.refuse(refused.refusals)
            return report
        for rows, faults in file.batches(MOST, after=report.line):
            self._take(rows, faults, report, actor=actor, dry_run=dry_run)
            progress(report.line, file.lines)
        progress(file.lines, file.lines)
        return report

    def _take(
        self, rows: Sequence[Row], faults: list[list[Refusal]], report: Report, *, actor: UUID, dry_run: bool
    ) -> None:
        outcomes = self._imports.take([account_line(row) for row in rows], actor=actor, dry_run=dry_run)
        taken = []
        for row, outcome in zip(rows, outcomes, strict=True):
            if isinstance(outcome, LineRefused):
                faults.append([Refusal(row.line, outcome.field, outcome.code)])
            else:
                taken.append(row)
        faults.sort(key=lambda each: each[0].line)
        report.add(taken, faults, outcomes.count("added"), outcomes.count("changed"))
