"""An auditor's question, answered from the pages alone: was this teacher linked that day, by whom, and is it proven?"""

import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from auditor_at_work import linked_by
from babel.dates import format_date
from browsing import DESKTOP, SMALLEST, send
from secretariat import browser_of, secretariat
from wcag import in_its_language, violations

from domain.calendar import ZURICH

RECORD, CLERK = "R-1001", "kim.frei@secretariat.example"


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    with secretariat(postgres, template, tmp_path_factory.mktemp("home")) as house:
        yield house


@pytest.fixture(scope="module")
def teacher(house):
    teacher = linked_by(house, house.staff("secretariat", CLERK))
    house.service.checkpoints.publish()
    return teacher


@pytest.fixture(scope="module")
def auditor(house):
    return house.staff("auditor", "paul.audit@canton.example")


def saved(page, folder, click: str) -> str:
    """The name of what a click downloads."""
    with page.expect_download() as download:
        page.click(click)
    download.value.save_as(folder / download.value.suggested_filename)
    return download.value.suggested_filename


def checked(folder, *arguments: str) -> str:
    """What the program says that the page handed out, alone in its folder."""
    done = subprocess.run(
        [sys.executable, "-I", "verify.py", *arguments, "--language", "fr"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_was_this_teacher_linked_that_day_by_whom_and_can_it_be_proven(
    chromium, address, auditor, teacher, tmp_path
):
    today = datetime.now(ZURICH).date()
    with browser_of(chromium, address, auditor, **DESKTOP) as page:
        page.goto("/console/audit")
        assert "Le journal continue ce qui a été signé" in page.inner_text("main")
        verifier = saved(page, tmp_path, "a:has-text('verify.py')")
        checkpoint = saved(page, tmp_path, "a:has-text('signé maintenant')")
        key = (tmp_path / saved(page, tmp_path, "a:has-text('La clé')")).read_text().strip()
        assert verifier == "verify.py"

        page.click("text=Choisir un compte")
        page.fill("#account", teacher.email)
        send(page)
        page.fill("#day", str(today))
        page.click("text=Voir")
        page.wait_for_url("**?day=*")
        state = page.inner_text("[data-standing]")
        assert page.inner_text("[data-field=link_state] dd") == "lié"
        assert page.inner_text("[data-field=record_number] dd") == RECORD
        assert page.inner_text("[data-field=by] dd") == CLERK
        assert "756.••••" in state
        page.fill("#day", str(today - timedelta(days=1)))
        page.click("text=Voir")
        assert "n'existait pas encore" in page.inner_text("[role=alert]")
        page.go_back()

        page.focus("[data-range]")
        page.keyboard.press("ArrowLeft")
        page.wait_for_selector("[data-field=link_state] dd:has-text('en attente')")
        assert "at_position=" in page.url
        assert page.evaluate("document.activeElement.matches('[data-range]')")
        page.keyboard.press("End")
        page.wait_for_selector("[data-field=link_state] dd:has-text('lié')")
        assert CLERK in page.inner_text(".happened")
        page.select_option("#purpose", "audit")
        page.click("text=Afficher")
        page.wait_for_selector(".purpose-noted")
        assert "••••" not in page.inner_text("[data-field=ahv_number] dd")

        page.click("text=Prouver cet événement")
        assert "Le chemin mène à la racine" in page.inner_text("main")
        proof = saved(page, tmp_path, "text=La preuve de cet événement")
        assert "profile.record-linked" in checked(tmp_path, proof, "--key", key)

        page.goto(f"/console/audit/accounts/{teacher.id}/evidence")
        evidence = saved(page, tmp_path, "button:has-text('Télécharger')")
        said = checked(tmp_path, evidence, "--key", key, "--checkpoint", checkpoint)
        assert f"Le dossier {RECORD} a été lié le {format_date(today, 'long', locale='fr_CH')}" in said
        assert f"par {CLERK}" in said
        assert "rien de ce qu'il couvrait n'a été modifié ou retiré depuis" in said

        page.goto(f"/console/audit/events?account={teacher.id}")
        export = saved(page, tmp_path, "a:has-text('CSV')")
        page.click("text=Contrôler un export")
        page.click(f"text={export}")
        manifest = saved(page, tmp_path, "a:has-text('Le manifeste signé')")
        assert "tel que le service l'a envoyé" in checked(
            tmp_path, export, "--manifest", manifest, "--key", key
        )


def test_no_page_of_the_auditor_has_a_violation_and_all_go_without_scripts(
    chromium, address, auditor, teacher
):
    with browser_of(chromium, address, auditor, **SMALLEST, java_script_enabled=False) as page:
        page.goto(f"/console/audit/accounts/{teacher.id}")
        assert not page.is_visible("[data-range]")
        page.click("text=Événement précédent")
        assert page.inner_text("[data-field=link_state] dd") == "en attente"
        page.click("text=Événement suivant")
        assert page.inner_text("[data-field=link_state] dd") == "lié"
    found = {}
    with browser_of(chromium, address, auditor, **SMALLEST) as page:
        page.goto("/console/audit/events?type=profile.record-linked")
        proof = page.get_attribute(".event-when a", "href")
        with page.expect_download() as download:
            page.click("a:has-text('JSON Lines')")
        download.value.path()
        page.goto("/console/audit/exports")
        export = page.get_attribute("tbody th a", "href")
        account = f"/console/audit/accounts/{teacher.id}"
        for path, checked_for in (
            ("/console/audit", violations),
            (account, in_its_language),
            (proof, in_its_language),
            ("/console/audit/accounts", in_its_language),
            (f"{account}?day=2020-01-01", in_its_language),
            (f"{account}/changes?from_day=2020-01-01", in_its_language),
            (f"{account}/evidence", in_its_language),
            (f"/console/audit/events?account={teacher.id}", in_its_language),
            (f"/console/audit/accesses?account={teacher.id}", in_its_language),
            (export, in_its_language),
        ):
            page.goto(f"{path}{'&' if '?' in path else '?'}lang=de")
            found[path] = checked_for(page)
    assert {place: told for place, told in found.items() if told} == {}
