"""The matcher on the command line: what it would decide, and what it learns from."""

import json
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import click

from api.terminal import as_json, aside, echo, found_wrong, print_json, with_service
from application.training import TooFew, train
from domain.calendar import ZURICH
from domain.matching import Decision
from infrastructure.bootstrap import Service
from infrastructure.import_file import FileRefused, Refusal, why
from infrastructure.likeness import likeness
from infrastructure.matcher_file import written
from infrastructure.profiles_file import Line, ProfilesFile


@click.group("linking")
def LINKING() -> None:
    """Try the matcher, and train it.

    Example: matricule linking match people.csv
    """


FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@LINKING.command("match")
@FILE
@as_json
@with_service
def match(service: Service, file: Path, json_wanted: bool) -> None:
    """Say of each person in FILE (CSV: a profile and the account's email) what would be decided. Writes nothing.

    Linked: the matcher would link at once. Case: the secretariat would decide. None: no record comes near.
    Example: matricule linking match people.csv --json
    """
    refused = 0
    for line in _people(file, _today(service)):
        if not isinstance(line, Line):
            refused += 1
            _tell_refused(line)
            continue
        decision = service.linking.would_decide(line.example.declared, line.example.email)
        said = _told(line.line, decision)
        if json_wanted:
            click.echo(json.dumps(said))
        else:
            best = decision.candidates[0] if decision.candidates else None
            near = f", nearest {best.record_number} ({best.probability:.1%})" if best else ""
            echo.print(f"line {line.line}: {said['decision']} {decision.record_number or ''}{near}".rstrip())
    if refused:
        raise click.exceptions.Exit(1)


@LINKING.command("train")
@FILE
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the parameters go; the screen when it is not given.",
)
@click.option("--name", help="Of this version, as events will bear it; the day when it is not given.")
@as_json
@with_service
def train_matcher(
    service: Service, file: Path, output: Path | None, name: str | None, json_wanted: bool
) -> None:
    """Make the matcher's parameters from people whose record is known.

    FILE is as for `match`, with the column record_number; empty where the register has none. Nothing is in use
    before MATCHER_FILE names it. The same file and register give the same parameters.
    Example: matricule linking train known.csv --output matcher.toml
    """
    today = _today(service)
    examples = []
    for line in _people(file, today):
        if isinstance(line, Line):
            examples.append(line.example)
        else:
            _tell_refused(line)
    version = (name or today.isoformat()).replace('"', "").replace("\\", "")
    try:
        model = train(examples, service.records, likeness, version=version, today=today)
    except TooFew:
        raise found_wrong(
            "There is too little to learn from: at least 100 people whose record is in the register, and 100 records."
        ) from None
    text = written(model)
    if output:
        output.write_text(text, "utf-8")
    if json_wanted:
        answer = {"version": model.version, "trained_with": model.trained_with, "weights": model.weights}
        print_json(answer | {"file": output and str(output)})
    elif output:
        echo.print(f"{output}: version {model.version}, from {model.trained_with}.")
    else:
        click.echo(text, nl=False)


def _today(service: Service) -> date:
    return service.clock.now().astimezone(ZURICH).date()


def _people(file: Path, today: date) -> Iterator[Line | list[Refusal]]:
    try:
        yield from ProfilesFile(file, today=today).people()
    except FileRefused as refused:
        _tell_refused(refused.refusals)
        raise click.exceptions.Exit(1) from None
    except OSError as fault:
        raise found_wrong(f"{fault.filename or file}: {os.strerror(fault.errno)}.") from None


def _tell_refused(refusals: Any) -> None:
    for refusal in refusals:
        aside.print(f"line {refusal.line}, {refusal.field}: {why(refusal, 'en')}")


def _told(line: int, decision: Decision) -> dict[str, Any]:
    case = "case" if decision.candidates else "none"
    return {
        "line": line,
        "decision": "linked" if decision.record_number else case,
        "record_number": decision.record_number,
        "cause": decision.cause,
        "candidates": [
            {
                "record_number": each.record_number,
                "score": round(each.score, 2),
                "probability": each.probability,
            }
            for each in decision.candidates
        ],
    }
