"""From the red banner to the linked record, its courses and its documents, as people go it."""

import hashlib
from pathlib import Path

from browsing import DESKTOP, PHONE, SMALLEST, end_session, follow, heading, path_of, send, sign_in
from playwright.sync_api import expect
from sample_people import fill_in, somebody
from wcag import violations

ENDLESS = "W" * 180 + "<b>\"'\N{RIGHT-TO-LEFT OVERRIDE}\N{GRINNING FACE}</b>"


def test_on_a_phone_without_scripts_nothing_is_lost_on_the_way_to_the_documents(portal):
    record = somebody(0)
    password = portal.account(record["email"])
    with portal.visitor(**PHONE, java_script_enabled=False) as page:
        sign_in(page, record["email"], password)
        follow(page, "text=Remplir «Mes données»")
        assert page.input_value("#family_name") == "Keller"
        fill_in(page, record, birth_date="14. 5. 1987", city="")
        end_session(page.context)
        follow(page, "text=Continuer")
        assert path_of(page) == "/"
        page.fill("#email", record["email"])
        page.fill("#password", password)
        send(page)
        assert path_of(page) == "/my-data/edit"
        assert page.input_value("#street") == record["street"]
        follow(page, "text=Continuer")
        assert page.inner_text("#city-fault") == "Saisissez votre localité."
        page.fill("#city", record["city"])
        follow(page, "text=Continuer")
        assert (path_of(page), heading(page)) == ("/my-data/check", "Contrôlez vos données")
        page.go_back()
        assert page.input_value("#city") == record["city"]
        follow(page, "text=Continuer")
        follow(page, "text=Modifier")
        assert page.input_value("#family_name") == record["family_name"]
        follow(page, "text=Continuer")
        page.wait_for_url("**/my-data/check")
        page.reload()
        assert page.is_visible("[data-banner=profile]")
        follow(page, "text=Enregistrer")
        page.wait_for_url("**/my-data")
        page.reload()
        assert not page.is_visible("[data-banner=profile]")
        portal.letter(record["email"], "link-confirmed")
        page.go_back()  # to what was looked over, and is saved
        page.goto("/my-data")
        assert page.is_visible("text=Votre compte est lié à votre dossier")
        follow(page, "text=Portefeuille")
        follow(page, "nav.kinds >> text=Certificats")
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
        page.focus(".tabs [href='/portfolio']")
        keys.press("Enter")
        page.wait_for_url("**/portfolio")
        page.focus("[href^='/portfolio/documents/'] >> nth=0")
        with page.expect_download():
            keys.press("Enter")


def test_no_page_has_a_violation_or_is_too_wide(portal):
    record, found = somebody(12), {}
    password = portal.account(record["email"], given_name=ENDLESS)
    with portal.visitor(**SMALLEST, color_scheme="light", reduced_motion="reduce") as page:
        sign_in(page, record["email"], password)
        page.goto("/portfolio")
        found["not linked"] = violations(page)
        page.goto("/my-data")
        found["form"] = violations(page)
        send(page)
        found["errors"] = violations(page)
        fill_in(page, record, street=ENDLESS)
        send(page)
        found["check"] = violations(page)
        other = page.context.new_page()
        other.goto("/my-data/edit")
        fill_in(other, record, street=ENDLESS[::-1])
        send(other)
        send(other)
        found["waiting"] = violations(other)
        send(page)
        page.wait_for_selector(".differs")
        found["stale"] = violations(page)
        other.goto("/my-data")
        other.wait_for_selector("[data-standing=linked]")
        found["linked"] = violations(other)
        page.goto("/portfolio?state=obtained")
        found["portfolio"] = violations(page)
        page.goto("/portfolio?state=obtained&kind=document")
        found["nothing"] = violations(page)
    assert {place: told for place, told in found.items() if told} == {}
