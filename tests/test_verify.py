"""What the verifier finds: whoever changes an evidence file, and with whichever key he signs it anew."""

import json
import random
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest
from evidence_files import (
    FORGER,
    LINKED,
    SIGNER,
    Made,
    a_short_life,
    made,
    resigned,
    signed_anew,
    stored_life,
)
from golden_events import brought_along
from people import CLERK, OTHER_CLERK

from api import verify

KEY = verify.Key.read(str(SIGNER.verifier))
SAMPLE = 1_000


@pytest.fixture(scope="module")
def file() -> Made:
    return made()


@pytest.fixture(scope="module")
def small() -> Made:
    return made(stored_life(a_short_life()), earlier=(3,))


def found(raw: bytes, **options: Any) -> list[tuple[str, int | None]]:
    return [(finding.code, finding.event) for finding in verify.examine(raw, KEY, **options).findings]


def told(raw: bytes, language: str = "en", key: verify.Key | None = KEY, **options: Any) -> str:
    report = verify.examine(raw, key, **options)
    return "\n".join(verify.Speaker(language, report).lines(verbose=True))


def test_a_file_as_it_was_made_holds(file):
    assert found(file.raw) == []
    report = verify.examine(file.raw, KEY)
    assert report.proven == len(file.stored)
    assert "Result: everything that was checked holds." in told(file.raw)


def test_the_answer_says_who_was_linked_when_and_by_whom(file):
    said = told(file.raw)
    assert "Record R-000001 was linked on 1 September 2025, 14:00:00 by the service." in said
    assert f"The link to record R-000001 was taken back on 1 September 2025, 14:00:00 by {CLERK}." in said
    assert "the account is locked; its address is ada.king@example.org; no record is linked." in said


def test_without_a_purpose_a_number_stays_sealed_and_with_one_it_is_compared():
    without, disclosing = made(), made(withheld=())
    assert "7561234567897" not in without.raw.decode()
    assert "Not disclosed in this file: AHV number." in told(without.raw)
    assert "AHV number: 7561234567897" in told(disclosing.raw)
    assert found(disclosing.raw) == [("account-differs", 38)]  # which shows it masked
    content = disclosing.content
    content["as_of"]["profile"]["ahv_number"] = "756.1234.5678.97"
    assert found(resigned(content)) == []


def test_without_a_key_it_says_which_one_it_believed(file):
    said = told(file.raw, key=None)
    assert f"You gave no key, so the one in the file was believed: {SIGNER.verifier}." in said
    assert "proves nothing about who signed" in said
    assert "believed" not in told(file.raw)


def test_of_an_erased_person_the_events_are_still_proven():
    erased = made(stored_life(to_its_end=True), erased=True)
    assert found(erased.raw) == []
    said = told(erased.raw)
    assert "This person's data have been erased: nobody can read them any more." in said
    assert (
        f"They were erased on 1 September 2025, 14:00:00; proposed by {CLERK}, approved by {OTHER_CLERK}"
        " (reason: request-of-holder)." in said
    )
    assert "Record (erased) was linked on 1 September 2025" in said
    assert not any(secret in erased.raw.decode() for secret in ("Aurélie", "example.org", "R-000001"))


def test_an_imported_account_is_proven_and_held_to_what_the_files_said():
    imported = made(stored_life(brought_along()), earlier=(3,))
    assert found(imported.raw) == []
    assert "Record R-000001 was linked on" in told(imported.raw)
    topics = [event.topic for event in imported.stored]
    for part, field, topic in (
        ("account", "locale", "account.imported-again"),
        ("profile", "birth_date", "profile.imported-again"),
        ("link", "record_number", "profile.link-imported"),
    ):
        content = imported.content
        content["as_of"][part][field] = "another"
        assert found(resigned(content)) == [("account-differs", topics.index(topic))]


# --- any changed byte


def test_whatever_byte_is_changed_it_is_found(small):
    chance = random.Random(5)
    raw, missed = small.raw, []
    assert found(raw) == []
    for place in chance.sample(range(len(raw)), min(SAMPLE, len(raw))):
        changed = bytearray(raw)
        changed[place] ^= chance.choice((1, 2, 4, 8, 16, 32, 64, 128, 255))
        if not found(bytes(changed)):
            missed.append(place)
    assert missed == []


def test_every_byte_of_both_signatures_counts(small):
    """Idle bits at the end of one must not hide a change: its last letters become every other letter of base64."""
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
    raw = small.raw
    assert found(raw) == []
    ends = [place for place in range(len(raw) - 3) if raw[place : place + 3] in (b"=\\n", b'=="')]
    assert len(ends) >= 3
    missed = [
        (place, letter)
        for end in ends
        for place in (end - 1, end)
        for letter in letters
        if letter != raw[place] and not found(raw[:place] + bytes([letter]) + raw[place + 1 :])
    ]
    assert missed == []


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw + b"\n",
        lambda raw: b"\xef\xbb\xbf" + raw,
        lambda raw: raw.replace(b',"', b', "', 1),
        lambda raw: json.dumps(json.loads(raw), indent=2).encode(),
        lambda raw: raw.replace("é".encode(), b"\\u00e9", 1),
        lambda raw: raw.replace(b'{"account":', b'{"account":null,"account":', 1),
        lambda raw: raw.replace(b'"version":1', b'"version":1.0', 1),
        lambda raw: raw.replace(b'"version":1', b'"version":1e0', 1),
        lambda raw: raw[: len(raw) // 2],
        lambda raw: raw[:-1],
        lambda raw: b"",
        lambda raw: b"[" * 100_000,
        lambda raw: b'{"format":' * 2_000 + b"1" + b"}" * 2_000,
        lambda raw: b"\x80",
        lambda raw: b"null",
        lambda raw: b"{}",
        lambda raw: b'{"format":"matricule-evidence/2"}',
        lambda raw: b'{"format":NaN}',
        lambda raw: b'{"format":' + b"9" * 10_000 + b"}",
        lambda raw: b'{"format":"\\ud800"}',
    ],
)
def test_a_file_that_was_written_anew_or_is_none_is_found(file, change):
    assert found(change(file.raw))


def test_a_file_that_a_program_wrote_anew_is_told_from_one_that_was_changed(file):
    assert found(json.dumps(file.content).encode()) == [("not-canonical", None)]


def test_names_are_ordered_by_their_utf_16_code_units_and_texts_written_in_one_way():
    """The example of RFC 8785, section 3.2.3: by code points the smiling face would come last."""
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    ordered = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    written = verify.canonical(dict.fromkeys(names, '\u20ac$\x0f\nA\'B"\\\\"/\x7f'))
    assert list(json.loads(written)) == ordered
    assert written.startswith(b'{"\\r":"' + "\u20ac".encode() + b"$\\u000f\\nA'B" + rb"\"\\\\\"/" + b'\x7f"')


@pytest.mark.parametrize("number", [1.5, 1e400, float("nan"), 1 << 53, -(1 << 53)])
def test_a_number_that_could_be_written_in_two_ways_is_refused(number):
    with pytest.raises(ValueError, match="number"):
        verify.canonical(number)


@pytest.mark.parametrize("part", [lambda content: content, lambda content: content["events"][1]])
def test_a_member_too_much_is_found_even_where_it_says_nothing(small, part):
    content = small.content
    part(content)["remark"] = None
    assert [code for code, _ in found(resigned(content))] == ["malformed"]


# --- what was changed, and where


def event(content: dict, place: int = LINKED) -> dict:
    return content["events"][place]


def remove(content: dict) -> None:
    del content["events"][LINKED]


def swap(content: dict) -> None:
    events = content["events"]
    events[LINKED - 1], events[LINKED] = events[LINKED], events[LINKED - 1]


def repeat(content: dict) -> None:
    content["events"].insert(LINKED, dict(event(content)))


def edit_value(content: dict) -> None:
    event(content)["values"]["record_number"] = "R-666666"


def add_value(content: dict) -> None:
    event(content)["values"]["approved"] = True


def hide_value(content: dict) -> None:
    del event(content)["values"]["actor"]


def edit_instant(content: dict) -> None:
    event(content)["values"]["timestamp"] = "2025-08-01T12:00:00Z"


def swap_keys(content: dict) -> None:
    keys = event(content)["keys"]
    keys["record_number"], keys["note"] = keys["note"], keys["record_number"]


def claim_erased(content: dict) -> None:
    linked = event(content)
    del linked["keys"]["record_number"]
    linked["values"]["record_number"] = None


def edit_state(content: dict) -> None:
    linked = event(content)
    state = json.loads(b64decode(linked["state"]))
    state["actor"] = linked["values"]["actor"] = str(OTHER_CLERK)
    linked["state"] = b64encode(json.dumps(state).encode()).decode()


def move_seal(content: dict) -> None:
    """The record number of another event, with its key."""
    other, linked = event(content, 43), event(content)
    state, others = (json.loads(b64decode(each["state"])) for each in (linked, other))
    state["sealed"]["record_number"] = others["sealed"]["record_number"]
    linked["keys"]["record_number"] = other["keys"]["record_number"]
    linked["state"] = b64encode(json.dumps(state).encode()).decode()


def edit_topic(content: dict) -> None:
    event(content)["topic"] = "profile.record-unlinked"


def edit_recorded_at(content: dict) -> None:
    event(content)["recorded_at"] = "2025-08-01T12:00:00.000000Z"


def edit_position(content: dict) -> None:
    event(content)["position"] += 1


def edit_leaf_index(content: dict) -> None:
    event(content)["leaf_index"] += 1


def cut_proof(content: dict) -> None:
    event(content)["inclusion"].pop()


def give_to_another(content: dict) -> None:
    event(content)["account"] = str(CLERK)


def show_another_link(content: dict) -> None:
    content["as_of"]["link"] = {
        "record_number": "R-000001",
        "linked_at": "2025-09-01T12:00:00Z",
        "by": str(CLERK),
    }


def show_another_account(content: dict) -> None:
    content["as_of"]["account"]["id"] = str(CLERK)


def show_another_address(content: dict) -> None:
    content["as_of"]["account"]["email"] = "eve@example.org"


def show_another_state(content: dict) -> None:
    content["as_of"]["account"]["state"] = "active"


def show_another_city(content: dict) -> None:
    content["as_of"]["profile"]["city"] = "Bienne"


CHANGES: list[tuple[Callable[[dict], None], str, int | None]] = [
    (remove, "series-broken", 42),
    (swap, "out-of-order", 42),
    (repeat, "out-of-order", 43),
    (edit_value, "value-differs", 42),
    (add_value, "value-differs", 42),
    (hide_value, "value-differs", 42),
    (edit_instant, "value-differs", 42),
    (swap_keys, "key-of-another", 42),
    (claim_erased, "fields-disagree", 42),
    (edit_state, "not-in-log", 42),
    (move_seal, "seal-broken", 42),
    (edit_topic, "not-in-log", 42),
    (edit_recorded_at, "not-in-log", 42),
    (edit_position, "not-in-log", 42),
    (edit_leaf_index, "not-in-log", 42),
    (cut_proof, "not-in-log", 42),
    (give_to_another, "other-account", 42),
    (show_another_link, "account-differs", 51),
    (show_another_account, "account-differs", 0),
    (show_another_address, "account-differs", 20),
    (show_another_state, "account-differs", 35),
    (show_another_city, "account-differs", 38),
]


@pytest.mark.parametrize(("change", "code", "place"), CHANGES)
def test_a_change_is_found_at_its_event_even_where_the_key_signs_it(file, change, code, place):
    content = file.content
    change(content)
    assert ("changed", None) in found(verify.canonical(content))
    signed = found(resigned(content))
    assert (code, place) in signed
    assert ("changed", None) not in signed
    about = event(content, place)
    named = f"Event {place + 1} of {len(content['events'])} (position {about['position']}, «"
    assert named in told(resigned(content))
    assert about["topic"] in told(resigned(content))


def test_personal_data_that_no_event_brought_are_found(small):
    account = made(stored_life(a_short_life()[:1])).content
    account["as_of"]["profile"] = small.content["as_of"]["profile"]
    assert found(resigned(account)) == [("account-differs", 0)]


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note + note.rpartition("\n\n")[2],
        lambda note: note + FORGER.sign("x\n").rpartition("\n\n")[2],
        lambda note: note + "junk\n",
        lambda note: note + "\n",
        lambda note: "\n" + note,
        lambda note: note.replace("\u2014 ", "- "),
        lambda note: note.replace("matricule-evidence/1", "matricule-evidence/2"),
        lambda note: note.rpartition("\n\n")[0] + "\n\n",
        lambda note: FORGER.sign(note.rpartition("\n\n")[0] + "\n"),
    ],
)
def test_the_file_is_signed_in_one_way_alone(small, change):
    content = small.content
    content["signature"] = change(content["signature"])
    assert found(verify.canonical(content)) == [("not-signed", None)]


@pytest.mark.parametrize(("change", "code", "place"), CHANGES[:1])
def test_who_signs_anew_with_a_key_of_his_own_has_no_checkpoint(file, change, code, place):
    content = file.content
    change(content)
    forged = signed_anew(content)
    assert ("other-key", None) in found(forged)
    assert {"checkpoint-not-signed"} <= {finding.code for finding in verify.examine(forged).findings}


def test_a_whole_forgery_holds_but_not_under_the_key_that_was_given():
    forged = made(signer=FORGER)
    assert verify.examine(forged.raw).findings == []
    assert found(forged.raw) == [("other-key", None)]
    assert str(FORGER.verifier) in told(forged.raw)
    assert "does not prove what it says" in told(forged.raw)
