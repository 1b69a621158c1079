"""Where a connection came from, as people read it: a town where the operator gave a map of networks, or an address."""

from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any

import maxminddb

from infrastructure.translations import text


class Places:
    """map_file: a database in the MaxMind format (GeoLite2 City, DB-IP City Lite …)."""

    def __init__(self, map_file: Path | None = None) -> None:
        self._map = maxminddb.open_database(map_file) if map_file else None

    def name(self, network: str | None, locale: str) -> str | None:
        """`Bienne, Suisse`; `réseau local`; or the address itself. None where it is not known."""
        if not network:
            return None
        try:
            address = ip_address(network)
        except ValueError:
            return None
        if address.is_private or address.is_loopback:
            return text(locale, "history", "places", "local")
        found = self._found(address)
        names = (_named(found or {}, part, locale) for part in ("city", "country"))
        return ", ".join(filter(None, names)) or str(address)

    def _found(self, address: IPv4Address | IPv6Address) -> Any:
        try:
            return self._map.get(address) if self._map else None
        except ValueError:  # a map of IPv4 alone
            return None


def _named(found: dict[str, Any], part: str, locale: str) -> str | None:
    names = found.get(part, {}).get("names", {})
    return names.get(locale) or names.get("en")
