"""The secretariat's desk: accounts that want records, a register that holds two, and clerks who decide."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from people import AURELIE, CLERK
from read_side import catch_up, projecting
from write_side import WriteSide, nothing

HERS, OTHER = "R-000001", "R-000002"  # Aurélie's record, and one that has her name and no address
STRANGER = "stranger@example.org"
CORRECTED = replace(AURELIE, family_name="Lachat", birth_name=None)


@contextmanager
def desk(database_url: str) -> Iterator[WriteSide]:
    """A write side with the register, and a projector that has caught up when `open_case` is through."""
    with WriteSide(database_url, connections=8) as here:
        here.with_records({}, {"record_number": OTHER, "ahv_number": "7569217076985", "email": None})
        with projecting(here) as here.projector:
            yield here


def match(here, account_id: UUID) -> None:
    here.linking.match(account_id, settled=nothing)


def profile(here, account_id: UUID):
    return here.store.profile(here.store.account(account_id).profile_id)


def link(here, account_id: UUID):
    return profile(here, account_id).link


def open_case(here, account_id: UUID) -> UUID:
    """The open case of an account, which is matched first, as the read model knows it."""
    match(here, account_id)
    catch_up(here, here.projector)
    return profile(here, account_id).open_case.id


def decide(here, case_id: UUID, record_number: str = HERS, *, actor: UUID = CLERK, **options) -> None:
    here.linking.link(case_id, record_number, reason="identity-proven", note=None, actor=actor, **options)


def reject(here, case_id: UUID, *, actor: UUID = CLERK, **options) -> None:
    here.linking.reject(case_id, reason="no-record", note="Not one of ours.", actor=actor, **options)


def holders(here, record_number: str) -> list[UUID]:
    return here.lookup.find("record", record_number)
