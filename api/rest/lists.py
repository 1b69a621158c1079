"""What forms and welcome pages are made of: code lists and the institution's services."""

from flask import Response

from api.answers import answer
from api.arguments import Blueprint
from api.context import service
from api.schemas import answers, examples, places
from infrastructure.codes import codes

KEPT_SECONDS = 3600

blueprint = Blueprint("lists", __name__, url_prefix="/api/v1")


@blueprint.get("/codes")
@blueprint.response(200, answers.Codes, example=examples.CODES)
def list_codes() -> Response:
    """Functions, schools, cantons, countries, reasons …, each code with its label in three languages."""
    return _public(answer(codes()))


@blueprint.get("/services")
@blueprint.response(200, answers.Services, example=examples.SERVICES)
def list_services() -> Response:
    """What the welcome page leads to, in its order, and whom to ask for help."""
    institution = service().institution
    items = [
        {
            "code": offered.code,
            "label": dict(offered.label),
            "action": dict(offered.action),
            "address": offered.address,
            "icon": offered.icon,
            "needs_link": offered.needs_link,
        }
        for offered in institution.services
    ]
    about = {"name": institution.name, "contact": institution.contact, "guides": institution.guides}
    return _public(answer({"institution": about, "items": items, "next_cursor": None}))


@blueprint.get("/places")
@blueprint.arguments(places.PlaceQuery, location="query")
@blueprint.response(200, places.Places, example=places.PLACES)
def list_places(wanted: dict[str, str]) -> Response:
    """The places under a postal code, the usual one first, as far as the institution's records know any."""
    items = [{"city": city} for city in service().records.cities(wanted["postal_code"])]
    return _public(answer({"items": items, "next_cursor": None}))


def _public(response: Response) -> Response:
    response.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}"
    return response
