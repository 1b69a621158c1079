"""Backups, and the way back from one."""

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import psycopg
from rich.progress import Progress

from api.terminal import as_json, aside, echo, found_wrong, print_json, settings, sized
from infrastructure import backup as backups
from infrastructure import boot, bootstrap
from infrastructure.backup import BackupFault, Manifest
from infrastructure.bootstrap import READ_MODELS, Service
from infrastructure.database import migrate
from infrastructure.erase import apply_register
from infrastructure.erasure_register import ErasureRegister
from infrastructure.keys import read_keyring
from infrastructure.observability import set_up_logging
from infrastructure.processes import only_one
from infrastructure.restore import load
from infrastructure.settings import Settings
from infrastructure.translations import text
from infrastructure.verify_all import Finding, verify_all

FOLDED_ANEW = [model.name for model in READ_MODELS if model.rebuildable]


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@as_json
def backup(folder: Path, json_wanted: bool) -> None:
    """Write all that cannot be made anew into DIR, as it is at one moment; the service goes on meanwhile.

    The master key is NOT in it: keep a copy of its file elsewhere, for without it nobody can read this backup. Keep
    copies of the key that signs checkpoints and of the register of erasures, too, and renew that after each erasure.

    Example: matricule backup /backups/2025-09-01
    """
    wanted = settings()
    with bootstrap.database(wanted) as conninfo, _connected(conninfo) as connection, sized() as bar:
        try:
            made = backups.make(
                connection,
                folder.absolute(),
                keyring=read_keyring(wanted.master_key_file),
                register=wanted.erasure_register,
                read_models=FOLDED_ANEW,
                now=bootstrap.SystemClock().now(),
                progress=_shown(bar, "writing"),
            )
        except BackupFault as fault:
            raise found_wrong(str(fault)) from None
    if json_wanted:
        print_json({"folder": str(folder), **_numbers(made)})
        return
    echo.print(f"{folder}: {_numbers(made)['events']:,} events, {_numbers(made)['rows']:,} rows in all.")
    echo.print(
        f"Keep copies in other places: of the master key, {wanted.master_key_file}, without which nobody can read "
        f"this, of the register of erasures, {wanted.erasure_register}, and of {wanted.checkpoint_key_file}.",
        soft_wrap=True,
    )


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--nobody-erased-since",
    is_flag=True,
    help="The register of erasures is lost, and nobody was erased after the backup.",
)
@as_json
def restore(folder: Path, nobody_erased_since: bool, json_wanted: bool) -> None:
    """Put the backup in DIR into an empty database, all of it or nothing. The service must be down.

    Whoever was erased after the backup is erased again, by the register of erasures. Sessions and
    mailed links end, and mails that were waiting are parked until `matricule release`.

    Example: DATABASE_URL=postgresql://…/new matricule restore /backups/2025-09-01
    """
    wanted = settings()
    set_up_logging("WARNING")
    try:
        with sized() as bar:
            manifest = backups.read(folder, _shown(bar, "checking"))
        _check_what_is_beside_it(wanted, manifest, nobody_erased_since)
        wanted.home.mkdir(parents=True, exist_ok=True)
        with only_one(wanted.home), bootstrap.database(wanted) as conninfo:
            keyring = read_keyring(wanted.master_key_file)
            with _connected(conninfo) as connection, sized() as bar:
                load(connection, folder, manifest, keyring=keyring, progress=_shown(bar, "loading"))
            answer = _made_ready(wanted, conninfo, folder, manifest)
    except BackupFault as fault:
        raise found_wrong(str(fault)) from None
    finding = answer["log"]
    if json_wanted:
        print_json(answer)
    else:
        _tell(answer, finding)
    if not finding["ok"]:
        raise click.exceptions.Exit(1)


def _tell(answer: dict[str, Any], finding: dict[str, Any]) -> None:
    echo.print(f"{answer['events']:,} events restored, {answer['erased_again']:,} people erased again.")
    echo.print("Sessions and mailed links have ended, and mails are parked: matricule release sends them.")
    said = text("en", "audit", "findings", finding["problem"] or "ok")
    (echo if finding["ok"] else aside).print(
        said.format(position=finding["position"], size=finding["size"], checkpoints=finding["checkpoints"]),
        soft_wrap=True,
    )


def _check_what_is_beside_it(wanted: Settings, manifest: Manifest, nobody_erased_since: bool) -> None:
    register = wanted.erasure_register
    if not register.exists() and not nobody_erased_since:
        raise BackupFault(
            f"The register of erasures, {register}, is missing: bring back its copy, or people come back who were "
            f"erased after {manifest.made_at}. If nobody was, say --nobody-erased-since."
        )
    signed = any(table.rows for table in manifest.tables if table.name == "checkpoints")
    if signed and not wanted.checkpoint_key_file.exists():
        raise BackupFault(
            f"The key that signs checkpoints, {wanted.checkpoint_key_file}, is missing: bring back its copy, or nobody "
            "can tell whether the log goes on from what was published."
        )


def _made_ready(wanted: Settings, conninfo: str, folder: Path, manifest: Manifest) -> dict[str, Any]:
    """As any start would, which goes on from here if this is interrupted."""
    migrate(conninfo)
    boot.prepare(conninfo)
    with closing(bootstrap.build(wanted, conninfo, bootstrap.SystemClock())) as service:
        for entry in ErasureRegister(folder / backups.REGISTER).entries():
            service.erasure_register.note(entry)
        again = apply_register(service.erasures, service.erasure_register)
        for part in service.project():
            part.catch_up()
        finding = _hold_to_checkpoints(service)
        return {"folder": str(folder), **_numbers(manifest), "erased_again": again, "log": asdict(finding)}


def _hold_to_checkpoints(service: Service) -> Finding:
    """Those of the backup, and those that were published, as far as they are here: what is missing was lost since."""
    published = sorted(service.settings.checkpoint_dir.glob("*.checkpoint"))
    notes = [file.read_text("utf-8", errors="replace") for file in published]
    with psycopg.connect(service.conninfo, autocommit=True) as connection:
        return verify_all(connection, service.checkpoints.verifier, notes)


def _connected(conninfo: str) -> psycopg.Connection:
    return psycopg.connect(
        conninfo, autocommit=True, application_name="matricule backup", options="-c TimeZone=UTC"
    )


def _numbers(manifest: Manifest) -> dict[str, Any]:
    rows = {table.name: table.rows for table in manifest.tables}
    return {"made_at": manifest.made_at, "events": rows["events"], "rows": sum(rows.values())}


def _shown(bar: Progress, what: str) -> backups.Progress:
    task = bar.add_task(what, total=None)
    return lambda done, total: bar.update(task, completed=done, total=total)
