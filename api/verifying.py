"""`matricule verify`: the stand-alone program (api/verify.py), run or written out."""

from pathlib import Path

import click

from api import verify as program
from api.terminal import as_json


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--key", metavar="VKEY", help="The key that must have signed, as the institution publishes it.")
@click.option(
    "--checkpoint", metavar="FILE", type=click.Path(), help="A signed checkpoint that came another way."
)
@click.option("--manifest", metavar="FILE", type=click.Path(), help="The signed manifest of an export.")
@click.option("--language", type=click.Choice(program.LANGUAGES), default=program.usual_language)
@click.option("--verbose", is_flag=True, help="Every event.")
@click.option("--print", "print_wanted", is_flag=True, help="Write the program that needs no service.")
@as_json
def verify(
    file: Path | None,
    key: str | None,
    checkpoint: str | None,
    manifest: str | None,
    language: str,
    verbose: bool,
    print_wanted: bool,
    json_wanted: bool,
) -> None:
    """Check the evidence in FILE, or an export with its manifest, without the service and its database.

    \b
    Example: matricule verify evidence.json --key log.school.example+1a2b3c4d+AQ…
             matricule verify events.csv --manifest events.manifest --key log.school.example+1a2b3c4d+AQ…
             matricule verify --print > verify.py
    """
    if print_wanted == bool(file):
        raise click.UsageError("Name a FILE, or --print.")
    if print_wanted:
        click.get_binary_stream("stdout").write(Path(program.__file__).read_bytes())
        return
    status = program.run(str(file), key, checkpoint, language, verbose, json_wanted, manifest)
    if status:
        raise click.exceptions.Exit(status)
