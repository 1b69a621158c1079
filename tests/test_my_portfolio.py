"""The pages of the portfolio: what is shown, found and fetched, and what whoever is not linked yet is told."""

import pytest
from api_client import PROFILE, PUBLIC_URL, Client, running
from linked_people import linked
from page_visitor import Visitor
from portfolio_files import PDF, HandedOver, sha256
from services import new_database


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


@pytest.fixture
def claire(house, clerk, tmp_path, handed) -> Visitor:
    holder, record = linked(house, clerk, tmp_path)
    handed.take(
        f"{record};course;FC-1;Albums de jeunesse;followed;2025-02-05;2025-03-26;1.5;;",
        f"{record};course;FC-2;<i>Numérique</i>;registered;2026-09-16;2026-11-25;2;;",
        f"{record};certificate;CAS-1;;obtained;;2024-06-28;10;;",
        handed.document(record, "A-1"),
    )
    return Visitor(house).with_session_of(holder)


def test_the_portfolio_is_listed_by_year_with_what_one_asks_of_it(claire):
    shown = claire.open("/portfolio")
    years = [shown.words.index(f" {year} ") for year in (2026, 2025, 2024)]
    assert years == sorted(years)
    for told in ("Albums de jeunesse", "CAS-1", "1,5 ECTS", "suivi", "a.pdf", "PDF, 29 octets", sha256(PDF)):
        assert told in shown.words
    assert "<i>Numérique" not in shown.html
    assert "<i>Numérique</i>" in shown.words


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
    shown = claire.open(f"/portfolio?{query}")
    assert [part for part in ("Albums", "Numérique", "CAS-1", "a.pdf") if part in shown.words] == found
    assert ("Rien ne correspond à ce filtre" in shown.words) == (not found)
    assert "Tout afficher" in shown.words


def test_a_filter_that_cannot_be_says_so_beside_the_field(claire):
    shown = claire.open("/portfolio?from=2026-01-01&to=2025-01-01")
    assert (shown.status_code, shown.faults.keys()) == (422, {"from"})
    assert claire.open("/portfolio?kind=poem").status_code == 422


def test_a_document_is_fetched_with_its_checksum_and_is_no_longer_new(claire):
    assert claire.open("/portfolio").words.count("Nouveau") == 4
    again = claire.open("/portfolio")
    assert again.words.count("Nouveau") == 1
    address = again.html.partition('href="/portfolio/documents/')[2].partition('"')[0]
    fetched = claire.open(f"/portfolio/documents/{address}")
    assert fetched.get_data() == PDF
    assert fetched.headers["ETag"] == f'"{sha256(PDF)}"'
    assert fetched.headers["Content-Disposition"].startswith("attachment")
    assert "Nouveau" not in claire.open("/portfolio").words


def test_nobody_fetches_what_is_another_s(house, clerk, claire, tmp_path):
    address = claire.open("/portfolio").html.partition('href="/portfolio/documents/')[2].partition('"')[0]
    other = Visitor(house).with_session_of(linked(house, clerk, tmp_path)[0])
    assert other.open(f"/portfolio/documents/{address}").status_code == 404
    assert (
        house.app.test_client().get(f"/portfolio/documents/{address}", base_url=PUBLIC_URL).status_code == 303
    )
    assert "Rien n'est encore publié" in other.open("/portfolio").words


def test_a_long_portfolio_goes_on(house, clerk, handed, tmp_path):
    holder, record = linked(house, clerk, tmp_path)
    handed.take(*(f"{record};course;FC-{number:03};;followed;2025-02-05;;;;" for number in range(60)))
    reader = Visitor(house).with_session_of(holder)
    first = reader.open("/portfolio?kind=course")
    following = first.html.partition('href="/portfolio?cursor=')[2].partition('"')[0].replace("&amp;", "&")
    second = reader.open(f"/portfolio?cursor={following}")
    assert (first.html.count('class="item"'), second.html.count('class="item"')) == (50, 10)
    assert "Revenir au début" in second.words
    assert reader.open("/portfolio?cursor=made-up").status_code == 400


def test_whoever_is_not_linked_yet_is_told_what_to_do(house):
    reader = Visitor(house).with_session_of(house.holder())
    assert "Remplir «Mes données»" in reader.open("/portfolio").words
    saved = reader.holder.put("/me/profile", PROFILE)
    house.service.watermark.wait(("directory",), house.service.watermark.open(saved.headers["Log-Position"]))
    assert "au plus trois jours ouvrables, jusqu'au" in reader.open("/portfolio").words
    assert reader.open("/portfolio/documents/9d1b0c9e-5a51-4f0c-a6a2-3c6b7c1f0d7e").status_code == 403
