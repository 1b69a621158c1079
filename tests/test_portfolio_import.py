"""The portfolio file and its documents: what is taken, what is refused line by line, and that twice is once."""

import os
import stat
import tracemalloc
from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from people import NOON
from portfolio_files import LIMIT, PDF, HandedOver, counts, refusals, sha256, store

from domain.portfolio import NO_DAY, File, Wanted
from domain.values import LOCALES
from infrastructure import import_file
from infrastructure.database import migrate, open_pool
from infrastructure.import_file import Report
from infrastructure.portfolio import Portfolio
from infrastructure.upsert import BATCH

READER = UUID(int=7)


@pytest.fixture
def pool(database_url):
    migrate(database_url)
    with open_pool(database_url, size=4, name="test") as pool:
        yield pool


@pytest.fixture
def documents(tmp_path):
    return store(tmp_path)


@pytest.fixture
def items(pool, documents):
    return Portfolio(pool, documents)


@pytest.fixture
def handed(tmp_path, items) -> HandedOver:
    return HandedOver(tmp_path, items)


def of(items: Portfolio, record_number: str, **wanted):
    return items.page(record_number, Wanted(**wanted), reader=READER, after=None, limit=100)


def numbers(items: Portfolio, record_number: str, **wanted) -> list[str]:
    return [item.number for item in of(items, record_number, **wanted)]


def kept(tmp_path: Path) -> list[Path]:
    return sorted(path for path in (tmp_path / "kept").rglob("*") if path.is_file())


# --- what is taken


def test_a_line_is_kept_with_all_that_it_says(handed, items):
    digest = handed.put("2025/Attestation Béguelin.pdf")
    line = (
        f"R-1;certificate;C-9;CAS;obtained;2025-01-31;2025-06-30;4,5;2025/Attestation Béguelin.pdf;{digest}"
    )
    assert counts(handed.take(line)) == (1, 1, 0, 0)
    (item,) = of(items, "R-1")
    assert (item.kind, item.number, item.title, item.state, item.ects) == (
        "certificate",
        "C-9",
        "CAS",
        "obtained",
        4.5,
    )
    assert (item.starts, item.ends) == (date(2025, 1, 31), date(2025, 6, 30))
    assert item.file == File("Attestation Béguelin.pdf", "application/pdf", len(PDF), digest)
    assert item.new


def test_only_record_kind_and_number_must_be_there(handed, items):
    assert counts(handed.take("1,course,R-1", header="number,kind,record_number")) == (1, 1, 0, 0)
    (item,) = of(items, "R-1")
    assert (item.title, item.state, item.starts, item.ects, item.file) == (None,) * 5


def test_numbers_are_told_apart_by_kind_and_record(handed, items):
    handed.take("R-1;course;1", "R-1;certificate;1", "R-2;course;1", header="record_number;kind;number")
    assert [len(of(items, record)) for record in ("R-1", "R-2", "R-3")] == [2, 1, 0]


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PDF, "application/pdf"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0....", "image/jpeg"),
        ("Attestation pour Noémie\r\n".encode(), "text/plain; charset=utf-8"),
        (b"<html><script>alert(1)</script>", "text/plain; charset=utf-8"),
        ("é".encode("latin-1"), "application/octet-stream"),
        (b"MZ\x90\0", "application/octet-stream"),
        (b"PK\x03\x04", "application/octet-stream"),
        (b"", "application/octet-stream"),
        (b"plain, and then\0not", "application/octet-stream"),
        ("é".encode()[:1], "application/octet-stream"),  # cut off within a letter
    ],
)
def test_what_a_document_is_its_bytes_say_and_not_its_name(handed, items, content, media_type):
    assert not handed.take(handed.document("R-1", "1", content, path="a.pdf")).refused
    assert of(items, "R-1")[0].file.media_type == media_type


def test_a_document_is_kept_as_it_was_whatever_happens_to_the_folder_afterwards(
    handed, items, documents, tmp_path
):
    handed.take(handed.document("R-1", "1"))
    handed.put("a.pdf", b"%PDF-1.4 something else")
    (handed.folder / "a.pdf").unlink()
    with documents.open(of(items, "R-1")[0].file) as file:
        assert file.read() == PDF


def test_documents_are_readable_by_the_service_alone_and_lie_under_their_hash(handed, tmp_path):
    handed.take(handed.document("R-1", "1"))
    (file,) = kept(tmp_path)
    assert file.name == sha256(PDF)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (file.parent, file.parent.parent)} == {0o700}


def test_two_documents_that_are_the_same_are_kept_once(handed, tmp_path):
    handed.take(handed.document("R-1", "1", path="a.pdf"), handed.document("R-2", "1", path="b.pdf"))
    assert len(kept(tmp_path)) == 1


def test_accents_written_apart_in_the_folder_are_found(handed):
    digest = handed.put("Be\u0301guelin/Noe\u0301mie.pdf")
    report = handed.take(f"R-1;document;1;;;;;;B\u00e9guelin/No\u00e9mie.pdf;{digest}")
    assert counts(report) == (1, 1, 0, 0)


def test_a_path_may_be_written_as_on_windows_and_the_digest_in_capitals(handed):
    digest = handed.put("2025/a.pdf").upper()
    assert not handed.take(f"R-1;document;1;;;;;;2025\\a.pdf;{digest}").refused


def test_the_folder_may_be_another_one_than_that_of_the_file(handed, tmp_path):
    line = handed.document("R-1", "1")
    (tmp_path / "elsewhere").mkdir()
    assert refusals(handed.take(line, folder=tmp_path / "elsewhere")) == [(2, "file", "file-missing")]
    (handed.folder / "a.pdf").rename(tmp_path / "elsewhere" / "a.pdf")
    assert not handed.take(line, folder=tmp_path / "elsewhere").refused


# --- what is refused


@pytest.mark.parametrize(
    ("line", "field", "code"),
    [
        (";course;1;;;;;;;", "record_number", "missing"),
        ("R-1;;1;;;;;;;", "kind", "missing"),
        ("R-1;course;;;;;;;;", "number", "missing"),
        ("R-1;lesson;1;;;;;;;", "kind", "unknown-code"),
        ("R-1;course;1;;planned;;;;;", "state", "unknown-code"),
        ("R-1;course;1;;;31.12.2025;;;;", "from", "invalid-date"),
        ("R-1;course;1;;;2025-02-02;2025-02-01;;;", "from", "after-the-other"),
        ("R-1;course;1;;;;;many;;", "ects", "invalid-ects"),
        ("R-1;course;1;;;;;-1;;", "ects", "invalid-ects"),
        ("R-1;course;1;;;;;1000;;", "ects", "invalid-ects"),
        (f"R-1;course;1;{'x' * 201};;;;;;", "title", "too-long"),
        ("R-1;course;1;a\tb;;;;;;", "title", "control-characters"),
        ("R-1;course;1;;;;;;a.pdf;abc", "sha256", "invalid-sha256"),
        ("R-1;course;1;;;;;;a.pdf;", "sha256", "missing"),
        (f"R-1;course;1;;;;;;;{sha256(PDF)}", "file", "missing"),
        (f"R-1;course;1;;;;;;a.pdf;{sha256(b'')}", "sha256", "file-differs"),
        (f"R-1;course;1;;;;;;none.pdf;{sha256(PDF)}", "file", "file-missing"),
        (f"R-1;course;1;;;;;;a.pdf/b.pdf;{sha256(PDF)}", "file", "file-missing"),
        (f"R-1;course;1;;;;;;{'x' * 300}.pdf;{sha256(PDF)}", "file", "file-missing"),
        (f"R-1;course;1;;;;;;large.pdf;{sha256(PDF)}", "file", "file-too-large"),
        (f"R-1;course;1;;;;;;folder;{sha256(PDF)}", "file", "file-no-file"),
        (f"R-1;course;1;;;;;;pipe;{sha256(PDF)}", "file", "file-no-file"),
        (f"R-1;course;1;;;;;;link.pdf;{sha256(PDF)}", "file", "file-link"),
        (f"R-1;course;1;;;;;;nowhere.pdf;{sha256(PDF)}", "file", "file-link"),
        (f"R-1;course;1;;;;;;way/a.pdf;{sha256(PDF)}", "file", "file-link"),
        (f"R-1;course;1;;;;;;../outside.pdf;{sha256(PDF)}", "file", "file-outside"),
        (f"R-1;course;1;;;;;;folder/../../outside.pdf;{sha256(PDF)}", "file", "file-outside"),
        (f"R-1;course;1;;;;;;folder\\..\\..\\outside.pdf;{sha256(PDF)}", "file", "file-outside"),
        (f"R-1;course;1;;;;;;/etc/passwd;{sha256(PDF)}", "file", "file-outside"),
        (f"R-1;course;1;;;;;;C:\\a.pdf;{sha256(PDF)}", "file", "file-outside"),
        (f"R-1;course;1;;;;;;\\\\server\\a\\a.pdf;{sha256(PDF)}", "file", "file-outside"),
        (f"R-1;course;1;;;;;;.;{sha256(PDF)}", "file", "file-outside"),
    ],
)
def test_a_line_that_cannot_be_taken_is_refused_and_leaves_the_others_alone(
    handed, items, tmp_path, line, field, code
):
    handed.put("a.pdf")
    handed.put("large.pdf", b"x" * (LIMIT + 1))
    handed.put("folder/b.pdf")
    (tmp_path / "outside.pdf").write_bytes(PDF)
    (handed.folder / "link.pdf").symlink_to(handed.folder / "a.pdf")
    (handed.folder / "nowhere.pdf").symlink_to(handed.folder / "nothing.pdf")
    (handed.folder / "way").symlink_to(handed.folder)
    os.mkfifo(handed.folder / "pipe")

    report = handed.take("R-1;course;before;;;;;;;", line, handed.document("R-1", "after", path="c.pdf"))

    assert refusals(report) == [(3, field, code)]
    assert counts(report) == (3, 2, 0, 0)
    assert set(numbers(items, "R-1")) == {"before", "after"}
    assert [file.name for file in kept(tmp_path)] == [sha256(PDF)]  # and nothing half written


def test_a_document_of_just_the_limit_is_taken(handed):
    assert not handed.take(handed.document("R-1", "1", b"x" * LIMIT)).refused


def test_a_document_that_may_not_be_read_is_refused(handed):
    line = handed.document("R-1", "1")
    (handed.folder / "a.pdf").unlink()
    os.mknod(handed.folder / "a.pdf", stat.S_IFSOCK)  # which not even the superuser can open
    assert refusals(handed.take(line)) == [(2, "file", "file-unreadable")]


def test_a_document_may_be_announced_before_its_file_is_there_and_is_withdrawn_by_empty_cells(handed, items):
    for line in ("R-1;document;1;;;;;;;", handed.document("R-1", "1"), "R-1;document;1;;;;;;;"):
        assert not handed.take(line).refused
        assert numbers(items, "R-1") == ["1"]
        assert numbers(items, "R-1", with_file=True) == (["1"] if "a.pdf" in line else [])


def test_all_that_is_wrong_with_a_line_is_told_at_once(handed):
    assert refusals(handed.take("R-1;x;1;;y;z;;;;")) == [
        (2, "kind", "unknown-code"),
        (2, "state", "unknown-code"),
        (2, "from", "invalid-date"),
    ]


def test_refusals_are_told_in_the_order_of_their_lines(handed):
    lines = ("R-1;course;1;;;;;;none.pdf;" + sha256(PDF), "R-1;x;1;;;;;;;", "R-1;course;2;;;;;;;")
    assert [line for line, *_ in refusals(handed.take(*lines, "R-1;course;2;;;;;;;"))] == [2, 3, 5]


def test_an_item_that_comes_twice_is_refused_the_second_time_in_another_batch_too(handed, items):
    lines = [f"R-1;course;{number};first" for number in range(BATCH + 10)]
    again = "R-1;course;3;second"
    report = handed.take(
        lines[0], "R-1;course;0;second", *lines[1:], again, header="record_number;kind;number;title"
    )
    assert [(each.line, each.code, each.details) for each in report.refused] == [
        (3, "duplicate-item", {"first": 2}),
        (len(lines) + 3, "duplicate-item", {"first": 6}),
    ]
    assert counts(report) == (BATCH + 12, BATCH + 10, 0, 0)


def test_an_item_whose_first_line_was_refused_may_come_again(handed):
    report = handed.take(f"R-1;document;1;;;;;;none.pdf;{sha256(PDF)}", handed.document("R-1", "1"))
    assert refusals(report) == [(2, "file", "file-missing")]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("record_number;kind", [(1, "number", "column-missing")]),
        ("record_number;kind;number;file", [(1, "sha256", "column-missing")]),
        ("record_number;kind;number;sha256", [(1, "file", "column-missing")]),
        ("record_number;kind;number;colour", [(1, None, "unknown-column")]),
    ],
)
def test_a_wrong_header_refuses_the_file(handed, items, header, expected):
    assert refusals(handed.take("R-1;course;1;x", header=header)) == expected
    assert of(items, "R-1") == []


@pytest.mark.parametrize("locale", LOCALES)
def test_every_refusal_is_explained_in_every_language(handed, locale):
    for code in import_file.table(locale, "codes", "portfolio-file"):
        refusal = import_file.Refusal(2, "file", code, {"first": 3, "max": 25})
        (told,) = Report(refused=[refusal]).as_dict(locale)["refused"]
        assert told["why"]
        assert "{" not in told["why"]


# --- a second file


def test_the_same_file_twice_changes_nothing(handed, items, tmp_path):
    lines = (handed.document("R-1", "1"), "R-1;course;1;Albums;followed;2025-02-05;;3;;")
    handed.take(*lines)
    before = of(items, "R-1")
    assert counts(handed.take(*lines)) == (2, 0, 0, 2)
    assert of(items, "R-1") == before
    assert len(kept(tmp_path)) == 1


def test_a_second_file_changes_what_differs_and_keeps_what_it_does_not_mention(handed, items):
    handed.take(
        handed.document("R-1", "1"), "R-1;course;1;Albums;registered;2025-02-05;;3;;", "R-2;course;1;;;;;;;"
    )
    short = "record_number;kind;number;state"
    assert counts(handed.take("R-1;course;1;followed", "R-1;document;1;", header=short)) == (2, 0, 1, 1)
    document, course = of(items, "R-1")
    assert (course.title, course.state, course.ects, course.revision) == ("Albums", "followed", 3.0, 2)
    assert (document.title, document.file.sha256, document.revision) == ("Attestation", sha256(PDF), 1)
    assert len(of(items, "R-2")) == 1


def test_another_document_of_the_same_number_takes_its_place_and_is_new_again(handed, items, documents):
    handed.take(handed.document("R-1", "1"))
    items.see(READER, of(items, "R-1"), NOON)
    assert not of(items, "R-1")[0].new
    corrected = PDF + b"corrected"
    assert counts(handed.take(handed.document("R-1", "1", corrected))) == (1, 0, 1, 0)
    (item,) = of(items, "R-1")
    assert item.new
    with documents.open(item.file) as file:
        assert file.read() == corrected


def test_an_emptied_cell_takes_the_file_away(handed, items):
    handed.take(handed.document("R-1", "1", kind="certificate"))
    handed.take("R-1;certificate;1;;;;;;;")
    (item,) = of(items, "R-1")
    assert (item.file, item.title, item.starts) == (None, None, None)


def test_a_kept_document_that_was_cut_short_is_mended_by_the_next_run(handed, items, documents, tmp_path):
    line = handed.document("R-1", "1")
    handed.take(line)
    kept(tmp_path)[0].write_bytes(PDF[:5])
    handed.take(line)
    with documents.open(of(items, "R-1")[0].file) as file:
        assert file.read() == PDF


def test_a_dry_run_says_the_same_and_writes_nothing(handed, items, tmp_path):
    lines = (handed.document("R-1", "1"), "R-1;course;1;;;;;;;", "R-1;course;1;;;;;;;", "R-1;x;1;;;;;;;")
    rehearsed = handed.take(*lines, dry_run=True)
    assert of(items, "R-1") == []
    assert not (tmp_path / "kept").exists()
    assert handed.take(*lines) == rehearsed
    assert counts(rehearsed) == (4, 2, 0, 0)


def test_a_run_that_broke_off_is_simply_run_again(handed, items):
    lines = [f"R-1;course;{number}" for number in range(2 * BATCH)]
    header = "record_number;kind;number"

    def unplugged(done: int, _lines: int) -> None:
        if done > BATCH + 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        handed.take(*lines, header=header, progress=unplugged)
    assert counts(handed.take(*lines, header=header)) == (2 * BATCH, BATCH, 0, BATCH)


# --- many


def test_ten_thousand_lines_take_no_more_memory_than_a_thousand(handed):
    header = "record_number;kind;number;title;state;from"
    lines = [
        f"R-{n % 500};course;{n};Enseigner avec les albums {n};followed;2025-02-05" for n in range(10_000)
    ]
    handed.take(*lines[:1000], header=header)
    peaks = []
    for some in (lines[:2000], lines):
        file = handed.folder / "many.csv"
        file.write_text("\n".join((header, *some)), "utf-8")
        tracemalloc.start()
        report = handed.items.import_file(file)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert report.read == 10_000
    assert peaks[1] < 1.3 * peaks[0]


def test_progress_is_told_in_lines_of_the_file(handed):
    seen = []
    handed.take(*(f"R-1;course;{n}" for n in range(5)), header="record_number;kind;number",
                progress=lambda done, lines: seen.append((done, lines)))  # fmt: skip
    assert seen == [(line, 6) for line in (2, 3, 4, 5, 6, 6)]


# --- lists


def test_lists_begin_with_the_latest_and_what_has_no_date_comes_last(handed, items):
    handed.take(
        "R-1;course;b;;;;;;;",
        "R-1;course;c;;;2024-01-01;;;;",
        "R-1;certificate;z;;;;2025-01-01;;;",
        "R-1;course;a;;;;;;;",
        "R-1;course;d;;;2025-01-01;2026-01-01;;;",
    )
    assert numbers(items, "R-1") == ["z", "d", "c", "a", "b"]


def test_pages_go_on_where_the_last_one_ended_whatever_came_in_between(handed, items):
    handed.take(*(f"R-1;course;{n:02};;;{'' if n % 3 else f'2025-01-{n + 1:02}'};;;;" for n in range(25)))
    whole, place, pages = numbers(items, "R-1"), None, []
    while page := items.page("R-1", Wanted(), reader=READER, after=place, limit=4):
        pages += [item.number for item in page]
        place = page[-1].place
        handed.take(f"R-1;course;x{len(pages)};;;2030-01-01;;;;")
    assert pages == whole
    assert place.day == NO_DAY


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"kind": "course"}, "four three two one none"),
        ({"kind": "certificate"}, "five"),
        ({"state": "followed"}, "three one"),
        ({"since": date(2025, 3, 1)}, "five four three two"),
        ({"until": date(2025, 3, 1)}, "three two one"),
        ({"since": date(2025, 3, 1), "until": date(2025, 3, 1)}, "three two"),
        ({"since": date(2025, 4, 2), "until": date(2025, 4, 30)}, "four"),
        ({"kind": "course", "state": "registered", "since": date(2025, 4, 1)}, "four two"),
        ({"with_file": True}, "five"),
    ],
)
def test_lists_are_narrowed(handed, items, wanted, found):
    handed.take(
        "R-1;course;none;;;;;;;",
        "R-1;course;one;;followed;2025-01-01;2025-02-28;;;",
        "R-1;course;two;;registered;2025-02-01;2025-04-01;;;",
        "R-1;course;three;;followed;2025-03-01;;;;",
        "R-1;course;four;;registered;;2025-04-15;;;",
        handed.document("R-1", "five", kind="certificate"),
    )
    assert numbers(items, "R-1", **wanted) == found.split()


def test_an_item_is_found_under_its_own_record_only(handed, items):
    handed.take(handed.document("R-1", "1"))
    (item,) = of(items, "R-1")
    assert items.get("R-1", item.id, reader=READER) == item
    assert items.get("R-2", item.id, reader=READER) is None
    assert items.get("R-1", uuid4(), reader=READER) is None


def test_what_somebody_has_seen_stays_new_for_others(handed, items):
    handed.take("R-1;course;1;;;;;;;")
    items.see(READER, of(items, "R-1"), NOON)
    items.see(READER, of(items, "R-1"), NOON)
    other = items.page("R-1", Wanted(), reader=UUID(int=8), after=None, limit=1)
    assert ([item.new for item in of(items, "R-1")], [item.new for item in other]) == ([False], [True])
