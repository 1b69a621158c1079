"""A clerk's morning at the console: from the keyboard alone, two clerks at once, and what was wrong taken back."""

import pytest
from browsing import DESKTOP, PHONE, SMALLEST, path_of
from secretariat import browser_of, case_of, secretariat, waiting
from wcag import violations

from domain.values import ahv_check_digit

CASES = 30
TOO_WIDE = "document.documentElement.scrollWidth > innerWidth"


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    numbers = range(1, CASES + 1)
    records = [
        f"R-3{n:03};{ahv(n)};Montavon;Louise;;1981-03-{n:02};female;Chemin du Pré {n};2800;Delémont;l{n}@old.example;"
        for n in numbers
    ]
    with secretariat(postgres, template, tmp_path_factory.mktemp("home"), *records) as house:
        yield house


def ahv(number: int) -> str:
    digits = f"7561000{number:05}"
    return digits + ahv_check_digit(digits)


def louise(house, number: int):
    """Whose record agrees in all that identifies, but has another address."""
    return waiting(
        house,
        ahv_number=ahv(number),
        given_name="Louise",
        family_name="Montavon",
        birth_name=None,
        birth_date=f"1981-03-{number:02}",
    )


def press(page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_a_morning_of_cases_is_decided_from_the_keyboard_alone(house, chromium, address, kim):
    people = [louise(house, number) for number in range(1, CASES + 1)]
    with browser_of(chromium, address, kim, **DESKTOP) as page:
        page.goto("/console")
        assert page.locator("[data-row]").count() == CASES
        press(page, "j", "j", "k", "Enter")
        page.wait_for_selector("#decision")
        for left in range(CASES - 1, -1, -1):
            before = page.url
            press(page, "1", "l")
            page.wait_for_url(lambda url, before=before: url != before)
            assert "est liée au dossier" in page.inner_text(".told-good")
            if left:
                page.wait_for_selector("#decision")
        assert path_of(page) == "/console"
        assert "Tout est traité" in page.inner_text("main")
        # The last one was wrong.
        press(page, "z")
        page.wait_for_selector("#decision")
        assert "de nouveau à traiter" in page.inner_text(".told-good")
        # Keys do nothing while one types; what is not certain wants a reason.
        press(page, "0")
        page.keyboard.type("jukl")
        assert page.input_value("#other_record_number") == "jukl"
        page.fill("#other_record_number", "")
        press(page, "Escape", "l")
        assert page.evaluate("document.activeElement.id") == "reason"
        press(page, "Escape", "r")
        page.wait_for_url("**/reject")
        page.select_option("#reason", "identity-unproven")
        press(page, "Escape", "r")
        page.wait_for_url("**/console")
        assert "refusée" in page.inner_text(".told-good")
        # Whoever does not want them turns them off.
        press(page, "?")
        page.click("[data-keys-switch]")
        page.reload()
        press(page, "?")
        assert page.locator("[data-keys][open]").count() == 0
    states = [house.service.directory.get(each.id).link_state for each in people]
    assert sorted(states) == ["linked"] * (CASES - 1) + ["rejected"]


def test_of_two_clerks_at_one_case_the_second_is_told_who_was_first(house, chromium, address, kim):
    lou = house.staff("secretariat", "lou.graf@secretariat.example")
    case = case_of(house, waiting(house))
    with (
        browser_of(chromium, address, kim, **DESKTOP) as first,
        browser_of(chromium, address, lou, **PHONE, java_script_enabled=False) as second,
    ):
        for page in (first, second):
            page.goto(case)
            page.check("input[value='R-1001']")
        first.click("#decision .button")
        first.wait_for_selector(".told-good")
        second.click("#decision .button")
        assert "kim.frei@secretariat.example l'a réglé avant vous" in second.inner_text(".told-wrong")
        assert "Lié au dossier R-1001" in second.inner_text(".decide")
        second.click(".decide >> text=Annuler la liaison")
        second.select_option("#reason", "wrong-record")
        second.click("form[data-form] .button")
        assert "de nouveau à traiter" in second.inner_text(".told-good")


def test_no_page_of_the_console_has_a_violation(house, chromium, address, kim):
    holder = waiting(house, given_name="W" * 60, ahv_number=None)
    case, sheet = case_of(house, holder), f"/console/accounts/{holder.id}"
    pages = ("/console", f"{case}/question", sheet, f"{sheet}/merge")
    found = {}
    with browser_of(chromium, address, kim, **SMALLEST) as page:
        for path in pages:
            page.goto(path)
            page.keyboard.press("?")
            found[path] = violations(page)
        page.goto(f"{case}/reject")
        page.click("#decision .button")
        found["wrong"] = violations(page)
        page.goto("/console/accounts")
        page.fill("#q", "www")
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-row]")
        assert "www" not in page.url
        found["found"] = violations(page)
        page.set_viewport_size(DESKTOP["viewport"])
        for path in pages:
            page.goto(path)
            if page.evaluate(TOO_WIDE):
                found[path].append("too wide at a desk")
    assert {place: told for place, told in found.items() if told} == {}
