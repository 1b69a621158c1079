"""What a password is hashed with: a pepper of the master key's generation, whose rotation nobody notices."""

from dataclasses import replace

import pytest
from people import AURELIE_ADDRESS, NOON
from signing_in import MY_PASSWORD, change, refused, signed_in
from spec import until
from write_side import KEYRING, WriteSide

from infrastructure.credentials import HashQueue
from infrastructure.keys import Keyring
from infrastructure.password_hash import COSTS, Hasher, Recipe

ROTATED = Keyring({key.generation: key.secret for key in KEYRING} | {2: b"the master key after it, 32 byte"})
OTHER = Keyring({1: b"a master key of somebody else's."})


@pytest.fixture
def here(database_url):
    with WriteSide(database_url, costs=COSTS) as here:
        yield here


@pytest.fixture
def account_id(here):
    return here.opened()


@pytest.fixture
def chosen(here, account_id):
    """Aurélie's account has a password of her own."""
    issued = here.accounts.issue_initial_password(account_id)
    change(here, account_id, signed_in(here, issued), issued, MY_PASSWORD)


@pytest.fixture
def rotated(here, account_id):
    """The same house after the master key was rotated; both generations are in the file."""
    with WriteSide(here.url, keyring=ROTATED, costs=COSTS) as rotated:
        rotated.store.record(effects=[rotated.lookup.claim("email", AURELIE_ADDRESS, account_id)])
        yield rotated


def stored(here) -> list[tuple[str, int | None]]:
    return here.rows("SELECT hash, pepper FROM credentials")


def renewed(here, generation: int) -> bool:
    return [pepper for _, pepper in stored(here)] == [generation]


def test_a_hash_is_good_under_its_own_pepper_alone():
    here, other = Hasher(KEYRING), Hasher(OTHER)
    recipe = here.fresh()
    assert recipe.pepper == 1
    without = recipe._replace(pepper=None)
    hashes = [
        here.hash(MY_PASSWORD, recipe),
        here.hash(MY_PASSWORD, without),
        other.hash(MY_PASSWORD, recipe),
    ]
    assert len(set(hashes)) == 3
    assert Recipe.of(hashes[0], 1) == recipe
    assert Hasher(ROTATED).hash(MY_PASSWORD, recipe) == hashes[0]


def test_a_pepper_that_is_no_longer_there_costs_a_run_and_matches_nothing():
    recipe = Hasher(ROTATED).fresh()
    assert recipe.pepper == 2
    assert Hasher(KEYRING).hash(MY_PASSWORD, recipe) != Hasher(ROTATED).hash(MY_PASSWORD, recipe)


def test_the_generation_stands_with_each_hash_and_what_it_cost(here, account_id, chosen):
    assert renewed(here, 1)
    assert stored(here)[0][0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_password_of_before_the_rotation_lets_in_and_is_hashed_anew(here, chosen, rotated):
    ((before, _),) = stored(here)
    assert refused(rotated, "not the password")
    assert stored(here) == [(before, 1)]
    assert signed_in(rotated, MY_PASSWORD)
    until(lambda: renewed(here, 2))
    assert signed_in(rotated, MY_PASSWORD)
    assert refused(rotated, "not the password")


def test_a_password_of_before_there_was_a_pepper_lets_in_and_is_hashed_anew(here, account_id, chosen):
    hasher = Hasher(KEYRING)
    bare = hasher.hash(MY_PASSWORD, hasher.fresh()._replace(pepper=None))
    here.rows("UPDATE credentials SET hash = %s, pepper = NULL RETURNING id", bare)
    assert signed_in(here, MY_PASSWORD)
    until(lambda: renewed(here, 1))
    assert signed_in(here, MY_PASSWORD)


def test_a_password_hashed_at_other_costs_lets_in_and_is_hashed_at_todays(here, chosen):
    hasher = Hasher(KEYRING, COSTS._replace(time=1))
    here.rows("UPDATE credentials SET hash = %s RETURNING id", hasher.hash(MY_PASSWORD, hasher.fresh()))
    assert signed_in(here, MY_PASSWORD)
    until(lambda: "t=2" in stored(here)[0][0])
    assert signed_in(here, MY_PASSWORD)


def test_a_hash_of_today_stays_as_it_is(here, chosen):
    before = stored(here)
    queue = HashQueue(at_once=1)
    credentials = here.hashed(queue)
    assert credentials.verify(AURELIE_ADDRESS, MY_PASSWORD, NOON)
    queue.run(lambda: None)  # what it may have begun is done
    assert stored(here) == before


class RoomForOne(HashQueue):
    """Takes one check, and then is full."""

    def begin(self, work, **how):
        begun = super().begin(work, **how)
        self._most = 0
        return begun


def test_where_there_is_no_room_to_renew_a_hash_the_sign_in_goes_well_and_the_next_one_does_it(
    chosen, rotated
):
    crowded = rotated.hashed(RoomForOne(at_once=1))
    assert replace(rotated.accounts, credentials=crowded).sign_in(AURELIE_ADDRESS, MY_PASSWORD, "cookie")
    assert renewed(rotated, 1)
    assert signed_in(rotated, MY_PASSWORD)
    until(lambda: renewed(rotated, 2))


def test_a_password_that_was_replaced_meanwhile_is_not_put_back(here, account_id, chosen, rotated):
    ((before, _),) = stored(here)
    queue = HashQueue(at_once=1)
    credentials = rotated.hashed(queue)
    with rotated.transaction() as cursor:
        assert credentials.verify(AURELIE_ADDRESS, MY_PASSWORD, NOON)
        _, store = rotated.credentials.choose(account_id, "another otter by the mill", NOON)
        store(cursor)
    queue.run(lambda: None)
    assert signed_in(rotated, "another otter by the mill")
    assert refused(rotated, MY_PASSWORD)
    assert stored(here)[0][0] != before


def test_copies_of_an_initial_password_share_pepper_and_salt_across_a_rotation(here, account_id, rotated):
    copies = [here.accounts.issue_initial_password(account_id)]
    copies += [rotated.accounts.issue_initial_password(account_id) for _ in range(2)]
    assert rotated.rows(
        "SELECT count(*), count(DISTINCT split_part(hash, '$', 5)), min(pepper), max(pepper) FROM credentials"
    ) == [(3, 1, 1, 1)]
    queue = HashQueue(at_once=1)
    assert rotated.hashed(queue).verify(AURELIE_ADDRESS, copies[1], NOON)
    queue.run(lambda: None)  # what it may have begun is done
    assert {pepper for _, pepper in stored(rotated)} == {1}
    assert signed_in(rotated, copies[2])
    assert [refused(rotated, copy) for copy in copies[:2]] == [True, True]
