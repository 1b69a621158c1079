"""A new generation of the master key: everything goes on under it, and what was sealed under a retired one is gone."""

import base64
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from enrolling import enrolled
from people import AURELIE, AURELIE_ADDRESS, CLERK, NOON
from pyotp import TOTP
from signing_in import MY_PASSWORD, a_session, in_use
from spec import until
from write_side import WriteSide, nothing

from api.doctor import examine
from domain.fact import NOWHERE
from infrastructure import rotation
from infrastructure.keys import KeyFault, read_keyring
from infrastructure.rotation import RotationFault, pending, retire, rotate

ONE = base64.b64encode(b"a master key of the tests, 32 by").decode()
NEW_ADDRESS = "aurelie.favre@example.org"


@pytest.fixture
def key_file(tmp_path) -> Path:
    path = tmp_path / "master.key"
    path.write_text(f"1 {ONE}\n")
    path.chmod(0o600)
    return path


@contextmanager
def connected(database_url):
    with rotation.connect(database_url) as connection:
        yield connection


def side(database_url, key_file) -> WriteSide:
    return WriteSide(database_url, keyring=read_keyring(key_file))


def turned(database_url, key_file):
    with connected(database_url) as connection:
        return rotate(connection, key_file)


def retired(database_url, key_file, generation=1, *, let_die=False):
    with connected(database_url) as connection:
        return retire(connection, key_file, generation, let_die=let_die)


def lived(here):
    """Somebody with all that is kept under the master key; the factor."""
    account_id = in_use(here)
    here.with_records()
    here.profiles.submit(account_id, AURELIE, actor=account_id)
    here.linking.match(account_id, settled=nothing)
    here.address_changes.ask(
        account_id, NEW_ADDRESS, MY_PASSWORD, session_id=a_session(here, account_id), whence=NOWHERE
    )
    account = here.store.account(account_id)
    here.address_changes.confirm(
        here.address_changes.confirmation_link(account, account.email_change.request), NOWHERE
    )
    factor = enrolled(here, account_id, MY_PASSWORD)
    here.recovery.propose(account_id, "third@example.org", reason="other", note=None, actor=CLERK)
    here.recovery.request_reset(NEW_ADDRESS, NOWHERE)
    return account_id, factor


def lookups(here):
    return here.rows(
        "SELECT kind, generation, count(*), count(reserved_until) FROM lookup GROUP BY 1, 2 ORDER BY 1, 2"
    )


def test_after_a_rotation_everything_is_found_and_opened_under_the_new_generation(database_url, key_file):
    with side(database_url, key_file) as here:
        account_id, factor = lived(here)
        events = here.rows("SELECT * FROM events ORDER BY position")
    done = turned(database_url, key_file)
    assert (done.generation, done.data_keys, done.lookups) == (2, 1, 5)
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert not pending(key_file).exists()

    with side(database_url, key_file) as here:
        assert here.rows("SELECT * FROM events ORDER BY position") == events
        assert here.rows("SELECT DISTINCT generation FROM data_keys") == [(2,)]
        assert lookups(here) == [
            ("ahv", 1, 1, 0),
            ("ahv", 2, 1, 0),
            ("email", 1, 2, 1),
            ("email", 2, 2, 1),
            ("record", 1, 1, 0),
            ("record", 2, 1, 0),
            ("recovery", 1, 1, 0),
            ("recovery", 2, 1, 0),
        ]
        assert here.lookup.find("email", NEW_ADDRESS) == [account_id]
        assert here.lookup.find("email", AURELIE_ADDRESS) == []
        assert here.lookup.holders("email", AURELIE_ADDRESS) == [account_id]
        assert here.store.account(account_id).email == NEW_ADDRESS
        assert here.decide.decide_waiting() == 1
        code = TOTP(factor.secret).at(NOON.timestamp() + 60)
        here.clock.goes_on(NOON.replace(minute=1) - NOON)
        assert here.accounts.sign_in(NEW_ADDRESS, MY_PASSWORD, "cookie", code).account_id == account_id
        assert here.accounts.sign_in(NEW_ADDRESS, MY_PASSWORD, "cookie", factor.recovery_codes[0])


def test_with_the_old_generation_retired_all_goes_on_and_what_was_sealed_under_it_is_gone(
    database_url, key_file
):
    with side(database_url, key_file) as here:
        account_id, _ = lived(here)
        ((person, generation, wrapped),) = here.rows("SELECT person, generation, wrapped FROM data_keys")
    old = read_keyring(key_file)
    assert old.unwrap(generation, person.bytes, wrapped)
    turned(database_url, key_file)

    with pytest.raises(RotationFault, match="1 passwords, 10 recovery codes"):
        retired(database_url, key_file)
    assert {key.generation for key in read_keyring(key_file)} == {1, 2}
    assert retired(database_url, key_file, let_die=True) == {"passwords": 1, "recovery codes": 10}

    kept = read_keyring(key_file)
    assert [key.generation for key in kept] == [2]
    with pytest.raises(KeyFault):
        kept.unwrap(generation, person.bytes, wrapped)  # as an old backup has it
    with side(database_url, key_file) as here:
        assert here.rows("SELECT DISTINCT generation FROM lookup") == [(2,)]
        assert here.lookup.find("email", NEW_ADDRESS) == [account_id]
        assert here.store.account(account_id).email == NEW_ADDRESS
        assert here.decide.decide_waiting() == 1


def test_a_password_that_was_used_since_does_not_hold_the_old_generation_back(database_url, key_file):
    with side(database_url, key_file) as here:
        in_use(here)
    turned(database_url, key_file)
    with side(database_url, key_file) as here:
        here.accounts.sign_in(AURELIE_ADDRESS, MY_PASSWORD, "cookie")
        until(lambda: here.rows("SELECT pepper FROM credentials") == [(2,)])  # when she has her answer
    assert retired(database_url, key_file) == {"passwords": 0, "recovery codes": 0}


@pytest.mark.parametrize(("generation", "words"), [(2, "newest"), (3, "no generation 3")])
def test_only_an_old_generation_that_is_there_is_retired(database_url, key_file, generation, words):
    turned(database_url, key_file)
    with pytest.raises(RotationFault, match=words):
        retired(database_url, key_file, generation)


def test_what_is_still_wrapped_under_it_holds_a_generation_back(database_url, key_file):
    with side(database_url, key_file) as here:
        here.opened()
    key_file.write_text(key_file.read_text() + f"2 {ONE[::-1].replace('=', 'A')[:43]}=\n")
    with pytest.raises(RotationFault, match="1 data keys"):
        retired(database_url, key_file, let_die=True)


def test_beside_a_running_service_nothing_is_turned_over(database_url, key_file):
    with side(database_url, key_file) as here:
        here.opened()
        for step in (turned, retired):
            with pytest.raises(RotationFault, match="in use"):
                step(database_url, key_file)
    assert [key.generation for key in read_keyring(key_file)] == [1]


def test_stopped_before_the_end_of_the_transaction_it_is_made_by_the_next_attempt(database_url, key_file):
    with side(database_url, key_file) as here:
        account_id, _ = lived(here)
    with psycopg.connect(database_url, autocommit=True) as operator:
        operator.execute("CREATE RULE stop AS ON DELETE TO buckets DO INSTEAD SELECT refuse('stop')")
        with pytest.raises(psycopg.Error):
            turned(database_url, key_file)
        operator.execute("DROP RULE stop ON buckets")
    assert pending(key_file).exists()
    assert [key.generation for key in read_keyring(key_file)] == [1]
    with side(database_url, key_file) as here:  # as it was
        assert here.lookup.find("email", NEW_ADDRESS) == [account_id]

    promised = pending(key_file).read_text()
    assert turned(database_url, key_file).generation == 2
    assert key_file.read_text() == promised


def test_stopped_after_the_transaction_it_is_finished_by_the_next_attempt(database_url, key_file):
    with side(database_url, key_file) as here:
        account_id, _ = lived(here)
    before = key_file.read_text()
    turned(database_url, key_file)
    key_file.rename(pending(key_file))
    key_file.write_text(before)
    key_file.chmod(0o600)

    done = turned(database_url, key_file)
    assert (done.generation, done.data_keys, done.lookups) == (2, 0, 0)
    with side(database_url, key_file) as here:
        assert here.lookup.find("email", NEW_ADDRESS) == [account_id]


def test_a_lookup_that_the_log_does_not_explain_stops_the_rotation(database_url, key_file):
    with side(database_url, key_file) as here:
        account_id = here.opened()
        with here.transaction() as cursor:
            here.lookup.claim("email", "unheard.of@example.org", account_id)(cursor)
    with pytest.raises(RotationFault, match="1 of kind email"):
        turned(database_url, key_file)
    with side(database_url, key_file) as here:
        assert here.rows("SELECT DISTINCT generation FROM data_keys") == [(1,)]


def test_a_second_rotation_leaves_the_first_ones_generation_to_be_retired_too(database_url, key_file):
    with side(database_url, key_file) as here:
        account_id = here.opened()
    assert [turned(database_url, key_file).generation for _ in range(2)] == [2, 3]
    for generation in (1, 2):
        retired(database_url, key_file, generation)
    with side(database_url, key_file) as here:
        assert here.lookup.find("email", AURELIE_ADDRESS) == [account_id]
        assert here.store.account(account_id).email == AURELIE_ADDRESS


def test_the_doctor_says_when_an_old_key_outlives_what_erased_people_were_promised(database_url, key_file):
    environ = {
        "DATABASE_URL": database_url,
        "MATRICULE_HOME": str(key_file.parent),
        "MASTER_KEY_FILE": str(key_file),
        "MATRICULE_DEMO": "1",
        "BACKUP_DAYS": "30",
    }

    def said() -> tuple[str, str]:
        (keys,) = (finding for finding in examine(environ) if finding.part == "keys")
        return keys.verdict, f"{keys.what} {keys.to_do}"

    with side(database_url, key_file) as here:
        here.opened()
    for _ in range(2):
        turned(database_url, key_file)
    assert said()[0] == "ok"
    with connected(database_url) as connection:
        connection.execute(
            "UPDATE key_generations SET since = now() - interval '31 days' WHERE generation = 2"
        )
    verdict, what = said()
    assert verdict == "warning"
    assert "generation 1 of the master key is old for 31 days" in what
    assert "matricule keys retire 1" in what
    environ["BACKUP_DAYS"] = "31"
    assert said()[0] == "ok"
