"""`matricule audit bundle`: the evidence of one account, as a file."""

import os
from pathlib import Path

import click

from api.audit_history import PURPOSES
from api.terminal import account_of, as_json, echo, found_wrong, print_json, with_service
from api.traces import traced_for_operator
from domain.errors import AccountUnknown
from infrastructure.bootstrap import Service
from projections.tree import TreeDisagrees


@click.command()
@click.argument("account")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to; else it is printed."
)
@click.option("--purpose", type=click.Choice(PURPOSES), help="Disclose AHV numbers, for this.")
@as_json
@with_service
def bundle(
    service: Service, account: str, output: Path | None, purpose: str | None, json_wanted: bool
) -> None:
    """Write the evidence of ACCOUNT (an id or an address), for `matricule verify`. It holds personal data.

    Example: matricule audit bundle ada@example.org --output evidence.json
    """
    account_id = account_of(service, account)
    for part in service.project():
        part.catch_up()
    try:
        file = service.evidence.of(account_id, disclosing=purpose is not None)
    except AccountUnknown:
        raise found_wrong("No account has this id.") from None
    except TreeDisagrees:
        raise found_wrong(
            "The log no longer agrees with a checkpoint that was signed, so nothing more is signed: matricule audit"
            " verify-all says where."
        ) from None
    traced_for_operator(service, "bundle", accounts=[account_id], purpose=purpose)
    if output is None:
        click.get_binary_stream("stdout").write(file.content)
        return
    _write(output, file.content)
    key = str(service.checkpoints.verifier)
    if json_wanted:
        print_json(
            {"file": str(output), "account": account_id, "events": file.events, "size": file.size, "key": key}
        )
    else:
        echo.print(
            f"{output} holds {file.events} events, proven at checkpoint {file.size}. It holds personal data: hand it to"
            f" whoever may read them.\nCheck it with: matricule verify {output} --key '{key}'",
            soft_wrap=True,
        )


def _write(path: Path, content: bytes) -> None:
    """Readable by its owner only, also where it was there already."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content)
