"""What an account was at a point of the log, and what changed between two, for whoever may read it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from api.faults import Fault, InvalidInput
from domain.profile import PERSONAL_DATA
from domain.values import ERASED, format_ahv, mask_ahv
from infrastructure.bootstrap import Service
from infrastructure.instants import Cut, Unreachable
from infrastructure.past import Change, State

Moment = datetime | int | None  # an instant, a position, now
ACCOUNT = (
    "email",
    "given_name",
    "family_name",
    "locale",
    "state",
    "roles",
    "profile_state",
    "link_state",
    "link_due",
)


def point(service: Service, field: str, moment: Moment) -> Cut:
    """What counts at a moment that was given in this field. Raises InvalidInput."""
    try:
        return service.instants.cut(moment)
    except Unreachable as fault:
        raise InvalidInput({field: [Fault(fault.fault)]}) from None


def span(service: Service, since: Moment, until: Moment) -> tuple[Cut, Cut]:
    """What counts where a period begins and where it ends. Raises InvalidInput, also where it ends before it begins."""
    begin, end = point(service, "from", since), point(service, "to", until)
    if begin.position > end.position or (begin.instant and end.instant and begin.instant > end.instant):
        raise InvalidInput({"from": [Fault("from-after-to")]})
    return begin, end


def state(
    service: Service, account_id: UUID, cut: Cut, language: str, *, masked: bool = True
) -> dict[str, Any]:
    """masked: the AHV number. Raises domain.errors.AccountUnknown, NotYet."""
    found = service.past.state(account_id, cut)
    parts = _parts(service, account_id, found, cut, language, masked)
    last = found.last
    return {
        "position": cut.position,
        "as_of": cut.instant,
        **{part: content and _without_erased(content) for part, content in parts.items()},
        "pending": [{"kind": each.kind, "since": each.since} for each in found.pending(cut.instant)],
        "last_event": {
            "position": last.position,
            "type": last.topic,
            "recorded_at": last.recorded_at,
        },
        "erased": [
            f"{part}.{name}"
            for part, content in parts.items()
            for name, value in (content or {}).items()
            if value is ERASED
        ],
    }


def changes(
    service: Service, account_id: UUID, since: Cut, until: Cut, language: str, *, masked: bool = True
) -> dict[str, Any]:
    """masked: AHV numbers. Raises domain.errors.AccountUnknown, NotYet."""
    found = service.past.changes(account_id, since, until)
    names = service.history.names({each.actor for each in found}, language, holder=account_id)
    return {
        "changes": [_change(each, names, masked) for each in found],
        "erased": sorted({each.field for each in found if ERASED in (each.old, each.new)}),
    }


def _parts(
    service: Service, account_id: UUID, found: State, cut: Cut, language: str, masked: bool
) -> dict[str, dict[str, Any] | None]:
    values = {name: found.opened(value) for name, value in found.values(cut.instant).items()}
    link, case = found.link, found.case
    return {
        "account": {"id": account_id, **{name: values[name] for name in ACCOUNT}},
        "profile": found.profile and {name: shown(name, values[name], masked) for name in PERSONAL_DATA},
        "link": link
        and {
            "record_number": values["record_number"],
            "linked_at": link.linked_at,
            "by": service.history.label(link.by, account_id, language),
        },
        "case": case and {"id": case.id, "state": case.state, "due": case.due},
    }


def _change(change: Change, names: Mapping[UUID, str], masked: bool) -> dict[str, Any]:
    values = {"old": change.old, "new": change.new}
    return {
        "field": change.field,
        **_without_erased({name: shown(change.field, value, masked) for name, value in values.items()}),
        "position": change.position,
        "type": change.type,
        "actor": change.actor,
        "by": names[change.actor],
        "at": change.at,
    }


def shown(name: str, value: Any, masked: bool) -> Any:
    """A field's value. masked: the AHV number as those see it who gave no purpose."""
    if name == "ahv_number" and value and value is not ERASED:
        return (mask_ahv if masked else format_ahv)(value)
    return value


def _without_erased(content: dict[str, Any]) -> dict[str, Any]:
    return {name: None if value is ERASED else value for name, value in content.items()}
