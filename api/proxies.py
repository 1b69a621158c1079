"""Whose word counts for where a request came from: `X-Forwarded-For`, from trusted proxies only."""

from collections.abc import Collection, Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Network = IPv4Network | IPv6Network

FORWARDED: Final = "HTTP_X_FORWARDED_FOR"
_OTHERS: Final = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PROTO",
)


class TrustedProxies:
    """Sets REMOTE_ADDR to the client's address and removes whatever else was claimed on the way."""

    def __init__(self, app: WSGIApplication, trusted: Collection[Network]) -> None:
        self._app = app
        self._trusted = trusted

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        claimed = environ.pop(FORWARDED, "")
        for name in _OTHERS:
            environ.pop(name, None)
        environ["REMOTE_ADDR"] = self.client(environ.get("REMOTE_ADDR", ""), claimed)
        return self._app(environ, start_response)

    def client(self, peer: str, claimed: str) -> str:
        """The nearest address that is not a trusted proxy's. claimed: addresses, the client's first."""
        for hop in reversed([part.strip() for part in claimed.split(",") if part.strip()]):
            if not self._trusts(peer) or not _is_address(hop):
                break
            peer = hop
        return peer

    def _trusts(self, address: str) -> bool:
        return _is_address(address) and any(ip_address(address) in network for network in self._trusted)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
