"""The institution's register: found by what a person declares, kept up to date from a file."""

import csv
from datetime import date
from pathlib import Path

import pytest
from records_generator import AURELIE, HOMONYM, NOEMIE, TWIN, generate, write

from domain.persons import Declared, Record
from domain.values import format_ahv, parse_ahv
from infrastructure.database import migrate, open_pool
from infrastructure.import_file import Report
from infrastructure.records import Records
from infrastructure.records_index import keep_up
from infrastructure.upsert import BATCH

TODAY = date(2025, 9, 1)
SAMPLE = Path(__file__).parent.parent / "infrastructure" / "samples" / "records.csv"
COUNTS = ("read", "added", "changed", "unchanged")


@pytest.fixture
def pool(database_url):
    migrate(database_url)
    with open_pool(database_url, size=4, name="test") as pool:
        yield pool


@pytest.fixture
def records(pool):
    return Records(pool)


@pytest.fixture
def importing(records, tmp_path):
    """Import lines of a file, or its bytes."""

    def run(*lines: str | bytes, **options: object) -> Report:
        path = tmp_path / "records.csv"
        path.write_bytes(b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines))
        return records.import_file(path, today=TODAY, **options)

    return run


def counts(report: Report) -> tuple[int, ...]:
    return tuple(getattr(report, name) for name in COUNTS)


def stored(pool, record_number: str, *columns: str) -> tuple:
    with pool.connection() as connection:
        row = connection.execute(
            f"SELECT {', '.join(columns)} FROM records WHERE record_number = %s", [record_number]
        )
        return row.fetchone()


def how_many(pool) -> int:
    with pool.connection() as connection:
        return connection.execute("SELECT count(*) FROM records").fetchone()[0]


# --- the sample and its generator ---------------------------------------------------------------------------


def test_the_sample_is_what_the_generator_makes(tmp_path):
    write(tmp_path / "records.csv", generate(200))
    assert (tmp_path / "records.csv").read_text("utf-8") == SAMPLE.read_text("utf-8")


def test_the_sample_is_taken_without_a_refusal_and_twice_without_a_change(records):
    assert records.import_file(SAMPLE, today=TODAY) == Report(read=200, added=200)
    assert records.import_file(SAMPLE, today=TODAY) == Report(read=200, unchanged=200)


def test_the_generated_register_is_lifelike():
    people = list(generate(20_000))
    numbers = [parse_ahv(person["ahv_number"]) for person in people if person["ahv_number"]]
    addresses = [person["email"] for person in people if person["email"]]
    assert len({person["record_number"] for person in people}) == 20_000
    assert len(set(numbers)) == len(numbers) < 20_000
    assert len(set(addresses)) == len(addresses) < 20_000
    assert {address.rpartition("@")[2].rpartition(".")[2] for address in addresses} <= {
        "example",
        "org",
        "net",
    }

    def met_twice(*columns: str) -> int:
        return len(people) - len({tuple(person[column] for column in columns) for person in people})

    assert met_twice("family_name", "birth_date", "street") > 100  # twins
    assert met_twice("family_name", "given_name", "birth_name") > 300  # homonyms
    assert sum(person["birth_name"] != "" for person in people) > 2_000
    assert sum("ü" in person["family_name"] for person in people) > 500


def test_the_same_seed_makes_the_same_people():
    assert list(generate(300)) == list(generate(300))
    assert list(generate(300, seed=1))[4:] != list(generate(300))[4:]


# --- a file -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [";", ","])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_either_separator_is_taken_with_and_without_a_byte_order_mark(records, tmp_path, delimiter, mark):
    path = tmp_path / "records.csv"
    write(path, generate(5), delimiter=delimiter)
    path.write_text(mark + path.read_text("utf-8"), "utf-8")
    assert records.import_file(path, today=TODAY) == Report(read=5, added=5)


def test_a_refused_line_does_not_keep_the_others_from_being_taken(importing, pool):
    report = importing("record_number;sex", "R-1;F", "R-2;x", "R-3;M")
    assert [(refusal.line, refusal.field) for refusal in report.refused] == [(3, "sex")]
    assert counts(report) == (3, 2, 0, 0)
    assert how_many(pool) == 2


def test_of_a_file_with_a_wrong_header_nothing_is_taken(importing, pool):
    report = importing("record_number;colour", "R-1;red")
    assert [(refusal.line, refusal.field) for refusal in report.refused] == [(1, None)]
    assert counts(report) == (0, 0, 0, 0)
    assert how_many(pool) == 0


def test_a_file_with_a_header_only_holds_nothing(importing):
    assert importing("record_number;sex") == Report()


# --- a second file ------------------------------------------------------------------------------------------


def test_a_second_file_changes_what_differs_and_keeps_what_it_does_not_mention(importing, pool):
    importing("record_number;city;phone", "R-1;Bienne;032 886 99 31", "R-2;Moutier;", "R-3;Berne;")
    report = importing("record_number;city", "R-1;Delémont", "R-2;Moutier", "R-4;Tavannes")
    assert counts(report) == (3, 1, 1, 1)
    assert stored(pool, "R-1", "city", "phone") == ("Delémont", "+41328869931")
    assert stored(pool, "R-3", "city") == ("Berne",)


def test_an_empty_cell_of_a_second_file_says_that_it_is_unknown_now(importing, pool):
    importing("record_number;email", "R-1;ada@example.org")
    assert counts(importing("record_number;email", "R-1;")) == (1, 0, 1, 0)
    assert stored(pool, "R-1", "email") == (None,)


def test_a_file_of_numbers_alone_adds_and_changes_nothing_else(importing, pool):
    importing("record_number;city", "R-1;Bienne")
    assert counts(importing("record_number", "R-1", "R-2")) == (2, 1, 0, 1)
    assert stored(pool, "R-1", "city") == ("Bienne",)


def test_a_dry_run_says_the_same_and_writes_nothing(importing, pool):
    importing("record_number;city", "R-1;Bienne", "R-2;Moutier")
    lines = ("record_number;city", "R-1;Berne", "R-2;Moutier", "R-3;Tavannes", "R-3;Tavannes")
    rehearsed = importing(*lines, dry_run=True)
    assert stored(pool, "R-1", "city") == ("Bienne",)
    assert how_many(pool) == 2
    assert importing(*lines) == rehearsed
    assert counts(rehearsed) == (4, 1, 1, 1)


def test_an_import_that_broke_off_is_simply_run_again(records, tmp_path):
    write(tmp_path / "many.csv", generate(3 * BATCH))

    def unplugged(done: int, lines: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        records.import_file(tmp_path / "many.csv", today=TODAY, progress=unplugged)
    report = records.import_file(tmp_path / "many.csv", today=TODAY)
    assert counts(report) == (3 * BATCH, 2 * BATCH, 0, BATCH)


def test_batches_are_committed_one_by_one_and_no_transaction_stays_open_between(records, pool, tmp_path):
    write(tmp_path / "many.csv", generate(2 * BATCH + 1))
    seen = []

    def look(done: int, lines: int) -> None:
        with pool.connection() as connection:
            (writing,) = connection.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND backend_xid IS NOT NULL"
            ).fetchone()
        seen.append((done, lines, how_many(pool), writing))

    records.import_file(tmp_path / "many.csv", today=TODAY, progress=look)
    lines = 2 * BATCH + 2
    assert seen == [
        (BATCH + 1, lines, BATCH, 0),
        (2 * BATCH + 1, lines, 2 * BATCH, 0),
        (lines, lines, 2 * BATCH + 1, 0),
        (lines, lines, 2 * BATCH + 1, 0),
    ]


# --- the report ---------------------------------------------------------------------------------------------


def test_the_report_has_the_shape_of_the_api(importing):
    report = importing("record_number;sex", "R-1;F", "R-1;F", "R-2;x")
    assert report.as_dict("en") == {
        "read": 3,
        "added": 1,
        "changed": 0,
        "unchanged": 0,
        "refused": [
            {
                "line": 3,
                "field": "record_number",
                "code": "duplicate",
                "why": "This record number stands on line 2 already.",
            },
            {
                "line": 4,
                "field": "sex",
                "code": "unknown-code",
                "why": report.as_dict("en")["refused"][1]["why"],
            },
        ],
        "refused_count": 2,
    }


# --- candidates ---------------------------------------------------------------------------------------------


def declared(**change: object) -> Declared:
    facts = {
        "ahv_number": "7561234567897",
        "family_name": "Chappuis",
        "given_name": "Aurélie",
        "birth_name": None,
        "birth_date": date(1987, 5, 14),
    }
    return Declared(**facts | change)


@pytest.fixture
def register(records, tmp_path):
    """The four of the sample, and a man with an umlaut."""
    mueller = NOEMIE | {
        "record_number": "R-000005",
        "ahv_number": "",
        "family_name": "Müller",
        "birth_name": "",
    }
    write(tmp_path / "register.csv", iter([AURELIE, NOEMIE, TWIN, HOMONYM, mueller]))
    records.import_file(tmp_path / "register.csv", today=TODAY)
    return records


def found(register: Records, **change: object) -> list[str]:
    return [record.record_number for record in register.candidates(declared(**change), "nobody@example.org")]


def test_candidates_agree_in_the_ahv_number_or_in_name_and_birth_date(register):
    assert found(register) == ["R-000001", "R-000003"]


def test_an_ahv_number_alone_finds_its_record(register):
    assert found(register, family_name="Rossi", birth_date=date(2000, 1, 1)) == ["R-000001"]


def test_without_an_ahv_number_name_and_birth_date_find_the_record(register):
    assert found(register, ahv_number=None) == ["R-000001", "R-000003"]


@pytest.mark.parametrize(
    ("family_name", "birth_name"),
    [("CHAPPUIS FAVRE", None), ("Rossi", "Chappuis"), ("Rossi", "chappuis-favre")],
)
def test_a_name_borne_now_or_at_birth_finds_the_record(register, family_name, birth_name):
    assert "R-000001" in found(register, ahv_number=None, family_name=family_name, birth_name=birth_name)


@pytest.mark.parametrize("name", ["Müller", "Mueller", "MULLER"])
def test_an_umlaut_is_found_however_it_is_written(register, name):
    assert found(register, ahv_number=None, family_name=name, birth_date=date(1990, 11, 3)) == ["R-000005"]


def test_neither_a_name_nor_a_birth_date_alone_finds_a_record(register):
    assert found(register, ahv_number=None, birth_date=date(1999, 9, 9)) == []
    assert found(register, ahv_number=None, family_name="Rossi", given_name="Sofia") == []


def test_a_changed_name_is_found_and_the_former_is_not(register, importing):
    importing("record_number;family_name", "R-000005;Weiss")
    born = date(1990, 11, 3)
    assert found(register, ahv_number=None, family_name="Weiß", birth_date=born) == ["R-000005"]
    assert found(register, ahv_number=None, family_name="Müller", birth_date=born) == []


def test_a_record_is_read_by_its_number(register):
    assert register.get("R-000003") == Record(
        record_number="R-000003",
        ahv_number=parse_ahv(TWIN["ahv_number"]),
        family_name="Chappuis",
        given_name="Camille",
        birth_name=None,
        birth_date=date(1987, 5, 14),
        email="camille.chappuis@example.org",
        sex="female",
        street="Rue des Moulins 12",
        postal_code="2800",
        city="Delémont",
        phone="+41790000103",
    )
    assert register.get("R-999999") is None


def test_what_the_walk_through_relies_on_stands_in_the_sample():
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        first, second, *_ = csv.DictReader(file, delimiter=";")
    assert (first["record_number"], first["ahv_number"]) == ("R-000001", format_ahv("7561234567897"))
    assert (first["email"], first["birth_date"]) == ("aurelie.chappuis@example.org", "1987-05-14")
    assert (second["record_number"], second["email"]) == ("R-000002", "noemie.beguelin@old.example")


# --- the keys that records are searched by


def without_keys(pool) -> int:
    with pool.connection() as connection:
        return connection.execute("SELECT count(*) FROM records WHERE match_keys IS NULL").fetchone()[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"birth_date": date(1987, 5, 15)},
        {"birth_date": date(1978, 5, 14)},
        {"family_name": "Chapuis"},
        {"family_name": "Rossi"},  # married, and nobody knows
        {"family_name": "Aurélie", "given_name": "Chappuis"},
        {"family_name": "Rossi", "birth_date": date(1950, 1, 1), "phone": "+41790000101"},
        {
            "family_name": "Rossi",
            "birth_date": date(1950, 1, 1),
            "street": "R. des Moulins 12",
            "postal_code": "2800",
        },
    ],
)
def test_a_record_is_found_although_something_is_wrong(register, wrong):
    assert "R-000001" in found(register, ahv_number=None, **wrong)


def test_a_record_is_found_by_its_address_alone(register):
    rossi = declared(ahv_number=None, family_name="Rossi", given_name="Sofia", birth_date=date(1950, 1, 1))
    records = register.candidates(rossi, "Aurelie.Chappuis@example.org")
    assert [record.record_number for record in records] == ["R-000001"]


def test_every_record_has_its_keys_after_an_import_of_some_columns_too(importing, pool):
    importing("record_number;family_name;given_name", "R-1;Chappuis;Aurélie")
    importing("record_number;birth_date", "R-1;1987-05-14")
    assert without_keys(pool) == 0
    assert len(stored(pool, "R-1", "match_keys")[0]) == 4


def test_keys_are_the_same_whether_a_file_tells_all_or_a_part(register, pool):
    whole = stored(pool, "R-000001", "match_keys")
    with pool.connection() as connection:
        connection.execute("UPDATE records SET match_keys = NULL")
    assert register.complete_keys() == 5
    assert stored(pool, "R-000001", "match_keys") == whole


def test_whoever_changes_a_record_by_hand_lets_go_of_its_keys(register, pool):
    with pool.connection() as connection:
        connection.execute("UPDATE records SET city = 'Berne', ahv_number = NULL")
        assert without_keys(pool) == 0
        connection.execute("UPDATE records SET phone = '+41790000999' WHERE record_number = 'R-000001'")
    assert without_keys(pool) == 1
    assert found(register) == ["R-000001", "R-000003"]  # by the number; by name and birth date
    assert register.complete_keys() == 1


def test_a_file_taken_again_by_a_register_without_keys_changes_nothing(importing, pool):
    lines = (
        "record_number;family_name;given_name;birth_name;birth_date;street;postal_code;email;phone",
        "R-1;Chappuis;Aurélie;;1987-05-14;;;;",
    )
    importing(*lines)
    with pool.connection() as connection:
        connection.execute("UPDATE records SET match_keys = NULL")
    assert counts(importing(*lines)) == (1, 0, 0, 1)
    assert without_keys(pool) == 0


def test_candidates_are_looked_up_in_indices_and_never_by_reading_all(database_url, records, pool, tmp_path):
    write(tmp_path / "many.csv", generate(2_000))
    records.import_file(tmp_path / "many.csv", today=TODAY)
    with open_pool(database_url, size=1, name="alone") as alone:

        def scans() -> tuple[int, int]:
            with alone.connection() as connection:
                connection.execute("SELECT pg_stat_force_next_flush()")
                return connection.execute(
                    "SELECT seq_scan, idx_scan FROM pg_stat_user_tables WHERE relname = 'records'"
                ).fetchone()

        before = scans()
        for _ in range(10):  # beyond five a plan is kept
            Records(alone).candidates(declared(), AURELIE["email"])
        after = scans()
    assert after[0] == before[0]
    assert after[1] > before[1]


def test_never_more_than_two_hundred_and_those_first_that_agree_in_more(records, tmp_path):
    crowd = [
        AURELIE
        | {
            "record_number": f"R-{number:06}",
            "ahv_number": "",
            "email": f"a{number}@example.org",
            "birth_date": "1987-05-15",
        }
        for number in range(10, 300)
    ]
    late = AURELIE | {"record_number": "R-900000"}
    write(tmp_path / "crowd.csv", iter([*crowd, late, TWIN | {"record_number": "R-900001"}]))
    records.import_file(tmp_path / "crowd.csv", today=TODAY)
    candidates = records.candidates(declared(), AURELIE["email"])
    assert len(candidates) == 200
    assert [each.record_number for each in candidates[:2]] == ["R-900000", "R-900001"]


# --- how frequent names are


def test_an_import_counts_how_many_people_bear_a_name(register):
    census = register.census(declared(birth_name="Mueller"))
    assert census.people == 5
    assert census.bearers["family_name"] == {"chappuis": 3, "muller": 1}
    assert census.bearers["given_name"] == {"aurelie": 2}


def test_counts_follow_the_next_import_and_a_dry_run_leaves_them(register, importing):
    importing("record_number;given_name", "R-000005;Aurélie", dry_run=True)
    assert register.census(declared()).bearers["given_name"] == {"aurelie": 2}
    importing("record_number;given_name", "R-000005;Aurélie")
    assert register.census(declared()).bearers["given_name"] == {"aurelie": 3}


def test_a_register_of_an_earlier_version_gets_keys_and_counts(register, pool):
    with pool.connection() as connection:
        connection.execute("UPDATE records SET match_keys = NULL")
        connection.execute("DELETE FROM name_counts")
    keep_up(pool)
    assert without_keys(pool) == 0
    assert register.census(declared()).people == 5
