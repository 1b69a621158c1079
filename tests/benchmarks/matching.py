"""What the matcher costs against a large register, and how right it is there.

MATCHING_RECORDS=20000 MATCHING_PEOPLE=500 make bench ARGS=matching    a small run, in a minute
"""

import os
import time
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from figures import Figure, at_least, at_most, percentile
from records_generator import generate
from records_generator import write as write_records
from servers import migrated_database
from submissions_generator import submissions, write
from write_side import WriteSide

from application.training import Example
from domain.matching import Decision
from infrastructure.profiles_file import ProfilesFile

RECORDS = int(os.environ.get("MATCHING_RECORDS", "1000000"))
PEOPLE = int(os.environ.get("MATCHING_PEOPLE", "100000"))
SEED, TODAY = 99, date(2025, 9, 1)  # not that of the training


def measure(server: str) -> list[Figure]:
    with migrated_database(server) as database, TemporaryDirectory() as folder, WriteSide(database) as here:
        register = Path(folder, "records.csv")
        people, addresses = _people(register, Path(folder, "people.csv"))
        started = time.perf_counter()
        here.linking.records.import_file(register, today=TODAY)
        imported = RECORDS / (time.perf_counter() - started)
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        for one in people[:200]:
            here.linking.would_decide(one.declared, one.email)
        took, decisions = [], []
        for one in people[200:]:
            started = time.perf_counter()
            decisions.append(here.linking.would_decide(one.declared, one.email))
            took.append(time.perf_counter() - started)
        size = f"{RECORDS:,} records"
        return [
            Figure("records imported", imported, "records/s"),
            Figure(f"a profile against {size}, p50", 1000 * percentile(took, 0.5), "ms"),
            Figure(f"a profile against {size}, p99", 1000 * percentile(took, 0.99), "ms", at_most(50)),
            Figure(
                f"profiles against {size}, one after the other",
                len(took) / sum(took),
                "profiles/s",
                at_least(500),
            ),
            *_quality(people[200:], decisions, addresses),
        ]


def _people(register: Path, file: Path) -> tuple[list[Example], dict[str, str]]:
    records = list(generate(RECORDS, seed=SEED))
    write_records(register, iter(records))
    write(file, submissions(records, PEOPLE, seed=SEED + 1))
    people = [line.example for line in ProfilesFile(file, today=TODAY).people()]
    return people, {record["record_number"]: record["email"] for record in records}


def _quality(people: list[Example], decisions: list[Decision], addresses: dict[str, str]) -> list[Figure]:
    told = list(zip(people, decisions, strict=True))
    known = [(one, decision) for one, decision in told if one.record_number]
    reachable = [(one, decision) for one, decision in known if addresses[one.record_number] == one.email]
    wrong = sum(decision.record_number not in (None, one.record_number) for one, decision in told)
    at_once = sum(decision.record_number == one.record_number for one, decision in reachable)
    first_three = sum(
        one.record_number in [each.record_number for each in decision.candidates[:3]]
        for one, decision in known
    )
    candidates = sum(len(decision.candidates) for _, decision in told)
    return [
        Figure(f"linked wrongly, of {len(told):,}", wrong, "people", at_most(0)),
        Figure(
            "linked at once, of those at their record's address", at_once / len(reachable), "", at_least(0.9)
        ),
        Figure("own record among the first three", first_three / len(known), "", at_least(0.995)),
        Figure("candidates shown", candidates / len(told), "a person"),
    ]
