"""The command line, `matricule`: the service's roles, and what operators do beside it.

Exit status: 0 done, 1 found wrong, 2 used wrongly.
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from api import doctor as health_check
from api import running
from api.documentation import openapi_document
from domain.calendar import ZURICH
from domain.errors import AccountUnknown
from domain.policies import ROLES
from domain.values import LOCALES, OPERATOR, address_key
from infrastructure import boot, bootstrap
from infrastructure.database import migrate as apply_migrations
from infrastructure.embedded_postgres import EmbeddedPostgresError
from infrastructure.event_mapper import opener
from infrastructure.keys import KeyFault
from infrastructure.observability import set_up_logging
from infrastructure.processes import AlreadyRunning
from infrastructure.remembered import recall
from infrastructure.settings import Settings, SettingsError
from infrastructure.translations import text
from projections.rebuild import NeverRebuilt
from projections.rebuild import rebuild as build_anew

FAULTS = (SettingsError, KeyFault, EmbeddedPostgresError, psycopg.OperationalError)
WIDTH_OF_A_FILE = 160  # columns, where no terminal says how many it has


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else WIDTH_OF_A_FILE)


echo, aside = _console(stderr=False), _console(stderr=True)


def main() -> None:
    """Entry point. A fault of the surroundings is told in a line, never as a traceback."""
    try:
        commands(standalone_mode=False)
    except click.ClickException as misuse:
        misuse.show()
        sys.exit(2)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except AlreadyRunning as running_already:
        aside.print(f"Matricule is {running_already}: this one stops, the first one goes on.")
        sys.exit(1)
    except FAULTS as fault:
        aside.print(str(fault).strip())
        sys.exit(1)


def as_json(command: Callable) -> Callable:
    """Adds --json."""
    return click.option("--json", "json_wanted", is_flag=True, help="Answer in JSON, for programs.")(command)


def _settings() -> Settings:
    """Those of the environment; what it leaves open is as the service of that home was last started."""
    return Settings.from_environment(recall(os.environ))


def with_service(command: Callable) -> Callable:
    """Calls a command with the wired service; beside a running one it uses the same database."""

    @wraps(command)
    def run(**options: Any) -> None:
        settings = _settings()
        set_up_logging("WARNING")
        with bootstrap.database(settings) as conninfo:
            apply_migrations(conninfo)
            with bootstrap.service(settings, conninfo) as service:
                command(service, **options)

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def commands() -> None:
    """Matricule: account services whose every answer can be replayed and proven.

    Settings come from the environment; .env.example explains each of them.
    """


def _role(name: str, does: str) -> None:
    @commands.command(name, help=f"{does}\n\nExample: matricule {name}")
    @as_json
    def run_role(json_wanted: bool) -> None:
        running.run_role(Settings.from_environment(os.environ), name)


@commands.command()
@as_json
def run(json_wanted: bool) -> None:
    """Run the whole service in this process until Ctrl-C; starts the embedded PostgreSQL where no other is set.

    Example: MATRICULE_DEMO=1 matricule run
    """
    running.run_everything(Settings.from_environment(os.environ), echo)


_role("api", "Answer HTTP: the API on MATRICULE_PORT, health and metrics on MATRICULE_OPS_PORT.")
_role("project", "Keep the read models up with the log. A second one waits to take over.")
_role("relay", "Hand what must leave the service to the broker. Wants BROKER_URL.")
_role("work", "Decide on requests, match profiles, send mails. Wants BROKER_URL.")
_role("tick", "Let go of expired sessions, initial passwords and kept answers.")


@commands.command()
@as_json
def migrate(json_wanted: bool) -> None:
    """Bring the database up to date. Every role does it at its start, too.

    Example: matricule migrate
    """
    settings = _settings()
    with bootstrap.database(settings) as conninfo:
        applied = apply_migrations(conninfo)
        boot.prepare(conninfo)
    if json_wanted:
        _print_json({"applied": applied})
    else:
        echo.print("\n".join(applied) or "The database is up to date.")


@commands.command()
@click.argument("projection", required=False)
@as_json
@with_service
def rebuild(service: bootstrap.Service, projection: str | None, json_wanted: bool) -> None:
    """Fold the whole log anew into PROJECTION, or into all of them, beside the live ones. No mail goes out.

    Example: matricule rebuild directory
    """
    models = {model.name: model for model in bootstrap.READ_MODELS}
    if projection and projection not in models:
        raise click.UsageError(f"There is no projection {projection}: choose one of {', '.join(models)}.")
    wanted = [models[projection]] if projection else [model for model in models.values() if model.rebuildable]
    folded = {}
    with psycopg.connect(service.conninfo, autocommit=True) as connection, _progress() as progress:
        for model in wanted:
            task = progress.add_task(model.name, total=None)
            try:
                folded[model.name] = build_anew(
                    connection,
                    model,
                    opener(service.keyring),
                    lambda done, total, task=task: progress.update(task, completed=done, total=total),
                )
            except NeverRebuilt:
                raise click.UsageError(
                    f"{model.name} is never rebuilt: what has left the service must not leave again."
                ) from None
    if json_wanted:
        _print_json({"rebuilt": folded})
    else:
        for name, count in folded.items():
            echo.print(f"{name}: {count:,} events folded")


@commands.command()
@click.argument("role", type=click.Choice(ROLES))
@click.argument("email")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The mandate's last day.")
@as_json
@with_service
def grant(
    service: bootstrap.Service, role: str, email: str, until: datetime | None, json_wanted: bool
) -> None:
    """Give ROLE to the account with the address EMAIL, which is made where there is none.

    Example: matricule grant auditor auditor@canton.example --until 2027-03-31
    """
    last_day = until.date() if until else None
    known = service.accounts.lookup.find("email", address_key(email))
    account_id, _ = service.accounts.grant(role, _address(email), last_day, actor=OPERATOR)
    if json_wanted:
        _print_json({"account": str(account_id), "role": role, "until": last_day and last_day.isoformat()})
        return
    echo.print(f"{email} has the role {role}" + (f" until {last_day}." if last_day else "."))
    if not known:
        echo.print(f"The account is new: its initial password is on its way to {email}. {_where(service)}")


@commands.command()
@click.argument("role", type=click.Choice(ROLES))
@click.argument("email")
@as_json
@with_service
def revoke(service: bootstrap.Service, role: str, email: str, json_wanted: bool) -> None:
    """Take ROLE away from the account with the address EMAIL.

    Example: matricule revoke auditor auditor@canton.example
    """
    try:
        account_id, _ = service.accounts.revoke(role, email, actor=OPERATOR)
    except AccountUnknown:
        raise _found_wrong(f"No account has the address {email}.") from None
    if json_wanted:
        _print_json({"account": str(account_id), "role": role})
    else:
        echo.print(f"{email} no longer has the role {role}.")


@commands.group("import")
def import_() -> None:
    """Take over what exists already."""


@import_.command("records")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Read and judge every line, write nothing.")
@click.option("--language", type=click.Choice(LOCALES), default="en", help="Of the reasons.")
@as_json
@with_service
def import_records(
    service: bootstrap.Service, file: Path, dry_run: bool, language: str, json_wanted: bool
) -> None:
    """Take the institution's records from FILE (CSV); a second time, what differs is updated.

    Example: matricule import records records.csv --dry-run
    """
    today = service.clock.now().astimezone(ZURICH).date()
    with _progress() as progress:
        task = progress.add_task(file.name, total=None)
        report = service.records.import_file(
            file,
            today=today,
            dry_run=dry_run,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    answer = report.as_dict(language)
    if json_wanted:
        _print_json(answer)
    else:
        echo.print(
            f"{answer['read']:,} lines read: {answer['added']:,} added, {answer['changed']:,} changed, "
            f"{answer['unchanged']:,} unchanged, {len(answer['refused']):,} refused."
            + (" Nothing was written." if dry_run else "")
        )
        for refusal in answer["refused"]:
            aside.print(f"line {refusal['line']}, {refusal['field']}: {refusal['why']}")
    if answer["refused"]:
        raise click.exceptions.Exit(1)


@commands.command()
@click.argument("account")
@click.option("--language", type=click.Choice(LOCALES), default="fr", help="Of names and sentences.")
@as_json
@with_service
def history(service: bootstrap.Service, account: str, language: str, json_wanted: bool) -> None:
    """Print all events of ACCOUNT (an id or an address), unsealed for whoever holds the master key.

    Example: matricule history ada@example.org
    """
    moments = service.history.of(_account_id(service, account), language)
    if json_wanted:
        _print_json({"items": [vars(moment) for moment in moments]})
        return
    if not moments:
        raise _found_wrong("This account has no history yet: its read model is behind, or it does not exist.")
    table = Table(show_lines=True, title=None)
    for heading in ("when", "what", "by", "how", "changes"):
        table.add_column(heading, overflow="fold")
    for moment in moments:
        changes = "\n".join(
            f"{text(language, 'history', 'fields', change['field'])}: {_shown(change['old'])} → {_shown(change['new'])}"
            for change in moment.changes
        )
        at = moment.at.astimezone(ZURICH).strftime("%d.%m.%Y %H:%M:%S")
        table.add_row(at, f"{moment.name}\n{moment.type}", moment.by, moment.sentence, changes)
    echo.print(table)


@commands.command()
@as_json
def doctor(json_wanted: bool) -> None:
    """Check settings, database, broker, mail, keys, read models and the horizon; say what to do about each fault.

    Warnings leave exit status 0. Example: matricule doctor
    """
    set_up_logging("ERROR")
    findings = health_check.examine(recall(os.environ))
    if json_wanted:
        _print_json({"findings": [vars(finding) for finding in findings]})
    else:
        marks = {"ok": "[green]ok     [/]", "warning": "[yellow]warning[/]", "fault": "[red]fault  [/]"}
        for finding in findings:
            echo.print(f"{marks[finding.verdict]} {finding.part}: {finding.what}", soft_wrap=True)
            if finding.to_do:
                echo.print(f"        → {finding.to_do}", soft_wrap=True)
    if any(finding.verdict == "fault" for finding in findings):
        raise click.exceptions.Exit(1)


@commands.command()
@as_json
@with_service
def release(service: bootstrap.Service, json_wanted: bool) -> None:
    """Let mails go out that are parked, after a restore or after too many attempts.

    Example: matricule release
    """
    released = service.outbox_queue.release()
    service.doorbell.ring("outbox")
    if json_wanted:
        _print_json({"released": released})
    else:
        echo.print(f"{released:,} parked items are on their way again.")


@commands.command()
@as_json
def openapi(json_wanted: bool) -> None:
    """Print the OpenAPI 3.1 document of the API.

    Example: matricule openapi > openapi.json
    """
    click.echo(json.dumps(openapi_document(), ensure_ascii=False, indent=2))


@contextlib.contextmanager
def _progress() -> Iterator[Progress]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=aside) as progress:
        yield progress


def _account_id(service: bootstrap.Service, account: str) -> UUID:
    with contextlib.suppress(ValueError):
        return UUID(account)
    found = service.accounts.lookup.find("email", address_key(account))
    if not found:
        raise _found_wrong("No account has this id or address.")
    return found[0]


def _address(email: str) -> str:
    if email.count("@") != 1 or not all(email.split("@")):
        raise click.UsageError("EMAIL: write an address like ada@example.org.")
    return email


def _found_wrong(what: str) -> click.exceptions.Exit:
    aside.print(what)
    return click.exceptions.Exit(1)


def _where(service: bootstrap.Service) -> str:
    settings = service.settings
    return "" if settings.smtp_url else f"Mails land in {settings.home / 'outbox'}."


def _shown(value: Any) -> str:
    return "—" if value is None else str(value)


def _print_json(answer: Any) -> None:
    def plain(value: Any) -> str:
        return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)

    click.echo(json.dumps(answer, ensure_ascii=False, indent=2, default=plain))
