"""What every command has in common: its settings, its service, and how it speaks."""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import wraps
from textwrap import indent
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from domain.values import address_key
from infrastructure import boot, bootstrap
from infrastructure.bootstrap import Service
from infrastructure.database import migrate
from infrastructure.observability import set_up_logging
from infrastructure.remembered import recall
from infrastructure.settings import Settings

WIDTH_OF_A_FILE = 160  # columns, where no terminal says how many it has


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else WIDTH_OF_A_FILE)


echo, aside = _console(stderr=False), _console(stderr=True)


def as_json(command: Callable) -> Callable:
    """Adds --json."""
    return click.option("--json", "json_wanted", is_flag=True, help="Answer in JSON, for programs.")(command)


def settings() -> Settings:
    """Those of the environment; what it leaves open is as the service of that home was last started."""
    return Settings.from_environment(recall(os.environ))


def with_service(command: Callable) -> Callable:
    """Calls a command with the wired service; beside a running one it uses the same database."""

    @wraps(command)
    def run(**options: Any) -> None:
        wanted = settings()
        set_up_logging("WARNING")
        with bootstrap.database(wanted) as conninfo:
            migrate(conninfo)
            boot.prepare(conninfo)
            with bootstrap.service(wanted, conninfo) as service:
                command(service, **options)

    return run


@contextlib.contextmanager
def progress() -> Iterator[Progress]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=aside) as progress:
        yield progress


def sized() -> Progress:
    """As progress(), for bytes."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=aside)


def found_wrong(what: str) -> click.exceptions.Exit:
    aside.print(what)
    return click.exceptions.Exit(1)


def account_of(service: Service, account: str) -> UUID:
    with contextlib.suppress(ValueError):
        return UUID(account)
    found = service.accounts.lookup.find("email", address_key(account))
    if not found:
        raise found_wrong("No account has this id or address.")
    return found[0]


def in_json(answer: Any) -> str:
    def plain(value: Any) -> str:
        return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)

    return json.dumps(answer, ensure_ascii=False, indent=2, default=plain)


def print_json(answer: Any) -> None:
    click.echo(in_json(answer))


def print_json_list(name: str, items: Iterable[Any]) -> int:
    """As an object with this one list, of which one item at a time is held; how many there were."""
    count = 0
    click.echo(f'{{\n  "{name}": [', nl=False)
    for count, item in enumerate(items, 1):
        click.echo(("\n" if count == 1 else ",\n") + indent(in_json(item), "    "), nl=False)
    click.echo("\n  ]\n}" if count else "]\n}")
    return count
