"""What exists already and is taken over from files, on the command line."""

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import click

from api.terminal import as_json, aside, echo, found_wrong, print_json, progress, with_service
from domain.calendar import ZURICH
from domain.values import LOCALES, OPERATOR
from infrastructure.bootstrap import Service
from infrastructure.import_file import Report


@click.group("import")
def IMPORT() -> None:
    """Take over what exists already.

    Example: matricule import records records.csv --dry-run
    """


def _names(_context: click.Context, _option: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    names = dict(pair.rpartition("=")[::2] for pair in pairs)
    if "" in names or "" in names.values():
        raise click.BadParameter('write theirs=ours, for example --map "Adresse privée=street".')
    return names


def _takes_a_file(command: Callable) -> Callable:
    """Adds what every import has: FILE, --dry-run, --language, --json."""
    for option in (
        as_json,
        click.option("--language", type=click.Choice(LOCALES), default="en", help="Of the reasons."),
        click.option("--dry-run", is_flag=True, help="Read and judge every line, write nothing."),
        click.option(
            "--map",
            "names",
            multiple=True,
            metavar="THEIRS=OURS",
            callback=_names,
            help="How FILE calls a column of ours; - for one that is not to be read. Usual names are known.",
        ),
        click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
    ):
        command = option(command)
    return command


@IMPORT.command("records")
@_takes_a_file
@with_service
def import_records(service: Service, file: Path, **how: Any) -> None:
    """Take the institution's records from FILE (CSV or XLSX); a second time, what differs is updated.

    Example: matricule import records records.csv --dry-run
    """
    if service.settings.records_url:
        raise found_wrong(
            "The records are read from RECORDS_URL, and the next reading would undo this import. "
            "matricule records refresh reads them now."
        )
    _import(service.records.import_file, file, {"today": _today(service)}, **how)


@IMPORT.command("accounts")
@_takes_a_file
@with_service
def import_accounts(service: Service, file: Path, **how: Any) -> None:
    """Take accounts that exist already from FILE (CSV or XLSX). Nobody is written to: see matricule invite.

    A second time, what differs is updated, until a holder has signed in.
    Example: matricule import accounts accounts.xlsx --map "Courriel privé=email" --dry-run
    """
    _import(service.accounts_import.import_file, file, {"today": _today(service), "actor": OPERATOR}, **how)


@IMPORT.command("portfolio")
@_takes_a_file
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the documents are; the folder of FILE when it is not given.",
)
@with_service
def import_portfolio(service: Service, file: Path, folder: Path | None, **how: Any) -> None:
    """Take courses, certificates and documents from FILE (CSV or XLSX), and copy the documents that it names.

    A second time, what differs is updated. Example: matricule import portfolio portfolio.csv --folder documents
    """
    _import(service.portfolio_items.import_file, file, {"folder": folder}, **how)


def _today(service: Service) -> date:
    return service.clock.now().astimezone(ZURICH).date()


def _import(
    take: Callable[..., Report],
    file: Path,
    more: dict[str, Any],
    *,
    dry_run: bool,
    names: dict[str, str],
    language: str,
    json_wanted: bool,
) -> None:
    with progress() as bar:
        task = bar.add_task(file.name, total=None)
        try:
            report = take(
                file,
                dry_run=dry_run,
                names=names,
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
        f"{answer['unchanged']:,} unchanged, {answer['refused_count']:,} refused."
        + (" Nothing was written." if dry_run else "")
    )
    for refusal in answer["refused"]:
        aside.print(f"line {refusal['line']}, {refusal['field']}: {refusal['why']}")
