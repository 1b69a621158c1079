"""From where a request comes: the device as people call it, and the network's address."""

from functools import lru_cache
from typing import Final

from flask import request
from ua_parser import parse_os, parse_user_agent

from domain.fact import Whence

READ: Final = 400  # characters of a User-Agent; longer ones only cost time
LIMIT: Final = 60  # of what is made of it


def whence() -> Whence:
    return Whence(_device(request.headers.get("User-Agent", "")[:READ]), request.remote_addr or None)


@lru_cache(maxsize=1000)
def _device(user_agent: str) -> str | None:
    """`Firefox · Windows`"""
    known = (parse_user_agent(user_agent), parse_os(user_agent))
    return " · ".join(part.family for part in known if part)[:LIMIT] or None
