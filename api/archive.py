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
    parts, account_id, now = service(), asking.account_id, service().clock.now()
    entry, data = parts.directory.get(account_id), declared(account_id)
    factors, codes_left = parts.factors.of(account_id)
    return {
        "made_at": now,
        "account": my_account(entry, asking.roles),
        "profile": data and representations.personal_data(data),
        "record": _record(entry.record_number),
        "portfolio": list(map(representations.portfolio_item, parts.portfolios.whole(account_id))),
        "history": [
            representations.archived_moment(each)
            for each in parts.history.of(account_id, locale(), masked=False)
        ],
        "accesses": [
            representations.archived_moment(each) for each in parts.history.accesses(account_id, locale())
        ],
        "sessions": [
            representations.session(each, asking.session_id) | {"network": each.network}
            for each in parts.sessions.of(account_id, now)
        ],
        "second_factors": [factor._asdict() for factor in factors],
        "recovery_codes": codes_left,
        "devices": [device._asdict() for device in parts.devices.of(account_id, now)],
        "messages": [_message(each) for each in parts.outbox_queue.of(account_id)],
    }


def _record(record_number: str | None) -> dict[str, Any] | None:
    return record_number and representations.archived_record(service().records.written(record_number))


def _message(sent: Sent) -> dict[str, Any]:
    own = sent.recipient == "holder"
    return {
        "id": sent.id,
        "kind": sent.kind if own else ELSEWHERE,
        "created_at": sent.created_at,
        "state": sent.state,
        "attempts": sent.attempts,
    }
