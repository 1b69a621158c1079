"""Between domain events and their stored form: what is personal is sealed, and erased without its key."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import orjson
import pytest
from eventsourcing.domain import Aggregate
from golden_events import a_life, one_of_each
from people import ADA_ID, AURELIE, NOON, a_profile, an_account

from domain.account import Account
from domain.errors import AccountErased
from domain.profile import PERSONAL_DATA, Profile
from domain.values import ERASED, SYSTEM
from infrastructure.event_mapper import SealingMapper, form_of, opener
from infrastructure.keys import KeyFault, Keyring
from infrastructure.sealing import SealBroken
from projections.read_model import Fact

KEYRING = Keyring({1: b"\x01" * 32})
EVERY_KIND = one_of_each()


@pytest.fixture
def mapper():
    """One that knows Ada's key."""
    mapper = SealingMapper(KEYRING)
    mapper.to_stored_event(EVERY_KIND["account.requested"])
    return mapper


def first_event(aggregate: Aggregate):
    return aggregate.collect_events()[0]


def fact_of(stored, keyring: Keyring = KEYRING) -> Fact:
    """The stored event as a projection reads it."""
    row = (
        stored.originator_id,
        stored.originator_version,
        stored.topic,
        stored.state,
        stored.account_id,
        1,
        NOON,
        stored.generation,
        stored.wrapped,
    )
    return Fact(row, opener(keyring))


@pytest.mark.parametrize("topic", EVERY_KIND)
def test_every_kind_of_event_comes_back_as_it_was(mapper, topic):
    event = EVERY_KIND[topic]
    loaded = mapper.to_domain_event(mapper.to_stored_event(event))
    assert type(loaded) is type(event)
    assert vars(loaded) == vars(event)
    assert [type(value) for value in vars(loaded).values()] == [
        type(getattr(event, name)) for name in vars(loaded)
    ]


@pytest.mark.parametrize("topic", EVERY_KIND)
def test_nothing_personal_stands_in_the_stored_state(mapper, topic):
    event = EVERY_KIND[topic]
    stored = mapper.to_stored_event(event)
    personal = form_of(type(event)).personal
    state = orjson.loads(stored.state)
    assert set(state.pop("sealed", {})) == set(personal)
    assert not set(state) & set(personal)
    in_clear = orjson.dumps(state)
    for value in (getattr(event, name) for name in personal):
        for each in value if isinstance(value, list) else [value]:
            assert each is None or str(each).encode() not in in_clear


def test_all_that_was_declared_is_personal_but_the_canton():
    assert set(form_of(Profile.ProfileSubmitted).personal) == set(PERSONAL_DATA) - {"canton"}
    assert set(form_of(Profile.ProfileCorrected).personal) == set(PERSONAL_DATA) - {"canton"}


def test_instants_stand_in_utc_with_microseconds(mapper):
    at = datetime(2025, 9, 1, 14, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    stored = mapper.to_stored_event(first_event(an_account(now=at)))
    assert b'"timestamp":"2025-09-01T12:00:00.123456Z"' in stored.state
    loaded = mapper.to_domain_event(stored).timestamp
    assert (loaded, loaded.tzinfo) == (at, UTC)


def test_a_new_account_brings_a_key_of_its_own_and_the_profile_is_sealed_under_it():
    mapper = SealingMapper(KEYRING)
    account = mapper.to_stored_event(first_event(an_account()))
    other = mapper.to_stored_event(
        Account.request(**_request(), account_id=uuid4(), profile_id=uuid4()).collect_events()[0]
    )
    profile = mapper.to_stored_event(first_event(a_profile()))
    assert (account.new_key, other.new_key, profile.new_key) == (True, True, False)
    assert (profile.account_id, profile.wrapped) == (ADA_ID, account.wrapped)
    keys = {
        KEYRING.unwrap(each.generation, each.account_id.bytes, each.wrapped)
        for each in (account, other, profile)
    }
    assert len(keys) == 2


def _request() -> dict:
    return {
        "email": "eve@example.org",
        "given_name": "Eve",
        "family_name": "Lachat",
        "locale": "de",
        "origin": "sign-up",
        "privacy_policy": None,
        "actor": SYSTEM,
        "now": NOON,
    }


def test_nothing_is_sealed_for_whose_key_was_never_seen():
    with pytest.raises(AccountErased):
        SealingMapper(KEYRING).to_stored_event(first_event(a_profile()))


@pytest.mark.parametrize("topic", EVERY_KIND)
def test_without_the_key_every_personal_field_loads_as_erased_and_the_rest_as_it_was(mapper, topic):
    event = EVERY_KIND[topic]
    loaded = mapper.to_domain_event(replace(mapper.to_stored_event(event), generation=None, wrapped=None))
    personal = form_of(type(event)).personal
    assert all(getattr(loaded, name) is ERASED for name in personal)
    assert {name: value for name, value in vars(loaded).items() if name not in personal} == {
        name: value for name, value in vars(event).items() if name not in personal
    }


def test_a_life_without_its_key_still_replays(mapper):
    account = None
    for event in (each for each in a_life() if each.originator_id == ADA_ID):
        stored = replace(mapper.to_stored_event(event), generation=None, wrapped=None)
        account = mapper.to_domain_event(stored).mutate(account)
    assert (account.email, account.state) == (ERASED, "erased")


def test_another_master_key_is_a_fault_and_no_erasure(mapper):
    stored = mapper.to_stored_event(EVERY_KIND["account.requested"])
    with pytest.raises(KeyFault):
        SealingMapper(Keyring({1: b"\x02" * 32})).to_domain_event(stored)


@pytest.mark.parametrize(
    "moved",
    [{"originator_id": uuid4()}, {"originator_version": 2}, {"topic": "profile.corrected"}],
)
def test_a_stored_event_that_was_moved_breaks_its_seal(mapper, moved):
    stored = mapper.to_stored_event(EVERY_KIND["profile.submitted"])
    with pytest.raises(SealBroken):
        mapper.to_domain_event(replace(stored, **moved))


def test_two_sealed_fields_that_were_exchanged_break_their_seals(mapper):
    stored = mapper.to_stored_event(EVERY_KIND["profile.submitted"])
    state = orjson.loads(stored.state)
    sealed = state["sealed"]
    sealed["street"], sealed["city"] = sealed["city"], sealed["street"]
    with pytest.raises(SealBroken):
        mapper.to_domain_event(replace(stored, state=orjson.dumps(state)))


def test_a_projection_reads_plain_and_sealed_fields_alike(mapper):
    fact = fact_of(mapper.to_stored_event(EVERY_KIND["profile.submitted"]))
    assert (fact.canton, fact.city, fact.birth_date) == (AURELIE.canton, AURELIE.city, "1987-05-14")
    with pytest.raises(AttributeError, match=r"profile\.submitted has no colour"):
        _ = fact.colour


def test_a_projection_reads_null_where_the_key_is_gone(mapper):
    stored = replace(mapper.to_stored_event(EVERY_KIND["profile.submitted"]), generation=None, wrapped=None)
    fact = fact_of(stored)
    assert (fact.canton, fact.city) == (AURELIE.canton, None)


def test_a_projection_reads_nothing_that_was_moved(mapper):
    stored = replace(mapper.to_stored_event(EVERY_KIND["profile.submitted"]), originator_version=7)
    with pytest.raises(SealBroken):
        _ = fact_of(stored).city


class Lamp(Aggregate):
    """Of the tests: its second version calls brightness what was called power."""

    TOPIC = "test.lamp"

    class Event(Aggregate.Event):
        account_id: UUID

    class Lit(Event, Aggregate.Created):
        TOPIC = "test.lamp-lit"
        class_version = 2
        brightness: int

        def apply(self, aggregate: "Lamp") -> None:
            pass

        @staticmethod
        def upcast_v1_v2(state: dict) -> None:
            state["brightness"] = state.pop("power") * 10

    Created = Lit


def test_an_old_version_is_brought_up_to_date_when_it_is_loaded(mapper):
    stored = mapper.to_stored_event(EVERY_KIND["account.activated"])
    state = {
        "timestamp": "2025-09-01T12:00:00Z",
        "originator_topic": "test.lamp",
        "account_id": None,
        "power": 4,
    }
    old = replace(stored, topic="test.lamp-lit", state=orjson.dumps(state))
    assert mapper.to_domain_event(old).brightness == 40


def test_a_new_version_says_so_and_is_not_brought_up_again(mapper):
    lit = Lamp.Lit(uuid4(), 1, NOON, "test.lamp", ADA_ID, 7)
    stored = mapper.to_stored_event(lit)
    assert orjson.loads(stored.state)["class_version"] == 2
    assert mapper.to_domain_event(stored).brightness == 7
