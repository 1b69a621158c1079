"""How fast what exists already is taken over: accounts into the log, and records into the register.

IMPORTING_ACCOUNTS=5000 IMPORTING_RECORDS=50000 make bench ARGS=importing    a small run, in half a minute
"""

import os
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import accounts_generator
import records_generator
from figures import Figure, at_least
from servers import migrated_database
from write_side import WriteSide

from application.imports import Imports
from domain.values import OPERATOR
from infrastructure.accounts_import import AccountsImport
from infrastructure.import_file import Report

ACCOUNTS = int(os.environ.get("IMPORTING_ACCOUNTS", "50000"))
RECORDS = int(os.environ.get("IMPORTING_RECORDS", "1000000"))
TODAY = date(2025, 9, 1)


def measure(server: str) -> list[Figure]:
    with migrated_database(server) as database, TemporaryDirectory() as folder, WriteSide(database) as here:
        register, accounts = Path(folder, "records.csv"), Path(folder, "accounts.csv")
        records_generator.write(register, records_generator.generate(RECORDS))
        accounts_generator.write(accounts, records_generator.generate(min(ACCOUNTS, RECORDS)))
        records = here.linking.records
        takes = AccountsImport(Imports(here.store, here.lookup, records, here.clock, uuid4))
        bring = lambda: takes.import_file(accounts, today=TODAY, actor=OPERATOR)  # noqa: E731
        return [
            Figure(
                "records imported",
                _rate(lambda: records.import_file(register, today=TODAY)),
                "records/s",
                at_least(1_000_000 / 180),
            ),
            Figure("accounts imported, linked ones too", _rate(bring), "accounts/s", at_least(2_000)),
            Figure("the same file once more", _rate(bring), "accounts/s"),
        ]


def _rate(run: Callable[[], Report]) -> float:
    started = time.perf_counter()
    report = run()
    if report.refused:
        raise AssertionError(report.refused[:3])
    return report.read / (time.perf_counter() - started)
