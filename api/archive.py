"""All that is held about a person, for the person: one JSON archive."""

from typing import Any
from uuid import UUID

from api import representations
from api.context import locale, service
from api.rest.me import my_account
from domain.errors import ProfileMissing
from infrastructure.outbox import Sent
from infrastructure.sessions import Identity

ELSEWHERE = "message-to-another-mailbox"  # what it was would tell whose mailbox that is


def archive(asking: Identity) -> dict[str, Any]:
    """Raises NotVisibleYet while the directory does not know the account."""
    account_id, now = asking.account_id, service().clock.now()
    history = service().history.of(account_id, locale())
    return {
        "made_at": now,
        "account": my_account(service().directory.get(account_id), asking.roles),
        "profile": _profile(account_id),
        "history": [representations.moment(each) for each in history],
        "sessions": [
            representations.session(each, asking.session_id)
            for each in service().sessions.of(account_id, now)
        ],
        "messages": [_message(each) for each in service().outbox_queue.of(account_id)],
    }


def _profile(account_id: UUID) -> dict[str, Any] | None:
    try:
        data, _ = service().profiles.of(account_id)
    except ProfileMissing:
        return None
    return representations.personal_data(data)


def _message(sent: Sent) -> dict[str, Any]:
    own = sent.recipient == "holder"
    return {
        "id": sent.id,
        "kind": sent.kind if own else ELSEWHERE,
        "created_at": sent.created_at,
        "state": sent.state,
        "attempts": sent.attempts,
    }
