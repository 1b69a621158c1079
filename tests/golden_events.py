"""Stored events that must load for ever: one of each kind and version, sealed with a key of the tests.

    python tests/golden_events.py

writes those that are missing. One that is there is never written again: it stands for all the events like it
in the logs out there. A new version of an event gets a new file, and the old one stays.
"""

import sys
from base64 import b64decode, b64encode
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

sys.path.insert(0, str(Path(__file__).parent.parent))

from people import (
    ADA_ID,
    ADA_PROFILE_ID,
    AURELIE,
    CASE_ID,
    CLERK,
    DAY,
    NOON,
    OTHER_CLERK,
    a_profile,
    an_account,
)

from domain.access import Access
from domain.account import Account
from domain.fact import Whence
from domain.matching import Judgement
from domain.profile import PersonalData, Profile
from domain.values import OPERATOR, SYSTEM
from infrastructure.event_mapper import SealedEvent, SealingMapper
from infrastructure.keys import Keyring

FOLDER = Path(__file__).parent / "golden"
FROM = Whence("Firefox · Windows", "192.0.2.7")
MOMENT = NOON.replace(microsecond=123456)
JUDGEMENT = Judgement("1", 6_153, {"ahv_number": "equal", "given_name": "similar", "phone": "missing"})
FACTOR_ID = UUID("88888888-8888-4888-8888-888888888888")
KEYRING = Keyring({1: b"the key of golden events, 32 b.."})


def one_of_each() -> dict[str, Any]:
    """Topic → the first event of that kind in a life."""
    kinds: dict[str, Any] = {}
    for event in (*a_life(), *brought_along()):
        kinds.setdefault(type(event).TOPIC, event)
    return kinds


def a_life() -> list[Any]:
    """In which everything happens that can happen: the account's events, then the profile's, then accesses."""
    due, another_case = date(2025, 9, 4), UUID("77777777-7777-4777-8777-777777777777")
    account, profile = an_account(now=MOMENT, whence=FROM), a_profile(now=MOMENT)
    account.request_again(whence=FROM, now=MOMENT)
    account.issue_password(expires_at=MOMENT + 3 * DAY, actor=SYSTEM, now=MOMENT)
    account.resend(reason="not-received", note=None, actor=CLERK, now=MOMENT)
    account.activate(whence=FROM, now=MOMENT)
    account.change_password(actor=ADA_ID, whence=FROM, now=MOMENT)
    account.change_locale("de", whence=FROM, now=MOMENT)
    account.end_sessions(CASE_ID, kept=ADA_ID, whence=FROM, now=MOMENT)
    account.request_reset(actor=ADA_ID, whence=FROM, now=MOMENT)
    account.reset_password(request=account.version, whence=FROM, now=MOMENT)
    account.request_email_change("ada.byron@example.org", session_id=CASE_ID, whence=FROM, now=MOMENT)
    account.object_to_email_change(request=account.version, whence=FROM, now=MOMENT)
    account.request_email_change("ada.byron@example.org", session_id=CASE_ID, whence=FROM, now=MOMENT)
    account.confirm_email_change(request=account.version, whence=FROM, now=MOMENT)
    account.object_to_email_change(request=account.version, whence=FROM, now=MOMENT)
    account.unlock(reason="checked-with-holder", note="By phone.", actor=CLERK, now=MOMENT)
    account.close(reason=None, note=None, whence=FROM, actor=ADA_ID, now=MOMENT)
    account.reopen(request=account.version, whence=FROM, now=MOMENT)
    account.propose_recovery(
        CASE_ID, email="ada.king@example.org", reason="mailbox-lost", note=None, actor=CLERK, now=MOMENT
    )
    account.approve_recovery(CASE_ID, actor=OPERATOR, now=MOMENT)
    account.grant("auditor", until=date(2025, 12, 31), actor=OPERATOR, now=MOMENT)
    account.revoke("auditor", actor=OPERATOR, now=MOMENT)
    account.enrol_second_factor(FACTOR_ID, "passkey", "Téléphone", actor=ADA_ID, whence=FROM, now=MOMENT)
    account.issue_recovery_codes(actor=ADA_ID, whence=FROM, now=MOMENT)
    account.use_recovery_code(whence=FROM, now=MOMENT)
    account.remove_second_factor(FACTOR_ID, password_is_long=True, actor=ADA_ID, whence=FROM, now=MOMENT)
    account.enrol_second_factor(FACTOR_ID, "totp", None, actor=ADA_ID, now=MOMENT)
    account.reset_second_factors("device-lost", "Seen at the counter.", actor=CLERK, now=MOMENT)
    account.note_down("Calls again\non Monday.", actor=CLERK, now=MOMENT)
    other = Account.request(
        CASE_ID,
        profile_id=FACTOR_ID,
        email="ada.two@example.org",
        given_name=None,
        family_name=None,
        locale="fr",
        origin="sign-up",
        privacy_policy=None,
        actor=CASE_ID,
        now=MOMENT,
    )
    why = {"reason": "other", "note": "Seen at the counter.", "actor": CLERK, "now": MOMENT}
    other.merge_into(account, **why)
    other.separate_from(account, account, **why)
    account.merge_into(other, **why)
    account.separate_from(other, other, **why)
    account.lock(reason="suspected-misuse", note=None, actor=CLERK, now=MOMENT)
    account.propose_erasure(CASE_ID, reason="request-of-holder", actor=CLERK, now=MOMENT)
    account.approve_erasure(CASE_ID, due=MOMENT + DAY, actor=OTHER_CLERK, now=MOMENT)
    account.erase(account.approved_erasure(MOMENT))
    profile.open_case_for(CASE_ID, "not-certain", ["R-000001", "R-000003"], due=due, actor=SYSTEM, now=MOMENT)
    profile.correct(
        AURELIE.__class__(**AURELIE.values() | {"phone": None}), due=due, actor=ADA_ID, now=MOMENT
    )
    profile.open_case_for(another_case, "not-certain", ["R-000001"], due=due, actor=SYSTEM, now=MOMENT)
    profile.reject(another_case, reason="no-record", note="Not one of ours.", actor=CLERK, now=MOMENT)
    profile.link_at_once("R-000001", judgement=JUDGEMENT, actor=SYSTEM, now=MOMENT)
    profile.unlink(CASE_ID, reason="wrong-person", note=None, due=due, actor=CLERK, now=MOMENT)
    profile.take_case(CASE_ID, actor=OTHER_CLERK, now=MOMENT)
    profile.take_case(CASE_ID, instead_of=OTHER_CLERK, actor=CLERK, now=MOMENT)
    profile.ask(CASE_ID, "Which name did you bear in 2004?\nAnd where?", actor=CLERK, now=MOMENT)
    profile.answer("Chappuis, in Moutier.", due=due, now=MOMENT)
    profile.create_record(CASE_ID, "N-0A1B2C3D", reason="new-person", note=None, actor=CLERK, now=MOMENT)
    profile.unlink(CASE_ID, reason="wrong-person", note=None, due=due, actor=CLERK, now=MOMENT)
    profile.renew_case("address-differs", ["R-000001"], actor=SYSTEM, now=MOMENT)
    accesses = [event for access in some_accesses() for event in access.collect_events()]
    return [*account.collect_events(), *profile.collect_events(), *accesses]


def brought_along() -> list[Any]:
    """What comes of a file of the institution."""
    by = {"actor": OPERATOR, "now": MOMENT}
    account = Account.bring_along(
        ADA_ID,
        profile_id=ADA_PROFILE_ID,
        email="ada@example.org",
        given_name="Ada",
        family_name="Byron",
        locale="fr",
        **by,
    )
    account.take_from_file(given_name="Ada", family_name="Keller", locale="de", **by)
    account.invite(**by)
    known = AURELIE.values() | {"birth_date": None, "phone": None}
    profile = Profile.bring_along(ADA_PROFILE_ID, PersonalData(**known), account_id=ADA_ID, **by)
    profile.take_from_file({"birth_date": AURELIE.birth_date}, **by)
    profile.link_from_file("R-000001", **by)
    return [*account.collect_events(), *profile.collect_events()]


def some_accesses() -> list[Access]:
    """By Ada, so that all is sealed under one key."""
    read, signed_in, failed = (UUID(f"99999999-9999-4999-8999-99999999999{number}") for number in "123")
    shown = {"accounts": [ADA_ID, CASE_ID], "count": 12, "filters": {"state": "locked", "late": True}}
    return [
        Access.read(
            read, "accounts", reader=ADA_ID, role="auditor", purpose="audit", whence=FROM, now=MOMENT, **shown
        ),
        Access.sign_in(
            signed_in,
            account=ADA_ID,
            session_kind="cookie",
            passkey=False,
            second_factor=True,
            whence=FROM,
            now=MOMENT,
        ),
        Access.failed_sign_in(failed, account=ADA_ID, attempts=3, since=NOON, whence=FROM, now=MOMENT),
    ]


def meaning(event: Any) -> dict[str, Any]:
    """All fields of a domain event, in JSON's own values."""
    return orjson.loads(
        orjson.dumps({name: value for name, value in vars(event).items() if name != "sealed"})
    )


def file_of(event_class: type) -> Path:
    return FOLDER / f"{event_class.TOPIC}.v{getattr(event_class, 'class_version', 1)}.json"


def read(path: Path) -> tuple[SealedEvent, dict[str, Any]]:
    """The stored event of a golden file, and what it means."""
    golden = orjson.loads(path.read_bytes())
    row = golden["row"]
    return (
        SealedEvent(
            originator_id=UUID(row["originator_id"]),
            originator_version=row["originator_version"],
            topic=row["topic"],
            state=row["state"].encode(),
            account_id=UUID(row["account_id"]),
            generation=row["generation"],
            wrapped=row["wrapped"] and b64decode(row["wrapped"]),
        ),
        golden["meaning"],
    )


def write(stored: SealedEvent, event: Any) -> None:
    row = {field.name: getattr(stored, field.name) for field in fields(stored) if field.name != "new_key"}
    row |= {"state": stored.state.decode(), "wrapped": stored.wrapped and b64encode(stored.wrapped).decode()}
    golden = {"row": row, "meaning": meaning(event)}
    file_of(type(event)).write_bytes(
        orjson.dumps(golden, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    )


if __name__ == "__main__":
    mapper = SealingMapper(KEYRING)
    FOLDER.mkdir(exist_ok=True)
    for each in one_of_each().values():
        sealed = mapper.to_stored_event(each)
        if not file_of(type(each)).exists():
            write(sealed, each)
