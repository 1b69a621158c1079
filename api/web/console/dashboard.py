"""The dashboard: how much there is to do, how fast it is done, what is left, and which mails did not arrive."""

from datetime import date
from typing import Final

from flask import Response, request
from marshmallow import ValidationError

from api import reporting
from api.context import locale, service, today
from api.errors import Problem
from api.faults import InvalidInput, gathered
from api.schemas.statistics import DayFigures, Period, bounds
from api.spreadsheet import download
from api.web.console import figures, periods
from api.web.feature import Feature
from api.web.page import go, page
from api.web.visitors import for_staff, reads
from domain.calendar import swiss_day

READERS: Final = ("secretariat", "operator")  # as in `api.rest.statistics`

pages = Feature("console_dashboard")


@pages.get("/console/dashboard")
@for_staff(*READERS)
@reads("statistics", "cases", "outbox")
def show() -> Response:
    """Counts, nobody's data: no look at them is noted. The period is in the address, by code or by days."""
    code = request.args.get("period", periods.USUAL)
    if code not in periods.LENGTHS:
        return go("console_dashboard.show")
    typed = {name: request.args[name] for name in ("from", "to") if request.args.get(name)}
    try:
        since, until = bounds(Period().load(typed)) if typed else periods.bounds_of(code)
        faults = {}
    except ValidationError as refused:
        since, until = periods.bounds_of(code)
        faults = InvalidInput(gathered(refused.messages)).messages(locale())
    report = service().reports.of(since, until, today())
    shown = periods.spans(report)
    return page(
        "console/dashboard.html",
        status=422 if faults else 200,
        report=report,
        waited=_waited(report.backlog.oldest and swiss_day(report.backlog.oldest)),
        figures=figures.figures(report, shown),
        written=figures.written,
        plural=figures.plural,
        since=since,
        until=until,
        code=periods.code_of(since, until),
        codes=periods.LENGTHS,
        typed=typed or {"from": since.isoformat(), "to": until.isoformat()},
        faults=faults,
        last=today(),
    )


@pages.get("/console/dashboard.csv")
@for_staff(*READERS)
@reads("statistics", "outbox")
def export() -> Response:
    """The same days as a file; the column names are the API's."""
    typed = {name: request.args[name] for name in ("from", "to") if request.args.get(name)}
    if Period().validate(typed):
        raise Problem("not-found")
    report = service().reports.of(*bounds(Period().load(typed)), today())
    return download(reporting.day_by_day(report), list(DayFigures().fields), "statistics.csv")


def _waited(since: date | None) -> int | None:
    """For how many working days the oldest case has been open."""
    return since and service().institution.working_days.passed(since, today())
