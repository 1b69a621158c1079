"""The master key: read from a file that only its owner can read, turned over without losing what is old."""

import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from infrastructure.keys import KeyFault, Keyring, MasterKey, make_keyring, read_keyring

PERSON = b"p" * 16
DATA_KEY = bytes(range(32))
ONE, TWO = b"\x01" * 32, b"\x02" * 32

# Written down once: whoever changes one of these makes every data key and every lookup unreadable.
DERIVED = "437e456fac1d7e24524472f33493ebaccbd71086f5792c9c722479d51d35737d"
DIGEST = "ea9556cee87ed1bf66fbb45c79578c71058cfb2c2ad307b6decad46fa36d3624"


@pytest.fixture
def key_file(tmp_path):
    """A key file with this text, readable for its owner alone."""

    def write(text: str, mode: int = 0o600):
        path = tmp_path / "master.key"
        path.write_text(text)
        path.chmod(mode)
        return path

    return write


def line(generation: object, secret: bytes) -> str:
    return f"{generation} {base64.b64encode(secret).decode()}\n"


def test_a_key_is_made_where_there_is_none_and_only_its_owner_can_read_it(tmp_path):
    path = tmp_path / "new" / "master.key"
    made = make_keyring(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert make_keyring(path).current == read_keyring(path).current == made.current


def test_two_made_keys_differ(tmp_path):
    assert make_keyring(tmp_path / "a").current.secret != make_keyring(tmp_path / "b").current.secret


def test_the_key_of_another_process_that_was_quicker_is_not_overwritten(key_file):
    path = key_file(line(1, ONE))
    assert make_keyring(path).current.secret == ONE


def test_of_processes_that_start_at_once_all_have_the_same_key(tmp_path):
    path, at_once = tmp_path / "master.key", Barrier(8)

    def start(_) -> bytes:
        at_once.wait()
        return make_keyring(path).current.secret

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(start, range(8)))) == 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_can_read_is_refused_with_what_to_do(key_file, mode):
    with pytest.raises(KeyFault, match="chmod 600"):
        read_keyring(key_file(line(1, ONE), mode))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "1\n",
        "1 not-base64!\n",
        line(1, ONE[:31]),
        line(1, ONE + b"\x00"),
        line(0, ONE),
        line(256, ONE),
        line("x", ONE),
        line(1, ONE).strip() + " more\n",
        line(1, ONE) + "rest\n",
    ],
)
def test_a_file_that_is_no_key_file_is_refused(key_file, text):
    with pytest.raises(KeyFault):
        read_keyring(key_file(text))


def test_a_missing_file_is_a_fault_and_is_not_made(tmp_path):
    with pytest.raises(KeyFault, match=r"master\.key"):
        read_keyring(tmp_path / "master.key")
    assert not (tmp_path / "master.key").exists()


def test_the_highest_generation_is_for_what_is_new_whatever_its_line(key_file):
    keyring = read_keyring(key_file(line(10, ONE) + line(9, TWO)))
    assert (keyring.current.generation, keyring.current.secret) == (10, ONE)
    assert {key.generation for key in keyring} == {9, 10}


def test_a_data_key_opens_under_the_generation_that_wrapped_it():
    old, both = Keyring({1: ONE}), Keyring({1: ONE, 2: TWO})
    assert both.unwrap(1, PERSON, old.current.wrap(PERSON, DATA_KEY)) == DATA_KEY
    assert both.unwrap(2, PERSON, both.current.wrap(PERSON, DATA_KEY)) == DATA_KEY


def test_a_data_key_of_another_person_or_another_master_key_does_not_open():
    wrapped = Keyring({1: ONE}).current.wrap(PERSON, DATA_KEY)
    with pytest.raises(KeyFault, match="restore the master key"):
        Keyring({1: ONE}).unwrap(1, b"q" * 16, wrapped)
    with pytest.raises(KeyFault):
        Keyring({1: TWO}).unwrap(1, PERSON, wrapped)
    with pytest.raises(KeyFault):
        Keyring({2: ONE}).unwrap(1, PERSON, wrapped)


def test_wrapping_the_same_key_twice_gives_different_bytes():
    key = MasterKey(1, ONE)
    assert key.wrap(PERSON, DATA_KEY) != key.wrap(PERSON, DATA_KEY)


def test_what_is_derived_stays_the_same_for_ever():
    key = MasterKey(1, ONE)
    assert key.derive("wrap").hex() == DERIVED
    assert key.digest("email", "ada@example.org").hex() == DIGEST


def test_keys_are_derived_as_the_standard_says():
    standard = HKDFExpand(SHA256(), 32, b"matricule/wrap")  # RFC 5869
    assert MasterKey(1, ONE).derive("wrap") == standard.derive(ONE)


def test_digests_differ_by_kind_value_and_generation():
    digests = {
        MasterKey(1, secret).digest(kind, value)
        for secret in (ONE, TWO)
        for kind in ("email", "record")
        for value in ("a", "b")
    }
    assert len(digests) == 8


def test_the_secret_does_not_show_in_what_is_logged():
    assert repr(ONE)[2:-1] not in repr(MasterKey(1, ONE))
    assert base64.b64encode(ONE).decode() not in repr(MasterKey(1, ONE))


def test_a_box_opens_what_it_sealed_also_after_a_new_generation():
    sealed = Keyring({1: ONE}).box("intake").seal(b"plain", b"context")
    assert Keyring({1: ONE, 2: TWO}).box("intake").open(sealed, b"context") == b"plain"


@pytest.mark.parametrize(
    "opener",
    [
        lambda sealed: Keyring({1: ONE}).box("intake").open(sealed, b"another context"),
        lambda sealed: Keyring({1: ONE}).box("another purpose").open(sealed, b"context"),
        lambda sealed: Keyring({1: TWO}).box("intake").open(sealed, b"context"),
        lambda sealed: Keyring({2: ONE}).box("intake").open(sealed, b"context"),
    ],
)
def test_a_box_opens_nothing_of_another_context_purpose_or_key(opener):
    with pytest.raises(ValueError, match="not sealed here"):
        opener(Keyring({1: ONE}).box("intake").seal(b"plain", b"context"))


def test_a_box_opens_nothing_that_was_changed_or_cut_short():
    box = Keyring({1: ONE}).box("intake")
    sealed = box.seal(b"plain", b"context")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        for broken in (bytes(changed), sealed[:place]):
            with pytest.raises(ValueError, match="not sealed here"):
                box.open(broken, b"context")


def test_a_box_takes_any_bytes_without_a_crash():
    box = Keyring({1: ONE}).box("intake")
    for length in (0, 1, 12, 13, 29, 200):
        with pytest.raises(ValueError, match="not sealed here"):
            box.open(os.urandom(length))
