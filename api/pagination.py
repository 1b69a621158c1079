"""Cursors: where a page ended, sealed, so that they tell nothing and cannot be made up."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from api.context import service
from api.errors import Problem


def page(
    items: Sequence[Any], limit: int, end_of: Callable[[Any], Sequence[object]], kind: str
) -> str | None:
    """The cursor after `items`, of which there is one more than `limit` where another page follows.

    end_of: what the query continues after, of the last item shown. kind: the list that it is good for.
    """
    return sealed(end_of(items[limit - 1]), kind) if len(items) > limit else None


def sealed(end: Sequence[object], kind: str) -> str:
    """The cursor after `end`."""
    cursor = service().keyring.box("cursor").seal(orjson.dumps(end), kind.encode())
    return base64.urlsafe_b64encode(cursor).rstrip(b"=").decode()


def by_position(
    kind: str, wanted: Mapping[str, Any], read: Callable[[int, int], Sequence[Any]]
) -> tuple[Sequence[Any], str | None]:
    """A page of what the log holds, and the cursor after it. read: after a position, at most so many."""
    limit = wanted["limit"]
    (last,) = opened(wanted.get("cursor"), kind, int) or (0,)
    found = read(last, limit + 1)
    return found[:limit], page(found, limit, lambda each: (each.position,), kind)


def opened(cursor: str | None, kind: str, *parse: Callable[[Any], Any]) -> tuple[Any, ...] | None:
    """What was sealed, each part parsed anew. Raises Problem `bad-cursor`."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        parts = orjson.loads(service().keyring.box("cursor").open(raw, kind.encode()))
    except (ValueError, binascii.Error):
        raise Problem("bad-cursor") from None
    return tuple(read(part) for read, part in zip(parse, parts, strict=True))


def of_few(
    kind: str, wanted: Mapping[str, Any], items: Sequence[Any], key: Callable[[Any], tuple[float, str]]
) -> tuple[Sequence[Any], str | None]:
    """A page of a short list that is there whole, ordered by `key`, and the cursor after it."""
    limit, after = wanted["limit"], opened(wanted.get("cursor"), kind, float, str)
    found = [each for each in sorted(items, key=key) if after is None or key(each) > after]
    return found[:limit], page(found, limit, key, kind)
