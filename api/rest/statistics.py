"""How much there is to do, how fast it is done, and which mails did not arrive."""

from typing import Any

from flask import Response

from api.answers import answer
from api.arguments import Blueprint
from api.context import service, today
from api.identity import staff
from api.positions import waits_for
from api.schemas import statistics
from domain.calendar import LINKING_TIME
from infrastructure.statistics import Duration, MailCounts, Report
from projections.statistics import DayCounts

READERS = ("secretariat", "operator")

blueprint = Blueprint("statistics", __name__, url_prefix="/api/v1/statistics")


@blueprint.get("")
@staff(*READERS)
@blueprint.arguments(statistics.Period, location="query")
@waits_for("statistics", "cases", "outbox")
@blueprint.response(200, statistics.Figures, example=statistics.FIGURES)
def show_statistics(wanted: dict[str, Any]) -> Response:
    """Figures of a period, day by day: counts, nobody's data, so no look at them is noted.

    Days are Swiss ones, `from` and `to` included, a year at most; by default the last thirty. A link is decided on time
    within three working days, which the secretariat's holidays, closing days and open questions do not count as. Of
    erased people nothing is counted.
    """
    since, until = statistics.bounds(wanted)
    return answer(_figures(service().reports.of(since, until, today())))


def _figures(report: Report) -> dict[str, Any]:
    days = [_day(*pair) for pair in zip(report.days, report.mails, strict=True)]
    return {
        "from": report.days[0].day,
        "to": report.days[-1].day,
        "totals": {name: sum(day[name] for day in days) for name in statistics.Totals().fields},
        "linking_time": {
            "promised": LINKING_TIME,
            "decided": report.decided,
            "on_time": report.on_time,
            "median": report.median,
            "durations": [_duration(each) for each in report.durations],
        },
        "now": {
            "open": report.backlog.open,
            "asked": report.backlog.asked,
            "late": report.backlog.late,
            "due_today": report.backlog.due_today,
            "oldest_since": report.backlog.oldest,
            "mails_parked": report.parked,
        },
        "days": days,
    }


def _day(counts: DayCounts, mails: MailCounts) -> dict[str, Any]:
    return {
        "day": counts.day,
        "requests": counts.requests,
        "submissions": counts.submissions,
        **_decided(counts),
        "open": counts.open,
        "late": counts.late,
        "mails_sent": mails.sent,
        "mails_undelivered": mails.undelivered,
    }


def _duration(duration: Duration) -> dict[str, Any]:
    return {"working_days": duration.working_days, **_decided(duration)}


def _decided(counts: DayCounts | Duration) -> dict[str, int]:
    return {
        "linked_automatically": counts.automatic,
        "linked_by_hand": counts.linked,
        "rejected": counts.rejected,
    }
