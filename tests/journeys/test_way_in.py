"""From the sign-in page to the welcome page, as a person goes it."""

import pytest
from browsing import DESKTOP, PHONE, heading, path_of, send, sign_in


@pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_from_the_request_for_an_account_to_the_services(portal, screen, scripts):
    email = portal.new_address()
    with portal.visitor(**screen, java_script_enabled=scripts) as page:
        page.goto("/")
        page.click("text=Créer un compte")
        page.fill("#email", email)
        page.fill("#given_name", "Ada")
        page.fill("#family_name", "Keller")
        page.check("#accept_privacy_policy")
        send(page)
        assert (path_of(page), heading(page)) == ("/sign-up/sent", "Consultez votre boîte e-mail")
        page.goto(portal.link(email, "initial-password"))
        assert "token" not in page.url
        assert page.input_value("#email") == email
        page.fill("#password", portal.password(email))
        send(page)
        assert (path_of(page), heading(page)) == ("/welcome", "Bienvenue dans ma HEP-BEJUNE")
        assert page.is_visible("text=Services disponibles")
        assert page.is_visible("[data-banner=profile]")


@pytest.mark.parametrize(
    ("language", "create", "sign_in_label", "welcome"),
    [
        ("de", "Konto eröffnen", "Anmelden", "Willkommen auf «meine HEP-BEJUNE»"),
        ("en", "Create an account", "Sign in", "Welcome to my HEP-BEJUNE"),
    ],
)
def test_the_same_way_in_another_language(portal, language, create, sign_in_label, welcome):
    email = portal.new_address()
    with portal.visitor(**PHONE) as page:
        page.goto("/")
        page.click(f".languages a[hreflang={language}]")
        page.click(f"text={create}")
        assert page.is_checked(f"[name=locale][value={language}]")
        page.fill("#email", email)
        page.fill("#given_name", "Ada")
        page.fill("#family_name", "Keller")
        page.check("#accept_privacy_policy")
        page.click(f"form button:has-text('{create}')")
        assert path_of(page) == "/sign-up/sent"
        page.goto(portal.link(email, "initial-password"))
        page.fill("#password", portal.password(email))
        page.click(f"form button:has-text('{sign_in_label}') >> nth=0")
        assert heading(page) == welcome
    with portal.visitor(locale="fr-CH") as page:  # the account's language, not the browser's
        sign_in(page, email, portal.password(email))
        assert heading(page) == welcome


def test_signing_out_ends_the_session(portal):
    email = portal.new_address()
    with portal.visitor(**DESKTOP) as page:
        sign_in(page, email, portal.account(email))
        page.click("details.account summary")
        page.click("text=Se déconnecter")
        assert path_of(page) == "/"
        page.goto("/welcome")
        assert path_of(page) == "/"
