"""What pages hand out and take back: sealed, so that only what this service made counts."""

import base64
import binascii
from typing import Any

import orjson
from flask import current_app

from infrastructure.keys import Keyring


class Seals:
    """Texts for hidden fields and cookies. purpose: what one was made for; it counts for nothing else."""

    def __init__(self, keyring: Keyring) -> None:
        self._box = keyring.box("pages")

    def seal(self, purpose: str, content: Any) -> str:
        sealed = self._box.seal(orjson.dumps(content), purpose.encode())
        return base64.urlsafe_b64encode(sealed).decode("ascii").rstrip("=")

    def open(self, purpose: str, sealed: str | None) -> Any:
        """None for what was not sealed here for this."""
        try:
            raw = base64.urlsafe_b64decode((sealed or "") + "=" * (-len(sealed or "") % 4))
            return orjson.loads(self._box.open(raw, purpose.encode()))
        except (binascii.Error, ValueError):
            return None


def seals() -> Seals:
    return current_app.extensions["seals"]
