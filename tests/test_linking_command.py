"""`matricule linking`: what the matcher would decide, and what it learns; beside the running service."""

import json
import tomllib

import pytest
import records_generator
import submissions_generator
from running_service import a_service
from services import new_database

from infrastructure.matcher_file import load_model

AURELIE = records_generator.AURELIE
HEADER = "email;ahv_number;family_name;given_name;birth_date"


@pytest.fixture(scope="module")
def service(postgres, template, tmp_path_factory):
    """With 200 records in it."""
    file = tmp_path_factory.mktemp("register") / "records.csv"
    records_generator.write(file, records_generator.generate(200))
    with new_database(postgres, template) as database, a_service(DATABASE_URL=database) as service:
        service.run()
        assert service.command("import", "records", str(file)).returncode == 0
        yield service


@pytest.fixture
def people(tmp_path):
    """A file of such lines."""

    def written(*lines: str):
        file = tmp_path / "people.csv"
        file.write_text("\n".join(lines), "utf-8")
        return str(file)

    return written


@pytest.fixture(scope="module")
def known(tmp_path_factory) -> str:
    """People whose record is known."""
    file = tmp_path_factory.mktemp("known") / "known.csv"
    records = list(records_generator.generate(200))
    submissions_generator.write(file, submissions_generator.submissions(records, 130, seed=3))
    return str(file)


def test_each_line_says_what_would_be_decided_and_nothing_is_written(service, people):
    before = service.rows("SELECT count(*) FROM events")
    file = people(
        HEADER,
        f"{AURELIE['email']};756.1234.5678.97;Chappuis;Aurélie;1987-05-14",
        "other@example.org;756.1234.5678.97;Chappuis;Aurélie;1987-05-14",
        "nobody@example.org;;Zzyzx;Quentin;1931-01-01",
    )
    done = service.command("linking", "match", file, "--json")
    first, second, third = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 0
    assert (first["line"], first["decision"], first["record_number"]) == (2, "linked", "R-000001")
    assert (second["decision"], second["record_number"], second["cause"]) == ("case", None, "address-differs")
    assert second["candidates"][0]["record_number"] == "R-000001"
    assert second["candidates"][0].keys() == {"record_number", "score", "probability"}
    assert second["candidates"][0]["score"] < first["candidates"][0]["score"]
    assert (third["line"], third["decision"], third["candidates"]) == (4, "none", [])
    assert service.rows("SELECT count(*) FROM events") == before


def test_a_line_that_is_wrong_is_named_and_the_others_are_matched(service, people):
    file = people(
        HEADER,
        "a@example.org;756.1234.5678.98;Chappuis;Aurélie;1987-05-14",
        "b@example.org;;;Aurélie;1987-05-14",
        f"{AURELIE['email']};756.1234.5678.97;Chappuis;Aurélie;1987-05-14",
    )
    done = service.command("linking", "match", file)
    assert done.returncode == 1
    assert "line 2, ahv_number" in done.stderr
    assert "line 3, family_name" in done.stderr
    assert "756" not in done.stdout + done.stderr
    assert "line 4: linked R-000001" in done.stdout


def test_a_file_without_addresses_is_refused(service, people):
    done = service.command("linking", "match", people("family_name;given_name;birth_date", "A;B;1987-05-14"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "line 1, email" in done.stderr


def test_the_same_people_and_register_give_the_same_parameters(service, known, tmp_path):
    file = tmp_path / "matcher.toml"
    done = service.command("linking", "train", known, "--output", str(file), "--name", "autumn", "--json")
    assert done.returncode == 0, done.stderr
    again = service.command("linking", "train", known, "--name", "autumn")
    assert again.stdout == file.read_text("utf-8")
    told = json.loads(done.stdout)
    assert (told["version"], told["file"]) == ("autumn", str(file))
    assert told["weights"]["ahv_number"]["equal"] > 10
    assert tomllib.loads(again.stdout)["trained_with"] == "130 examples, 200 records"
    assert load_model(file).version == "autumn"


def test_too_little_to_learn_from_is_said(service, people):
    file = people(
        f"{HEADER};record_number",
        f"{AURELIE['email']};;Chappuis;Aurélie;1987-05-14;{AURELIE['record_number']}",
    )
    done = service.command("linking", "train", file)
    assert (done.returncode, done.stdout) == (1, "")
    assert "too little to learn from" in done.stderr
