"""Somebody with a browser without scripts, inside the test's process: it sends what the page's form holds."""

import gzip
import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from api_client import HOST, PUBLIC_URL, Client, House
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.identity import COOKIE

FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@dataclass
class Visitor:
    house: House
    headers: dict[str, str] = field(
        default_factory=lambda: {"Accept-Language": "fr-CH", "Sec-Fetch-Site": "same-origin"}
    )
    hidden: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client: FlaskClient = self.house.app.test_client()

    def get(self, path: str) -> TestResponse:
        return self._seen(self.client.get(path, base_url=PUBLIC_URL, headers=self.headers))

    def send(self, path: str, **typed: Any) -> TestResponse:
        """The form that was seen last, with what was typed into it."""
        data = {**self.hidden, **typed}
        return self._seen(self.client.post(path, base_url=PUBLIC_URL, data=data, headers=self.headers))

    def fill_in(self, path: str, **typed: Any) -> TestResponse:
        """Open the page of a form and send it."""
        self.get(path)
        return self.send(path, **typed)

    def shown(self, answer: TestResponse) -> TestResponse:
        """Where an answer leads to, at last."""
        while answer.status_code == 303:
            answer = self.get(answer.headers["Location"])
        return answer

    def signed_in(self, holder: Client) -> "Visitor":
        assert self.fill_in("/", **holder.pair).status_code == 303
        return self

    @property
    def session(self) -> str | None:
        cookie = self.client.get_cookie(COOKIE, domain=HOST)
        return cookie and cookie.value

    def _seen(self, answer: TestResponse) -> TestResponse:
        if answer.mimetype == "text/html":
            self.hidden = {name: unescape(value) for name, value in FIELD.findall(html(answer))}
        return answer


def html(answer: TestResponse) -> str:
    body = answer.get_data()
    if answer.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    return body.decode()


def text(answer: TestResponse) -> str:
    """What a page says, without its marks."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html(answer)))).replace(
        "\N{NO-BREAK SPACE}", " "
    )
