"""The console's pages: who may see them, in which language, and what stays of having seen them."""

import csv
import io
import re
from datetime import date

import pytest
from page_visitor import Visitor
from secretariat import at_the_console, case_of, reads_of, secretariat, waiting

from domain.calendar import ZURICH
from infrastructure.translations import LOCALES

CLERK, AUDITOR = "kim.frei@secretariat.example", "paul.audit@canton.example"


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    with secretariat(postgres, template, tmp_path_factory.mktemp("home")) as house:
        yield house


@pytest.fixture(scope="module")
def kim(house):
    return house.staff("secretariat", CLERK)


@pytest.fixture(scope="module")
def clerk(house, kim) -> Visitor:
    return at_the_console(house, kim)


@pytest.fixture(scope="module")
def claire(house):
    """Her record has another address."""
    return waiting(house)


def test_each_page_is_for_those_whose_role_it_is(house, clerk, claire):
    auditor = at_the_console(house, house.staff("auditor", AUDITOR))
    holder = at_the_console(house, claire)
    keeper = at_the_console(house, house.staff("data-protection", "keeper@school.example"))
    pages = {
        "/console": (clerk, auditor),
        "/console/cases.csv": (clerk, auditor),
        case_of(house, claire): (clerk, auditor),
        f"{case_of(house, claire)}/reject": (clerk,),
        f"{case_of(house, claire)}/take": (clerk,),
        "/console/accounts": (clerk, auditor, keeper),
        f"/console/accounts/{claire.id}": (clerk, auditor, keeper),
        f"/console/accounts/{claire.id}/past?as_of={today(house)}": (clerk, auditor, keeper),
        f"/console/accounts/{claire.id}/lock": (clerk,),
    }
    for path, readers in pages.items():
        assert Visitor(house).get(path).leads_to == f"/?next={path.partition('?')[0]}"
        for visitor in (clerk, auditor, holder, keeper):
            expected = 200 if visitor in readers else 403
            assert visitor.get(path).status_code == expected, (path, visitor)
    _, saved = house.service.accounts.grant("secretariat", "new@school.example", None, actor=kim_id(house))
    new = at_the_console(house, house._signed_in("new@school.example", saved))
    assert new.get("/console").leads_to == "/profile/second-factors"


def test_tabs_are_those_of_the_role(house, clerk):
    assert "Dossiers" in tabs(clerk.get("/console"))
    assert tabs(clerk.get("/welcome"))[-1] == "Console"


def test_every_page_speaks_every_language_and_runs_nothing_inline(house, clerk, claire):
    for locale in LOCALES:
        for path in (
            "/console",
            "/console?state=all",
            "/console?state=asked",
            case_of(house, claire),
            f"{case_of(house, claire)}/question?template=names",
            f"{case_of(house, claire)}/create-record",
            "/console/accounts",
            f"/console/accounts/{claire.id}",
            f"/console/accounts/{claire.id}/recovery",
            f"/console/accounts/{claire.id}/past?as_of={today(house)}",
        ):
            page = clerk.get(f"{path}{'&' if '?' in path else '?'}lang={locale}").html
            assert f'<html lang="{locale}">' in page
            assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", page), path
    clerk.get("/console?lang=fr")


def test_the_queue_tells_who_waits_why_and_until_when(clerk, claire):
    page = clerk.get("/console").words
    assert claire.email in page
    assert "Autre adresse e-mail dans la fiche" in page
    assert claire.email not in clerk.get("/console?late=true").words
    assert clerk.get("/console?state=rejected&lang=fr").status_code == 200
    assert clerk.get("/console?state=mine").leads_to == "/console"
    assert clerk.get("/console?cursor=x").leads_to == "/console"


def test_what_is_shown_comes_as_a_file_and_leaves_a_trace(house, clerk, kim):
    danger = waiting(house, given_name="=1+1")
    file = clerk.get("/console/cases.csv")
    assert file.mimetype == "text/csv"
    found = [
        row
        for row in csv.DictReader(io.StringIO(file.get_data(as_text=True)))
        if row["email"] == danger.email
    ]
    assert [row["given_name"] for row in found] == ["'=1+1"]
    last = reads_of(house, kim)[-1]
    assert (last["what"], last["filters"]) == ("cases", {"state": "open", "format": "csv"})
    assert str(danger.id) in last["accounts"]


def tabs(answer) -> list[str]:
    inside = re.search(r'<nav class="tabs".*?</nav>', answer.html, re.DOTALL)[0]
    return re.findall(r"<a [^>]*>([^<]+)</a>", inside)


def kim_id(house):
    return house.account_id(CLERK)


def today(house) -> date:
    return house.service.clock.now().astimezone(ZURICH).date()
