"""«Mon profil» as people go through it: on a phone without scripts, and on a desk with a passkey."""

import json
import time

from browsing import (
    DESKTOP,
    MAIN_BUTTON,
    PHONE,
    SMALLEST,
    device_with_passkeys,
    follow,
    heading,
    path_of,
    reload_and_return,
    send,
    sign_in,
    sign_out,
)
from pyotp import TOTP
from wcag import violations

NEW_PASSWORD = "quatre tilleuls devant la gare"
PAGES = (
    "",
    "/password",
    "/email",
    "/email/withdraw",
    "/language",
    "/sessions",
    "/sessions/others",
    "/second-factors",
    "/second-factors/recovery-codes",
    "/second-factors/passkey",
    "/second-factors/app",
    "/history",
    "/data",
    "/closure",
)


def told(page) -> str:
    """What was just done."""
    return page.inner_text(".told-good")


def test_on_a_phone_without_scripts_everything_about_the_account_can_be_changed(portal):
    email = portal.new_address("claire")
    password = portal.account(email, given_name="Claire", family_name="Rossel")
    with portal.visitor(**PHONE, java_script_enabled=False) as page:
        sign_in(page, email, password)
        page.click("details.account summary")
        follow(page, ".account-menu >> text=Mon profil")
        assert "avant de vous déconnecter" in page.inner_text("main")

        follow(page, "text=Modifier le mot de passe")
        page.fill("#current_password", "ce n'est pas lui")
        page.fill("#new_password", NEW_PASSWORD)
        send(page)
        assert page.inner_text("#current_password-fault") == "Ce mot de passe n'est pas juste."
        assert page.input_value("#new_password") == ""
        page.fill("#current_password", password)
        page.fill("#new_password", NEW_PASSWORD)
        send(page)
        assert (path_of(page), told(page)[:31]) == ("/profile", "Votre mot de passe est changé. ")
        reload_and_return(page)
        assert not page.is_visible(".told-good")

        follow(page, "li:has-text('Adresse e-mail') a")
        page.fill("#new_email", "claire.neuve@")
        page.fill("#password", NEW_PASSWORD)
        send(page)
        assert page.input_value("#new_email") == "claire.neuve@"
        page.fill("#new_email", f"neuve.{email}")
        page.fill("#password", NEW_PASSWORD)
        send(page)
        assert f"neuve.{email} attend votre confirmation." in page.inner_text("main")
        reload_and_return(page)
        follow(page, "li:has-text('Adresse e-mail') a")
        follow(page, "text=Annuler ce changement")
        send(page)
        assert "annulé" in told(page)
        page.go_back()
        page.goto(portal.link(f"neuve.{email}", "email-change-confirm"))
        send(page)
        assert heading(page) == "Ce lien n'est plus valable"

        page.goto("/profile/second-factors")
        follow(page, "text=Ajouter une application")
        page.fill("#password", NEW_PASSWORD)
        send(page)
        app = TOTP("".join(page.inner_text(".secret-key").split()))
        assert page.is_visible(".qr svg")
        assert page.get_attribute(".on-phone a", "href").startswith("otpauth://totp/")
        page.fill("#code", app.at(time.time()))
        page.fill("#label", "Mon téléphone")
        send(page)
        codes = page.locator("[data-codes] code").all_inner_texts()
        page.reload()
        assert page.locator("[data-codes] code").all_inner_texts() == codes
        send(page)
        page.go_back()
        assert page.locator("[data-codes] code").count() == 0

        sign_out(page)
        sign_in(page, email, NEW_PASSWORD)
        page.fill("#code", codes[0])
        send(page)
        page.goto("/profile/history")
        assert "Un code de secours a été utilisé" in page.inner_text("main")
        page.goto("/profile/closure")
        page.fill("#password", NEW_PASSWORD)
        send(page)
        assert heading(page) == "Votre compte est fermé"
        page.go_back()
        assert path_of(page) == "/"
        page.goto(portal.link(email, "account-closed"))
        send(page)
        assert heading(page) == "Votre compte est rouvert"


def test_at_a_desk_a_passkey_is_added_and_stands_in_the_passwords_place(portal):
    email = portal.new_address("marc")
    password = portal.account(email, given_name="Marc", family_name="Favre")
    with portal.visitor(**DESKTOP) as page:
        device_with_passkeys(page)
        sign_in(page, email, password)
        page.goto("/profile/second-factors/passkey")
        page.fill("#label", "Mon ordinateur")
        page.fill("#password", "ce n'est pas lui")
        page.click(MAIN_BUTTON)  # its script asks first
        page.wait_for_selector("[data-enrol] [role=alert]:visible")
        page.fill("#password", password)
        page.click(MAIN_BUTTON)
        page.wait_for_url("**/second-factors/codes")
        assert page.is_visible("text=Imprimer")
        send(page)
        assert "Mon ordinateur" in page.inner_text("main")

        page.goto("/profile/password")
        page.fill("#new_password", "Favre devant la gare de Bienne")
        page.wait_for_selector("[data-meter] >> text=Facile à deviner")
        assert "votre nom" in page.inner_text("[data-meter]")
        page.fill("#new_password", "court")
        page.wait_for_selector("[data-meter] >> text=Encore 3 caractères")
        page.fill("#new_password", NEW_PASSWORD)
        page.wait_for_selector("[data-meter] >> text=Très bon")
        page.click("text=Confirmer avec une clé d'accès")
        page.wait_for_url("**/profile")
        assert "Votre mot de passe est changé." in told(page)

        page.clock.install()
        page.goto("/profile/data")
        for _ in range(2):  # the page stays as it is
            with page.expect_download() as download:
                page.click("text=Confirmer avec une clé d'accès")
            assert download.value.suggested_filename == "matricule.json"
            page.clock.fast_forward(2_000)
            assert page.is_visible("form[data-form]:not([data-sent])")
        assert json.loads(download.value.path().read_text())["account"]["email"] == email

        elsewhere = portal.service.ask("POST", "/api/v1/tokens", {"email": email, "password": NEW_PASSWORD})
        assert elsewhere.status == 401  # the passkey alone is the second factor
        page.goto("/profile/sessions")
        assert "Chrome · Linux" in page.inner_text("main")
        assert "réseau local" in page.inner_text("main")
        page.goto("/profile/language")
        page.check("[value=de]")
        send(page)
        assert heading(page) == "Mein Profil"


def test_no_page_of_the_profile_has_a_violation(portal):
    email = portal.new_address("w" * 40)
    password = portal.account(email, given_name="W" * 60)
    # Still: a button that is just changing its colour has the contrast of neither.
    with portal.visitor(**SMALLEST, color_scheme="light", reduced_motion="reduce") as page:
        sign_in(page, email, password)
        page.goto("/profile/email")
        page.fill("#new_email", f"{'neue' * 12}.{email}")
        page.fill("#password", password)
        send(page)
        page.goto("/profile/second-factors/app")
        page.fill("#password", password)
        send(page)
        found = {"app": violations(page)}
        page.fill("#code", "000000")
        send(page)
        found["app, wrong"] = violations(page)
        page.fill("#code", TOTP("".join(page.inner_text(".secret-key").split())).at(time.time()))
        page.fill("#label", "Telefon" * 20)
        send(page)
        found["codes"] = violations(page)
        send(page)
        for path in PAGES:
            page.goto(f"/profile{path}")
            found[path] = violations(page)
        send(page)
        found["closure, wrong"] = violations(page)
    assert {place: told for place, told in found.items() if told} == {}
