"""The command line, `matricule`: the service's roles, and what operators do beside it.

Exit status: 0 done, 1 found wrong, 2 used wrongly.
"""

import json
import os
import sys

import click
import psycopg

from api import running
from api.backing_up import backup, restore
from api.documentation import openapi_document
from api.erasing import erase
from api.keys import keys
from api.linking import LINKING
from api.mirroring import RECORDS
from api.operating import OPERATIONS
from api.terminal import as_json, aside, echo, print_json, settings
from api.verifying import verify
from infrastructure import boot, bootstrap
from infrastructure.database import migrate as apply_migrations
from infrastructure.embedded_postgres import EmbeddedPostgresError
from infrastructure.erasure_register import RegisterFault
from infrastructure.keys import KeyFault
from infrastructure.matcher_file import MatcherFault
from infrastructure.processes import AlreadyRunning, spare_the_collector
from infrastructure.settings import Settings, SettingsError

FAULTS = (
    SettingsError,
    KeyFault,
    MatcherFault,
    RegisterFault,
    EmbeddedPostgresError,
    psycopg.OperationalError,
)


def main() -> None:
    """Entry point. A fault of the surroundings is told in a line, never as a traceback."""
    spare_the_collector()
    try:
        sys.exit(commands(standalone_mode=False))  # what it returns is the status of a click.exceptions.Exit
    except click.ClickException as misuse:
        misuse.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except AlreadyRunning as running_already:
        aside.print(f"Matricule is {running_already}: this one stops, the first one goes on.")
        sys.exit(1)
    except FAULTS as fault:
        aside.print(str(fault).strip())
        sys.exit(1)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def commands() -> None:
    """Matricule: account services whose every answer can be replayed and proven.

    Settings come from the environment; .env.example explains each of them.

    Example: MATRICULE_DEMO=1 matricule run
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
_role("tick", "Let go of what has expired; read the records at RECORDS_URL; write accesses to ACCESS_LOG.")


@commands.command()
@as_json
def migrate(json_wanted: bool) -> None:
    """Bring the database up to date. Every role does it at its start, too.

    Example: matricule migrate
    """
    with bootstrap.database(settings()) as conninfo:
        applied = apply_migrations(conninfo)
        boot.prepare(conninfo)
    if json_wanted:
        print_json({"applied": applied})
    else:
        echo.print("\n".join(applied) or "The database is up to date.")


@commands.command()
@as_json
def openapi(json_wanted: bool) -> None:
    """Print the OpenAPI 3.1 document of the API.

    Example: matricule openapi > openapi.json
    """
    click.echo(json.dumps(openapi_document(), ensure_ascii=False, indent=2))


for operation in (*OPERATIONS, verify, backup, restore, erase, keys, LINKING, RECORDS):
    commands.add_command(operation)
