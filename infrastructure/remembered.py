"""What the service of a home folder was last started with, so that commands beside it need the home alone."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

FILE = "environment.json"  # 0600: it may hold the database's password, as the master key beside it opens everything
# Where data lie, and in whose name. What is a file is kept as its whole path: commands are called in other folders.
FILES = (
    "CHECKPOINT_DIR",
    "CHECKPOINT_KEY_FILE",
    "DOCUMENTS_DIR",
    "ERASURE_REGISTER",
    "INSTITUTION_FILE",
    "MASTER_KEY_FILE",
    "MATCHER_FILE",
    "PLACES_FILE",
)
VARIABLES = (
    *FILES,
    "ALLOWED_HOSTS",
    "BACKUP_DAYS",
    "BROKER_URL",
    "DATABASE_URL",
    "LOG_NAME",
    "MAIL_FROM",
    "MATRICULE_DEMO",
    "MATRICULE_OPS_PORT",
    "MATRICULE_PORT",
    "PUBLIC_URL",
    "RECORDS_URL",
    "SMTP_URL",
)


def remember(home: Path, environ: Mapping[str, str]) -> None:
    """Note what counts for commands beside the service."""
    kept = {name: environ[name].strip() for name in VARIABLES if environ.get(name, "").strip()}
    kept |= {name: str(Path(kept[name]).absolute()) for name in FILES if name in kept}
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
