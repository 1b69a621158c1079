"""The way in by pages, over the application itself: what each step shows, keeps and refuses."""

import re
from datetime import timedelta

import pytest
from api_client import PUBLIC_URL, running
from page_visitor import Visitor
from services import new_database

from api.web.cookies import LINK, SECOND_STEP
from domain.fact import NOWHERE
from domain.values import OPERATOR

NEW_PASSWORD = "quatre tilleuls devant la gare"


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    with (
        new_database(postgres, template) as database,
        running(database, tmp_path_factory.mktemp("home")) as house,
    ):
        yield house


@pytest.fixture
def browser(house):
    return Visitor(house)


@pytest.fixture
def ada(house):
    """Somebody who has an account."""
    return house.holder()


def reset_token(house, holder):
    house.service.recovery.request_reset(holder.email, NOWHERE)
    house.decide()
    account = house.service.store.account(holder.id)
    return house.service.recovery.reset_link(account, account.reset_request)


# --- the link of the password message


def sign_in_link(house, email):
    return house.service.sign_in_links.link(house.account_id(email)).removeprefix(PUBLIC_URL)


def newcomer(house):
    """The address of somebody who has never signed in."""
    email = f"new-{next(house.numbers)}@school.example"
    house.service.accounts.request(email, "Ada", "Keller", "fr", "2018-08-27")
    house.decide()
    house.service.watermark.wait(("directory",), house.service.watermark.open(house.position()))
    return email


def test_the_link_of_the_password_message_fills_in_the_address_and_nothing_else(house, browser):
    email = newcomer(house)
    answer = browser.get(sign_in_link(house, email))
    assert answer.leads_to == "/"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    for _ in range(2):
        assert browser.get("/").fields["email"] == email


def test_it_fills_in_nothing_any_more_once_somebody_has_signed_in(house, browser, ada):
    house.service.watermark.wait(("directory",), house.service.watermark.open(house.position()))
    browser.get(sign_in_link(house, ada.email))
    assert browser.get("/").fields["email"] == ""


@pytest.mark.parametrize("token", ["forged", "", "%00", "é", "a" * 5000])
def test_a_forged_link_is_the_sign_in_page(browser, token):
    browser.get(f"/?token={token}")
    answer = browser.get("/")
    assert (answer.status_code, answer.fields["email"]) == (200, "")


# --- signing in


@pytest.mark.parametrize(("bar", "title"), [("lock", "verrouillé"), ("close", "fermé")])
def test_a_barred_account_is_told_so_after_the_right_password(house, browser, ada, bar, title):
    reason = {"lock": "suspected-misuse", "close": "left-institution"}[bar]
    getattr(house.service.standings, bar)(ada.id, reason=reason, note=None, actor=OPERATOR)
    browser.get("/")
    told = browser.shown_again("/", ada.pair)
    assert f"Ce compte est {title}" in told.words
    assert "secrétariat" in told.words
    assert '<a href="/help#contact">' in told.html
    assert title not in browser.shown_again("/", {**ada.pair, "password": "not the right one"}).html


def test_whoever_guesses_waits_and_is_told_how_long(house, browser, ada):
    browser.get("/")
    for _ in range(6):
        answer = browser.shown_again("/", {"email": ada.email, "password": "not the right one"})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert re.search(r"Vous pourrez réessayer dans \d+ secondes", answer.html)


def test_the_welcome_page_shows_what_was_done_last(house, browser):
    email = newcomer(house)
    browser.get("/")
    answer = browser.send("/", {"email": email, "password": house.initial_password(email)})
    page = browser.shown(answer).html
    assert "Bonjour Ada." in page
    assert "Choisissez votre propre mot de passe" in page
    assert 'data-banner="profile"' in page


def test_a_new_session_takes_the_place_of_the_one_that_was_there(house, browser, ada):
    browser.signed_in(ada)
    first = browser.cookie("matricule_session")
    browser.lose_session()
    browser.get("/")
    browser.client.set_cookie("matricule_session", first, domain="127.0.0.1")
    assert browser.get("/").leads_to == "/welcome"
    browser.get("/sign-out")
    browser.send("/sign-out")
    assert house.service.sessions.find(first, house.service.clock.now()) is None


def test_signing_out_wants_a_button(browser, ada):
    browser.signed_in(ada)
    assert "Voulez-vous vous déconnecter" in browser.get("/sign-out").html
    assert browser.get("/welcome").status_code == 200
    browser.get("/sign-out")
    assert browser.send("/sign-out").leads_to == "/"
    assert browser.get("/welcome").status_code == 303


# --- the second step


def test_the_second_step_knows_neither_password_nor_account_of_others(house, browser, ada):
    ada.enrol(house.service.clock.now())
    browser.get("/")
    answer = browser.send("/", ada.pair)
    assert answer.leads_to == "/second-step"
    noted = browser.cookie(SECOND_STEP)
    assert ada.password not in noted
    browser.shown(answer)
    browser.client.set_cookie(SECOND_STEP, noted[:-4] + "AAAA", domain="127.0.0.1")
    assert browser.get("/second-step").leads_to == "/"


def test_wrong_codes_are_counted_as_wrong_passwords_are(house, browser, ada):
    ada.enrol(house.service.clock.now())
    browser.get("/")
    browser.shown(browser.send("/", ada.pair))
    for _ in range(6):
        answer = browser.shown_again("/second-step", {"code": "000000"})
    assert answer.status_code == 429


def test_the_second_step_ends_with_the_password_that_opened_it(house, browser, ada):
    code, *_ = ada.enrol(house.service.clock.now())
    browser.get("/")
    browser.shown(browser.send("/", ada.pair))
    app = ada.codes.at(house.service.clock.now() + timedelta(seconds=30))
    house.service.recovery.complete_reset(reset_token(house, ada), NEW_PASSWORD, NOWHERE, app)
    answer = browser.shown_again("/second-step", {"code": code})
    assert "Ce code n&#39;est pas juste." in answer.html
    browser.get("/")
    browser.shown(browser.send("/", {"email": ada.email, "password": NEW_PASSWORD}))
    assert browser.send("/second-step", {"code": code}).leads_to == "/welcome"


# --- mailed links


@pytest.mark.parametrize("path", ["/password-reset", "/email-change", "/email-change/object", "/reopen"])
def test_a_token_leaves_the_address_at_once_and_is_told_to_nobody(browser, path):
    answer = browser.get(f"{path}?token=some-token&lang=de")
    assert answer.leads_to == f"{path}?lang=de"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "some-token" not in answer.leads_to + answer.html


@pytest.mark.parametrize("path", ["/email-change", "/email-change/object", "/reopen"])
def test_a_link_that_was_never_one_is_dead_when_it_is_used(browser, path):
    page = browser.shown(browser.get(f"{path}?token=some-token"))
    assert (page.status_code, page.headers["Referrer-Policy"]) == (200, "no-referrer")
    assert browser.send(path).status_code == 410


def test_a_dead_link_for_a_password_is_told_before_anybody_thinks_of_one(house, browser, ada):
    old, new = reset_token(house, ada), reset_token(house, ada)
    assert browser.shown(browser.get(f"/password-reset?token={old}")).status_code == 410
    assert browser.shown(browser.get(f"/password-reset?token={new}")).status_code == 200


def test_a_page_has_one_form_with_one_main_button(house, browser, ada):
    for path in (
        f"/password-reset?token={reset_token(house, ada)}",
        "/email-change?token=x",
        "/reopen?token=x",
    ):
        main = browser.shown(browser.get(path)).html.split("<main")[1].split("</main>")[0]
        assert (main.count("<form"), main.count('class="button"')) == (1, 1)


def test_a_reset_asks_for_the_second_factor_where_one_is_on(house, browser, ada):
    ada.enrol(house.service.clock.now())
    browser.shown(browser.get(f"/password-reset?token={reset_token(house, ada)}"))
    page = browser.shown_again("/password-reset", {"new_password": NEW_PASSWORD})
    assert page.fields["code"] == ""
    assert NEW_PASSWORD not in page.html
    page = browser.shown_again("/password-reset", {"new_password": NEW_PASSWORD, "code": "000000"})
    assert "Ce code n&#39;est pas juste." in page.html
    code = ada.codes.at(house.service.clock.now() + timedelta(seconds=30))
    answer = browser.send("/password-reset", {"new_password": NEW_PASSWORD, "code": code})
    assert answer.leads_to == "/password-reset/done"
    assert browser.cookie(f"{LINK}_password-reset") is None


@pytest.mark.parametrize(
    ("password", "said"),
    [("court", "Au moins 15 caractères."), ("password password password", "Trop répandu")],
)
def test_a_poor_password_is_refused_beside_the_field(house, browser, ada, password, said):
    browser.shown(browser.get(f"/password-reset?token={reset_token(house, ada)}"))
    page = browser.shown_again("/password-reset", {"new_password": password})
    assert said in page.html
    assert '<a href="#new_password">' in page.html


# --- mails


def test_the_page_says_when_mails_leave_late(house, browser, ada):
    assert "avec du retard" not in browser.get("/sign-up/sent").html
    with house.service.pool.connection() as connection:
        connection.execute(
            "INSERT INTO outbox (cause, kind, recipient, account_id, created_at)"
            " VALUES ('late', 'password-changed', 'holder', %s, now() - interval '6 minutes')",
            (ada.id,),
        )
    for path in ("/sign-up/sent", "/lost-password/sent"):
        assert "avec du retard" in browser.get(path).html


def test_the_demonstrations_mails_are_shown_to_this_machine_alone(house, browser):
    folder = house.service.settings.home / "outbox"
    folder.mkdir(exist_ok=True)
    (folder / "one.eml").write_text("Subject: Hello <b>\nTo: ada@school.example\n\nhttp://127.0.0.1/x\n")
    assert "Hello &lt;b&gt;" in browser.get("/demo").html
    assert 'href="http://127.0.0.1/x"' in browser.get("/demo/one").html
    for path in ("/demo/none", "/demo/..%2fmaster.key", "/demo/%00"):
        assert browser.get(path).status_code == 404
    for path in ("/demo", "/demo/one"):
        away = browser.client.get(path, base_url=PUBLIC_URL, environ_base={"REMOTE_ADDR": "192.0.2.7"})
        assert away.status_code == 404


def test_a_service_that_is_no_demonstration_shows_no_mails(database_url, tmp_path):
    real = {"MATRICULE_DEMO": "0", "SMTP_URL": "smtp://127.0.0.1:9", "MAIL_FROM": "a@school.example"}
    with running(database_url, tmp_path, **real) as house:
        browser = Visitor(house)
        assert browser.get("/demo").status_code == 404
        assert "/demo" not in browser.get("/").html
        assert "/api/docs" not in browser.get("/").html
