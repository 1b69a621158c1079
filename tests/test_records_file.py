"""The records file, cell by cell: what is taken, in which form, and what is refused, with its line."""

from datetime import date

import pytest

from domain.values import LOCALES
from infrastructure.import_file import FileRefused, Refusal, Report, Row
from infrastructure.records_file import RecordsFile

TODAY = date(2025, 9, 1)
Fault = tuple[int, str | None, str]


@pytest.fixture
def lines_of(tmp_path):
    """What a file of these lines holds: rows, and the faults of those that are none."""

    def read(*lines: str | bytes) -> list[Row | list[Refusal]]:
        path = tmp_path / "records.csv"
        path.write_bytes(b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines))
        return list(RecordsFile(path, today=TODAY))

    return read


@pytest.fixture
def refusals_of(lines_of):
    def read(*lines: str | bytes) -> list[Refusal]:
        try:
            return [fault for line in lines_of(*lines) if not isinstance(line, Row) for fault in line]
        except FileRefused as refused:
            return list(refused.refusals)

    return read


def faults(refusals: list[Refusal]) -> list[Fault]:
    return [(refusal.line, refusal.field, refusal.code) for refusal in refusals]


@pytest.mark.parametrize("line_end", ["\r\n", "\r", "\n"])
def test_line_ends_of_all_systems_are_taken(refusals_of, line_end):
    text = line_end.join(["record_number;sex", "R-1;M", "R-2;X", ""])
    assert faults(refusals_of(text)) == [(3, "sex", "unknown-code")]


@pytest.mark.parametrize(
    "header", ["\ufeffrecord_number;sex", "RECORD_NUMBER; Sex ", '"record_number","sex"']
)
def test_a_header_is_taken_in_any_case_quoted_or_marked(lines_of, header):
    delimiter = "," if "," in header else ";"
    assert lines_of(header, f"R-1{delimiter}M") == [Row(2, {"record_number": "R-1", "sex": "male"})]


def test_columns_come_in_any_order(lines_of):
    assert lines_of("birth_date;record_number", "1987-05-14;R-1") == [
        Row(2, {"birth_date": date(1987, 5, 14), "record_number": "R-1"})
    ]


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("ahv_number", "756.1234.5678.97", "7561234567897"),
        ("ahv_number", "7561234567897", "7561234567897"),
        ("family_name", "  Be\u0301guelin ", "B\u00e9guelin"),
        ("sex", "male", "male"),
        ("sex", "female", "female"),
        ("sex", "M", "male"),
        ("sex", "F", "female"),
        ("canton", "ju", "JU"),
        ("canton", "VD", "VD"),
        ("canton", "other", "other"),
        ("email", "Ada@Example.ORG", "Ada@example.org"),
        ("email", "ada@edu.test", "ada@edu.test"),
        ("phone", "032 886 99 31", "+41328869931"),
        ("phone", "+33 3 81 00 00 00", "+33381000000"),
        ("street", '"Rue du Lac 1\r\nCase postale"', "Rue du Lac 1, Case postale"),
        ("city", '"Bienne; Biel"', "Bienne; Biel"),
        ("city", 'La "Tour"', 'La "Tour"'),
        ("birth_date", "2025-09-01", date(2025, 9, 1)),
        ("birth_date", "1905-09-01", date(1905, 9, 1)),
        ("birth_name", "a" * 200, "a" * 200),
        ("given_name", "", None),
        ("given_name", "   ", None),
    ],
)
def test_a_cell_is_kept_in_one_form(lines_of, column, cell, value):
    assert lines_of(f"record_number;{column}", f"R-1;{cell}") == [
        Row(2, {"record_number": "R-1", column: value})
    ]


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("ahv_number", "756.1234.5678.9", "ahv-length"),
        ("ahv_number", "756.1234.5678.9x", "ahv-characters"),
        ("ahv_number", "757.1234.5678.94", "ahv-prefix"),
        ("ahv_number", "756.1234.5678.98", "ahv-check-digit"),
        ("birth_date", "14.05.1987", "invalid-date"),
        ("birth_date", "1987-02-30", "invalid-date"),
        ("birth_date", "19870514", "invalid-date"),
        ("birth_date", "1987-W20-4", "invalid-date"),
        ("birth_date", "2025-09-02", "future-date"),
        ("birth_date", "1905-08-31", "too-old-date"),
        ("sex", "femme", "unknown-code"),
        ("canton", "XX", "unknown-code"),
        ("canton", "BEx", "unknown-code"),
        ("email", "ada.example.org", "invalid-email"),
        ("email", "ada@@example.org", "invalid-email"),
        ("email", f"{'a' * 60}@{'b' * 190}.example", "too-long"),
        ("phone", "call me", "invalid-phone"),
        ("phone", "032", "invalid-phone"),
        ("family_name", "a" * 201, "too-long"),
        ("family_name", "a\tb", "control-characters"),
        ("family_name", '"a\nb"', "control-characters"),
        ("street", "a\0b", "control-characters"),
    ],
)
def test_a_wrong_cell_is_refused_with_its_line(refusals_of, column, cell, code):
    lines = (f"record_number;{column}", "R-1;", f"R-2;{cell}", "R-3;")
    assert faults(refusals_of(*lines)) == [(3, column, code)]


def test_every_fault_of_a_line_is_told_at_once(refusals_of):
    assert faults(refusals_of("record_number;sex;canton;birth_date", "R-1;x;y;z")) == [
        (2, "sex", "unknown-code"),
        (2, "canton", "unknown-code"),
        (2, "birth_date", "invalid-date"),
    ]


def test_a_record_without_a_number_is_refused(refusals_of):
    assert faults(refusals_of("record_number;sex", " ;F")) == [(2, "record_number", "missing")]


def test_a_number_that_comes_twice_is_refused_the_second_time(refusals_of):
    (refusal,) = refusals_of("record_number;city", "R-1;Bienne", "R-2;Moutier", "R-1;Berne")
    assert faults([refusal]) == [(4, "record_number", "duplicate")]
    assert refusal.details == {"first": 2}


def test_a_number_whose_first_line_was_refused_may_come_again(refusals_of):
    assert faults(refusals_of("record_number;sex", "R-1;x", "R-1;F")) == [(2, "sex", "unknown-code")]


def test_lines_are_counted_as_an_editor_counts_them(refusals_of):
    refusals = refusals_of(
        "record_number;street;sex",  # 1
        'R-1;"Rue du Lac 1',  # 2
        "Case postale",  # 3
        '2502 Bienne";F',  # 4
        "",  # 5
        ";;",  # 6: empty cells only
        "R-2;;x",  # 7
        'R-3;"two',  # 8
        'lines";x',  # 9
        "R-4;;x",  # 10
    )
    assert faults(refusals) == [(line, "sex", "unknown-code") for line in (7, 8, 10)]


@pytest.mark.parametrize("line", ["R-1;F;more", "R-1", "R-1;F;"])
def test_a_line_of_too_many_or_too_few_cells_is_refused(refusals_of, line):
    assert faults(refusals_of("record_number;sex", line, "R-2;F")) == [(2, None, "number-of-cells")]


def test_text_after_a_closing_quotation_mark_is_refused_and_reading_goes_on(lines_of):
    wrong, right = lines_of("record_number;city", 'R-1;"La "Tour"', "R-2;Bienne")
    assert faults(wrong) == [(2, None, "quotes")]
    assert right.values["record_number"] == "R-2"


def test_a_quotation_mark_that_is_never_closed_is_told_with_the_lines_it_swallows(refusals_of):
    (refusal,) = refusals_of("record_number;city", "R-1;Bienne", 'R-2;"La Tour', "R-3;Moutier")
    assert faults([refusal]) == [(3, None, "quotes")]
    assert refusal.details == {"last": 4}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", [(1, None, "no-header")]),
        (";;", [(1, None, "no-header")]),
        ('"record_number', [(1, None, "no-header")]),
        (
            "record_number;colour;size",
            [(1, None, "unknown-column"), (1, None, "unknown-column")],
        ),
        ("record_number;sex;sex", [(1, "sex", "column-twice")]),
        ("family_name;sex", [(1, "record_number", "column-missing")]),
        (
            "record_number\tsex",
            [(1, None, "unknown-column"), (1, "record_number", "column-missing")],
        ),
    ],
)
def test_a_wrong_header_refuses_the_file(refusals_of, header, expected):
    assert faults(refusals_of(header, "R-1;F;")) == expected


def test_a_file_that_is_not_in_utf_8_is_refused_with_the_first_line_that_is_not(refusals_of):
    lines = (
        "record_number;city",
        "R-1;Bienne",
        "R-2;Neuchâtel".encode("latin-1"),
        "R-3;Bâle".encode("latin-1"),
    )
    assert faults(refusals_of(*lines)) == [(3, None, "not-utf-8")]


def test_an_empty_file_is_refused(refusals_of):
    assert faults(refusals_of()) == [(1, None, "no-header")]


@pytest.mark.parametrize("locale", LOCALES)
def test_every_refusal_is_explained_in_every_language_and_repeats_no_cell(refusals_of, locale):
    secret = "Sésame-7561234567898"
    refusals = [
        *refusals_of("colour;sex;sex"),
        *refusals_of(b"\xff"),
        *refusals_of(";"),
        *refusals_of(
            "record_number;ahv_number;birth_date;sex;canton;email;phone;city",
            f"R-1;{secret};{secret};{secret};{secret};{secret};{secret};{'x' * 201}",
            f"{secret};",
            ";7;;;;;;",
            "R-2;758.1234.5678.97;2222-01-01;;;;;",
            "R-3;756.1234.5678.98;1111-01-01;;;;;a\tb",
            *("R-4;;;;;;;", "R-4;;;;;;;", f'R-5;"{secret}'),
        ),
    ]
    explained = Report(refused=refusals).as_dict(locale)["refused"]
    assert {refusal["code"] for refusal in explained} == {
        *("unknown-column", "column-twice", "column-missing", "not-utf-8", "no-header", "number-of-cells"),
        *("quotes", "duplicate", "missing", "ahv-characters", "ahv-length", "ahv-prefix", "ahv-check-digit"),
        *("invalid-date", "future-date", "too-old-date", "unknown-code", "invalid-email", "invalid-phone"),
        *("control-characters", "too-long"),
    }
    assert [refusal for refusal in explained if not refusal["why"] or secret in str(refusal)] == []
