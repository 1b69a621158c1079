"""`matricule import`: beside the running service, for people and for programs."""

import json

import pytest
from portfolio_files import PDF, sha256
from running_service import RunningService, a_service
from services import new_database

HEADER = "record_number;kind;number;title;file;sha256\n"


@pytest.fixture(scope="module")
def service(postgres, template):
    with new_database(postgres, template) as database, a_service(DATABASE_URL=database) as service:
        service.run()
        yield service


@pytest.fixture
def export(tmp_path):
    """A folder with a document, and beside it a file with a good line and a wrong one."""
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(PDF)
    file = tmp_path / "portfolio.csv"
    file.write_text(
        f"{HEADER}R-9;document;1;Attestation;a.pdf;{sha256(PDF)}\nR-9;document;2;;../a.pdf;{sha256(PDF)}\n"
    )
    return file, folder


def imported(service: RunningService) -> list[tuple]:
    return service.rows("SELECT number, file FROM portfolio WHERE record_number = 'R-9'")


def test_a_portfolio_is_rehearsed_taken_and_taken_again(service, export):
    file, folder = map(str, export)
    command = ("import", "portfolio", file, "--folder", folder, "--json")
    rehearsed = service.command(*command, "--dry-run")
    assert imported(service) == []
    done, again = service.command(*command), service.command(*command)
    assert [each.returncode for each in (rehearsed, done, again)] == [1, 1, 1]
    assert rehearsed.stdout == done.stdout
    report = json.loads(done.stdout)
    (refused,) = report.pop("refused")
    assert report == {"read": 2, "added": 1, "changed": 0, "unchanged": 0, "refused_count": 1}
    assert (refused["line"], refused["field"]) == (3, "file")
    assert "folder" in refused["why"]
    assert json.loads(again.stdout)["unchanged"] == 1
    assert imported(service) == [("1", "a.pdf")]


def test_people_are_told_in_their_language_line_by_line(service, export):
    file, folder = map(str, export)
    done = service.command("import", "portfolio", file, "--folder", folder, "--language", "fr", "--dry-run")
    assert "2 lines read" in done.stdout
    assert "Nothing was written" in done.stdout
    assert "line 3, file: Le fichier doit être désigné par son chemin dans le dossier" in done.stderr.replace(
        "\n", " "
    )


def test_where_all_is_well_the_status_is_0_and_the_folder_is_that_of_the_file(service, export):
    _, folder = export
    (folder / "b.csv").write_text(f"{HEADER}R-8;document;1;;a.pdf;{sha256(PDF)}\n")
    done = service.command("import", "portfolio", str(folder / "b.csv"))
    assert done.returncode == 0, done.stderr
    assert "1 added" in done.stdout


def test_records_are_taken_by_the_same_command(service, tmp_path):
    file = tmp_path / "records.csv"
    file.write_text("record_number;sex\nR-9001;F\nR-9002;x\n")
    done = service.command("import", "records", str(file), "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["added"] == 1


@pytest.mark.parametrize("arguments", [("nowhere.csv",), ("portfolio.csv", "--folder", "nowhere")])
def test_what_is_not_there_is_used_wrongly(service, arguments):
    assert service.command("import", "portfolio", *arguments).returncode == 2


def test_a_folder_in_which_nothing_can_be_kept_is_told_in_a_line(service, export):
    file, folder = map(str, export)
    kept = service.home / "documents"
    kept.rename(kept.with_name("away"))
    kept.write_text("in the way")
    try:
        done = service.command("import", "portfolio", file, "--folder", folder)
    finally:
        kept.unlink()
        kept.with_name("away").rename(kept)
    assert done.returncode == 1
    assert "run it again" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demonstration_comes_with_a_portfolio_for_whoever_walks_through_it(service):
    kinds = service.rows(
        "SELECT kind, count(*), count(file) FROM portfolio WHERE record_number = 'R-000001' GROUP BY kind ORDER BY kind"
    )
    assert kinds == [("certificate", 1, 1), ("course", 3, 0), ("document", 1, 1)]
