"""Somebody with a browser without scripts, inside the test's process: it sends what a page's form holds."""

import gzip
import re
from dataclasses import dataclass, field
from functools import cached_property
from html import unescape

from api_client import HOST, PUBLIC_URL, Client, House
from flask.testing import FlaskClient
from flask.wrappers import Response

from api.identity import COOKIE

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
_FIELD = re.compile(r'<input id="(\w+)" name="\w+" type="\w+" value="([^"]*)"')
_FAULT = re.compile(r'<p class="fault" id="(\w+)-fault">([^<]*)</p>')
_TAGS = re.compile("<[^>]+>")


class Sheet(Response):
    """An answer, and what stands on it if it is a page."""

    @cached_property
    def html(self) -> str:
        body = self.get_data()
        packed = self.headers.get("Content-Encoding") == "gzip"
        return (gzip.decompress(body) if packed else body).decode()

    @property
    def words(self) -> str:
        """What is read on it; spaces where no line may break are as others."""
        return " ".join(unescape(_TAGS.sub(" ", self.html)).split())

    @property
    def hidden(self) -> dict[str, str]:
        """What its form brings along; that of the menu has the note too, and nothing else."""
        return hidden_fields(self.html)

    @property
    def fields(self) -> dict[str, str]:
        """What stands in its fields of one line."""
        return _unescaped(_FIELD, self.html)

    @property
    def faults(self) -> dict[str, str]:
        """What stands beside its fields."""
        return _unescaped(_FAULT, self.html)

    @property
    def path(self) -> str:
        return self.request.path

    @property
    def address(self) -> str:
        """With its query, as one comes back to it."""
        return self.request.full_path

    @property
    def leads_to(self) -> str | None:
        return self.headers.get("Location")


@dataclass
class Visitor:
    """headers: of each request. hidden: of the form that was seen last. holder: the account's own program."""

    house: House
    headers: dict[str, str] = field(
        default_factory=lambda: {"Accept-Language": "fr-CH", "Sec-Fetch-Site": "same-origin"}
    )
    hidden: dict[str, str] = field(default_factory=dict)
    holder: Client | None = None

    def __post_init__(self) -> None:
        self.client = FlaskClient(self.house.app, Sheet)

    def get(self, path: str, **headers: str) -> Sheet:
        return self._seen(self.client.get(path, base_url=PUBLIC_URL, headers={**self.headers, **headers}))

    def send(
        self,
        path: str,
        typed: dict[str, str] | None = None,
        *,
        on: Sheet | None = None,
        headers: dict[str, str] | None = None,
        **more: str,
    ) -> Sheet:
        """The form, with what was typed into it. on: the page that it stands on, if it is not what was seen last."""
        data = {**(on.hidden if on else self.hidden), **(typed or {}), **more}
        headers = {**self.headers, **(headers or {})}
        return self._seen(self.client.post(path, base_url=PUBLIC_URL, data=data, headers=headers))

    def fill_in(self, path: str, **typed: str) -> Sheet:
        """Open the page of a form and send it."""
        self.get(path)
        return self.send(path, typed)

    def shown(self, answer: Sheet) -> Sheet:
        """Where an answer leads to, at last."""
        while answer.status_code == 303:
            answer = self.get(answer.leads_to)
        return answer

    def open(self, path: str) -> Sheet:
        return self.shown(self.get(path))

    def submit(self, path: str, typed: dict[str, str] | None = None, *, on: Sheet | None = None) -> Sheet:
        return self.shown(self.send(path, typed, on=on))

    def shown_again(self, path: str, typed: dict[str, str] | None = None) -> Sheet:
        """The page that shows the form again, by GET."""
        answer = self.send(path, typed)
        assert answer.leads_to.startswith(f"{path}?again="), answer.status_code
        return self.shown(answer)

    def signed_in(self, holder: Client) -> "Visitor":
        self.get("/")
        answer = self.send("/", holder.pair)
        assert answer.status_code == 303, answer.words
        self.shown(answer)
        self.holder = holder
        return self

    def with_session_of(self, holder: Client) -> "Visitor":
        """Signed in as the account's own program is."""
        self.client.set_cookie(COOKIE, holder.secret, domain=HOST)
        self.holder = holder
        return self

    def lose_session(self) -> None:
        self.client.delete_cookie(COOKIE, domain=HOST)

    def cookie(self, name: str) -> str | None:
        found = self.client.get_cookie(name, domain=HOST)
        return found and found.value

    @property
    def session(self) -> str | None:
        return self.cookie(COOKIE)

    def _seen(self, answer: Sheet) -> Sheet:
        if answer.mimetype == "text/html" and answer.hidden:
            self.hidden = answer.hidden
        return answer


def hidden_fields(html: str) -> dict[str, str]:
    return _unescaped(_HIDDEN, html)


def _unescaped(pattern: re.Pattern[str], html: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in pattern.findall(html)}


def html(answer: Sheet) -> str:
    return answer.html


def text(answer: Sheet) -> str:
    return answer.words
