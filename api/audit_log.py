"""The log as a whole, at the command line: sign it, recompute it, compare the read models with it."""

from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import click
import psycopg
from rich.table import Table

from api.terminal import (
    as_json,
    aside,
    echo,
    found_wrong,
    print_json,
    print_json_list,
    progress,
    with_service,
)
from api.traces import traced_for_operator
from domain.values import LOCALES
from infrastructure.bootstrap import READ_MODELS, Service
from infrastructure.event_mapper import opener
from infrastructure.reconcile import Difference
from infrastructure.reconcile import reconcile as compare
from infrastructure.translations import text
from infrastructure.verify_all import verify_all as recompute
from projections.tree import TreeDisagrees

SHOWN = 100  # differences in a table
NOTED_AT_ONCE = 1000


@click.command()
@as_json
@with_service
def checkpoint(service: Service, json_wanted: bool) -> None:
    """Sign what the log holds now, and print the checkpoint: a note in the form of C2SP.

    Example: matricule audit checkpoint > checkpoint.txt
    """
    catch_up(service)
    try:
        signed = service.checkpoints.sign_now()
    except TreeDisagrees:
        raise found_wrong("The log is not the one that was signed: run matricule audit verify-all.") from None
    if signed is None:
        raise found_wrong("Nothing has happened yet: there is nothing to sign.")
    if json_wanted:
        print_json({"size": signed.size, "signed_at": signed.signed_at, "checkpoint": signed.note})
    else:
        click.echo(signed.note, nl=False)


@click.command("verify-all")
@click.option(
    "--checkpoint",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="One that left the house; may be given more than once.",
)
@click.option("--language", type=click.Choice(LOCALES), default="en")
@as_json
@with_service
def verify_all(service: Service, files: tuple[Path, ...], language: str, json_wanted: bool) -> None:
    """Recompute everything from the first event, and compare it with the tree and with every checkpoint.

    Checkpoints in CHECKPOINT_DIR are compared too. Exit status 1 where something disagrees.

    Example: matricule audit verify-all --checkpoint 2026-03-03.checkpoint
    """
    catch_up(service)
    published = sorted(service.settings.checkpoint_dir.glob("*.checkpoint"))
    notes = [file.read_text("utf-8", errors="replace") for file in (*files, *published)]
    with psycopg.connect(service.conninfo, autocommit=True) as connection, progress() as bar:
        task = bar.add_task("events", total=None)
        finding = recompute(
            connection,
            service.checkpoints.verifier,
            notes,
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    if json_wanted:
        print_json(asdict(finding))
    else:
        said = text(language, "audit", "findings", finding.problem or "ok", **asdict(finding))
        (echo if finding.ok else aside).print(said, soft_wrap=True)
    if not finding.ok:
        raise click.exceptions.Exit(1)


@click.command()
@as_json
@with_service
def reconcile(service: Service, json_wanted: bool) -> None:
    """Replay the log into shadow tables, and list every difference from the live read models.

    What is shown is noted as a read. Exit status 1 where there is one. Example: matricule audit reconcile
    """
    models = [model for model in READ_MODELS if model.rebuildable and not model.complete]
    with progress() as bar:
        task = bar.add_task("events", total=None)
        found = compare(
            service.conninfo,
            models,
            opener(service.keyring),
            lambda done, total: bar.update(task, completed=done, total=total),
        )
        if json_wanted:
            count = print_json_list("differences", map(asdict, _noted(service, found)))
        else:
            shown = list(_noted(service, islice(found, SHOWN)))
            count = len(shown) + sum(1 for _ in found)
    if not json_wanted:
        if count:
            echo.print(_as_table(shown))
            aside.print(f"{count:,} differences between the log and the read models.")
        else:
            echo.print("The read models are what the log says.")
    if count:
        raise click.exceptions.Exit(1)


def _noted(service: Service, differences: Iterator[Difference]) -> Iterator[Difference]:
    """Each of them, as soon as it is noted that it will be shown."""
    while some := list(islice(differences, NOTED_AT_ONCE)):
        accounts = [each.account for each in some if each.account]
        traced_for_operator(service, "reconcile", accounts=accounts, count=len(some))
        yield from some


def catch_up(service: Service) -> None:
    for part in service.project():
        part.catch_up()


def _as_table(differences: list[Difference]) -> Table:
    table = Table()
    for heading in ("table", "row", "column", "live", "replayed"):
        table.add_column(heading, overflow="fold")
    for each in differences:
        row = ", ".join(map(str, each.key.values()))
        table.add_row(each.table, row, each.column, str(each.live), str(each.replayed))
    return table
