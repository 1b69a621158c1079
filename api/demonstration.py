"""The demonstration, filled with people."""

import click

from api.terminal import as_json, echo, print_json, with_service
from infrastructure.bootstrap import Service
from infrastructure.demonstration import fill


@click.command("demo")
@click.option("--accounts", type=click.IntRange(1, 1_000_000), required=True, help="How many there shall be.")
@as_json
@with_service
def demo(service: Service, accounts: int, json_wanted: bool) -> None:
    """Fill the demonstration with invented people: records, accounts, links and cases to try the console with.

    Mails nobody. The same number again changes nothing; a larger one adds. Example: matricule demo --accounts 500
    """
    if not service.settings.demo:
        raise click.UsageError(
            "This is no demonstration (MATRICULE_DEMO): invented people have no place here."
        )
    added = fill(service, accounts)
    if json_wanted:
        print_json({"added": added})
    else:
        echo.print(f"{added:,} invented people are new. Nobody was written to.")
