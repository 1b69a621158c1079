"""A browser without scripts, over the application itself: it sends what the page's form holds."""

import re
from html import unescape
from typing import Any

from api_client import HOST, PUBLIC_URL, Client, House
from werkzeug.test import TestResponse

from api.identity import COOKIE
from api.web.cookies import BROWSER

HIDDEN = re.compile(r'type="hidden" name="(\w+)" value="([^"]*)"')


class PageClient:
    def __init__(self, house: House, **headers: str) -> None:
        self.house = house
        self.client = house.app.test_client()
        self.headers = {"Accept-Language": "fr-CH", "Sec-Fetch-Site": "same-origin", **headers}
        self.hidden: dict[str, str] = {}

    def get(self, path: str, **headers: str) -> TestResponse:
        return self._seen(self.client.get(path, base_url=PUBLIC_URL, headers={**self.headers, **headers}))

    def send(self, path: str, typed: dict[str, str] | None = None, **headers: str) -> TestResponse:
        """The form that was seen last, with what was typed into it."""
        data = {**self.hidden, **(typed or {})}
        headers = {**self.headers, **headers}
        return self._seen(self.client.post(path, base_url=PUBLIC_URL, data=data, headers=headers))

    def follow(self, answer: TestResponse) -> TestResponse:
        assert answer.status_code == 303, html(answer)
        return self.get(answer.headers["Location"])

    def shown_again(self, path: str, typed: dict[str, str] | None = None, **headers: str) -> TestResponse:
        """The page that shows the form again, by GET."""
        answer = self.send(path, typed, **headers)
        assert answer.headers["Location"].startswith(f"{path}?again="), answer.status_code
        return self.follow(answer)

    def signed_in(self, holder: Client) -> "PageClient":
        self.get("/")
        answer = self.send("/", holder.pair)
        assert answer.headers["Location"] == "/welcome", html(answer)
        self.get("/welcome")
        return self

    def lose_session(self) -> None:
        self.client.delete_cookie(COOKIE, domain=HOST)

    def cookie(self, name: str = BROWSER) -> str | None:
        found = self.client.get_cookie(name, domain=HOST)
        return found and found.value

    def _seen(self, answer: TestResponse) -> TestResponse:
        if not answer.headers.get("Content-Encoding") and (found := dict(HIDDEN.findall(html(answer)))):
            self.hidden = found
        return answer


def html(answer: TestResponse) -> str:
    return answer.get_data(as_text=True)


def shown(answer: TestResponse, name: str) -> Any:
    """What stands in a field of the page."""
    found = re.search(rf'<input id="{name}"[^>]*value="([^"]*)"', html(answer))
    return unescape(found[1])
