"""The console's page for files that are taken over, without scripts."""

import io
import re
import threading

import pytest
from api_client import running
from page_visitor import html, text
from running_service import TIRELESS
from secretariat import at_the_console
from services import new_database

from infrastructure.translations import LOCALES

NEEDED = "email;given_name;family_name;locale"
NEVER = threading.Event()


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with new_database(postgres, template) as database, running(database, home, **TIRELESS) as house:
        yield house


def test_a_file_is_rehearsed_then_run_and_its_refused_lines_come_as_a_file(house):
    clerk = at_the_console(house, house.staff("secretariat", "kim@school.example"))
    take_over = next(role for role in house.service.work() if role.name == "take-over")
    clerk.get("/console/imports")
    nothing = clerk.shown(clerk.send("/console/imports", kind="accounts", dry_run="true"))
    assert "Ce champ est obligatoire" in text(nothing)
    content = f"{NEEDED}\ngood@school.example;Ada;Keller;fr\n=bad;Ada;Keller;fr\n".encode()
    file = (io.BytesIO(content), "accounts.csv")
    sent = clerk.send("/console/imports", kind="accounts", dry_run="true", file=file)
    assert sent.status_code == 303, text(sent)
    place = sent.headers["Location"]
    waiting = clerk.get(place)
    assert "En attente" in text(waiting)
    assert '<noscript><meta http-equiv="refresh"' in html(waiting)
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", html(waiting))
    take_over.take_next(NEVER)
    rehearsed = clerk.get(place)
    assert "rien n'a été enregistré" in text(rehearsed).replace("’", "'")
    assert "http-equiv" not in html(rehearsed)
    assert "good@school.example" not in html(rehearsed)
    run = clerk.send(f"{place}/run").headers["Location"]
    assert run != place
    clerk.get("/console/imports")
    assert clerk.send(f"{place}/run").headers["Location"] == "/console/imports"  # its file went along
    take_over.take_next(NEVER)
    done = text(clerk.get(run))
    assert re.search(r"Nouvelles 1 .* Refus 1", done)
    assert house.account_id("good@school.example")
    rows = clerk.get(f"{run}.csv").get_data(as_text=True).splitlines()
    assert rows[0] == "line,field,code,why"
    assert rows[1].startswith("3,email,formula,")
    for locale in LOCALES:
        for path in ("/console/imports", run):
            assert f'<html lang="{locale}">' in html(clerk.get(f"{path}?lang={locale}"))
    auditor = at_the_console(house, house.staff("auditor", "paul@canton.example"))
    assert [auditor.get(path).status_code for path in ("/console/imports", run, f"{run}.csv")] == [403] * 3
