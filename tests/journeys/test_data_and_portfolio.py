"""From the red banner to the linked record, its courses and its documents, as people go it."""

import csv
import hashlib
from itertools import islice
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import DESKTOP, PHONE, SMALLEST, end_session, heading, path_of, send, sign_in
from playwright.sync_api import expect

SAMPLES = Path(__file__).parents[2] / "infrastructure" / "samples" / "records.csv"
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
ENDLESS = "W" * 180 + "<b>\"'\N{RIGHT-TO-LEFT OVERRIDE}\N{GRINNING FACE}</b>"
IN_FIELDS = [
    "ahv_number",
    "given_name",
    "family_name",
    "birth_name",
    "birth_date",
    "street",
    "postal_code",
    "city",
    "phone",
]


def somebody(number: int) -> dict[str, str]:
    """A record of the demonstration, whose address an account is asked for with: it is linked at once."""
    with SAMPLES.open(encoding="utf-8", newline="") as file:
        (record,) = islice(csv.DictReader(file, delimiter=";"), number, number + 1)
    return record


def fill_in(page, record, **different):
    for name in IN_FIELDS:
        page.fill(f"#{name}", {**record, **different}[name])
    page.check(f"input[name=sex][value={record['sex']}]")
    page.select_option("#nationality", "CH")
    page.check("input[name=canton][value=JU]")


def violations(page):
    """What axe-core finds, and what is wider than the screen."""
    found = Axe().run(page, options=RULES).response["violations"]
    told = [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]
    width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return told + ([f"{width} px wider than the screen"] if width > 0 else [])


def test_on_a_phone_without_scripts_nothing_is_lost_on_the_way_to_the_documents(portal):
    record = somebody(0)
    password = portal.account(record["email"])
    with portal.visitor(**PHONE, java_script_enabled=False) as page:
        sign_in(page, record["email"], password)
        page.click("text=Remplir «Mes données»")
        assert page.input_value("#family_name") == "Keller"
        fill_in(page, record, birth_date="14. 5. 1987", city="")
        end_session(page.context)
        page.click("text=Continuer")
        assert path_of(page) == "/"
        page.fill("#email", record["email"])
        page.fill("#password", password)
        send(page)
        assert path_of(page) == "/my-data/edit"
        assert page.input_value("#street") == record["street"]
        page.click("text=Continuer")
        assert page.inner_text("#city-fault") == "Saisissez votre localité."
        page.fill("#city", record["city"])
        page.click("text=Continuer")
        assert (path_of(page), heading(page)) == ("/my-data/check", "Contrôlez vos données")
        page.go_back()
        assert page.input_value("#city") == record["city"]
        page.click("text=Continuer")
        page.click("text=Modifier")
        assert page.input_value("#family_name") == record["family_name"]
        page.click("text=Continuer")
        page.wait_for_url("**/my-data/check")
        page.reload()
        assert page.is_visible("[data-banner=profile]")
        page.click("text=Enregistrer")
        page.wait_for_url("**/my-data")
        page.reload()
        assert not page.is_visible("[data-banner=profile]")
        portal.letter(record["email"], "link-confirmed")
        page.go_back()  # to what was looked over, and is saved
        page.goto("/my-data")
        assert page.is_visible("text=Votre compte est lié à votre dossier")
        page.click("text=Portefeuille")
        page.click("nav.kinds >> text=Certificats")
        assert page.url.endswith("/portfolio?kind=certificate")
        with page.expect_download() as fetching:
            page.click("text=Télécharger")
        fetched = Path(fetching.value.path()).read_bytes()
        assert page.inner_text(".checksum code") == hashlib.sha256(fetched).hexdigest()
        page.reload()
        assert not page.is_visible("text=Nouveau")


def test_by_keyboard_alone_with_scripts_that_help_until_the_page_says_linked(portal):
    record = somebody(9)
    password = portal.account(record["email"], **{k: record[k] for k in ("given_name", "family_name")})
    digits = record["ahv_number"].replace(".", "")
    with portal.visitor(**DESKTOP) as page:
        sign_in(page, record["email"], password)
        page.goto("/my-data")
        keys = page.keyboard

        def reach(field: str) -> None:
            for _ in range(30):
                keys.press("Tab")
                if page.evaluate("document.activeElement.id || document.activeElement.name") == field:
                    return
            raise AssertionError(f"{field} is not reached")

        reach("ahv_number")
        keys.type(digits[:12] + str((int(digits[12]) + 1) % 10))
        reach("ahv_number_missing")
        assert page.inner_text("#ahv_number-fault").startswith("Ce numéro AVS contient une faute de frappe")
        keys.press("Shift+Tab")
        keys.press("End")
        keys.press("Backspace")
        keys.type(digits[12])
        assert page.input_value("#ahv_number") == record["ahv_number"]
        reach("birth_date")
        keys.type("".join(reversed(record["birth_date"].split("-"))))
        reach("sex")
        assert page.input_value("#birth_date") == ".".join(reversed(record["birth_date"].split("-")))
        keys.press("Space" if record["sex"] == "female" else "ArrowRight")
        reach("nationality")
        keys.type("Suisse")
        reach("street")
        keys.type(record["street"])
        reach("postal_code")
        keys.type(record["postal_code"])
        expect(page.locator("#city")).to_have_value(record["city"])
        reach("canton")
        keys.press("ArrowDown")
        page.evaluate("document.querySelector('main [name=csrf_token]').value = 'old'")
        keys.press("Enter")
        page.wait_for_selector("text=Rien n'a encore été envoyé")
        assert page.input_value("#street") == record["street"]
        reach("canton")
        keys.press("Enter")
        page.wait_for_url("**/my-data/check")
        page.focus("text=Enregistrer")
        keys.press("Enter")
        page.wait_for_url("**/my-data")
        page.evaluate("window.sameDocument = true")
        page.wait_for_selector("[data-standing=linked]")
        assert page.evaluate("window.sameDocument")
        assert page.is_visible("text=Votre compte est lié à votre dossier")


@pytest.mark.parametrize(
    ("number", "language", "scheme", "screen"),
    [(12, "fr", "light", SMALLEST), (14, "de", "dark", DESKTOP)],
    ids=["320 px, light", "desktop, dark"],
)
def test_no_page_has_a_violation_or_is_too_wide(portal, number, language, scheme, screen):
    record, found = somebody(number), {}
    password = portal.account(record["email"], given_name=ENDLESS)
    with portal.visitor(**screen, color_scheme=scheme) as page:
        sign_in(page, record["email"], password)
        page.goto(f"/portfolio?lang={language}")
        found["not linked"] = violations(page)
        page.goto("/my-data")
        page.click("main form .button")
        found["errors"] = violations(page)
        fill_in(page, record, street=ENDLESS)
        page.click("main form .button")
        found["check"] = violations(page)
        other = page.context.new_page()
        other.goto("/my-data/edit")
        other.fill("#street", ENDLESS[::-1])
        other.click("main form .button")
        other.click("main form .button")
        found["waiting"] = violations(other)
        page.click("main form .button")
        page.wait_for_selector(".differs")
        found["stale"] = violations(page)
        other.wait_for_selector("[data-standing=linked]")
        found["linked"] = violations(other)
        page.goto("/portfolio?state=obtained")
        found["portfolio"] = violations(page)
        page.goto("/portfolio?state=obtained&kind=document&lang=en")
        found["nothing"] = violations(page)
    assert {place: told for place, told in found.items() if told} == {}
