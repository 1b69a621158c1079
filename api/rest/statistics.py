"""How much there is to do, how fast it is done, and which mails did not arrive."""

from typing import Any

from flask import Response

from api import reporting
from api.answers import answer
from api.arguments import Blueprint
from api.context import service, today
from api.identity import staff
from api.positions import waits_for
from api.schemas import statistics

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
    return answer(reporting.figures(service().reports.of(since, until, today())))
