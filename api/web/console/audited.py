"""What the auditor's pages share: who is meant by what was typed, which moment, and the words of a value."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from flask import request
from marshmallow import Schema, ValidationError

from api.context import locale, service, today
from api.faults import Fault, InvalidInput, gathered
from api.schemas.audit_pages import NAMED
from api.web import history_words
from api.web.forms import Form
from api.web.words import moment, t
from domain.calendar import ZURICH
from domain.errors import AccountUnknown
from domain.values import address_key
from infrastructure import codes
from infrastructure.translations import text
from projections.directory import Entry

AUDITORS: Final = ("auditor",)
PAGES: Final = (  # endpoint, name
    ("console_audit.show", "overview"),
    ("console_audit_account.find", "account"),
    ("console_audit_history.show", "history"),
    ("console_audit_accesses.show", "accesses"),
    ("console_audit_exports.show", "exports"),
)
STATES: Final = ("state", "profile_state", "link_state", "case_state", "pending")  # words of their own
UUID_FORM: Final = re.compile("[0-9a-fA-F-]{36}")
TICK: Final = timedelta(microseconds=1)


def asked(*names: str) -> dict[str, str]:
    """What the page's address asks for by these names."""
    return {name: request.args[name] for name in names if request.args.get(name)}


def account_of(field: str, typed: str | None) -> UUID | None:
    """Whose id or address was typed. Raises InvalidInput where nobody's was."""
    if not typed:
        return None
    try:
        account_id = UUID(typed) if UUID_FORM.fullmatch(typed) else None
        (account_id,) = (
            [account_id] if account_id else service().accounts.lookup.find("email", address_key(typed))
        )
        service().past.must_know(account_id)
    except (ValueError, AccountUnknown):
        raise InvalidInput({field: [Fault("no-such-account")]}) from None
    return account_id


def loaded(schema: type[Schema], sent: Mapping[str, str]) -> dict[str, Any]:
    """What an address asks for, understood. Raises InvalidInput."""
    try:
        return schema().load(sent)
    except ValidationError as wrong:
        raise InvalidInput(gathered(wrong.normalized_messages())) from None


@contextmanager
def beside(form: Form, names: Mapping[str, str] | None = None) -> Iterator[None]:
    """What cannot be asked is told beside the field. names: field of a query → field of the form, where they differ."""
    try:
        yield
    except AccountUnknown:
        form.wrong_field("account", "no-such-account")
    except InvalidInput as wrong:
        form.wrong(InvalidInput({(names or {}).get(name, name): each for name, each in wrong.faults.items()}))


def actor_of(field: str, typed: str | None) -> UUID | None:
    """The same, or somebody who acts without an account."""
    return NAMED.get(typed or "") or account_of(field, typed)


def called(ids: Iterable[UUID | str | None]) -> dict[str, Entry]:
    """The accounts that the directory knows, by id."""
    known = service().directory.many({UUID(str(each)) for each in ids if each})
    return {str(account_id): entry for account_id, entry in known.items()}


def name_of(entry: Entry | None) -> str:
    """A person's name, else the address; for whom neither is known, that."""
    names = entry and " ".join(filter(None, (entry.given_name, entry.family_name)))
    return names or (entry.email if entry else None) or text(locale(), "history", "actors", "unknown")


def typed_again(account_id: str | None, known: Mapping[str, Entry]) -> str | None:
    """What stands in a search field for an account: its address, or the id of whom none is known."""
    for name, actor in NAMED.items():
        if account_id == str(actor):
            return name
    entry = known.get(account_id or "")
    return (entry.email if entry else None) or account_id


def ending(day: date | None, clock: time | None) -> datetime | None:
    """That time of the day in Switzerland, or the day's end; None for now, which today's end is too."""
    if day is None or (clock is None and day == today()):
        return None
    if clock is None:
        return _local(day + timedelta(days=1), time()) - TICK
    return _local(day, clock)


def beginning(day: date, clock: time | None) -> datetime:
    """The moment after which that day begins, or the time of it: what happened then comes later."""
    return _local(day, clock or time()) - TICK


def _local(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, ZURICH).astimezone(UTC)


def purposes() -> list[tuple[str, str]]:
    return [(each["code"], each["label"][locale()]) for each in codes.codes()["purposes"]]


def purpose_called(code: str) -> str:
    return codes.label(locale(), "purposes", code)


def label(field: str) -> str:
    """How a field is called; its own name where no catalogue has it."""
    for topic in ("console-audit", "history", "audit"):
        with suppress(KeyError):
            return text(locale(), topic, "fields", field)
    return field


def value(field: str, given: Any, *, erased: bool = False) -> str | None:
    """A field's value in words; None for none."""
    if erased and given is None:
        return text(locale(), "history", "actors", "erased")
    if isinstance(given, list):
        return ", ".join(filter(None, (value(field, each) for each in given))) or None
    if field in STATES and given:
        return t(f"console-audit.values.{field}.{given}")
    if field == "roles":
        return codes.label(locale(), "roles", given)
    if isinstance(given, datetime):
        return moment(given)
    if isinstance(given, UUID):
        return str(given)
    return history_words.value(field, given)


def changes_in_words(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What `api.as_of.changes` found, with labels and words. What was erased is said once: nobody knows what it was."""
    told = []
    for each in found["changes"]:
        field, erased = each["field"], each["field"] in found["erased"]
        old = value(field, each["old"], erased=erased and each["new"] is not None)
        told.append(
            each | {"label": label(field), "old": old, "new": value(field, each["new"], erased=erased)}
        )
    return told
