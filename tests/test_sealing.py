"""Sealed fields: they open where they were sealed, whole, and nowhere else."""

from base64 import b64decode, b64encode
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from infrastructure.sealing import SealBroken, field_key, seal, unseal

DATA_KEY = bytes(range(32))
STREAM, OTHER_STREAM = UUID(int=1), UUID(int=2)
PLACE = {"topic": "account.requested", "stream": STREAM, "version": 1, "field": "email"}
ADDRESS = "ada@example.org"

# Sealed once, kept for ever: the stored form of 2025.
KEPT = (
    "AbPDcwWvJKW13DddNNyeUfskzG1y8YaJ1qFlZO6y18P+jBIUmP2kCYSVJ6G3r2mcT+tXJ0CSUdD4nYoI639wzhtc"
    "taMGO/h66FrlgmJz/0CFjmbBTfNMEWyji/We"
)


def key_at(stream: UUID = STREAM, version: int = 1, field: str = "email") -> bytes:
    return field_key(DATA_KEY, stream, version, field)


def sealed(value: object = ADDRESS, **place: object) -> str:
    return seal(key_at(), **(PLACE | place), value=value)


@pytest.mark.parametrize(
    "value", [ADDRESS, None, "", "Ærøskøbing «ß» 🙂", ["R-000001", "R-000002"], [], 7, "x" * 2000, '"\\\n\t']
)
def test_a_value_comes_back_as_it_was(value):
    assert unseal(key_at(), **PLACE, sealed=sealed(value)) == value


def test_what_was_sealed_long_ago_opens():
    assert unseal(key_at(), **PLACE, sealed=KEPT) == ADDRESS


def test_the_same_value_never_looks_the_same():
    assert sealed() != sealed()


def test_a_field_has_a_key_of_its_own():
    keys = {
        key_at(stream, version, field)
        for stream in (STREAM, OTHER_STREAM)
        for version in (1, 2)
        for field in ("email", "given_name")
    }
    assert len(keys) == 8
    assert all(len(key) == 32 for key in keys)


def test_the_keys_are_derived_as_the_standard_says():
    place = STREAM.bytes + (1).to_bytes(8, "big") + b"email"
    assert key_at() == HKDFExpand(SHA512(), 32, b"matricule/field" + place).derive(DATA_KEY)  # RFC 5869


def test_a_foreign_tool_opens_it_with_the_field_key_alone():
    raw = b64decode(sealed())
    both = HKDFExpand(SHA512(), 64, b"matricule/seal").derive(key_at())
    associated = b"account.requested\0" + STREAM.bytes + (1).to_bytes(8, "big") + b"email"
    assert raw[:33] == b"\x01" + both[32:]
    assert AESGCM(both[:32]).decrypt(raw[33:45], raw[45:], associated).rstrip(b" ") == b'"ada@example.org"'


@pytest.mark.parametrize(
    "moved",
    [
        {"stream": OTHER_STREAM},
        {"version": 2},
        {"field": "given_name"},
        {"topic": "account.requested-again"},
    ],
)
def test_a_value_that_was_moved_does_not_open(moved):
    """Neither under the key of its new place nor under its old one."""
    place = PLACE | moved
    key_there = key_at(place["stream"], place["version"], place["field"])
    for key in (key_there, key_at()):
        with pytest.raises(SealBroken):
            unseal(key, **place, sealed=sealed())


def test_a_byte_changed_anywhere_breaks_the_seal():
    raw = b64decode(sealed())
    for place in range(len(raw)):
        for change in (1, 0x80):
            changed = bytearray(raw)
            changed[place] ^= change
            with pytest.raises(SealBroken):
                unseal(key_at(), **PLACE, sealed=b64encode(changed).decode())


def test_a_value_cut_short_breaks_the_seal():
    raw = b64decode(sealed())
    for length in range(len(raw)):
        with pytest.raises(SealBroken):
            unseal(key_at(), **PLACE, sealed=b64encode(raw[:length]).decode())


@pytest.mark.parametrize("text", ["", "=", "not base64!", "é", "AAAA"])
def test_what_is_no_sealed_value_breaks_the_seal(text):
    with pytest.raises(SealBroken):
        unseal(key_at(), **PLACE, sealed=text)


def test_another_key_never_opens_it():
    for key in (key_at(version=2), bytes(32), field_key(bytes(32), STREAM, 1, "email")):
        with pytest.raises(SealBroken):
            unseal(key, **PLACE, sealed=sealed())


def test_a_ciphertext_that_opens_under_two_keys_is_not_taken():
    """GCM alone would let a sealer show two readers two values: the commitment names the one key."""
    other = key_at(version=2)
    mine = b64decode(sealed())
    theirs = b64decode(seal(other, **PLACE, value="eve@example.org"))
    for forged in (mine[:33] + theirs[33:], theirs[:33] + mine[33:]):
        for key in (key_at(), other):
            with pytest.raises(SealBroken):
                unseal(key, **PLACE, sealed=b64encode(forged).decode())


def test_short_values_have_one_length():
    lengths = {
        len(sealed(value)) for value in ("male", "female", "CH", None, "", "1987-05-14", "7561234567897")
    }
    assert len(lengths) == 1


def test_longer_values_tell_their_length_in_steps_only():
    assert len(sealed("x" * 40)) == len(sealed("x" * 60))
