"""Accesses are facts: who was shown whose data, on disk before it is shown; nothing that somebody typed."""

from datetime import UTC, date, datetime
from uuid import uuid4

import orjson
import pytest
from people import ADA_ID, CLERK, NOON
from write_side import WriteSide

from domain.access import Access
from domain.errors import AccountErased
from domain.fact import Whence
from domain.values import ERASED, OPERATOR

FIREFOX = Whence("Firefox · Windows", "192.0.2.7")


@pytest.fixture
def here(database_url):
    with WriteSide(database_url) as here:
        yield here


def a_read(what: str = "account", **said) -> Access:
    return Access.read(uuid4(), what, reader=CLERK, role="secretariat", now=NOON, **said)


def fact_of(access: Access):
    (fact,) = access.collect_events()
    return fact


def stored(here) -> list[tuple]:
    return here.rows("SELECT topic, account_id, state FROM events WHERE topic ^@ 'access.' ORDER BY position")


def loaded(here) -> list:
    places = here.rows(
        "SELECT position, originator_id, originator_version FROM events WHERE topic ^@ 'access.' ORDER BY 1"
    )
    return here.store.events_at(places)


def test_a_read_says_whose_data_were_shown_each_account_once():
    fact = fact_of(a_read("accounts", accounts=[ADA_ID, CLERK, ADA_ID]))
    assert (fact.accounts, fact.shown) == ([ADA_ID, CLERK], 2)


def test_more_may_be_shown_than_accounts_are_named():
    assert fact_of(a_read("export", count=1_000_000)).shown == 1_000_000


def test_filters_are_noted_as_plain_values():
    at, account = datetime(2025, 9, 1, 12, tzinfo=UTC), uuid4()
    filters = {
        "state": "locked",
        "late": False,
        "from": at,
        "to": date(2025, 9, 2),
        "account": account,
        "type": None,
    }
    assert fact_of(a_read("accounts", filters=filters)).filters == {
        "state": "locked",
        "late": False,
        "from": "2025-09-01T12:00:00Z",
        "to": "2025-09-02",
        "account": str(account),
    }


@pytest.mark.parametrize(
    "filters",
    [{"q": "rossel"}, {"state": "claire.rossel@ecole.example"}, {"canton": "La Neuveville"}, {"type": "é"}],
    ids=str,
)
def test_what_may_have_been_typed_is_no_filter_that_is_noted(filters):
    with pytest.raises(ValueError, match="filter"):
        a_read("account-search", filters=filters)


def test_only_kinds_of_reads_and_roles_that_are_known_are_noted():
    with pytest.raises(ValueError, match="not a kind"):
        a_read("Rossel")
    with pytest.raises(ValueError, match="not a role"):
        Access.read(uuid4(), "account", reader=CLERK, role="holder", now=NOON)


def test_a_read_is_sealed_under_the_readers_key_and_nobody_loads_it_before(here):
    reader = here.opened()
    fresh = WriteSide(here.url)  # another process, which has loaded nothing of the reader
    fresh.accesses.note_read("account", reader=reader, role="auditor", accounts=[ADA_ID], whence=FIREFOX)
    fresh.pool.close()
    [(topic, account_id, state)] = stored(here)
    assert (topic, account_id) == ("access.read", reader)
    assert b"Firefox" not in state
    assert b"192.0.2.7" not in state
    [fact] = loaded(here)
    assert (fact.device, fact.network, fact.accounts) == ("Firefox · Windows", "192.0.2.7", [ADA_ID])


def test_the_operators_reads_are_nobodys_and_hold_nothing_personal(here):
    here.accesses.note_read("timeline", reader=OPERATOR, role="operator", accounts=[ADA_ID], whence=FIREFOX)
    [(_, account_id, state)] = stored(here)
    assert account_id is None
    assert "sealed" not in orjson.loads(state)
    [fact] = loaded(here)
    assert (fact.actor, fact.device, fact.network) == (OPERATOR, None, None)


def test_who_is_erased_reads_nothing_more_and_what_was_read_stays(here):
    reader = here.opened()
    read = {"reader": reader, "role": "secretariat", "accounts": [ADA_ID], "whence": FIREFOX}
    here.accesses.note_read("account", **read)
    here.destroy_key(reader)
    with pytest.raises(AccountErased):
        here.accesses.note_read("account", **read)
    [fact] = loaded(here)
    assert (fact.actor, fact.accounts, fact.device) == (reader, [ADA_ID], ERASED)


def test_each_access_is_a_stream_of_its_own(here):
    reader = here.opened()
    for _ in range(3):
        here.accesses.note_read("cases", reader=reader, role="secretariat")
    assert len({fact.originator_id for fact in loaded(here)}) == 3


def test_a_read_is_on_disk_when_it_has_been_noted(private_database):
    """Killed at once, PostgreSQL has lost whatever it would have written a moment later."""
    with WriteSide(private_database.start()) as here:
        reader = here.opened()
        here.accesses.note_read("account", reader=reader, role="secretariat", accounts=[ADA_ID])
        private_database.kill()
    with WriteSide(private_database.start()) as here:
        [fact] = loaded(here)
        assert (fact.actor, fact.accounts) == (reader, [ADA_ID])
