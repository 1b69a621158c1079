"""A clerk brings a file: rehearsed, run, followed as it goes; on a desktop, a phone and the smallest screen."""

import threading

import pytest
from browsing import DESKTOP, PHONE, SMALLEST
from secretariat import browser_of, secretariat
from wcag import violations

TOO_WIDE = "document.documentElement.scrollWidth > innerWidth"
EVERY = 1_500  # ms, after which the page looks again
LINES = [
    "E-Mail;Prénom;Nom;Langue;Rabais",
    *(f"j{number}@school.example;Ada;Keller;fr;x" for number in range(1_500)),
]


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    with secretariat(postgres, template, tmp_path_factory.mktemp("home")) as house:
        yield house


def test_a_file_is_brought_checked_and_run_while_the_page_keeps_itself_up_to_date(
    house, chromium, address, kim, tmp_path
):
    file = tmp_path / "accounts.csv"
    file.write_text("\n".join([*LINES, "wrong;Ada;Keller;fr;x", "=1;Ada;Keller;it;x", ""]), "utf-8")
    take_over = next(role for role in house.service.work() if role.name == "take-over")
    with browser_of(chromium, address, kim, **DESKTOP) as page:
        page.clock.install()
        page.goto("/console/imports")
        page.set_input_files("#file", file)
        page.click("summary:has-text('colonnes')")
        page.fill("#map", "Rabais=-")
        page.click("text=Vérifier d")
        page.wait_for_selector("[data-live=running]")
        with page.expect_response(page.url):
            page.clock.fast_forward(EVERY)
        take_over.take_next(threading.Event())
        page.clock.fast_forward(EVERY)
        page.wait_for_selector("[data-live=over]")
        assert "rien n'a été enregistré" in page.inner_text("main").replace("\u2019", "'")
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
        assert not violations(page)
