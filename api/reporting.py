"""Figures of a period, as the API and files give them."""

from typing import Any

from api.schemas import statistics
from domain.calendar import LINKING_TIME
from infrastructure.statistics import Duration, MailCounts, Report
from projections.statistics import DayCounts


def figures(report: Report) -> dict[str, Any]:
    days = day_by_day(report)
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


def day_by_day(report: Report) -> list[dict[str, Any]]:
    return [_day(*pair) for pair in zip(report.days, report.mails, strict=True)]


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
