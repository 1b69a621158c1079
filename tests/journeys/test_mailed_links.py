"""Mailed links in a browser: opened by a scanner first, on another device, twice; each uses itself up once."""

from contextlib import contextmanager

import pytest
from browsing import DESKTOP, PHONE, follow, heading, path_of, reload_and_return, send, sign_in
from spec import until

NEW_PASSWORD = "quatre tilleuls devant la gare"


@contextmanager
def api(portal, email, password):
    """Somebody's program, for what has no page here."""
    token = portal.service.sign_in(email, password).json["token"]
    yield lambda method, path, body: portal.service.ask(
        method, f"/api/v1{path}", body, Authorization=f"Bearer {token}"
    )


def ask_for_reset(portal, page, email):
    page.goto("/")
    follow(page, "text=J'ai perdu mon mot de passe")
    page.fill("#email", email)
    send(page)
    assert (path_of(page), heading(page)) == ("/lost-password/sent", "Consultez votre boîte e-mail")
    return portal.link(email, "password-reset")


def choose(page, password):
    page.fill("#new_password", password)
    send(page)


def opened_by_a_scanner(portal, link):
    """Programs that look into mails follow each link, and run what is on its page."""
    with portal.visitor(**DESKTOP) as page:
        page.goto(link)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_lost_password_is_replaced_by_a_link_that_works_once(portal, scripts):
    email = portal.new_address()
    portal.account(email)
    with portal.visitor(**PHONE, java_script_enabled=scripts) as page:
        link = ask_for_reset(portal, page, email)
        page.reload()
        assert heading(page) == "Consultez votre boîte e-mail"
        page.go_back()
        assert page.is_visible("text=Réinitialiser mon mot de passe")
    opened_by_a_scanner(portal, link)
    with portal.visitor(**DESKTOP, java_script_enabled=scripts) as elsewhere:
        elsewhere.goto(link)
        assert "token" not in elsewhere.url
        choose(elsewhere, "court")
        assert "Au moins 15 caractères" in elsewhere.inner_text("#new_password-fault")
        assert elsewhere.input_value("#new_password") == ""
        choose(elsewhere, NEW_PASSWORD)
        assert (path_of(elsewhere), heading(elsewhere)) == (
            "/password-reset/done",
            "Votre mot de passe est changé",
        )
        elsewhere.reload()
        assert heading(elsewhere) == "Votre mot de passe est changé"
        elsewhere.go_back()
        assert heading(elsewhere) == "Ce lien n'est plus valable"
        elsewhere.goto(link)
        assert heading(elsewhere) == "Ce lien n'est plus valable"
        assert elsewhere.is_visible("text=J'ai perdu mon mot de passe")
        sign_in(elsewhere, email, NEW_PASSWORD)
        assert path_of(elsewhere) == "/welcome"


def test_an_address_is_changed_by_its_new_mailbox_and_taken_back_by_the_old_one(portal):
    old, new = portal.new_address("old"), portal.new_address("new")
    password = portal.account(old)
    with api(portal, old, password) as ask:
        asked = ask("POST", "/me/email-changes", {"new_email": new, "password": password})
        assert asked.status == 202
    confirmation, objection = (
        portal.link(new, "email-change-confirm"),
        portal.link(old, "email-change-notice"),
    )
    opened_by_a_scanner(portal, confirmation)
    opened_by_a_scanner(portal, objection)
    with portal.visitor(**PHONE) as page:
        page.goto(confirmation)
        assert heading(page) == "Confirmer votre nouvelle adresse e-mail"
        send(page)
        assert heading(page) == "Votre adresse e-mail est changée"
        reload_and_return(page)
        page.goto(confirmation)
        send(page)
        assert heading(page) == "Ce lien n'est plus valable"
        sign_in(page, new, password)
        assert path_of(page) == "/welcome"
    with portal.visitor(**DESKTOP) as page:
        page.goto(objection)
        send(page)
        assert heading(page) == "Votre ancienne adresse est rétablie"
        reload_and_return(page)
        sign_in(page, old, password)
        assert page.is_visible("text=Ce compte est verrouillé")
        follow(page, "[data-summary] a")
        assert page.is_visible("text=Nous contacter")


def test_a_change_that_is_only_pending_is_cancelled_by_the_old_mailbox(portal):
    old, new = portal.new_address("old"), portal.new_address("new")
    password = portal.account(old)
    with api(portal, old, password) as ask:
        ask("POST", "/me/email-changes", {"new_email": new, "password": password})
    objection, confirmation = (
        portal.link(old, "email-change-notice"),
        portal.link(new, "email-change-confirm"),
    )
    with portal.visitor(**PHONE, java_script_enabled=False) as page:
        page.goto(objection)
        send(page)
        assert heading(page) == "Le changement est annulé"
        page.goto(confirmation)
        send(page)
        assert heading(page) == "Ce lien n'est plus valable"


def test_a_closed_account_is_opened_again(portal):
    email = portal.new_address()
    password = portal.account(email)
    with api(portal, email, password) as ask:
        assert ask("POST", "/me/closure", {"password": password}).status == 202
    with portal.visitor(**PHONE) as page:
        sign_in(page, email, password)
        assert page.is_visible("text=Ce compte est fermé")
        page.goto(portal.link(email, "account-closed"))
        send(page)
        assert heading(page) == "Votre compte est rouvert"
        reload_and_return(page)
        sign_in(page, email, password)
        assert path_of(page) == "/welcome"


def test_the_message_about_an_account_that_is_there_already_leads_to_the_sign_in_page(portal):
    email = portal.new_address()
    portal.account(email)
    assert portal.service.sign_up(email).status == 202
    until(lambda: len(portal.service.mails(email)) == 2)
    assert "J'ai perdu mon mot de passe" in portal.letter(email, "account-exists")
