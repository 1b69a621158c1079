"""`matricule audit as-of` and `diff`: what an account was at any point of the log, and what changed since."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime
from typing import Any, Final

import click
from marshmallow import ValidationError
from rich.table import Table

from api import as_of, audit_events
from api.faults import InvalidInput, gathered
from api.schemas.audit_history import Point
from api.terminal import account_of, as_json, echo, found_wrong, print_json, with_service
from api.traces import traced_for_operator
from domain.calendar import ZURICH
from domain.errors import AccountUnknown, NotYet
from domain.values import ERASED, LOCALES
from infrastructure.bootstrap import Service
from infrastructure.codes import codes
from infrastructure.translations import text

PURPOSES: Final = [each["code"] for each in codes()["purposes"]]
purpose = click.option(
    "--purpose", type=click.Choice(PURPOSES), help="Show AHV numbers whole, for this; it is noted."
)
language = click.option("--language", type=click.Choice(LOCALES), default="fr", help="Of names and words.")


@contextmanager
def refusals(language: str) -> Iterator[None]:
    """What cannot be asked is a wrong use, said in the reader's language; what is not there is found wrong."""
    try:
        yield
    except InvalidInput as invalid:
        said = [f"{field}: {' '.join(faults)}" for field, faults in invalid.messages(language).items()]
        raise click.UsageError("\n".join(said)) from None
    except (AccountUnknown, NotYet) as refused:
        title, detail = (text(language, "problems", refused.code, part) for part in ("title", "detail"))
        raise found_wrong(f"{title}. {detail}") from None


def today(service: Service) -> Callable[[], date]:
    return lambda: service.clock.now().astimezone(ZURICH).date()


def point(field: str, typed: str | None, **how: Any) -> as_of.Moment:
    """Raises InvalidInput."""
    if typed is None:
        return None
    try:
        return Point(positions=True, **how).deserialize(typed)
    except ValidationError as wrong:
        raise InvalidInput(gathered({field: wrong.messages})) from None


@click.command("as-of")
@click.argument("account")
@click.argument("moment", metavar="INSTANT|POSITION")
@purpose
@language
@as_json
@with_service
def state_as_of(
    service: Service, account: str, moment: str, purpose: str | None, language: str, json_wanted: bool
) -> None:
    """Print how ACCOUNT (an id or an address) stood at an instant, at the end of a day, or at a position of the log.

    Example: matricule audit as-of ada@example.org 2026-03-03
    """
    whose = account_of(service, account)
    with refusals(language):
        wanted = point("INSTANT|POSITION", moment, today=today(service))
        cut = as_of.point(service, "INSTANT|POSITION", wanted)
        found = as_of.state(service, whose, cut, language, masked=purpose is None)
    asked = {"at_position" if isinstance(wanted, int) else "as_of": wanted}
    traced_for_operator(service, "as-of", accounts=[whose], purpose=purpose, filters=asked)
    if json_wanted:
        print_json(found)
        return
    table = Table(
        title=f"{when(found['as_of'])} · {found['position']}", title_justify="left", show_header=False
    )
    for name, value in _fields(found):
        table.add_row(field_name(name, language), shown(value, language))
    echo.print(table)


def _fields(found: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """All that a state says, by name; what profile and account both say, once."""
    profile, link, case = (found[part] or {} for part in ("profile", "link", "case"))
    flat = {name: value for name, value in found["account"].items() if name != "id"} | profile
    flat["record_number"] = link.get("record_number")
    flat |= {f"case_{name}": value for name, value in case.items()}
    flat["pending"] = [each["kind"] for each in found["pending"]]
    erased = {path.partition(".")[2] for path in found["erased"]}
    for name, value in flat.items():
        yield name, ERASED if name in erased else value


@click.command("diff")
@click.argument("account")
@click.argument("since", metavar="FROM")
@click.argument("until", metavar="[TO]", required=False)
@purpose
@language
@as_json
@with_service
def changes(
    service: Service,
    account: str,
    since: str,
    until: str | None,
    purpose: str | None,
    language: str,
    json_wanted: bool,
) -> None:
    """Print what changed of ACCOUNT after FROM and up to TO (now): instants, days or positions of the log.

    Example: matricule audit diff ada@example.org 2026-03-01 2026-03-31
    """
    whose, day = account_of(service, account), today(service)
    with refusals(language):
        points = point("FROM", since, before="day", today=day), point("TO", until, today=day)
        found = as_of.changes(service, whose, *as_of.span(service, *points), language, masked=purpose is None)
    asked = dict(zip(("from", "to"), points, strict=True))
    traced_for_operator(service, "diff", accounts=[whose], purpose=purpose, filters=asked)
    if json_wanted:
        print_json(found)
        return
    table = Table()
    for heading in ("at", "field", "old", "new", "what", "by"):
        table.add_column(text(language, "audit", "headings", heading), overflow="fold")
    for each in found["changes"]:
        erased = each["field"] in found["erased"]
        old, new = (
            shown(ERASED if erased and each[side] is None else each[side], language)
            for side in ("old", "new")
        )
        what = f"{audit_events.name_of(each['type'], language)}\n{each['position']}"
        table.add_row(when(each["at"]), field_name(each["field"], language), old, new, what, each["by"])
    echo.print(table)


def when(at: datetime) -> str:
    return at.astimezone(ZURICH).strftime("%d.%m.%Y %H:%M:%S")


def field_name(name: str, language: str) -> str:
    for topic in ("history", "audit"):
        with suppress(KeyError):
            return text(language, topic, "fields", name)
    return name


def shown(value: Any, language: str) -> str:
    """A value of a state or an event, for a table."""
    if value is None or value == []:
        return "—"
    if value is ERASED:
        return text(language, "history", "actors", "erased")
    if isinstance(value, datetime):
        return when(value)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value.strftime("%d.%m.%Y") if isinstance(value, date) else str(value)
