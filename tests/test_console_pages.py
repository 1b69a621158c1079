"""The console's pages: who may see them, in which language, and what stays of having seen them."""

import csv
import io
import re
from datetime import date
from uuid import uuid4

import pytest
from page_visitor import Visitor
from secretariat import at_the_console, case_of, reads_of, secretariat, waiting
from werkzeug.routing import Rule

from api.web.console.queue import BATCH
from domain.calendar import ZURICH
from infrastructure.translations import LOCALES

CLERK = "kim.frei@secretariat.example"


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


CASES = ("secretariat", "auditor")
ACCOUNTS = (*CASES, "data-protection")
FIGURES = ("secretariat", "operator")
READERS = {  # of every page that is got
    "console_queue.show": CASES,
    "console_queue.show_cases": CASES,
    "console_queue.export": CASES,
    "console_case.show": CASES,
    "console_case.decide": ("secretariat",),
    "console_case.take": ("secretariat",),
    "console_accounts.show": ACCOUNTS,
    "console_accounts.export": ACCOUNTS,
    "console_sheet.show": ACCOUNTS,
    "console_sheet.show_past": ACCOUNTS,
    "console_actions.act": ("secretariat",),
    "console_actions.approve_recovery": ("secretariat",),
    "console_imports.show": ("secretariat",),
    "console_imports.follow": ("secretariat",),
    "console_imports.export": ("secretariat",),
    "console_dashboard.show": FIGURES,
    "console_dashboard.export": FIGURES,
    "console_audit.show": ("auditor",),
    "console_audit.fetch_checkpoint": ("auditor",),
    "console_audit.fetch_key": ("auditor",),
    "console_audit.fetch_verifier": ("auditor",),
    "console_audit_account.find": ("auditor",),
    "console_audit_account.show": ("auditor",),
    "console_audit_account.show_changes": ("auditor",),
    "console_audit_account.show_evidence": ("auditor",),
    "console_audit_account.fetch_evidence": ("auditor",),
    "console_audit_history.show": ("auditor",),
    "console_audit_history.export": ("auditor",),
    "console_audit_accesses.show": ("auditor",),
    "console_audit_exports.show": ("auditor",),
    "console_audit_exports.show_one": ("auditor",),
    "console_audit_exports.fetch_manifest": ("auditor",),
    "console_audit_proof.show": ("auditor",),
    "console_audit_proof.fetch": ("auditor",),
}


def test_each_page_is_for_those_whose_role_it_is(house, clerk, claire):
    """Of all that there are under the console's address: whoever adds one says for whom it is."""
    visitors = {"secretariat": clerk, "holder": at_the_console(house, claire)} | {
        role: at_the_console(house, house.staff(role, f"{role}@canton.example"))
        for role in ("auditor", "data-protection", "operator")
    }
    there = {
        "account_id": claire.id,
        "case_id": case_of(house, claire).rpartition("/")[2],
        "import_id": uuid4(),  # not found by those who may look
        "export_id": uuid4(),
        "position": 1,
    }
    walked = set()
    for rule in house.app.url_map.iter_rules():
        if not rule.rule.startswith("/console") or "GET" not in rule.methods:
            continue
        walked.add(rule.endpoint)
        path = path_of(rule, there)
        assert Visitor(house).get(path).leads_to == f"/?next={path}"
        for role, visitor in visitors.items():
            answer = visitor.get(path)
            answer.get_data()
            assert answer.status_code < 500, (path, role)
            assert (answer.status_code != 403) == (role in READERS[rule.endpoint]), (path, role)
    assert walked == READERS.keys()
    _, saved = house.service.accounts.grant("secretariat", "new@school.example", None, actor=kim_id(house))
    new = at_the_console(house, house._signed_in("new@school.example", saved))
    assert new.get("/console").leads_to == "/profile/second-factors"


def test_tabs_are_those_of_the_role(house, clerk):
    assert "Cas" in tabs(clerk.get("/console"))
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
            "/console/imports",
            "/console/dashboard",
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
    assert "Autre adresse e-mail dans le dossier" in page
    assert claire.email not in clerk.get("/console?late=true").words
    assert clerk.get("/console?state=rejected&lang=fr").status_code == 200
    assert clerk.get("/console?state=mine").leads_to == "/console"
    assert clerk.get("/console?cursor=x").leads_to == "/console"
    there = clerk.get("/console/cases?state=asked&endpoint=static&_external=1&_anchor=x")
    assert there.leads_to == "/console?state=asked"


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


def test_in_a_long_file_everybody_is_noted_batch_by_batch(house, clerk, kim):
    with house.service.pool.connection() as connection:
        connection.execute(
            "INSERT INTO cases (case_id, account_id, profile_id, state, cause, due, opened_at)"
            " SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'withdrawn', 'no-record',"
            " current_date, now() FROM generate_series(1, %s)",
            (BATCH + 1,),
        )
    try:
        file = clerk.get("/console/cases.csv?state=withdrawn").get_data(as_text=True)
    finally:
        with house.service.pool.connection() as connection:
            connection.execute("DELETE FROM cases WHERE state = 'withdrawn'")
    sent = [row["account_id"] for row in csv.DictReader(io.StringIO(file))]
    first, second = reads_of(house, kim)[-2:]
    assert (len(sent), first["count"], second["count"]) == (BATCH + 1, BATCH, 1)
    assert first["accounts"] + second["accounts"] == sent


def path_of(rule: Rule, there: dict[str, object]) -> str:
    """An address of the rule: with these in its places, and with the first of the words that it lists."""
    worded = re.sub(r'<any\("?([\w-]+)[^>]*>', r"\1", rule.rule)
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda place: str(there[place[1]]), worded)


def tabs(answer) -> list[str]:
    inside = re.search(r'<nav class="tabs".*?</nav>', answer.html, re.DOTALL)[0]
    return re.findall(r"<a [^>]*>([^<]+)</a>", inside)


def kim_id(house):
    return house.account_id(CLERK)


def today(house) -> date:
    return house.service.clock.now().astimezone(ZURICH).date()
