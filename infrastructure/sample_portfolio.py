"""A portfolio for the first of the sample records, with documents: what the demonstration shows after linking."""

import csv
import hashlib
from collections.abc import Iterator
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Final

PEOPLE: Final = 60  # those who walk through the example are among them
COURSES: Final = (
    ("FC-2025-114", "Enseigner avec les albums de jeunesse", "followed", "2025-02-05", "2025-03-26", "1.5"),
    ("FC-2025-207", "Évaluer pour faire apprendre", "followed", "2025-05-07", "2025-06-11", "1"),
    ("FC-2026-031", "Éducation numérique au cycle 1", "registered", "2026-09-16", "2026-11-25", "2"),
)
CERTIFICATE: Final = ("CAS-2024-008", "CAS Pédagogie inclusive", "obtained", "2023-09-01", "2024-06-28", "10")
COLUMNS: Final = ["record_number", "kind", "number", "title", "state", "from", "to", "ects", "file", "sha256"]


def write(folder: Path) -> Path:
    """Put the documents, and the file that names them, into an empty folder."""
    records = resources.files("infrastructure") / "samples" / "records.csv"
    file = folder / "portfolio.csv"
    with (
        records.open(encoding="utf-8", newline="") as people,
        file.open("x", encoding="utf-8", newline="") as portfolio,
    ):
        lines = csv.writer(portfolio, delimiter=";", lineterminator="\n")
        lines.writerow(COLUMNS)
        for person in islice(csv.DictReader(people, delimiter=";"), PEOPLE):
            lines.writerows(_lines(folder, person))
    return file


def pdf(*lines: str) -> bytes:
    """One page with these lines, the same for the same ones. Raises UnicodeEncodeError beyond Windows-1252."""
    drawn = "".join(f"({_escaped(line)}) '\n" for line in lines)
    page = f"BT /F1 14 Tf 24 TL 72 770 Td\n{drawn}ET".encode("cp1252")
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(page), page),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    )
    written, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(written))
        written += b"%d 0 obj%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return (
        written
        + b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
        % (
            size,
            table,
            size,
            len(written),
        )
    )


def _lines(folder: Path, person: dict[str, str]) -> Iterator[list[str]]:
    record = person["record_number"]
    name = f"{person['given_name']} {person['family_name']}"
    for number, title, *rest in COURSES:
        yield [record, "course", number, title, *rest, "", ""]
    number, title, state, since, until, ects = CERTIFICATE
    certificate = _document(folder, f"{record}/certificat.pdf", title, name, f"{ects} crédits ECTS")
    yield [record, "certificate", number, title, state, since, until, ects, *certificate]
    confirmed = "Attestation de formation continue"
    followed = [title for _, title, state, *_ in COURSES if state == "followed"]
    attestation = _document(folder, f"{record}/attestation.pdf", confirmed, name, *followed)
    yield [record, "document", "A-2025-0117", f"{confirmed} 2025", "", "2025-06-30", "", "", *attestation]


def _document(folder: Path, path: str, *lines: str) -> tuple[str, str]:
    """Its path and its SHA-256."""
    shown = (line.encode("cp1252", "replace").decode("cp1252") for line in ("Spécimen", "", *lines))
    content = pdf(*shown)
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_bytes(content)
    return path, hashlib.sha256(content).hexdigest()


def _escaped(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
