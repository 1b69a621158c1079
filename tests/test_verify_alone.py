"""The verifier is one file that runs where nothing of the service is, and speaks to whoever is no programmer."""

import ast
import json
import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from string import Formatter
from typing import Any

import program
import pytest
from evidence_files import LINKED, SIGNER, Made, a_short_life, made, resigned, stored_life
from people import NOON
from test_house import imported

from api import verify
from domain.calendar import ZURICH
from domain.values import LOCALES, SYSTEM

PROGRAM = Path(verify.__file__)
NEEDED = ("cryptography", "cffi", "_cffi_backend", "pycparser")


@dataclass
class Elsewhere:
    """A folder with the program, the file and a Python that has `cryptography`, and nothing else."""

    folder: Path
    python: Path

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [self.python, "-I", "verify.py", *arguments],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "LANG": "en_GB.UTF-8", **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture(scope="module")
def file() -> Made:
    return made()


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory, file) -> Elsewhere:
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder / "python", with_pip=False, symlinks=True)
    (packages,) = (folder / "python").glob("lib/python*/site-packages")
    for name in NEEDED:
        if spec := find_spec(name):
            there = Path(spec.origin)
            there = there.parent if there.name == "__init__.py" else there
            os.symlink(there, packages / there.name)
    work = folder / "work"
    work.mkdir()
    (work / "verify.py").write_bytes(PROGRAM.read_bytes())
    (work / "file.json").write_bytes(file.raw)
    (work / "checkpoint.txt").write_text(file.log.checkpoint(16))
    (work / "newer.txt").write_text(file.log.checkpoint(41))
    return Elsewhere(work, folder / "python" / "bin" / "python")


def test_it_imports_the_standard_library_and_cryptography_alone():
    assert {name.split(".")[0] for name in imported(PROGRAM)} - sys.stdlib_module_names == {"cryptography"}


def test_it_is_written_for_python_3_9():
    ast.parse(PROGRAM.read_text("utf-8"), feature_version=(3, 9))


def test_there_is_nothing_of_the_service_where_it_runs(elsewhere):
    for name in ("domain", "infrastructure", "api", "orjson", "flask", "eventsourcing"):
        tried = [elsewhere.python, "-I", "-c", f"import {name}"]
        assert subprocess.run(tried, cwd=elsewhere.folder, capture_output=True).returncode == 1
    assert elsewhere.run("file.json").returncode == 0


def test_it_says_what_holds(elsewhere, file):
    answer = elsewhere.run("file.json", "--key", str(SIGNER.verifier), "--checkpoint", "checkpoint.txt")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.splitlines() == [
        f"This file holds {len(file.stored)} events of account 11111111-1111-4111-8111-111111111111; all of them stand"
        f" in the log of log.school.example at checkpoint {file.size} of 1 September 2025, {signed_at(file)}.",
        "At that moment the account is locked; its address is ada.king@example.org; no record is linked.",
        "Record R-000001 was linked on 1 September 2025, 14:00:00 by the service.",
        "The link to record R-000001 was taken back on 1 September 2025, 14:00:00"
        " by 33333333-3333-4333-8333-333333333333.",
        "Record N-0A1B2C3D was linked on 1 September 2025, 14:00:00 by 33333333-3333-4333-8333-333333333333.",
        "The link to record N-0A1B2C3D was taken back on 1 September 2025, 14:00:00"
        " by 33333333-3333-4333-8333-333333333333.",
        "The readable values are those that were sealed in the log with each event, and the state of the account"
        " follows from them.",
        "Not disclosed in this file: AHV number. They must be asked for with a purpose.",
        "Times are Swiss time.",
        f"The file is signed with the key that you gave: {SIGNER.verifier}.",
        "The checkpoint that you gave (16) is the beginning of this same log: nothing that it covered has"
        " been changed or removed since.",
        "Result: everything that was checked holds.",
    ]


def signed_at(file: Made) -> str:
    """When the file's checkpoint was, in Switzerland."""
    return f"{(NOON + timedelta(minutes=file.size)).astimezone(ZURICH):%H:%M:%S}"


def test_it_says_what_does_not_hold_and_at_which_event(elsewhere, file):
    content = file.content
    content["events"][LINKED]["values"]["record_number"] = "R-666666"
    (elsewhere.folder / "forged.json").write_bytes(resigned(content))
    answer, position = elsewhere.run("forged.json"), content["events"][LINKED]["position"]
    assert answer.returncode == 1
    assert answer.stdout.splitlines()[-2:] == [
        "Result: this file does not prove what it says. 1 thing does not hold:",
        f"– Event {LINKED + 1} of {len(file.stored)} (position {position}, «Account linked», profile.record-linked):"
        " the readable value of the field «Record» is not the one that was recorded.",
    ]


def test_for_programs_it_answers_in_json(elsewhere, file):
    answer, count = json.loads(elsewhere.run("file.json", "--json").stdout), len(file.stored)
    assert (answer["ok"], answer["events"], answer["proven"], answer["problems"]) == (True, count, count, [])
    assert (answer["key"], answer["key_given"]) == (str(SIGNER.verifier), False)
    refused = elsewhere.run("file.json", "--json", "--checkpoint", "newer.txt")
    assert refused.returncode == 1
    assert [each["code"] for each in json.loads(refused.stdout)["problems"]] == ["given-without-proof"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "required: FILE"),
        (("no-such.json",), "no-such.json cannot be read."),
        (("file.json", "--checkpoint", "no-such.txt"), "no-such.txt cannot be read."),
        (("file.json", "--key", "nonsense"), "this is no key"),
        (("file.json", "--language", "rm"), "invalid choice"),
        ((".",), ". cannot be read."),
    ],
)
def test_used_wrongly_it_says_how(elsewhere, arguments, said):
    answer = elsewhere.run(*arguments)
    assert answer.returncode == 2
    assert said in answer.stderr


def test_a_tlog_proof_wants_a_key(elsewhere):
    (elsewhere.folder / "one.tlog-proof").write_text("c2sp.org/tlog-proof@v1\n")
    assert elsewhere.run("one.tlog-proof").returncode == 2


@pytest.mark.parametrize(
    ("environment", "begins"),
    [
        ({"LANG": "de_CH.UTF-8"}, "Diese Datei"),
        ({"LANG": "en_US.UTF-8"}, "This file"),
        ({"LANG": "fr_CH.UTF-8"}, "Ce fichier"),
        ({"LANG": "C"}, "Ce fichier"),
        ({"LANG": "it_CH.UTF-8"}, "Ce fichier"),
        ({"LANG": "fr_CH.UTF-8", "LC_ALL": "de_CH.UTF-8"}, "Diese Datei"),
    ],
)
def test_it_speaks_the_readers_language_else_french(elsewhere, environment, begins):
    assert elsewhere.run("file.json", **environment).stdout.startswith(begins)


def test_the_service_hands_it_out_and_takes_the_same_arguments(elsewhere):
    def matricule(*arguments: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "LANG": "en_GB.UTF-8", "DATABASE_URL": "postgresql://nowhere.example/none"}
        return program.run("verify", *arguments, env=env, cwd=elsewhere.folder)

    assert matricule("--print").stdout == PROGRAM.read_text("utf-8")
    arguments = ("file.json", "--key", str(SIGNER.verifier), "--checkpoint", "checkpoint.txt", "--verbose")
    assert matricule(*arguments).stdout == elsewhere.run(*arguments).stdout
    assert matricule("file.json", "--checkpoint", "newer.txt").returncode == 1
    assert [matricule(*wrong).returncode for wrong in ((), ("no-such.json",), ("file.json", "--print"))] == [
        2
    ] * 3


# --- its words


def placeholders(said: Any) -> set[str]:
    texts = said if isinstance(said, tuple) else (said,)
    return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LOCALES)
def test_every_language_says_everything(language):
    french, other = verify.WORDS["fr"], verify.WORDS[language]
    assert set(verify.WORDS) == set(LOCALES) == set(verify.LANGUAGES)
    assert {code: placeholders(said) for code, said in other.items()} == {
        code: placeholders(said) for code, said in french.items()
    }
    assert len(other["months"].split()) == 12
    assert "ß" not in str(other)


def test_everything_that_it_finds_has_words():
    source = PROGRAM.read_text("utf-8")
    codes = set(re.findall(r'(?:find|say|misuse)\(\s*"([a-z-]+)"', source)) | set(verify.STORY.values())
    assert len(codes) > 30
    assert codes <= set(verify.WORDS["fr"])


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("2026-03-03T12:05:09.123456Z", "3 March 2026, 13:05:09"),
        ("2026-03-29T00:59:59Z", "29 March 2026, 01:59:59"),
        ("2026-03-29T01:00:00Z", "29 March 2026, 03:00:00"),
        ("2026-10-25T00:59:59Z", "25 October 2026, 02:59:59"),
        ("2026-10-25T01:00:00Z", "25 October 2026, 02:00:00"),
        ("2026-12-31T23:30:00.5Z", "1 January 2027, 00:30:00"),
        ("2026-02-30T00:00:00Z", "2026-02-30T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        (None, "null"),
    ],
)
def test_instants_are_told_in_swiss_time(written, said):
    assert verify.Speaker("en", verify.Report()).date(written) == said


def test_no_text_of_a_file_steers_the_terminal_or_never_ends(file):
    content = file.content
    content["events"][0]["topic"] = "\x1b[31m\u202e" + "x" * 10_000
    content["actors"][str(SYSTEM)]["en"] = "\x07" + "y" * 10_000
    report = verify.examine(resigned(content))
    said = "\n".join(verify.Speaker("en", report).lines(verbose=True))
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "\x07" not in said
    assert not any(letter * 301 in said for letter in "xy")


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """Every place in a file, but of long lists only the first two."""
    yield path
    inside = (
        value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    )
    for name, part in inside:
        yield from places(part, (*path, name))


@pytest.mark.parametrize("wrong", [None, True, -1, 7, "", "x", [], {}, [[]], {"a": 1}], ids=repr)
def test_whatever_stands_where_something_else_should_it_answers(wrong):
    file = made(stored_life(a_short_life()), earlier=(3, 4))
    assert not verify.examine(file.raw).findings
    for place in places(file.content):
        content: Any = file.content
        *way, last = place or (None,)
        if place:
            part = content
            for name in way:
                part = part[name]
            part[last] = wrong
        report = verify.examine(verify.canonical(content if place else wrong))
        assert report.findings or content == file.content, place
        assert list(verify.Speaker("de", report).lines(verbose=True))
        json.dumps(verify.Speaker("de", report).as_json())
