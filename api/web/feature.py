"""What holds for every page: who visits, in which language, and that a form was sent from it."""

from flask import Blueprint, Response, g, request

from api.identity import SAFE_METHODS
from api.web import cookies, csrf, language, visitors


class Feature(Blueprint):
    """The pages of one thing that people do. Its templates stand in the folder of its name."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "api.web", template_folder="templates")
        self.before_request(prepare)
        self.before_request(csrf.judge)
        self.after_request(finish)


def prepare() -> None:
    """In this order: the language of somebody signed in is the account's."""
    g.was_sent = request.method not in SAFE_METHODS  # whatever `csrf.judge` makes of it
    visitors.meet()
    language.choose()


def finish(response: Response) -> Response:
    return cookies.lay(language.remember(response))
