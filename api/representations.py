"""What is shown of accounts, cases and histories, as plain dicts; `schemas.answers` describes them."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

from api.context import locale, service
from application.linking import CaseSheet
from application.merges import Related
from domain.case import Case, Question
from domain.matching import Comparison
from domain.portfolio import Item
from domain.profile import Link, PersonalData
from domain.values import format_ahv, mask_ahv
from infrastructure.access_trail import Seen
from infrastructure.history import Moment
from infrastructure.sessions import OpenSession
from projections.cases import CaseRow
from projections.directory import Entry

OTHERS = ("candidates",)  # fields that name other people's records


def own_account(entry: Entry, roles: list[str]) -> dict[str, Any]:
    """An account as its holder sees it."""
    return {
        "id": entry.account_id,
        "email": entry.email,
        "given_name": entry.given_name,
        "family_name": entry.family_name,
        "locale": entry.locale,
        # Whoever reads this has signed in, even where the directory does not know it yet.
        "state": "active" if entry.state == "requested" else entry.state,
        "roles": roles,
        "profile_state": entry.profile_state,
        "link_state": entry.link_state,
        "link_due": entry.link_due,
    }


def account_item(entry: Entry) -> dict[str, Any]:
    """An account in a list for staff."""
    return {
        "id": entry.account_id,
        "email": entry.email,
        "given_name": entry.given_name,
        "family_name": entry.family_name,
        "locale": entry.locale,
        "canton": entry.canton,
        "state": entry.state,
        "link_state": entry.link_state,
        "created_at": entry.created_at,
    }


def account_sheet(
    entry: Entry, profile: PersonalData | None, related: Related, *, masked: bool = True
) -> dict[str, Any]:
    """An account as staff sees it, alone."""
    link = Link(entry.record_number, entry.linked_at, entry.linked_by) if entry.record_number else None
    return {
        **account_item(entry),
        "profile_state": entry.profile_state,
        "link_due": entry.link_due,
        "link": _link(link, entry.account_id),
        "profile": profile and personal_data(profile, masked=masked),
        "merged_into": related.merged_into,
        "merged": related.merged,
    }


def personal_data(data: PersonalData, *, masked: bool = False) -> dict[str, Any]:
    """masked: the AHV number as those see it who gave no purpose."""
    ahv_number = data.ahv_number and (mask_ahv if masked else format_ahv)(data.ahv_number)
    return {**data.values(), "ahv_number": ahv_number}


def case_items(rows: Sequence[CaseRow], today: date) -> list[dict[str, Any]]:
    """Cases in the queue, as far as the directory knows whose they are."""
    entries = service().directory.many(row.account_id for row in rows)
    clerks = service().history.names({row.taken_by for row in rows if row.taken_by}, locale())
    return [case_item(row, entries.get(row.account_id), clerks.get(row.taken_by), today) for row in rows]


def case_item(row: CaseRow, entry: Entry | None, taken_by: str | None, today: date) -> dict[str, Any]:
    """A case in the queue. entry: none while the directory lags behind the queue. taken_by: a name."""
    return {
        "id": row.case_id,
        "account": _holder(row.account_id, entry),
        "state": row.state,
        "cause": row.cause,
        "due": row.due,
        "late": _late(row.state, row.due, today),
        "taken_by": taken_by,
        "created_at": row.opened_at,
    }


def case_sheet(
    sheet: CaseSheet, entry: Entry | None, profile: PersonalData, today: date, *, masked: bool = True
) -> dict[str, Any]:
    """What a clerk decides on."""
    case = sheet.case
    return {
        "id": case.id,
        "account": _holder(sheet.account_id, entry),
        "state": case.state,
        "cause": case.cause,
        "due": case.due,
        "late": _late(case.state, case.due, today),
        "taken_by": _label(case.taken_by, sheet.account_id),
        "taken_at": case.taken_at,
        "created_at": case.opened_at,
        "decided_by": _label(case.by, sheet.account_id),
        "decided_at": case.at,
        "link": _link(sheet.link, sheet.account_id),
        "profile": personal_data(profile, masked=masked),
        "candidates": [_candidate(candidate) for candidate in sheet.candidates],
        "questions": [_question(each, sheet.account_id) for each in sheet.questions],
    }


def own_case(case: Case | None) -> dict[str, Any]:
    """What its holder needs to know; all null where there never was a case."""
    question = case and case.question
    return {
        "id": case and case.id,
        "state": case and case.state,
        "due": case and case.due,
        "question": question and {"text": question.text, "asked_at": question.asked_at},
    }


def moment(happened: Moment) -> dict[str, Any]:
    """As staff reads it: the town is enough to see that somebody came from elsewhere."""
    return _told(happened, "network")


def own_moment(happened: Moment) -> dict[str, Any]:
    """As its holder reads it: without what clerks wrote down for each other."""
    return _told(happened, "network", "position", unsaid=("note", *OTHERS))


def archived_moment(happened: Moment) -> dict[str, Any]:
    """All that is held of its holder: clerks' notes too. The log's own numbers would tell of other people's doings."""
    return _told(happened, "position", unsaid=OTHERS)


def _told(happened: Moment, *without: str, unsaid: Collection[str] = ()) -> dict[str, Any]:
    told = asdict(happened) | {
        "changes": [change for change in happened.changes if change["field"] not in unsaid]
    }
    return {name: value for name, value in told.items() if name not in without}


def archived_record(record: dict[str, Any] | None) -> dict[str, Any] | None:
    """What the register says of whoever is linked to it."""
    return record and {**record, "ahv_number": record["ahv_number"] and format_ahv(record["ahv_number"])}


def access(seen: Seen) -> dict[str, Any]:
    return {
        "position": seen.position,
        "at": seen.at,
        "reader": seen.reader,
        "by": seen.by,
        "role": seen.role,
        "what": seen.what,
        "account": seen.account,
        "accounts": seen.accounts,
        "purpose": seen.purpose,
        "count": seen.count,
        "filters": seen.filters,
    }


def portfolio_item(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "kind": item.kind,
        "number": item.number,
        "title": item.title,
        "state": item.state,
        "from": item.starts,
        "to": item.ends,
        "ects": item.ects,
        "document": item.file and asdict(item.file),
        "new": item.new,
    }


def session(opened: OpenSession, current: UUID) -> dict[str, Any]:
    """Where somebody is signed in. current: the session that asks."""
    return {
        "id": opened.id,
        "kind": opened.kind,
        "current": opened.id == current,
        "device": opened.device,
        "place": service().places.name(opened.network, locale()),
        "created_at": opened.created_at,
        "last_seen_at": opened.last_seen_at,
    }


def _candidate(candidate: Comparison) -> dict[str, Any]:
    fields = [
        {"name": field.name, "verdict": field.verdict, "weight": round(field.weight, 2)}
        for field in candidate.fields
    ]
    return {
        "record_number": candidate.record_number,
        "score": round(candidate.score, 2),
        "probability": candidate.probability,
        "fields": fields,
    }


def _question(question: Question, account_id: UUID) -> dict[str, Any]:
    return {
        "case": question.case_id,
        "text": question.text,
        "by": _label(question.by, account_id),
        "asked_at": question.asked_at,
        "answer": question.answer,
        "answered_at": question.answered_at,
    }


def _holder(account_id: UUID, entry: Entry | None) -> dict[str, Any]:
    return {
        "id": account_id,
        "email": entry and entry.email,
        "given_name": entry and entry.given_name,
        "family_name": entry and entry.family_name,
    }


def _link(link: Link | None, account_id: UUID) -> dict[str, Any] | None:
    return link and {
        "record_number": link.record_number,
        "linked_at": link.linked_at,
        "by": _label(link.by, account_id),
    }


def _label(actor: UUID | None, account_id: UUID) -> str | None:
    return actor and service().history.label(actor, account_id, locale())


def _late(state: str, due: date, today: date) -> bool:
    return state == "open" and due < today
