"""What operators do beside the running service."""

import os
from datetime import datetime
from typing import Any

import click
import psycopg
from marshmallow import ValidationError
from rich.table import Table

from api import doctor as health_check
from api.auditing import AUDIT
from api.demonstration import demo
from api.importing import IMPORT
from api.inviting import invite
from api.mailboxes import MAIL
from api.schemas.fields import Email
from api.terminal import account_of, as_json, echo, found_wrong, print_json, progress, with_service
from api.traces import traced_for_operator
from domain.calendar import ZURICH
from domain.errors import AccountUnknown
from domain.policies import ROLES
from domain.values import LOCALES, OPERATOR, address_key
from infrastructure.bootstrap import READ_MODELS, Service
from infrastructure.event_mapper import opener
from infrastructure.observability import set_up_logging
from infrastructure.remembered import recall
from infrastructure.translations import text
from projections.rebuild import NeverRebuilt
from projections.rebuild import rebuild as build_anew
from projections.tree import TreeDisagrees

NOT_THE_SIGNED_ONE = "The log is not the one that was signed: run matricule audit verify-all."


@click.command()
@click.argument("projection", required=False)
@as_json
@with_service
def rebuild(service: Service, projection: str | None, json_wanted: bool) -> None:
    """Fold the whole log anew into PROJECTION, or into all of them, beside the live ones. No mail goes out.

    Example: matricule rebuild directory
    """
    models = {model.name: model for model in READ_MODELS}
    if projection and projection not in models:
        raise click.UsageError(f"There is no projection {projection}: choose one of {', '.join(models)}.")
    wanted = [models[projection]] if projection else [model for model in models.values() if model.rebuildable]
    folded = {}
    with psycopg.connect(service.conninfo, autocommit=True) as connection, progress() as bar:
        for model in wanted:
            task = bar.add_task(model.name, total=None)
            try:
                folded[model.name] = build_anew(
                    connection,
                    model,
                    opener(service.keyring),
                    lambda done, total, task=task: bar.update(task, completed=done, total=total),
                )
            except TreeDisagrees:
                raise found_wrong(NOT_THE_SIGNED_ONE) from None
            except NeverRebuilt:
                raise click.UsageError(
                    f"{model.name} is never rebuilt: what has left the service must not leave again."
                ) from None
    if "tree" in folded and not service.checkpoints.holds():
        raise found_wrong(NOT_THE_SIGNED_ONE)
    if json_wanted:
        print_json({"rebuilt": folded})
    else:
        for name, count in folded.items():
            echo.print(f"{name}: {count:,} events folded")


@click.command()
@click.argument("role", type=click.Choice(ROLES))
@click.argument("email")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The mandate's last day.")
@as_json
@with_service
def grant(service: Service, role: str, email: str, until: datetime | None, json_wanted: bool) -> None:
    """Give ROLE to the account with the address EMAIL, which is made where there is none.

    Example: matricule grant auditor auditor@canton.example --until 2027-03-31
    """
    last_day = until.date() if until else None
    if last_day and last_day < service.clock.now().astimezone(ZURICH).date():
        raise click.UsageError("--until: this day is over, write one that is to come.")
    known = service.accounts.lookup.find("email", address_key(email))
    account_id, _ = service.accounts.grant(role, _address(email), last_day, actor=OPERATOR)
    if json_wanted:
        print_json({"account": str(account_id), "role": role, "until": last_day and last_day.isoformat()})
        return
    echo.print(f"{email} has the role {role}" + (f" until {last_day}." if last_day else "."))
    if not known:
        echo.print(f"The account is new: its initial password is on its way to {email}. {_where(service)}")


@click.command()
@click.argument("role", type=click.Choice(ROLES))
@click.argument("email")
@as_json
@with_service
def revoke(service: Service, role: str, email: str, json_wanted: bool) -> None:
    """Take ROLE away from the account with the address EMAIL.

    Example: matricule revoke auditor auditor@canton.example
    """
    try:
        account_id, _ = service.accounts.revoke(role, email, actor=OPERATOR)
    except AccountUnknown:
        raise found_wrong(f"No account has the address {email}.") from None
    if json_wanted:
        print_json({"account": str(account_id), "role": role})
    else:
        echo.print(f"{email} no longer has the role {role}.")


@click.command()
@click.argument("account")
@click.option("--language", type=click.Choice(LOCALES), default="fr", help="Of names and sentences.")
@as_json
@with_service
def history(service: Service, account: str, language: str, json_wanted: bool) -> None:
    """Print all events of ACCOUNT (an id or an address), unsealed for whoever holds the master key.

    Example: matricule history ada@example.org
    """
    found = account_of(service, account)
    for part in service.project():
        part.catch_up()
    moments = service.history.of(found, language)
    if not moments:
        raise found_wrong("No account has this id.")
    traced_for_operator(service, "timeline", accounts=[found], count=len(moments))
    if json_wanted:
        print_json({"items": [vars(moment) for moment in moments]})
        return
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


@click.command()
@as_json
def doctor(json_wanted: bool) -> None:
    """Check settings, database, broker, mail, keys, read models and the horizon; say what to do about each fault.

    Warnings leave exit status 0. Example: matricule doctor
    """
    set_up_logging("ERROR")
    findings = health_check.examine(recall(os.environ))
    if json_wanted:
        print_json({"findings": [vars(finding) for finding in findings]})
    else:
        marks = {"ok": "[green]ok     [/]", "warning": "[yellow]warning[/]", "fault": "[red]fault  [/]"}
        for finding in findings:
            echo.print(f"{marks[finding.verdict]} {finding.part}: {finding.what}", soft_wrap=True)
            if finding.to_do:
                echo.print(f"        → {finding.to_do}", soft_wrap=True)
    if any(finding.verdict == "fault" for finding in findings):
        raise click.exceptions.Exit(1)


@click.command()
@as_json
@with_service
def release(service: Service, json_wanted: bool) -> None:
    """Let mails go out that are parked, after a restore or after too many attempts.

    Example: matricule release
    """
    released = service.outbox_queue.release()
    service.doorbell.ring("intake")
    service.doorbell.ring("outbox")
    if json_wanted:
        print_json({"released": released})
    else:
        echo.print(f"{released:,} parked items are on their way again.")


def _address(email: str) -> str:
    try:
        return Email().deserialize(email)
    except ValidationError:
        raise click.UsageError("EMAIL: write an address like ada@example.org.") from None


def _where(service: Service) -> str:
    settings = service.settings
    return "" if settings.smtp_url else f"Mails land in {settings.home / 'outbox'}."


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return "—" if value is None else str(value)


OPERATIONS = (demo, rebuild, grant, revoke, IMPORT, invite, MAIL, history, doctor, release, AUDIT)
