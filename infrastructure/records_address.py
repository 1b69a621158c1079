"""RECORDS_URL: what kind of source it names."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from infrastructure.records_service import JsonService
from infrastructure.records_source import Source
from infrastructure.records_view import DatabaseView


def source_at(url: str) -> Source:
    """Raises ValueError with what to write; it quotes nothing, for there may be a password in it."""
    try:
        parts = urlsplit(url)
        if parts.scheme in ("postgresql", "postgres"):
            return DatabaseView(url)
        if parts.scheme == "https" or (parts.scheme == "http" and _is_here(parts.hostname)):
            return JsonService(url)
    except ValueError:
        pass
    raise ValueError(
        "write postgresql://user:password@host/database?view=schema.name, or https://user:password@host/path "
        "(http only to this machine)"
    )


def _is_here(host: str | None) -> bool:
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"
