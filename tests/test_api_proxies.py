"""Whose word counts for where a request came from."""

from ipaddress import ip_network

import pytest

from api.proxies import TrustedProxies

TRUSTED = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


def seen_by_the_app(peer: str, **headers: str) -> dict[str, str]:
    environ = {"REMOTE_ADDR": peer, **{f"HTTP_{name}": value for name, value in headers.items()}}

    def app(environ, start_response):
        return [environ]

    (seen,) = TrustedProxies(app, TRUSTED)(environ, None)
    return seen


@pytest.mark.parametrize(
    ("peer", "claimed", "client"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("fd00::1", "2001:db8::5", "2001:db8::5"),
    ],
)
def test_the_nearest_address_that_is_no_trusted_proxy_is_the_client(peer, claimed, client):
    assert seen_by_the_app(peer, X_FORWARDED_FOR=claimed)["REMOTE_ADDR"] == client


def test_a_stranger_cannot_say_where_he_comes_from():
    assert seen_by_the_app("203.0.113.9", X_FORWARDED_FOR="198.51.100.1")["REMOTE_ADDR"] == "203.0.113.9"


@pytest.mark.parametrize("claimed", ["unknown", "203.0.113.9, <script>", "10.0.0.300", " , "])
def test_what_is_no_address_counts_for_nothing(claimed):
    assert seen_by_the_app("10.0.0.1", X_FORWARDED_FOR=claimed)["REMOTE_ADDR"] == "10.0.0.1"


def test_nothing_else_that_was_claimed_reaches_the_application():
    seen = seen_by_the_app(
        "10.0.0.1", X_FORWARDED_HOST="evil.example", X_FORWARDED_PROTO="https", FORWARDED="for=x"
    )
    assert set(seen) == {"REMOTE_ADDR"}
