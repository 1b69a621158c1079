"""A folder of documents and the file that names them, as an institution hands them over."""

import hashlib
from pathlib import Path
from typing import Any

from infrastructure.documents import Documents
from infrastructure.import_file import Report
from infrastructure.portfolio import Portfolio

HEADER = "record_number;kind;number;title;state;from;to;ects;file;sha256"
PDF = b"%PDF-1.4\n% attestation\n%%EOF\n"
LIMIT = 10_000  # bytes of a document


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class HandedOver:
    """A folder into which a test puts documents, and an import of the lines that it writes."""

    def __init__(self, home: Path, items: Portfolio) -> None:
        self.folder = home / "documents of the institution"
        self.folder.mkdir()
        self.items = items

    def put(self, path: str, content: bytes = PDF) -> str:
        """A document in the folder. Returns its SHA-256."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        return sha256(content)

    def document(
        self,
        record_number: str,
        number: str,
        content: bytes = PDF,
        *,
        path: str = "a.pdf",
        kind: str = "document",
    ) -> str:
        """The line about a document that is put into the folder."""
        return f"{record_number};{kind};{number};Attestation;;2025-06-30;;;{path};{self.put(path, content)}"

    def take(self, *lines: str, header: str = HEADER, **options: Any) -> Report:
        file = self.folder / "portfolio.csv"
        file.write_text("\n".join((header, *lines)), "utf-8")
        return self.items.import_file(file, **options)


def store(home: Path) -> Documents:
    return Documents(home / "kept", most_bytes=LIMIT)


def refusals(report: Report) -> list[tuple[int, str | None, str]]:
    return [(refusal.line, refusal.field, refusal.code) for refusal in report.refused]


def counts(report: Report) -> tuple[int, ...]:
    """Lines read, added, changed, unchanged."""
    return report.read, report.added, report.changed, report.unchanged
