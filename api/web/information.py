"""What everybody may read: privacy policy, help, accessibility statement, what each problem means."""

import re
from typing import Final

from flask import Response

from api import errors
from api.context import locale, service
from api.web.feature import Feature
from api.web.page import page

_ADDRESS: Final = re.compile(r"[^\s,;<>]+@[^\s,;<>]+")
_TELEPHONE: Final = re.compile(r"(?:T|Tel\.?|Tél\.?)\s*((?:\+41|0)[\d ]{8,})")

pages = Feature("information")


@pages.get("/privacy")
def show_privacy() -> Response:
    """«Politique de confidentialité»"""
    return page("information/privacy.html", version=service().institution.privacy_policy)


@pages.get("/help")
def show_help() -> Response:
    """«Aide et informations de contact»"""
    contact = service().institution.contact
    address, telephone = _ADDRESS.search(contact), _TELEPHONE.search(contact)
    return page(
        "information/help.html",
        lines=contact.split(", "),
        address=address and address[0],
        telephone=telephone and telephone[1].strip(),
        guides=service().institution.guides,
    )


@pages.get("/accessibility")
def show_accessibility() -> Response:
    return page("information/accessibility.html")


@pages.get("/problems/<code>")
def explain(code: str) -> Response:
    """What a problem's `type` leads to."""
    if code not in errors.known_codes():
        raise errors.Problem("not-found")
    response = page("information/problem.html", code=code, problem=errors.document(code, locale()))
    response.vary.add("Accept-Language")
    return response
