"""`matricule audit accesses`: who was shown whose data."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import click
from rich.table import Table

from api import representations
from api.terminal import as_json, echo, print_json, with_service
from api.traces import traced_for_operator
from domain.calendar import ZURICH
from domain.values import LOCALES
from infrastructure.bootstrap import Service
from infrastructure.codes import label
from projections.accesses import KINDS

DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--account", type=click.UUID, help="Whose data.")
@click.option("--reader", type=click.UUID, help="Who was shown them.")
@click.option("--kind", type=click.Choice(KINDS), default=KINDS[0], help="Reads, or sign-ins.")
@click.option("--from", "first_day", type=DAY, help="The first day, in Switzerland.")
@click.option("--to", "last_day", type=DAY, help="The last day, in Switzerland.")
@click.option("--language", type=click.Choice(LOCALES), default="fr", help="Of names and words.")
@as_json
@with_service
def accesses(
    service: Service,
    account: UUID | None,
    reader: UUID | None,
    kind: str,
    first_day: datetime | None,
    last_day: datetime | None,
    language: str,
    json_wanted: bool,
) -> None:
    """Print who was shown whose data, oldest first. That it was asked for is noted, too.

    Example: matricule audit accesses --account 6f1f2c35-6c1f-4f8e-9a39-0c4a5a4c8a11
    """
    for part in service.project():
        part.catch_up()
    asked: dict[str, Any] = {
        "account": account,
        "reader": reader,
        "kind": kind,
        "since": first_day and _begin(first_day),
        "until": last_day and _begin(last_day + timedelta(days=1)),
    }
    seen = service.access_trail.page(language, **asked)
    filters = {
        "account": account,
        "reader": reader,
        "kind": kind,
        "from": asked["since"],
        "to": asked["until"],
    }
    shown = {account_id for each in seen for account_id in each.accounts}
    traced_for_operator(service, "accesses", accounts=sorted(shown), count=len(seen), filters=filters)
    if json_wanted:
        print_json({"items": list(map(representations.access, seen))})
        return
    table = Table(title=None)
    for heading in ("when", "who", "what", "accounts", "purpose"):
        table.add_column(heading, overflow="fold")
    for each in seen:
        at = each.at.astimezone(ZURICH).strftime("%d.%m.%Y %H:%M:%S")
        what = label(language, "reads", each.what) if each.role else each.what
        purpose = label(language, "purposes", each.purpose) if each.purpose else ""
        table.add_row(at, each.by, what, "\n".join(map(str, each.accounts)), purpose)
    echo.print(table)


def _begin(day: datetime) -> datetime:
    return datetime.combine(day.date(), time(), ZURICH)
