"""How an import is told: its progress, and the lines that were refused, as a list or as a file."""

from collections.abc import Iterator
from typing import Any, Final

from flask import Response, request

from api import spreadsheet
from api.context import locale, service
from infrastructure.import_file import Refusal, why
from infrastructure.import_jobs import ImportJob

SHOWN: Final = 1_000
PAGE: Final = 5_000
COLUMNS: Final = ("line", "field", "code", "why")


def is_mirrored(kind: str) -> bool:
    """Whether the next reading of the register would undo such an import."""
    return kind == "records" and service().settings.records_url is not None


def wants(media_type: str) -> bool:
    return request.accept_mimetypes.best_match(("application/json", media_type)) == media_type


def progress(job: ImportJob, *, most: int = SHOWN) -> dict[str, Any]:
    refused = [_line(each) for _, each in service().import_jobs.refusals(job.id, limit=most)]
    told = ("id", "state", "kind", "dry_run", "created_at", "finished_at", "line", "lines")
    counted = ("read", "added", "changed", "unchanged")
    return {
        **{name: getattr(job, name) for name in told + counted},
        "by": service().history.label(job.actor, job.id, locale()),
        "refused": refused,
        "refused_count": job.refused,
    }


def file(job: ImportJob) -> Response:
    return spreadsheet.download(_all(job), COLUMNS, f"import-{job.id}.csv")


def _all(job: ImportJob) -> Iterator[dict[str, Any]]:
    last = -1
    while page := service().import_jobs.refusals(job.id, after=last, limit=PAGE):
        yield from (_line(refusal) for _, refusal in page)
        last = page[-1][0]


def _line(refusal: Refusal) -> dict[str, Any]:
    return {
        "line": refusal.line,
        "field": refusal.field,
        "code": refusal.code,
        "why": why(refusal, locale()),
    }
