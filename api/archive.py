"""All that is held about a person, for the person: one JSON archive."""

from typing import Any

from api import representations
from api.context import locale, service
from api.rest.accounts import declared
from api.rest.me import my_account
from infrastructure.outbox import Sent
from infrastructure.sessions import Identity

ELSEWHERE = "message-to-another-mailbox"  # what it was would tell whose mailbox that is


def archive(asking: Identity) -> dict[str, Any]:
    """Raises NotVisibleYet while the directory does not know the account."""
    account_id, now = asking.account_id, service().clock.now()
    history, data = service().history.of(account_id, locale()), declared(account_id)
    return {
        "made_at": now,
        "account": my_account(service().directory.get(account_id), asking.roles),
        "profile": data and representations.personal_data(data),
        "history": [representations.moment(each) for each in history],
        "accesses": list(map(representations.moment, service().history.accesses(account_id, locale()))),
        "sessions": [
            representations.session(each, asking.session_id)
            for each in service().sessions.of(account_id, now)
        ],
        "messages": [_message(each) for each in service().outbox_queue.of(account_id)],
    }


def _message(sent: Sent) -> dict[str, Any]:
    own = sent.recipient == "holder"
    return {
        "id": sent.id,
        "kind": sent.kind if own else ELSEWHERE,
        "created_at": sent.created_at,
        "state": sent.state,
        "attempts": sent.attempts,
    }
