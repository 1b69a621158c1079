"""The dashboard in a browser: for everybody, on a phone, in the dark, on paper."""

from datetime import timedelta
from uuid import uuid4

import pytest
from browsing import DESKTOP, SMALLEST
from secretariat import browser_of, secretariat
from spec import until
from wcag import violations

from domain.calendar import swiss_day

# How high the least letters of the charts are, in pixels.
LEAST = """
Math.min(...[...document.querySelectorAll(".narrow text")].map(each => each.getBoundingClientRect().height))
"""


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    """A month in which something happened each day, and some of it late."""
    with secretariat(postgres, template, tmp_path_factory.mktemp("home")) as house:
        rows, today = [], swiss_day(house.service.clock.now())
        for number in range(40):
            began, account = today - timedelta(days=number), uuid4()
            rows.append((account, "request", began, None, None, None))
            due, ended = began + timedelta(days=3), began + timedelta(days=number % 6)
            done = (ended, "linked") if ended <= today else (None, None)
            rows.append((account, "case", began, due, *done))
        with house.service.pool.connection() as connection, connection.cursor() as cursor:
            until(lambda: cursor.execute("SELECT to_regclass('statistics')").fetchone()[0])
            cursor.executemany(
                "INSERT INTO statistics (id, version, account_id, matter, began, due, ended, outcome)"
                " VALUES (gen_random_uuid(), 0, %s, %s, %s, %s, %s, %s)",
                rows,
            )
        yield house


def test_charts_suit_every_screen_and_scheme_and_their_numbers_open_without_a_mouse(chromium, address, kim):
    with browser_of(chromium, address, kim, **DESKTOP) as page:
        told = []
        page.on("console", lambda message: told.append(message.text))
        page.goto("/console/dashboard?period=week&lang=fr")
        assert page.locator(".wide svg").first.is_visible()
        assert not page.locator(".narrow svg").first.is_visible()
        summary = page.locator("details.numbers summary").first
        summary.focus()
        page.keyboard.press("Enter")
        assert page.locator("details.numbers table").first.is_visible()
        page.set_viewport_size(SMALLEST["viewport"])
        assert page.locator(".narrow svg").first.is_visible()
        assert page.evaluate(LEAST) >= 9
        assert violations(page) == []
        page.emulate_media(media="print")
        assert page.locator(".wide svg").first.is_visible()
        assert not page.locator(".days").is_visible()
        assert told == []
