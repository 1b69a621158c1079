"""A person's key is destroyed: nothing more is sealed for her, also not by whoever was just about to."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from people import ADA_ID, ADA_PROFILE_ID, CASE_ID, NOON, a_profile, an_account
from spec import until
from write_side import WriteSide

from domain import errors
from domain.account import Account
from domain.values import SYSTEM


@pytest.fixture
def here(database_url):
    with WriteSide(database_url, connections=8) as here:
        yield here


@pytest.fixture
def saved(here):
    """Ada's account and profile, stored."""
    here.store.record(an_account(), a_profile())
    return here


def everything(here) -> list[tuple]:
    return here.rows(
        "SELECT originator_id, originator_version, position, recorded_at FROM events ORDER BY position"
    )


def test_without_the_key_every_command_is_refused(saved):
    saved.destroy_key(ADA_ID)
    with pytest.raises(errors.AccountErased):
        saved.store.account(ADA_ID)
    with pytest.raises(errors.AccountErased):
        saved.store.profile(ADA_PROFILE_ID)


def test_what_was_loaded_before_the_key_was_destroyed_cannot_be_saved_after(saved):
    account, profile = saved.store.account(ADA_ID), saved.store.profile(ADA_PROFILE_ID)
    account.activate(now=NOON)
    profile.open_case_for(CASE_ID, "no-record", [], due=NOON.date(), actor=SYSTEM, now=NOON)
    before = everything(saved)
    saved.destroy_key(ADA_ID)
    for aggregate in (account, profile):
        with pytest.raises(errors.AccountErased):
            saved.store.record(aggregate)
    assert everything(saved) == before


def test_an_append_for_two_people_needs_the_keys_of_both(here):
    people = [here.opened(f"person-{number}@example.org") for number in range(2)]

    def with_new_passwords() -> list[Account]:
        accounts = [here.store.account(person) for person in people]
        for account in accounts:
            account.change_password(actor=account.id, now=NOON)
        return accounts

    here.store.record(*with_new_passwords())
    refused = with_new_passwords()
    here.destroy_key(people[1])
    with pytest.raises(errors.AccountErased):
        here.store.record(*refused)
    assert [here.topics(person)[1:] for person in people] == [["account.password-changed"]] * 2


def test_an_append_that_races_with_the_destruction_waits_and_is_refused(saved):
    account = saved.store.account(ADA_ID)
    account.activate(now=NOON)
    with ThreadPoolExecutor() as threads, saved.pool.connection() as eraser:
        with eraser.transaction():
            eraser.execute("DELETE FROM data_keys WHERE person = %s", (ADA_ID,))
            append = threads.submit(saved.store.record, account)
            until(lambda: saved.waiting_for_locks() == 1)
        with pytest.raises(errors.AccountErased):
            append.result(20)
    assert saved.topics(ADA_ID) == ["account.requested"]


def test_an_append_lands_when_the_destruction_is_called_off(saved):
    account = saved.store.account(ADA_ID)
    account.activate(now=NOON)
    with ThreadPoolExecutor() as threads, saved.pool.connection() as eraser:
        with eraser.transaction(force_rollback=True):
            eraser.execute("DELETE FROM data_keys WHERE person = %s", (ADA_ID,))
            append = threads.submit(saved.store.record, account)
            until(lambda: saved.waiting_for_locks() == 1)
        append.result(20)
    assert saved.store.account(ADA_ID).state == "active"


def test_the_destruction_waits_for_an_append_that_was_first(saved):
    account = saved.store.account(ADA_ID)
    account.activate(now=NOON)
    with ThreadPoolExecutor() as threads:
        with saved.transaction() as cursor:
            stored = [saved.store.mapper.to_stored_event(event) for event in account.collect_events()]
            saved.store.recorder.append(cursor, stored)
            erasure = threads.submit(saved.destroy_key, ADA_ID)
            until(lambda: saved.waiting_for_locks() == 1)
        erasure.result(20)
    assert saved.topics(ADA_ID) == ["account.requested", "account.activated"]
    with pytest.raises(errors.AccountErased):
        saved.store.account(ADA_ID)
