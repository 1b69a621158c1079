"""How people of the tests come to a second factor, and what they have of it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pyotp import TOTP
from signing_in import a_session


@dataclass
class App:
    """An authenticator app on somebody's phone."""

    id: UUID
    secret: str
    recovery_codes: list[str]

    def code(self, now: datetime) -> str:
        return TOTP(self.secret).at(now)


def enrolled(here, account_id: UUID, password: str, *, session_id: UUID | None = None) -> App:
    """An app that counts from now on. session_id: whose session goes on."""
    session_id = session_id or a_session(here, account_id)
    begun = here.factors.begin_totp(account_id, password, session_id=session_id)
    app = App(begun.factor_id, begun.secret, [])
    _, app.recovery_codes = here.factors.confirm_totp(
        account_id,
        app.id,
        app.code(here.clock.now()),
        None,
        session_id=session_id,
    )
    return app
