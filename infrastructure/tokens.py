"""Secrets that a client keeps for us, in a cookie, a header or a mailed link: the tables hold their digests only."""

import hashlib
import secrets


def fresh() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """Of whatever somebody sends, halves of pairs too."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
