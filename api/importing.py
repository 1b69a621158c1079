"""What exists already and is taken over from files, on the command line."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from api.terminal import as_json, aside, echo, found_wrong, print_json, progress, with_service
from domain.calendar import ZURICH
from domain.values import LOCALES
from infrastructure.bootstrap import Service
from infrastructure.import_file import Report


@click.group("import")
def IMPORT() -> None:
    """Take over what exists already."""


def _takes_a_file(command: Callable) -> Callable:
    """Adds what every import has: FILE, --dry-run, --language, --json."""
    for option in (
        as_json,
        click.option("--language", type=click.Choice(LOCALES), default="en", help="Of the reasons."),
        click.option("--dry-run", is_flag=True, help="Read and judge every line, write nothing."),
        click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
    ):
        command = option(command)
    return command


@IMPORT.command("records")
@_takes_a_file
@with_service
def import_records(service: Service, file: Path, dry_run: bool, **how: Any) -> None:
    """Take the institution's records from FILE (CSV); a second time, what differs is updated.

    Example: matricule import records records.csv --dry-run
    """
    if service.settings.records_url:
        raise found_wrong(
            "The records are read from RECORDS_URL, and the next reading would undo this import. "
            "matricule records refresh reads them now."
        )
    today = service.clock.now().astimezone(ZURICH).date()
    _import(service.records.import_file, file, dry_run, {"today": today}, **how)


@IMPORT.command("portfolio")
@_takes_a_file
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the documents are; the folder of FILE when it is not given.",
)
@with_service
def import_portfolio(service: Service, file: Path, folder: Path | None, dry_run: bool, **how: Any) -> None:
    """Take courses, certificates and documents from FILE (CSV), and copy the documents that it names.

    A second time, what differs is updated. Example: matricule import portfolio portfolio.csv --folder documents
    """
    _import(service.portfolio_items.import_file, file, dry_run, {"folder": folder}, **how)


def _import(
    take: Callable[..., Report],
    file: Path,
    dry_run: bool,
    more: dict[str, Any],
    *,
    language: str,
    json_wanted: bool,
) -> None:
    with progress() as bar:
        task = bar.add_task(file.name, total=None)
        try:
            report = take(
                file,
                dry_run=dry_run,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
                **more,
            )
        except OSError as fault:
            raise found_wrong(
                f"{fault.filename or file}: {os.strerror(fault.errno)}. What was taken so far stays: run it again."
            ) from None
    answer = report.as_dict(language)
    if json_wanted:
        print_json(answer)
    else:
        _tell(answer, dry_run)
    if answer["refused"]:
        raise click.exceptions.Exit(1)


def _tell(answer: dict[str, Any], dry_run: bool) -> None:
    echo.print(
        f"{answer['read']:,} lines read: {answer['added']:,} added, {answer['changed']:,} changed, "
        f"{answer['unchanged']:,} unchanged, {len(answer['refused']):,} refused."
        + (" Nothing was written." if dry_run else "")
    )
    for refusal in answer["refused"]:
        aside.print(f"line {refusal['line']}, {refusal['field']}: {refusal['why']}")
