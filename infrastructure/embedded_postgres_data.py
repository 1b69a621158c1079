"""The data folder of the private PostgreSQL: how it is made, and whether it fits the programs."""

import secrets
import shutil
import subprocess
from typing import IO

from infrastructure.embedded_postgres_place import MAJOR, EmbeddedPostgresError, Place

ADMINISTRATOR = "administrator"  # may do all; makes the service's own role, which may not
INITDB = (
    f"--username={ADMINISTRATOR}",
    "--auth-local=scram-sha-256",
    "--auth-host=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--data-checksums",
    "--no-instructions",
    "--set=scram_iterations=1",  # the password is 256 random bits: nobody guesses it, stretched or not
)
ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}


def make_data_folder(place: Place, lock: IO) -> None:
    """Make it where it is missing, all of it or nothing. Raises EmbeddedPostgresError when it is not usable.

    lock: an open file that is locked as long as `initdb` works, even without us.
    """
    if not place.data.exists():
        _initialise(place, lock)
    _check(place)


def _initialise(place: Place, lock: IO) -> None:
    half = place.folder / "data.new"
    shutil.rmtree(half, ignore_errors=True)
    password, password_file = secrets.token_urlsafe(32), place.folder / "password.new"
    place.write_private(place.passfile, f"*:*:*:*:{password}\n")
    place.write_private(password_file, password)
    done = subprocess.run(
        [place.programs / "initdb", *INITDB, f"--pwfile={password_file}", f"--pgdata={half}"],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        pass_fds=[lock.fileno()],
        **place.as_server(),
    )
    password_file.unlink()
    if done.returncode:
        raise EmbeddedPostgresError(f"PostgreSQL cannot make {place.data}: {done.stderr.strip()}")
    half.rename(place.data)


def _check(place: Place) -> None:
    made_by = (place.data / "PG_VERSION").read_text().strip()
    if made_by != MAJOR:
        raise EmbeddedPostgresError(
            f"{place.data} was made by PostgreSQL {made_by}, and this is PostgreSQL {MAJOR}. Dump it with "
            f"programs of version {made_by} and restore the dump into a new MATRICULE_HOME."
        )
    if not place.passfile.exists():
        raise EmbeddedPostgresError(f"{place.passfile} is gone, and with it the password. Bring it back.")
