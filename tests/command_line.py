"""The program itself, beside a house: on its database, in its home."""

import os
import subprocess

from api_client import House
from running_service import PROGRAM


def matricule(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *arguments],
        env={
            "PATH": os.environ["PATH"],
            "MATRICULE_HOME": str(house.service.settings.home),
            "DATABASE_URL": house.service.conninfo,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
