"""The checkpoints of an evidence file: those in it, and one that the auditor got another way."""

from base64 import b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from evidence_files import FORGER, LINKED, ORIGIN, SIGNER, Log, Made, made, resigned
from public_vectors import vectors

from api import verify
from domain import merkle
from infrastructure.signed_notes import Signer
from projections.tree import leaf_bytes

KEY = verify.Key.read(str(SIGNER.verifier))
WITNESS = Signer("witness.example", Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32))


@pytest.fixture(scope="module")
def file() -> Made:
    return made()


def found(raw: bytes, note: str | None = None) -> list[str]:
    return [finding.code for finding in verify.examine(raw, KEY, note).findings]


def told(raw: bytes, note: str) -> str:
    return "\n".join(verify.Speaker("en", verify.examine(raw, KEY, note)).lines(verbose=False))


def another_history(file: Made) -> Log:
    return Log([merkle.leaf_hash(leaf) for leaf in file.log.leaves])


@pytest.mark.parametrize("size", [7, 16, 40])
def test_an_older_checkpoint_is_the_beginning_of_the_log(file, size):
    assert found(file.raw, file.log.checkpoint(size)) == []
    said = told(file.raw, file.log.checkpoint(size))
    assert f"The checkpoint that you gave ({size}) is the beginning of this same log" in said


def test_the_same_checkpoint_is_the_one_of_the_file(file):
    note = file.log.checkpoint(len(file.log.leaves))
    assert found(file.raw, note) == []
    assert "is the one of this file" in told(file.raw, note)


def test_a_checkpoint_without_a_proof_is_neither_confirmed_nor_contradicted(file):
    assert found(file.raw, file.log.checkpoint(41)) == ["given-without-proof"]
    said = told(file.raw, file.log.checkpoint(41))
    assert (
        f"neither confirmed nor contradicted. Ask for the consistency proof from 41 to {file.size}." in said
    )
    assert "the file holds, but what you asked for besides could not be shown" in said


def test_of_a_newer_checkpoint_the_file_can_say_nothing(file):
    longer = Log([*file.log.leaves, merkle.leaf_hash(b"later")])
    assert found(file.raw, longer.checkpoint(file.size + 1)) == ["given-newer"]


@pytest.mark.parametrize("newest", [False, True])
def test_a_checkpoint_of_another_history_is_the_gravest_finding(file, newest):
    size = file.size if newest else 16
    note = another_history(file).checkpoint(size)
    assert found(file.raw, note) == ["given-forked"]
    assert "there are two different histories. Keep both files." in told(file.raw, note)


def test_a_checkpoint_by_another_key_says_nothing(file):
    assert found(file.raw, file.log.checkpoint(16, FORGER)) == ["given-not-signed"]


def test_a_checkpoint_of_another_log_is_told(file):
    assert found(file.raw, file.log.checkpoint(16, origin="other.example")) == ["given-other-log"]


@pytest.mark.parametrize("note", ["", "\n", "no note\n", "a\nb\nc\n\n— d e\n"])
def test_what_is_no_checkpoint_is_told(file, note):
    assert found(file.raw, note) == ["given-not-signed"]


def test_a_checkpoint_is_compared_with_the_key_that_was_given_whatever_the_file_says(file):
    forged = made(file.stored, signer=FORGER)  # the same leaves
    assert found(forged.raw, file.log.checkpoint(16)) == ["other-key"]
    assert found(forged.raw, another_history(file).checkpoint(16)) == ["other-key", "given-forked"]


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda note: note.replace("\n", "\r\n"),
        lambda note: "\ufeff\n" + note + "\n\n",
        lambda note: note + WITNESS.sign(note.rpartition("\n\n")[0] + "\n").rpartition("\n\n")[2],
    ],
    ids=["line ends", "empty lines", "a witness"],
)
def test_a_checkpoint_may_have_gone_through_a_mail_program_or_a_witness(file, wrapped):
    note = verify.read_note(wrapped(file.log.checkpoint(16)).encode())
    assert found(file.raw, note) == []


# --- those in the file


def changed(file: Made, **what: Any) -> bytes:
    """What its signer would have to answer for."""
    content = file.content
    content.update(what)
    return resigned(content)


def checkpoint(file: Made, note: str, size: int | None = None) -> dict[str, Any]:
    return {**file.content["checkpoint"], "note": note, "size": size or file.size}


def test_a_checkpoint_by_another_key_proves_no_event(file):
    report = verify.examine(
        changed(file, checkpoint=checkpoint(file, file.log.checkpoint(file.size, FORGER)))
    )
    assert [finding.code for finding in report.findings] == ["checkpoint-not-signed"]
    assert report.proven == 0


def test_a_checkpoint_of_another_log_or_size_is_not_the_files(file):
    other = checkpoint(file, file.log.checkpoint(file.size, origin="other.example"))
    assert "checkpoint-differs" in found(changed(file, checkpoint=other))
    assert "checkpoint-differs" in found(
        changed(file, checkpoint=checkpoint(file, file.log.checkpoint(file.size), file.size - 1))
    )


def test_a_checkpoint_from_before_an_event_does_not_hold_it(file):
    early = checkpoint(file, file.log.checkpoint(100), 100)
    report = verify.examine(changed(file, checkpoint=early))
    assert all(finding.code in ("not-in-log", "earlier-broken") for finding in report.findings)
    assert report.proven == 0  # their proofs are of another size


def test_an_earlier_checkpoint_that_is_not_the_beginning_shows_that_history_was_rewritten(file):
    earlier = file.content["earlier"]
    earlier[1]["note"] = another_history(file).checkpoint(16)
    assert found(changed(file, earlier=earlier)) == ["earlier-broken"]
    earlier[1]["note"] = file.log.checkpoint(16, FORGER)
    assert found(changed(file, earlier=earlier)) == ["earlier-not-signed"]
    earlier[1]["note"] = file.log.checkpoint(40)  # with the proof of another one
    assert found(changed(file, earlier=earlier)) == ["earlier-broken"]
    earlier[1] = {**earlier[2], "size": 16}
    assert found(changed(file, earlier=earlier)) == ["earlier-broken"]


# --- other forms, and others' vectors


def tlog_proof(file: Made, place: int = LINKED, leaf: bytes | None = None) -> bytes:
    event = file.content["events"][place]
    lines = [
        "c2sp.org/tlog-proof@v1",
        f"extra {b64encode(leaf or verify.leaf_of(event)).decode()}",
        f"index {event['leaf_index']}",
        *event["inclusion"],
    ]
    return ("\n".join(lines) + "\n\n" + event_note(file)).encode()


def event_note(file: Made) -> str:
    return file.content["checkpoint"]["note"]


def test_a_tlog_proof_of_one_event_is_understood(file):
    assert found(tlog_proof(file)) == []
    assert "(profile.record-linked) stands in the log of log.school.example" in told(tlog_proof(file), "")
    assert found(tlog_proof(file, leaf=b"{}")) == ["leaf-not-in-log"]
    assert found(tlog_proof(file).replace(b"\nindex 1", b"\nindex 2")) == ["leaf-not-in-log"]
    assert found(tlog_proof(file).replace(b"\nextra", b"\nother")) == ["not-evidence"]
    other = verify.examine(tlog_proof(file), verify.Key.read(str(FORGER.verifier)))
    assert [finding.code for finding in other.findings] == ["checkpoint-not-signed"]


def test_the_leaf_is_the_one_of_the_tree(file):
    event, stored = file.content["events"][LINKED], file.stored[LINKED]
    at = verify.moment(event["recorded_at"])
    identity = (stored.originator_id, stored.originator_version, stored.topic, stored.account_id)
    leaf = leaf_bytes(event["leaf_index"], event["position"], *identity, at, stored.state)
    assert verify.leaf_of(event) == leaf


def test_proofs_are_judged_as_the_tree_of_the_service_judges_them():
    log = Log([merkle.leaf_hash(bytes([number])) for number in range(40)])
    for size in (1, 2, 3, 7, 8, 21, 40):
        root = log.hash_of(range(size))
        for index in range(size):
            proof = log.inclusion(index, size)
            for number in range(size + 1):
                assert verify.is_included(number, size, log.leaves[index], proof, root) == (number == index)
            assert not verify.is_included(index, size, log.leaves[index], [*proof, root], root)
            assert not (proof and verify.is_included(index, size, log.leaves[index], proof[1:], root))
        for first in range(1, size + 1):
            proof, beginning = log.consistency(first, size), log.hash_of(range(first))
            for number in range(size + 2):
                held = verify.is_beginning(number, beginning, size, root, proof)
                assert held == (number == first)
            assert not verify.is_beginning(first, root[::-1], size, root, proof)
            assert not verify.is_beginning(first, beginning, size, root, [*proof, root])


def test_the_public_note_is_understood():
    for example in filter(None, [vectors("notes")]):
        key = verify.Key.read(example["vkey"])
        assert verify.signed_text(example["note"], key) == "This is an example message.\n"
        with pytest.raises(verify.Refused):
            verify.signed_text(example["note"].replace("example m", "Example m"), key)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "name",
        f"{ORIGIN}+00000000+AAAA",
        str(SIGNER.verifier)[:-1],
        "x" + str(SIGNER.verifier),
        str(SIGNER.verifier) + "\n",
    ],
)
def test_what_is_no_key_is_refused(written):
    with pytest.raises(verify.Refused):
        verify.Key.read(written)
