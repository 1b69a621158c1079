"""`matricule audit events`: the log, or a part of it, on the screen or as a file with a signed manifest."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import click
from rich.table import Table

from api import audit_events
from api.audit_history import field_name, language, point, purpose, refusals, shown, today, when
from api.audit_log import catch_up
from api.terminal import account_of, as_json, aside, echo, print_json, progress, with_service
from api.traces import traced_for_operator
from domain.values import ERASED, OPERATOR
from infrastructure.audit_log import Wanted
from infrastructure.bootstrap import Service
from infrastructure.event_catalogue import event_classes
from infrastructure.exports import Sending
from infrastructure.translations import text

PAGE = 50  # events on the screen, where no other number is said


@click.command()
@click.option("--account", help="Of one account: an id or an address.")
@click.option(
    "--type",
    "topic",
    type=click.Choice([each.TOPIC for each in event_classes()]),
    metavar="TYPE",
    help="Of one type, like profile.record-linked; docs/events.md lists them.",
)
@click.option("--actor", type=click.UUID, help="By one person.")
@click.option("--from", "since", help="From an instant, a day or a position on.")
@click.option("--to", "until", help="Up to an instant, a day or a position.")
@click.option("--limit", type=click.IntRange(1), help="So many at most; on the screen 50, in a file all.")
@click.option("--csv", "form", flag_value="csv", help="As CSV.")
@click.option("--jsonl", "form", flag_value="jsonl", help="As JSON Lines.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write to this file, and the signed manifest beside it.",
)
@click.option("--bom", is_flag=True, help="Mark the CSV as UTF-8, as some spreadsheets want it.")
@purpose
@language
@as_json
@with_service
def events(
    service: Service,
    account: str | None,
    topic: str | None,
    actor: UUID | None,
    since: str | None,
    until: str | None,
    limit: int | None,
    form: str | None,
    output: Path | None,
    bom: bool,
    purpose: str | None,
    language: str,
    json_wanted: bool,
) -> None:
    """Print the events of the log in its order, or write them to a file that a signed manifest vouches for.

    Example: matricule audit events --account ada@example.org --from 2026-03-01 --csv --output ada.csv
    """
    catch_up(service)
    with refusals(language):
        asked = {
            "account": account and account_of(service, account),
            "type": topic,
            "actor": actor,
            "since": point("--from", since, before=True, today=today(service)),
            "until": point("--to", until, today=today(service)),
            "purpose": purpose,
        }
        asked = {name: value for name, value in asked.items() if value is not None}
        which = audit_events.wanted(service, asked, service.clock.now())
    form = form or (output and ("jsonl" if output.suffix in (".jsonl", ".ndjson") else "csv"))
    if form is None:
        _print(service, which, asked, limit or PAGE, language, json_wanted)
        return
    noted = {**audit_events.filters(asked), "format": form}
    sending = audit_events.export(
        service,
        asked,
        which,
        format_=form,
        by=OPERATOR,
        language=language,
        trace=partial(traced_for_operator, service, "export", purpose=purpose, filters=noted),
        bom=bom,
        most=limit,
    )
    with _written(output) as file:
        _send(service, sending, file, bar=output is not None)
    manifest = service.exports.get(sending.id)
    if output:
        _beside(output).write_text(manifest.manifest)
        if json_wanted:
            print_json(asdict(manifest))
    aside.print(
        text(
            language, "audit", "exported", count=f"{manifest.count:,}", sha256=manifest.sha256, id=manifest.id
        ),
        soft_wrap=True,
    )


def _send(service: Service, sending: Sending, file: BinaryIO, *, bar: bool) -> None:
    try:
        if not bar:
            for chunk in sending:
                file.write(chunk)
            return
        with progress() as shown_progress:
            task = shown_progress.add_task("events", total=sending.size)
            for chunk in sending:
                file.write(chunk)
                (leaf,) = service.tree.leaf_indices([sending.reached])
                shown_progress.update(task, completed=leaf and leaf + 1)
            shown_progress.update(task, completed=sending.size)
    finally:
        sending.close()


@contextmanager
def _written(output: Path | None) -> Iterator[BinaryIO]:
    """The file, which only its owner may read; without one, what the command prints."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.flush()
        return
    with open(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        yield file


def _beside(output: Path) -> Path:
    return output.with_name(f"{output.name}.manifest")


def _print(
    service: Service, which: Wanted, asked: dict[str, Any], limit: int, language: str, json_wanted: bool
) -> None:
    facts, reached = _first(service, which, limit + 1)
    more, facts = len(facts) > limit or reached is not None, facts[:limit]
    leaves = service.tree.leaf_indices([fact.position for fact in facts])
    why = asked.get("purpose")
    items = [
        audit_events.item(*each, language, masked=why is None) for each in zip(facts, leaves, strict=True)
    ]
    traced_for_operator(
        service,
        "events",
        accounts=filter(None, (fact.account_id for fact in facts)),
        purpose=why,
        count=len(facts),
        filters=audit_events.filters(asked),
    )
    if json_wanted:
        print_json({"items": items, "next_position": facts[-1].position + 1 if more and facts else None})
        return
    names = service.history.names({UUID(each["actor"]) for each in items if each["actor"]}, language)
    table = Table(show_lines=True)
    for heading in ("position", "at", "what", "by", "data"):
        table.add_column(text(language, "audit", "headings", heading), overflow="fold")
    for each in items:
        by = names[UUID(each["actor"])] if each["actor"] else "—"
        table.add_row(
            f"{each['position']}\n#{each['leaf_index']}",
            when(each["recorded_at"]),
            f"{each['name']}\n{each['type']}",
            by,
            _data(each, language),
        )
    echo.print(table)
    if more:
        aside.print(text(language, "audit", "more"), soft_wrap=True)


def _first(service: Service, which: Wanted, limit: int) -> tuple[list[Any], int | None]:
    """As many as are wanted, however rare they are."""
    facts: list[Any] = []
    after: int | None = which.after
    while after is not None and len(facts) < limit:
        found = service.audit_log.batch(which, after, limit - len(facts))
        facts, after = facts + found.facts, found.reached
    return facts, after


def _data(item: dict[str, Any], language: str) -> str:
    gone = {name: ERASED for name in item["erased"]}
    said = {
        name: value
        for name, value in (item["data"] | gone).items()
        if name != "timestamp" and value is not None
    }
    return "\n".join(
        f"{field_name(name, language)}: {shown(value, language)}" for name, value in said.items()
    )
