"""Events as auditors read them, and the files that hold them."""

from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson

from api.answers import instant
from api.as_of import Moment, point, shown
from api.faults import Fault, InvalidInput
from api.spreadsheet import harmless, rows
from infrastructure.audit_log import Wanted, opened
from infrastructure.bootstrap import Service
from infrastructure.exports import Numbered, Sending
from infrastructure.instants import Cut
from infrastructure.translations import text
from projections.read_model import Fact

CSV, JSON_LINES = "text/csv", "application/x-ndjson"
FORMATS: Final = {CSV: "csv", JSON_LINES: "jsonl"}
FILTERS: Final = ("account", "type", "actor", "since", "until")
NAMES: Final = {"since": "from", "until": "to"}  # as they are asked for
COLUMNS: Final = (
    "position",
    "leaf_index",
    "recorded_at",
    "type",
    "name",
    "account",
    "actor",
    "stream",
    "version",
    "data",
    "erased",
)


def wanted(service: Service, asked: Mapping[str, Any], now: datetime) -> Wanted:
    """Which events a filter leaves. Raises InvalidInput, domain.errors.AccountUnknown."""
    since, until = asked.get("since"), asked.get("until")
    _must_be_in_order(since, until)
    begin = _cut(service, "from", since, now) if "since" in asked else Cut(0, None)
    end = {"up_to": _cut(service, "to", until, now).position} if until is not None else {}
    if account := asked.get("account"):
        service.past.must_know(account)
    return Wanted(
        account=account,
        topic=asked.get("type"),
        actor=asked.get("actor"),
        after=begin.position,
        **end,
    )


def _cut(service: Service, field: str, moment: Moment, now: datetime) -> Cut:
    """A period that lasts beyond today is one: what is to come is not there yet."""
    return point(service, field, None if isinstance(moment, datetime) and moment > now else moment)


def _must_be_in_order(since: Moment, until: Moment) -> None:
    if type(since) is type(until) and since is not None and since >= until:
        raise InvalidInput({"from": [Fault("from-after-to")]})


def page(
    service: Service, which: Wanted, rest: tuple[int, int] | None, limit: int
) -> tuple[list[Numbered], tuple[int, int] | None]:
    """Events with their leaves, and the rest after them; None where there is none.

    rest: where the last page ended, and where the log did before the first one: that it is read is an event, too.
    """
    after, up_to = rest or (which.after, service.audit_log.end())
    which = replace(which, after=max(which.after, after), up_to=min(which.up_to, up_to))
    facts, reached = service.audit_log.page(which, limit + 1)
    if len(facts) > limit:
        facts, reached = facts[:limit], facts[limit - 1].position
    leaves = service.tree.leaf_indices([fact.position for fact in facts])
    return list(zip(facts, leaves, strict=True)), None if reached is None else (reached, up_to)


def item(fact: Fact, leaf_index: int | None, language: str, *, masked: bool = True) -> dict[str, Any]:
    """An event with its data opened. masked: AHV numbers."""
    found = opened(fact)
    return {
        "position": fact.position,
        "leaf_index": leaf_index,
        "type": fact.topic,
        "name": name_of(fact.topic, language),
        "account": fact.account_id,
        "actor": found.actor,
        "recorded_at": fact.recorded_at.astimezone(UTC),
        "stream": fact.originator_id,
        "version": fact.originator_version,
        "data": {name: shown(name, value, masked) for name, value in found.data.items()},
        "erased": found.erased,
        "broken": found.broken,
    }


def name_of(topic: str, language: str) -> str:
    try:
        return text(language, "history", "events", topic, "name")
    except KeyError:  # of a later version, or of nobody
        return topic


def export(
    service: Service,
    asked: Mapping[str, Any],
    which: Wanted,
    *,
    format_: str,
    by: UUID,
    language: str,
    trace: Callable[..., Any],
    bom: bool = False,
    most: int | None = None,
) -> Sending:
    """Begin a file. asked: the filter; with a `purpose`, AHV numbers are whole.

    format_: csv | jsonl. trace: notes the access, before it whose events are asked for, after it how many were sent.
    bom: mark the CSV as UTF-8, as some spreadsheets want it. most: events.
    """

    def items(numbered: Sequence[Numbered]) -> Iterator[dict[str, Any]]:
        masked = asked.get("purpose") is None
        return (item(*each, language, masked=masked) for each in numbered)

    def as_csv(numbered: Sequence[Numbered]) -> bytes:
        return rows(map(_cells, items(numbered)))

    def as_json_lines(numbered: Sequence[Numbered]) -> bytes:
        return b"".join(orjson.dumps(each, option=orjson.OPT_UTC_Z) + b"\n" for each in items(numbered))

    head = (BOM_UTF8 if bom else b"") + rows([COLUMNS]) if format_ == "csv" else b""
    account = asked.get("account")
    trace(accounts=[account] if account else [])
    return service.exports.begin(
        which,
        by=by,
        format_=format_,
        filter_={name: _as_text(value) for name, value in filters(asked).items()},
        head=head,
        render=as_csv if format_ == "csv" else as_json_lines,
        most=most,
        ended=lambda count: trace(count=count),
    )


def filters(asked: Mapping[str, Any]) -> dict[str, Any]:
    """By which the log was narrowed: ids, codes, instants and positions."""
    given = {name: asked.get(name) for name in FILTERS}
    return {NAMES.get(name, name): value for name, value in given.items() if value is not None}


def _as_text(value: Any) -> str:
    return instant(value) if isinstance(value, datetime) else str(value)


def _cells(shown_item: dict[str, Any]) -> list[Any]:
    plain = {
        **shown_item,
        "recorded_at": instant(shown_item["recorded_at"]),
        "data": orjson.dumps(harmless(shown_item["data"])).decode(),
        "erased": " ".join(shown_item["erased"]),
    }
    return [harmless(plain[column]) for column in COLUMNS]
