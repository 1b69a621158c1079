"""A browser without a screen: pages asked for, and their forms sent, over real parts."""

import re
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlsplit

from api_client import PUBLIC_URL, Client
from werkzeug.test import TestResponse

_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
_FIELD = re.compile(r'<input id="(\w+)" name="\w+" type="\w+" value="([^"]*)"')
_TAGS = re.compile("<[^>]+>")


@dataclass
class PageReader:
    """Somebody signed in, who reads pages in French. A redirect is followed as browsers do."""

    client: Client
    headers: dict[str, str] = field(
        default_factory=lambda: {"Accept-Language": "fr", "Sec-Fetch-Site": "same-origin"}
    )

    def get(self, path: str) -> "Sheet":
        return self._sheet(self.client.browser.get(path, base_url=PUBLIC_URL, headers=self.headers))

    def post(self, path: str, typed: dict[str, str]) -> "Sheet":
        return self._sheet(
            self.client.browser.post(path, base_url=PUBLIC_URL, headers=self.headers, data=typed)
        )

    def _sheet(self, answer: TestResponse) -> "Sheet":
        if answer.status_code == 303:
            return self.get(answer.headers["Location"])
        return Sheet(urlsplit(answer.request.url).path, answer)


@dataclass
class Sheet:
    path: str
    answer: TestResponse

    @property
    def status(self) -> int:
        return self.answer.status_code

    @property
    def address(self) -> str:
        """With its query, as one comes back to it."""
        return self.answer.request.full_path

    @property
    def html(self) -> str:
        return self.answer.get_data(as_text=True)

    @property
    def text(self) -> str:
        """What is read on it."""
        return " ".join(unescape(_TAGS.sub(" ", self.html)).split())

    @property
    def hidden(self) -> dict[str, str]:
        """What its form brings along; that of the menu has the note too, and nothing else."""
        return {name: unescape(value) for name, value in _HIDDEN.findall(self.html)}

    @property
    def fields(self) -> dict[str, str]:
        return {name: unescape(value) for name, value in _FIELD.findall(self.html)}

    @property
    def faults(self) -> dict[str, str]:
        """What stands beside the fields."""
        found = re.findall(r'<p class="fault" id="(\w+)-fault">([^<]*)</p>', self.html)
        return {name: unescape(said) for name, said in found}
