"""What reaches mailboxes: the mails that workers send now, and the tokens in them."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Event

from api_client import Client, House


def delivered(house: House) -> list[EmailMessage]:
    """All that waits is decided on and sent; the mails that lie in the folder since then, oldest first."""
    parts, folder = house.service, house.service.settings.home / "outbox"
    before = set(folder.glob("*.eml"))
    house.decide()
    parts.watermark.wait(("outbox",), parts.watermark.open(house.position()))
    _, worker, *_ = parts.work()
    for item_id in parts.outbox_queue.due(1000):
        worker.work(item_id, Event())
    files = sorted(set(folder.glob("*.eml")) - before)
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


def text_of(mail: EmailMessage) -> str:
    return mail.get_body(("plain",)).get_content()


def reset_token(house: House, holder: Client) -> str:
    """Asked for at the door, decided on, and made as the worker does that mails it."""
    answer = house.client().post("/password-resets", {"email": holder.email})
    assert (answer.status_code, answer.json) == (202, {"status": "accepted"})
    house.decide()
    account = house.service.store.account(holder.id)
    return house.service.recovery.reset_link(account, account.reset_request)


def change_tokens(house: House, holder: Client, new_email: str) -> tuple[str, str]:
    """What the new mailbox gets, and what the old one does."""
    answer = holder.post("/me/email-changes", {"new_email": new_email, "password": holder.password})
    assert answer.status_code == 202, answer.json
    changes, account = house.service.address_changes, house.service.store.account(holder.id)
    request = account.email_change.request
    return changes.confirmation_link(account, request), changes.objection_link(account, request)


def reopening_token(house: House, holder: Client) -> str:
    """Of the account that its holder closes now."""
    assert holder.post("/me/closure", {"password": holder.password}).status_code == 202
    return house.service.standings.reopening_link(house.service.store.account(holder.id))
