"""Holders of imported accounts are written to, on the command line."""

import re
import time

import click

from api.terminal import as_json, echo, print_json, progress, with_service
from domain.values import OPERATOR
from infrastructure.bootstrap import Service

SECONDS = {"minute": 60.0, "hour": 3600.0}
PAGE = 500


class Rate(click.ParamType):
    """How many in which time; becomes the seconds between two."""

    name = "N[/minute|/hour]"

    def convert(
        self, value: str | float, param: click.Parameter | None, context: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        parts = re.fullmatch(r"([1-9][0-9]{0,5})(?:/(minute|hour))?", value)
        if not parts:
            self.fail("write how many a minute or an hour, like 30, 30/minute or 500/hour.", param, context)
        return SECONDS[parts[2] or "minute"] / int(parts[1])


@click.command()
@click.option("--rate", "pause", type=Rate(), default="60/minute", show_default=True, help="At most so many.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many.")
@click.option(
    "--dry-run", is_flag=True, help="Say how many there are and how long it takes, write to nobody."
)
@as_json
@with_service
def invite(service: Service, pause: float, limit: int | None, dry_run: bool, json_wanted: bool) -> None:
    """Mail the holders of imported accounts an initial password, the oldest accounts first, each once.

    Stop it whenever you like, and go on with the same command. The mails themselves are sent by the running
    service. Example: matricule invite --rate 500/hour
    """
    waiting = service.uninvited.count()
    wanted = min(waiting, limit or waiting)
    invited = 0 if dry_run else _invite(service, wanted, pause)
    answer = {"invited": invited, "waiting": waiting - invited, "seconds": round(max(0, wanted - 1) * pause)}
    if json_wanted:
        print_json(answer)
    elif dry_run:
        minutes = answer["seconds"] // 60
        echo.print(f"{wanted:,} would be invited, which takes about {minutes:,} min. Nobody was written to.")
    else:
        echo.print(f"{invited:,} invited, {answer['waiting']:,} still to be invited.")


def _invite(service: Service, wanted: int, pause: float) -> int:
    invited = position = 0
    due = time.monotonic()
    with progress() as bar:
        task = bar.add_task("invited", total=wanted)
        while invited < wanted and (page := service.uninvited.after(position, PAGE)):
            position = page[-1][1]
            for account_id, _ in page:
                if not service.invitations.invite(account_id, actor=OPERATOR):
                    continue
                invited += 1
                bar.update(task, completed=invited)
                if invited == wanted:
                    break
                due += pause
                time.sleep(max(0.0, due - time.monotonic()))
    return invited
