"""The mirror of the institution's records on the command line, and how it stands."""

from datetime import datetime, timedelta
from typing import Any

import click

from api.terminal import as_json, aside, echo, found_wrong, print_json, progress, with_service
from domain.calendar import ZURICH
from domain.values import LOCALES
from infrastructure.bootstrap import Service
from infrastructure.import_file import why
from infrastructure.records_mirror import MirrorState, Refreshed, RefreshedElsewhere
from infrastructure.records_source import FAULTS, SourceFault

LATE = 3  # times as long as from one reading to the next


@click.group("records")
def RECORDS() -> None:
    """The institution's records, where RECORDS_URL says that they are.

    Example: matricule records status
    """


@RECORDS.command("status")
@as_json
@with_service
def status(service: Service, json_wanted: bool) -> None:
    """Say where the records come from, when they were read last, and what is wrong.

    Exit status 1 while they cannot be read. Example: matricule records status
    """
    state = records_state(service)
    if json_wanted:
        print_json(state)
    else:
        _tell_state(state)
    if state["fault"]:
        raise click.exceptions.Exit(1)


@RECORDS.command("refresh")
@click.option(
    "--accept-losses",
    is_flag=True,
    help="Also where a tenth of the records is gone, or somebody else's.",
)
@click.option("--language", type=click.Choice(LOCALES), default="en", help="Of the reasons.")
@as_json
@with_service
def refresh(service: Service, accept_losses: bool, language: str, json_wanted: bool) -> None:
    """Read the records at RECORDS_URL now, whole, and take over what differs.

    What goes wrong leaves the older ones as they are. Example: matricule records refresh
    """
    source = service.records_source
    if not source:
        raise found_wrong(
            "RECORDS_URL is not set: records come from files, with matricule import records FILE."
        )
    now = service.clock.now()
    try:
        with progress() as bar:
            task = bar.add_task("records", total=None)
            done = service.mirror.refresh(
                source,
                now=now,
                today=now.astimezone(ZURICH).date(),
                accept_losses=accept_losses,
                whole=True,
                progress=lambda what, count: bar.update(task, description=what, completed=count),
            )
    except RefreshedElsewhere:
        raise found_wrong("Another process is reading them at this very moment.") from None
    except SourceFault as fault:
        raise found_wrong(f"{source.name} {said(fault.code, fault.detail)}. {to_do(fault.code)}") from None
    if json_wanted:
        print_json(_report(done, language))
    else:
        _tell(_report(done, language))
    if done.refusals:
        raise click.exceptions.Exit(1)


def records_state(service: Service) -> dict[str, Any]:
    """How the mirror stands, for people and programs. source: `files` where there is none."""
    state = service.mirror.state() if service.settings.records_url else None
    source = service.records_source
    known = state if state and source and state.source == source.name else None
    age = _age(known, service.clock.now())
    return {
        "source": source.name if source else "files",
        "age_seconds": age and round(age.total_seconds(), 1),
        "late": bool(age and age > LATE * service.settings.records_every),
        "read_at": known and known.read_at,
        "records": known and known.records,
        "refused": sum(known.refused.values()) if known else 0,
        "refusals": known.refused if known else {},
        "fault": known and known.fault,
        "detail": known and known.detail,
        "since": known and known.since,
    }


def said(code: str, detail: str | None) -> str:
    return FAULTS[code] + (f" ({detail})" if detail else "")


def to_do(code: str) -> str:
    """What an operator does about a fault."""
    if code in ("losses", "strangers"):
        return "Ask those who keep them; if it is right, run matricule records refresh --accept-losses."
    return "The older records stay in use. Mend it there, or correct RECORDS_URL (docs/records.md)."


def _age(state: MirrorState | None, now: datetime) -> timedelta | None:
    return now - state.read_at if state and state.read_at else None


def _report(done: Refreshed, locale: str) -> dict[str, Any]:
    told = ("same", "read", "added", "changed", "unchanged", "gone", "merged")
    return {name: getattr(done, name) for name in told} | {
        "refused": done.refusals.total(),
        "refusals": [
            {
                "record_number": number,
                "field": refusal.field,
                "code": refusal.code,
                "why": why(refusal, locale),
            }
            for number, refusal in done.refused
        ],
    }


def _tell(report: dict[str, Any]) -> None:
    told = ("read", "added", "changed", "unchanged", "gone", "merged", "refused")
    echo.print(", ".join(f"{report[name]:,} {name}" for name in told) + ".")
    for refusal in report["refusals"]:
        aside.print(f"{refusal['record_number']}, {refusal['field']}: {refusal['why']}")


def _tell_state(state: dict[str, Any]) -> None:
    if state["source"] == "files":
        echo.print("The records come from files (matricule import records FILE).")
        return
    echo.print(f"The records come from {state['source']}.")
    if state["read_at"]:
        at = state["read_at"].astimezone(ZURICH).strftime("%d.%m.%Y %H:%M:%S")
        echo.print(f"{state['records']:,} of them, as of {at}.")
    else:
        echo.print("They have not been read yet.")
    for refusal, count in state["refusals"].items():
        echo.print(f"Not taken: {count:,} because of {refusal}.")
    if state["fault"]:
        echo.print(f"The source {said(state['fault'], state['detail'])}. {to_do(state['fault'])}")
