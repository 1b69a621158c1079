"""Signing in with a second factor, step by step, and by passkey."""

from datetime import UTC, datetime, timedelta

from browsing import (
    DESKTOP,
    PHONE,
    device_with_passkeys,
    heading,
    path_of,
    reload_and_return,
    send,
    sign_in,
    sign_out,
)
from pyotp import TOTP


def with_factor(portal):
    """Address, password, secret of the app, recovery codes."""
    email = portal.new_address()
    password = portal.account(email)
    token = portal.service.sign_in(email, password).json["token"]
    secret, *codes = portal.service.enrol(password, Authorization=f"Bearer {token}")
    return email, password, secret, codes


def next_code(secret):
    """One that was not used for enrolling: each counts once."""
    return TOTP(secret).at(datetime.now(UTC) + timedelta(seconds=30))


def test_the_code_of_the_app_is_asked_for_after_the_password(portal):
    email, password, secret, _ = with_factor(portal)
    with portal.visitor(**PHONE, java_script_enabled=False) as page:
        sign_in(page, email, password)
        assert heading(page) == "Encore une étape"
        assert page.get_attribute("#code", "autocomplete") == "one-time-code"
        page.fill("#code", "000000")
        send(page)
        assert page.inner_text("#code-fault") == "Ce code n'est pas juste."
        page.fill("#code", next_code(secret))
        send(page)
        assert path_of(page) == "/welcome"
        reload_and_return(page)


def test_a_recovery_code_opens_once_and_the_wanted_page_is_not_forgotten(portal):
    email, password, _, codes = with_factor(portal)
    with portal.visitor(**DESKTOP) as page:
        page.goto("/welcome")
        page.fill("#email", email)
        page.fill("#password", password)
        send(page)
        page.fill("#code", codes[0])
        send(page)
        assert path_of(page) == "/welcome"
        page.context.clear_cookies()
        sign_in(page, email, password)
        page.fill("#code", codes[0])
        send(page)
        assert page.inner_text("#code-fault") == "Ce code n'est pas juste."


def test_the_second_step_without_the_first_is_the_first(portal):
    with portal.visitor(**DESKTOP) as page:
        page.goto("/second-step")
        assert path_of(page) == "/"


def test_a_passkey_signs_in_where_there_are_scripts(portal):
    email = portal.new_address()
    password = portal.account(email)
    with portal.visitor(**DESKTOP) as page:
        sign_in(page, email, password)
        device_with_passkeys(page)
        assert page.evaluate(ENROL, password) == 200
        sign_out(page)
        page.click("text=Utiliser une clé d'accès")
        page.wait_for_url("**/welcome")


ENROL = """async (password) => {
  const csrf = (await (await fetch("/api/v1/session")).json()).csrf_token;
  const ask = (path, body) => fetch(`/api/v1/me/second-factors${path}`, {
    method: "POST", headers: {"Content-Type": "application/json", "X-CSRF-Token": csrf}, body: JSON.stringify(body)});
  const {id, options} = await (await ask("/passkeys", {password})).json();
  const credential = await navigator.credentials.create({
    publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)});
  return (await ask(`/${id}/confirm`, {credential: credential.toJSON(), label: "try"})).status;
}"""
