"""The dashboard: figures of a period for those who may read them, with all their numbers, in every language."""

import csv
import io
import re
from datetime import timedelta

import pytest
from secretariat import at_the_console, secretariat, waiting

from domain.calendar import swiss_day
from infrastructure.translations import LOCALES


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    with secretariat(postgres, template, tmp_path_factory.mktemp("home")) as house:
        yield house


@pytest.fixture(scope="module")
def claire(house):
    return waiting(house)


@pytest.fixture(scope="module")
def clerk(house, claire):
    clerk = at_the_console(house, house.staff("secretariat", "kim.frei@secretariat.example"))
    clerk.get("/console?lang=fr")
    return clerk


def tables(page: str) -> dict[str, list[list[str]]]:
    """The numbers behind each figure, by its name."""
    return {
        name: [re.findall(r"<t[hd][^>]*>([^<]*)<", row) for row in re.findall(r"<tr>(.*?)</tr>", figure)]
        for name, figure in re.findall(
            r'<figure[^>]* aria-labelledby="(\w+)">(.*?)</figure>', page, re.DOTALL
        )
    }


def test_it_is_for_the_secretariat_and_operators(house, clerk, claire):
    operator = at_the_console(house, house.staff("operator", "operator@school.example"))
    for path in ("/console/dashboard", "/console/dashboard.csv"):
        assert [who.get(path).status_code for who in (clerk, operator)] == [200, 200]
        for other in (house.staff("auditor", f"auditor-{len(path)}@canton.example"), claire):
            assert at_the_console(house, other).get(path).status_code == 403
    assert "Tableau de bord" in operator.get("/console/dashboard?lang=fr").html
    cases = 'href="/console?late=true"'
    assert cases in clerk.get("/console/dashboard").html
    assert cases not in operator.get("/console/dashboard").html  # who may not see them


def test_figures_have_a_headline_a_chart_and_its_numbers(house, clerk):
    today = swiss_day(house.service.clock.now())
    page = clerk.get("/console/dashboard").html
    found = tables(page)
    assert set(found) == {"time", "backlog", "requests", "ways", "mails"}
    assert "1 cas restait à traiter, dont 0 en retard" in clerk.get("/console/dashboard").words
    head, *days = found["backlog"]
    assert head == ["Jour ou semaine", "À traiter", "En retard"]
    assert (len(days), days[-1][1:]) == (30, ["1", "0"])
    assert (
        days[0][0] == (today - timedelta(days=29)).strftime("%d.%m.%Y")
        or house.service.clock.now().hour >= 22
    )
    assert (
        page.count('role="img"') == 2 * page.count('<details class="numbers">') == 4
    )  # the other three are empty


def test_a_period_is_chosen_by_code_or_by_days_and_what_is_wrong_with_it_is_told(clerk):
    for code, rows in (("week", 7), ("month", 30)):
        page = clerk.get(f"/console/dashboard?period={code}").html
        assert f'period={code}" aria-current="true"' in page
        assert len(tables(page)["requests"]) == rows + 1
    assert 13 <= len(tables(clerk.get("/console/dashboard?period=quarter").html)["requests"]) <= 15  # weeks
    nothing = clerk.get("/console/dashboard?from=2020-01-01&to=2020-01-05")
    assert nothing.status_code == 200
    assert "Rien pendant cette période." in nothing.words
    assert clerk.get("/console/dashboard?period=decade").headers["Location"] == "/console/dashboard"
    for wrong, told in (
        ("from=2026-02-02&to=2026-02-01", "Inversez les deux."),
        ("from=31.12.2025", "Cette date n'existe pas"),
        ("to=2999-01-01", "Cette date est dans le futur."),
    ):
        answer = clerk.get(f"/console/dashboard?{wrong}")
        assert answer.status_code == 422
        assert told in answer.words, wrong
        field, typed = wrong.split("&")[0].split("=")
        assert re.search(f'name="{field}" value="{typed}"[^>]* aria-invalid="true"', answer.html)


def test_every_language_says_it_and_nothing_runs_inline(clerk):
    for locale in LOCALES:
        page = clerk.get(f"/console/dashboard?period=year&lang={locale}").html
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", page)
        assert f'<html lang="{locale}">' in page
    clerk.get("/console?lang=fr")


def test_the_days_come_as_a_file(house, clerk):
    file = clerk.get("/console/dashboard.csv?from=2020-01-01")
    assert file.status_code == 404  # longer than a year
    file = clerk.get("/console/dashboard.csv")
    days = list(csv.DictReader(io.StringIO(file.get_data(as_text=True))))
    assert (file.mimetype, len(days)) == ("text/csv", 30)
    assert (days[-1]["requests"], days[-1]["open"], days[-1]["late"]) == ("1", "1", "0")
