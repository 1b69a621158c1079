"""Mail that comes back, on the command line."""

import mailbox
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from api.terminal import as_json, aside, echo, print_json, with_service
from infrastructure.bootstrap import Service
from infrastructure.bounces import NoReport

MOST: Final = 10 * 1_000_000  # bytes of one report
WHY: Final = {
    "no-report": "no delivery report (RFC 3464)",
    "no-message": "a report that returns no message of ours",
    "unknown-message": "a report about a message that was never sent from here",
    "delivered": "a report of success",
    "too-large": "larger than 10 MB",
}


@click.group("mail")
def MAIL() -> None:
    """Mail that comes back.

    Example: matricule mail bounce --mailbox /var/mail/bounces
    """


@MAIL.command("bounce")
@click.option(
    "--mailbox",
    "path",
    type=click.Path(exists=True, path_type=Path),
    help="A Maildir or mbox with reports, instead of one on stdin. It stays as it is.",
)
@as_json
@with_service
def bounce(service: Service, path: Path | None, json_wanted: bool) -> None:
    """Take delivery reports (RFC 3464): a message that came back is never sent again, and shown as bounced.

    A delay changes nothing. What is no report about a message of ours is refused, with exit status 1.
    Example, in the mail server's aliases: bounces: "|matricule mail bounce"
    """
    counts = dict.fromkeys(("bounced", "known", "delayed"), 0)
    refused: list[str] = []
    for raw in _mails(path) if path else [click.get_binary_stream("stdin").read(MOST + 1)]:
        try:
            if len(raw) > MOST:
                raise NoReport("too-large")
            counts[service.bounces.take(raw)] += 1
        except NoReport as none:
            refused.append(none.code)
    if json_wanted:
        print_json({**counts, "refused": refused})
    else:
        echo.print(", ".join(f"{number:,} {what}" for what, number in counts.items()) + ".")
        for code in refused:
            aside.print(f"Refused: {WHY[code]}.")
    if refused:
        raise click.exceptions.Exit(1)


def _mails(path: Path) -> Iterator[bytes]:
    opened = mailbox.Maildir(path, create=False) if path.is_dir() else mailbox.mbox(path, create=False)
    for key in opened.keys():  # noqa: SIM118 - iterating a mailbox parses every mail
        yield opened.get_bytes(key)
