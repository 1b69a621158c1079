"""From where a request comes: the device as people call it, and the network's address."""

from functools import lru_cache
from typing import Final

from flask import request
from ua_parser import parse_os, parse_user_agent

from domain.fact import Whence

READ: Final = 400  # characters of a User-Agent; longer ones only cost time

# Mails hold it, also such as a stranger causes: so it is made of these words, and of none that the stranger chose.
BROWSERS: Final = {
    "Chrome": "Chrome",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile WebView": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chromium": "Chromium",
    "Edge": "Edge",
    "Edge Mobile": "Edge",
    "Firefox": "Firefox",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "HeadlessChrome": "Chrome",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "Safari",
    "Opera": "Opera",
    "Opera Mobile": "Opera",
    "Safari": "Safari",
    "Samsung Internet": "Samsung Internet",
    "curl": "curl",
}
SYSTEMS: Final = {
    "Android": "Android",
    "Chrome OS": "ChromeOS",
    "Fedora": "Linux",
    "Linux": "Linux",
    "Mac OS X": "macOS",
    "Ubuntu": "Linux",
    "Windows": "Windows",
    "iOS": "iOS",
}


def whence() -> Whence:
    return Whence(_device(request.headers.get("User-Agent", "")[:READ]), request.remote_addr or None)


@lru_cache(maxsize=1000)
def _device(user_agent: str) -> str | None:
    """`Firefox · Windows`"""
    browser, system = parse_user_agent(user_agent), parse_os(user_agent)
    names = (BROWSERS.get(browser.family if browser else ""), SYSTEMS.get(system.family if system else ""))
    return " · ".join(filter(None, names)) or None
