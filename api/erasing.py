"""Erasing a person from the command line: decided by the same two people as through the API, who sign in for it.

Whoever operates the machine decides nothing: the operator alone is one person, whatever accounts he names.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import click

from api.terminal import account_of, as_json, echo, found_wrong, print_json, with_service
from domain import errors
from infrastructure import codes
from infrastructure.bootstrap import Service

ROLE = "data-protection"
REASONS = [reason["code"] for reason in codes.codes()["reasons"]["erasure"]]
REFUSALS = {
    errors.OwnAccount: "Nobody decides on the erasure of their own account.",
    errors.SamePerson: "Another person than the one who proposed it has to approve.",
    errors.AccountErased: "This account was erased already.",
    errors.AccountUnknown: "No account has this id or address.",
    errors.ErasureUnknown: "There is no such proposal, or a newer one has taken its place.",
    errors.AlreadyDecided: "The erasure is approved already.",
    errors.AlreadyMerged: "It was merged into another account: erase that one, and this goes with it.",
}
NOT_LET_IN = {
    errors.WrongCredentials: "The password or the code is wrong.",
    errors.SecondFactorNeeded: "The code of the second factor is missing.",
    errors.AccountLocked: "Your account is locked.",
    errors.AccountClosed: "Your account is closed.",
}


@click.command()
@click.argument("account", required=False)
@click.option("--reason", type=click.Choice(REASONS), help="Why; wanted with ACCOUNT.")
@click.option("--approve", type=click.UUID, metavar="ID", help="Approve this proposal instead of making one.")
@click.option("--as", "email", required=True, help="Who decides: an address with the role data-protection.")
@as_json
@with_service
def erase(
    service: Service,
    account: str | None,
    reason: str | None,
    approve: UUID | None,
    email: str,
    json_wanted: bool,
) -> None:
    """Propose to erase the person of ACCOUNT (an id or an address), or approve a proposal as another person.

    Whoever decides is asked for password and code; without a terminal they are read from standard input, a line each.
    After the approval the person gets a last message, and the running service erases.

    Example: matricule erase ada@example.org --reason request-of-holder --as nadine@school.example
    """
    if (account is None) == (approve is None) or (account is None) != (reason is None):
        raise click.UsageError("Write ACCOUNT and --reason to propose, or --approve ID.")
    with _signed_in(service, email) as actor:
        try:
            if approve:
                service.erasures.approve(approve, actor=actor)
                answer: dict[str, Any] = {"id": str(approve), "state": "approved"}
            else:
                erasure_id, _ = service.erasures.propose(
                    account_of(service, account), reason=reason, actor=actor
                )
                answer = {"id": str(erasure_id), "state": "proposed"}
        except tuple(REFUSALS) as refusal:
            raise found_wrong(REFUSALS[type(refusal)]) from None
    if json_wanted:
        print_json(answer)
    elif approve:
        echo.print("Approved: the person gets a last message, and then the data are erased.")
    else:
        echo.print(f"Proposed as {answer['id']}. Another person approves it:")
        echo.print(f"  matricule erase --approve {answer['id']} --as …", soft_wrap=True)


@contextmanager
def _signed_in(service: Service, email: str) -> Iterator[UUID]:
    """Who it is, for the time of one decision, with a second factor."""
    password, code = _asked("Password", hidden=True), _asked("Code of the second factor", hidden=False)
    try:
        session = service.accounts.sign_in(email, password, "bearer", code or None)
    except tuple(NOT_LET_IN) as refusal:
        raise found_wrong(NOT_LET_IN[type(refusal)]) from None
    try:
        if ROLE not in session.roles:
            raise found_wrong(f"{email} does not have the role {ROLE}.")
        if not session.second_factor:
            raise found_wrong(f"{email} has no second factor yet: add one first.")
        yield session.account_id
    finally:
        service.accounts.sign_out(session.token)


def _asked(what: str, *, hidden: bool) -> str:
    if sys.stdin.isatty():
        return click.prompt(what, hide_input=hidden, err=True, default="", show_default=False)
    return sys.stdin.readline().rstrip("\n")
