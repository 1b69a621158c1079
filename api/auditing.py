"""`matricule audit`: what auditors ask for at the command line. Each command stands in a file of its own."""

from typing import Final

import click

from api.audit_accesses import accesses
from api.audit_evidence import bundle
from api.audit_export import events
from api.audit_history import changes, state_as_of
from api.audit_log import checkpoint, reconcile, verify_all


@click.group("audit")
def AUDIT() -> None:
    """Ask the log: what happened, how it stood then, who saw it, and whether it is whole.

    Example: matricule audit events --account ada@example.org --from 2026-03-01
    """


COMMANDS: Final[tuple[click.Command, ...]] = (
    events,
    state_as_of,
    changes,
    bundle,
    accesses,
    checkpoint,
    verify_all,
    reconcile,
)

for command in COMMANDS:
    AUDIT.add_command(command)
