"""Signed notes and checkpoints: what others sign is understood, and nothing else is believed."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from public_vectors import vectors

from infrastructure.signed_notes import Checkpoint, NoteRefused, Signer, Verifier, opened

ROOT = bytes(range(32))
CHECKPOINT = Checkpoint("matricule.example", 12345, ROOT)


def signer(name="matricule.example", seed=1):
    return Signer(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


OURS, WITNESS = signer(), signer("witness.example", 2)
NOTE = OURS.sign(str(CHECKPOINT))


def test_a_checkpoint_is_read_as_it_was_signed():
    text, names = opened(NOTE, [OURS.verifier])
    assert Checkpoint.read(text) == CHECKPOINT
    assert names == ["matricule.example"]


def test_a_verifier_key_is_read_as_it_is_handed_out():
    assert Verifier.read(str(OURS.verifier)) == OURS.verifier


def test_the_public_examples_are_understood():
    for example in filter(None, [vectors("notes")]):
        verifier = Verifier.read(example["vkey"])
        assert str(verifier) == example["vkey"]
        text, names = opened(example["note"], [verifier])
        assert (text, names) == ("This is an example message.\n", ["example.com/foo"])
        with pytest.raises(NoteRefused):
            opened(example["note"].replace("example m", "Example m"), [verifier])
        text = example["checkpoint_unverified"].rpartition("\n\n")[0] + "\n"
        checkpoint = Checkpoint.read(text)
        assert (checkpoint.size, str(checkpoint)) == (example["checkpoint_size"], text)


def test_a_witness_adds_its_signature():
    added = NOTE + WITNESS.sign(str(CHECKPOINT)).rpartition("\n\n")[2]
    assert opened(added, [WITNESS.verifier, OURS.verifier])[1] == ["matricule.example", "witness.example"]
    assert opened(added, [OURS.verifier])[1] == ["matricule.example"]


def test_text_may_hold_empty_lines():
    text = "one\n\ntwo\n"
    assert opened(OURS.sign(text), [OURS.verifier])[0] == text


def test_another_key_of_the_same_name_is_unknown():
    with pytest.raises(NoteRefused, match="no known key"):
        opened(NOTE, [signer(seed=3).verifier])


@pytest.mark.parametrize("place", range(0, len(NOTE), 3))
def test_whatever_character_is_changed_it_is_refused(place):
    changed = NOTE[:place] + ("A" if NOTE[place] != "A" else "B") + NOTE[place + 1 :]
    with pytest.raises(NoteRefused):
        opened(changed, [OURS.verifier])


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        "text\n",
        "text\n\n",
        "\n\n— a Zm9vYmFy\n",
        "text\n— a Zm9vYmFy\n",
        "text\n\n— a Zm9vYmFy",
        "text\n\n- a Zm9vYmFy\n",
        "text\n\n— a b Zm9vYmFy\n",
        "text\n\n— a Zm9v\n",
        "text\n\n— a Zm9vYmF\n",
        "te\rxt\n\n— a Zm9vYmFy\n",
    ],
)
def test_what_is_no_note_is_refused(note):
    with pytest.raises(NoteRefused):
        opened(note, [OURS.verifier])


@pytest.mark.parametrize("text", ["", "no end", "te\x00xt\n", "te\txt\n"])
def test_what_a_note_cannot_hold_is_not_signed(text):
    with pytest.raises(NoteRefused):
        OURS.sign(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\n",
        "log\n1\n",
        "\n1\n" + base64.b64encode(ROOT).decode() + "\n",
        "log\n01\n" + base64.b64encode(ROOT).decode() + "\n",
        "log\n-1\n" + base64.b64encode(ROOT).decode() + "\n",
        "log\n1\n" + base64.b64encode(ROOT[1:]).decode() + "\n",
        "log\n1\n" + base64.b64encode(ROOT).decode(),
        "log\n1\n" + base64.b64encode(ROOT).decode() + "\n\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text):
    with pytest.raises(NoteRefused):
        Checkpoint.read(text)


def test_further_lines_of_a_checkpoint_are_passed_over():
    assert Checkpoint.read(f"{CHECKPOINT}more\n") == CHECKPOINT


@pytest.mark.parametrize(
    "written",
    [
        "",
        "name",
        "name+00000000",
        str(OURS.verifier).replace("matricule", "other"),
        str(OURS.verifier)[:-4],
        f"name+00000000+{base64.b64encode(bytes([2]) + ROOT).decode()}",
        "na me" + str(OURS.verifier)[17:],
    ],
)
def test_what_is_no_verifier_key_is_refused(written):
    with pytest.raises(NoteRefused):
        Verifier.read(written)
