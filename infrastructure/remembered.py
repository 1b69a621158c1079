"""What the service of a home folder was last started with, so that commands beside it need the home alone."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

FILE = "environment.json"  # 0600: it may hold the database's password, as the master key beside it opens everything
VARIABLES = (
    "ALLOWED_HOSTS",
    "BACKUP_DAYS",
    "BROKER_URL",
    "DATABASE_URL",
    "ERASURE_REGISTER",
    "INSTITUTION_FILE",
    "MAIL_FROM",
    "MASTER_KEY_FILE",
    "MATRICULE_DEMO",
    "MATRICULE_OPS_PORT",
    "MATRICULE_PORT",
    "PUBLIC_URL",
    "RECORDS_URL",
    "SMTP_URL",
)


def remember(home: Path, environ: Mapping[str, str]) -> None:
    """Note what counts for commands beside the service."""
    kept = {name: environ[name] for name in VARIABLES if environ.get(name, "").strip()}
    fresh = home / f".{FILE}"
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(kept, file)
    fresh.replace(home / FILE)


def recall(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment, completed by what the service of its home was last started with."""
    home = Path(environ.get("MATRICULE_HOME", "").strip() or "./var")
    try:
        kept = json.loads((home / FILE).read_text())
    except (OSError, ValueError):
        kept = {}
    return kept | {name: value for name, value in environ.items() if value.strip()}
