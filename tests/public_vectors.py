"""The proof vectors that others publish, where a folder of them stands: MATRICULE_VECTORS, or beside the project."""

import json
import os
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ.get("MATRICULE_VECTORS", Path(__file__).parents[2] / "shared" / "vectors"))


def vectors(name: str) -> dict[str, Any]:
    """Empty where there are none."""
    file = FOLDER / f"{name}.json"
    return json.loads(file.read_bytes()) if file.exists() else {}
