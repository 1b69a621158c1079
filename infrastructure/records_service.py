"""Records from a service of the institution, in JSON over HTTPS, page after page. What it answers: docs/records.md."""

import errno
import ssl
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import orjson

from infrastructure.records_source import Raw, SourceFault, at_most, check_fields

CONNECT_SECONDS: Final = 10.0
PAGE_SECONDS: Final = 60.0
PAGE_BYTES: Final = 32 << 20
REDIRECTS: Final = 3
MEMBERS: Final = {"version": str, "total": int, "records": list}
MOVED: Final = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class Answer:
    """status: 200 or 304. url: where it came from in the end."""

    status: int
    etag: str | None
    url: str
    body: bytes


@dataclass(frozen=True)
class Page:
    """version: of the register; another one in the middle of a reading says that it changed meanwhile."""

    version: str
    total: int
    records: Sequence[Raw]
    next: str | None


class JsonService:
    """mark: the entity tag of the first page, which stands for the whole register."""

    def __init__(
        self,
        url: str,
        *,
        page_seconds: float = PAGE_SECONDS,
        page_bytes: int = PAGE_BYTES,
    ) -> None:
        """url: https, or http to this machine; user and password in it go into a header.

        Raises ValueError.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
            raise ValueError
        self._authorization = _authorization(parts)
        self._url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        self._origin = _origin(parts)
        self._page_seconds, self._page_bytes = page_seconds, page_bytes
        # Of the query nothing: many a service takes its key there.
        self.name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    @cached_property
    def _context(self) -> ssl.SSLContext:
        """The machine's authorities, which take a while to read."""
        return ssl.create_default_context()

    def read(self, mark: str | None) -> "JsonReading | None":
        answer = self._get(self._url, {"If-None-Match": mark} if mark else {})
        if answer.status == 304:
            return None
        return JsonReading(self, answer.etag, self._page(answer))

    def page(self, url: str) -> Page:
        """Raises SourceFault."""
        return self._page(self._get(url, {}))

    def _page(self, answer: Answer) -> Page:
        try:
            told = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            raise SourceFault("not-json") from None
        if not isinstance(told, dict):
            raise SourceFault("shape", "object")
        for member, kind in MEMBERS.items():
            if type(told.get(member)) is not kind:
                raise SourceFault("shape", member)
        records, following = told["records"], told.get("next")
        for record in records:
            if not isinstance(record, dict):
                raise SourceFault("shape", "records")
            check_fields(record.keys(), "shape")
        if following is not None and not isinstance(following, str):
            raise SourceFault("shape", "next")
        try:
            url = _joined(answer.url, following) if following else None
        except ValueError:
            raise SourceFault("shape", "next") from None
        return Page(told["version"], told["total"], records, url)

    def _get(self, url: str, headers: dict[str, str]) -> Answer:
        for _ in range(1 + REDIRECTS):
            parts = urlsplit(url)
            # Neither our password nor our trust goes anywhere else.
            if _origin(parts) != self._origin or parts.username is not None:
                raise SourceFault("redirect")
            answer = self._ask(parts, headers)
            if isinstance(answer, Answer):
                return answer
            try:
                url = _joined(url, answer)
            except ValueError:
                break
        raise SourceFault("redirect")

    def _ask(self, parts: SplitResult, headers: dict[str, str]) -> Answer | str:
        """The answer, or where else it is to be had."""
        connection = self._connection(parts)
        try:
            connection.connect()
            with at_most(self._page_seconds, connection.sock.fileno()):
                connection.request(
                    "GET",
                    parts._replace(scheme="", netloc="").geturl() or "/",
                    headers={
                        "Accept": "application/json",
                        "Accept-Encoding": "identity",
                        "User-Agent": "matricule",
                    }
                    | self._authorization
                    | headers,
                )
                return self._read(connection.getresponse(), parts.geturl(), conditional=bool(headers))
        except ssl.SSLCertVerificationError:
            raise SourceFault("certificate") from None
        except TimeoutError:
            raise SourceFault("slow") from None
        except IncompleteRead:
            raise SourceFault("broken-off") from None
        except (OSError, HTTPException, ValueError) as fault:
            code = errno.errorcode.get(getattr(fault, "errno", None) or 0, type(fault).__name__)
            raise SourceFault("down", code) from None
        finally:
            connection.close()

    def _connection(self, parts: SplitResult) -> HTTPConnection:
        if parts.scheme == "https":
            return HTTPSConnection(parts.hostname, parts.port, timeout=CONNECT_SECONDS, context=self._context)
        return HTTPConnection(parts.hostname, parts.port, timeout=CONNECT_SECONDS)

    def _read(self, response: HTTPResponse, url: str, *, conditional: bool) -> Answer | str:
        if response.status in MOVED and response.headers["Location"]:
            return response.headers["Location"]
        if response.status in (401, 403):
            raise SourceFault("login", f"HTTP {response.status}")
        if response.status != 200 and not (response.status == 304 and conditional):
            raise SourceFault("status", f"HTTP {response.status}")
        body = response.read(self._page_bytes + 1)
        if len(body) > self._page_bytes:
            raise SourceFault("too-large")
        if response.length:  # so many bytes were announced, and did not come
            raise SourceFault("broken-off")
        return Answer(response.status, response.headers["ETag"], url, body)


class JsonReading:
    def __init__(self, service: JsonService, mark: str | None, first: Page) -> None:
        self.mark = mark
        self._service = service
        self._first = first

    def pages(self) -> Iterator[Sequence[Raw]]:
        page, read = self._first, 0
        while True:
            yield page.records
            read += len(page.records)
            if page.next is None:
                break
            if not page.records:  # it could go on so for ever
                raise SourceFault("shape", "records")
            if read > self._first.total:
                break
            page = self._service.page(page.next)
            if (page.version, page.total) != (self._first.version, self._first.total):
                raise SourceFault("changed")
        if read != self._first.total:
            raise SourceFault("incomplete", f"{read} of {self._first.total}")


def _authorization(parts: SplitResult) -> dict[str, str]:
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def _joined(base: str, address: str) -> str:
    """Raises ValueError where that is no address."""
    url = urljoin(base, address)
    _origin(urlsplit(url))
    return url


def _origin(parts: SplitResult) -> tuple[Any, ...]:
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
