"""The pages of the portfolio: what is shown, found and fetched, and what whoever is not linked yet is told."""

from datetime import date
from itertools import count

import pytest
from api_client import PROFILE, PUBLIC_URL, Client, House, running
from page_reader import PageReader
from portfolio_files import PDF, HandedOver, sha256
from services import new_database

NUMBERS = count(1)


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with new_database(postgres, template) as database, running(database, home) as house:
        yield house


@pytest.fixture(scope="module")
def clerk(house) -> Client:
    return house.staff("secretariat", "clerk@secretariat.example")


@pytest.fixture
def handed(house, tmp_path) -> HandedOver:
    return HandedOver(tmp_path, house.service.portfolio_items)


def linked(house: House, clerk: Client, tmp_path) -> tuple[PageReader, str]:
    """Somebody with a record of their own."""
    record = f"R-{next(NUMBERS):06}"
    file = tmp_path / f"{record}.csv"
    file.write_text(f"record_number;family_name\n{record};Rossel\n")
    house.service.records.import_file(file, today=date(2025, 1, 1))
    holder = house.holder()
    holder.put("/me/profile", {**PROFILE, "ahv_number": None})
    house.service.watermark.wait(("cases", "directory"), house.service.watermark.open(house.match(holder.id)))
    case = house.service.store.profile(house.service.store.account(holder.id).profile_id).open_case.id
    decision = {"record_number": record, "reason": "identity-checked", "note": None}
    assert clerk.post(f"/cases/{case}/link", decision).status_code == 200
    return PageReader(holder), record


@pytest.fixture
def claire(house, clerk, tmp_path, handed) -> PageReader:
    reader, record = linked(house, clerk, tmp_path)
    handed.take(
        f"{record};course;FC-1;Albums de jeunesse;followed;2025-02-05;2025-03-26;1.5;;",
        f"{record};course;FC-2;<i>Numérique</i>;registered;2026-09-16;2026-11-25;2;;",
        f"{record};certificate;CAS-1;;obtained;;2024-06-28;10;;",
        handed.document(record, "A-1"),
    )
    return reader


def test_the_portfolio_is_listed_by_year_with_what_one_asks_of_it(claire):
    shown = claire.get("/portfolio")
    years = [shown.text.index(f" {year} ") for year in (2026, 2025, 2024)]
    assert years == sorted(years)
    for told in ("Albums de jeunesse", "CAS-1", "1,5 ECTS", "suivi", "a.pdf", "PDF, 29 octets", sha256(PDF)):
        assert told in shown.text
    assert "<i>Numérique" not in shown.html
    assert "<i>Numérique</i>" in shown.text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("kind=course", ["Albums", "Numérique"]),
        ("kind=certificate", ["CAS-1"]),
        ("state=registered", ["Numérique"]),
        ("kind=course&from=2026-01-01", ["Numérique"]),
        ("kind=course&state=&from=&to=2025-12-31", ["Albums"]),
        ("kind=document&state=obtained", []),
    ],
)
def test_the_filter_is_in_the_address(claire, query, found):
    shown = claire.get(f"/portfolio?{query}")
    assert [part for part in ("Albums", "Numérique", "CAS-1", "a.pdf") if part in shown.text] == found
    assert ("Rien ne correspond à ce filtre" in shown.text) == (not found)
    assert "Tout afficher" in shown.text


def test_a_filter_that_cannot_be_says_so_beside_the_field(claire):
    shown = claire.get("/portfolio?from=2026-01-01&to=2025-01-01")
    assert (shown.status, shown.faults.keys()) == (422, {"from"})
    assert claire.get("/portfolio?kind=poem").status == 422


def test_a_document_is_fetched_with_its_checksum_and_is_no_longer_new(claire):
    assert claire.get("/portfolio").text.count("Nouveau") == 4
    again = claire.get("/portfolio")
    assert again.text.count("Nouveau") == 1
    address = again.html.partition('href="/portfolio/documents/')[2].partition('"')[0]
    fetched = claire.get(f"/portfolio/documents/{address}").answer
    assert fetched.get_data() == PDF
    assert fetched.headers["ETag"] == f'"{sha256(PDF)}"'
    assert fetched.headers["Content-Disposition"].startswith("attachment")
    assert "Nouveau" not in claire.get("/portfolio").text


def test_nobody_fetches_what_is_another_s(house, clerk, claire, tmp_path):
    address = claire.get("/portfolio").html.partition('href="/portfolio/documents/')[2].partition('"')[0]
    (tmp_path / "other").mkdir()
    other, _ = linked(house, clerk, tmp_path / "other")
    assert other.get(f"/portfolio/documents/{address}").status == 404
    assert (
        house.app.test_client().get(f"/portfolio/documents/{address}", base_url=PUBLIC_URL).status_code == 303
    )
    assert "Rien n'est encore publié" in other.get("/portfolio").text


def test_a_long_portfolio_goes_on(house, clerk, handed, tmp_path):
    reader, record = linked(house, clerk, tmp_path)
    handed.take(*(f"{record};course;FC-{number:03};;followed;2025-02-05;;;;" for number in range(60)))
    first = reader.get("/portfolio?kind=course")
    following = first.html.partition('href="/portfolio?cursor=')[2].partition('"')[0].replace("&amp;", "&")
    second = reader.get(f"/portfolio?cursor={following}")
    assert (first.html.count('class="item"'), second.html.count('class="item"')) == (50, 10)
    assert "Revenir au début" in second.text
    assert reader.get("/portfolio?cursor=made-up").status == 400


def test_whoever_is_not_linked_yet_is_told_what_to_do(house):
    reader = PageReader(house.holder())
    assert "Remplir «Mes données»" in reader.get("/portfolio").text
    saved = reader.client.put("/me/profile", PROFILE)
    house.service.watermark.wait(("directory",), house.service.watermark.open(saved.headers["Log-Position"]))
    assert "au plus trois jours ouvrables, jusqu'au" in reader.get("/portfolio").text
    assert reader.get("/portfolio/documents/9d1b0c9e-5a51-4f0c-a6a2-3c6b7c1f0d7e").status == 403
