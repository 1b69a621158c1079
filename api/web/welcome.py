"""«Bienvenue dans ma HEP-BEJUNE»: the services, and what is still to be done."""

from flask import Response

from api.context import service
from api.identity import me
from api.web.feature import Feature
from api.web.page import page
from api.web.visitors import for_holders

pages = Feature("welcome")


@pages.get("/welcome")
@for_holders
def show() -> Response:
    return page(
        "welcome/welcome.html",
        services=service().institution.services,
        asked=service().cases.asks(me().account_id),
    )
