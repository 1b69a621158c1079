"""The link of the password message: its token fills in the address on the sign-in page and does nothing else."""

import base64
import binascii
from uuid import UUID

from infrastructure.keys import Box

CONTEXT = b"sign-in-link"


class SignInLinks:
    def __init__(self, public_url: str, box: Box) -> None:
        self._public_url = public_url
        self._box = box

    def link(self, account_id: UUID) -> str:
        sealed = (
            base64.urlsafe_b64encode(self._box.seal(account_id.bytes, CONTEXT)).decode("ascii").rstrip("=")
        )
        return f"{self._public_url}/?token={sealed}"

    def account_id(self, token: str) -> UUID | None:
        """Whose link it is; None for one that was not made here."""
        try:
            sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            return UUID(bytes=self._box.open(sealed, CONTEXT))
        except (binascii.Error, ValueError):
            return None
