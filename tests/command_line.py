"""The program itself, beside a house: on its database, in its home."""

import os
import subprocess

import program
from api_client import House


def matricule(house: House, *arguments: object) -> subprocess.CompletedProcess[str]:
    return program.run(
        *arguments,
        env={
            "PATH": os.environ["PATH"],
            "MATRICULE_HOME": str(house.service.settings.home),
            "DATABASE_URL": house.service.conninfo,
        },
    )
