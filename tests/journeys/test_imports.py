"""A clerk brings a file: rehearsed, run, followed as it goes; on a desktop, a phone and the smallest screen."""

import os
import threading
from pathlib import Path

import pytest
from browsing import DESKTOP, PHONE, SMALLEST
from secretariat import browser_of, secretariat, serving
from wcag import violations

TOO_WIDE = "document.documentElement.scrollWidth > innerWidth"
EVERY = 1_500  # ms, after which the page looks again
SHOTS = os.environ.get("IMPORT_SHOTS")
LINES = [
    "E-Mail;Prénom;Nom;Langue;Rabais",
    *(f"j{number}@school.example;Ada;Keller;fr;x" for number in range(1_500)),
]


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    with secretariat(postgres, template, tmp_path_factory.mktemp("home")) as house:
        yield house


def shot(page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS, f"{name}.png")), full_page=True)


def test_a_file_is_brought_checked_and_run_while_the_page_keeps_itself_up_to_date(house, chromium, tmp_path):
    file = tmp_path / "accounts.csv"
    file.write_text("\n".join([*LINES, "wrong;Ada;Keller;fr;x", "=1;Ada;Keller;it;x", ""]), "utf-8")
    kim = house.staff("secretariat", "kim.frei@secretariat.example")
    take_over = next(role for role in house.service.work() if role.name == "take-over")
    with serving(house) as address, browser_of(chromium, address, kim, **DESKTOP) as page:
        page.clock.install()
        page.goto("/console/imports")
        page.set_input_files("#file", file)
        page.click("summary:has-text('colonnes')")
        page.fill("#map", "Rabais=-")
        shot(page, "imports-desktop")
        page.click("text=Vérifier d")
        page.wait_for_selector("[data-live=running]")
        shot(page, "import-waiting-desktop")
        with page.expect_response(page.url):
            page.clock.fast_forward(EVERY)
        take_over.take_next(threading.Event())
        page.clock.fast_forward(EVERY)
        page.wait_for_selector("[data-live=over]")
        assert "rien n'a été enregistré" in page.inner_text("main").replace("\u2019", "'")
        shot(page, "import-rehearsed-desktop")
        assert not violations(page)
        page.goto(f"{page.url}?lang=fr")
        page.click("text=Reprendre ce fichier")
        page.wait_for_selector("[data-live=running]")
        take_over.take_next(threading.Event())
        page.clock.fast_forward(EVERY)
        page.wait_for_selector("[data-live=over]")
        assert page.inner_text("dl.summary").split()[-1] == "3"
        for size, name in ((PHONE, "phone"), (SMALLEST, "smallest")):
            page.set_viewport_size(size["viewport"])
            for path in (page.url, "/console/imports"):
                page.goto(path)
                assert not page.evaluate(TOO_WIDE), (name, path)
                shot(page, f"{'imports' if path.endswith('imports') else 'import-done'}-{name}")
        assert not violations(page)
