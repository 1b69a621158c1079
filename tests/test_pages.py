"""What holds for every page: its headers, its languages, its forms, and what becomes of what was typed."""

import gzip
import re
from urllib.parse import urlsplit

import pytest
from api_client import PUBLIC_URL, running
from jinja2 import ChoiceLoader, DictLoader
from page_visitor import Visitor
from people import HOUR
from psycopg import OperationalError
from services import new_database
from write_side import StandingClock

from api import errors
from api.schemas.accounts import EmailChange
from api.web.cookies import BROWSER
from api.web.feature import Feature
from api.web.forms import Form
from api.web.page import go, page
from api.web.visitors import for_holders, for_staff
from domain.values import OPERATOR
from infrastructure.tick import Tick
from infrastructure.translations import LOCALES, text

PUBLIC_PAGES = (
    "/",
    "/sign-up",
    "/sign-up/sent",
    "/lost-password",
    "/lost-password/sent",
    "/privacy",
    "/help",
    "/accessibility",
    "/demo",
    "/password-reset/done",
    "/problems/wrong-credentials",
    "/nowhere",
)
TEMPLATE = """{% extends "layout.html" %}{% block title %}Try{% endblock %}{% block main %}<h1>Try</h1>
{% call ui.sent_form() %}{{ ui.field(form, "new_email", "Address") }}{{ ui.password(form, "password", "Password") }}
{{ ui.submit("Send") }}{% endcall %}{% endblock %}"""


def a_feature() -> Feature:
    """A page with a form for whoever is signed in, as others are made."""
    feature = Feature("try")

    @feature.route("/try", methods=["GET", "POST"])
    @for_holders
    def show():
        form = Form(EmailChange)
        if form.read():
            form.done()
            return go("try.done")
        return page("try.html", form=form)

    @feature.get("/try/done")
    @for_holders
    def done():
        return page("try.html", form=Form(EmailChange))

    @feature.post("/try/only")
    @for_holders
    def only():
        return go("try.done")

    @feature.get("/try/staff")
    @for_staff("secretariat")
    def staff():
        return page("try.html", form=Form(EmailChange))

    @feature.route("/try/away", methods=["GET", "POST"])
    def away():
        raise OperationalError

    @feature.get("/try/broken")
    def broken():
        raise RuntimeError("Ada Keller, ada@school.example")

    return feature


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    with (
        new_database(postgres, template) as database,
        running(database, tmp_path_factory.mktemp("home"), WRONG_PASSWORDS="1000") as house,
    ):
        house.app.register_blueprint(a_feature())
        house.app.extensions["features"].add("try")
        house.app.jinja_env.loader = ChoiceLoader(
            [DictLoader({"try.html": TEMPLATE}), house.app.jinja_env.loader]
        )
        yield house


@pytest.fixture
def browser(house):
    return Visitor(house)


@pytest.fixture
def ada(house):
    """Somebody who has an account."""
    return house.holder()


# --- every page


@pytest.mark.parametrize("path", PUBLIC_PAGES)
def test_a_page_runs_nothing_inline_and_loads_nothing_from_elsewhere(browser, path):
    answer = browser.get(path)
    html = answer.html
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|javascript:", html)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    loaded = re.findall(r'<(?:script|img|link)[^>]+?(?:src|href)="([^"]+)"', html)
    assert len(loaded) >= 3
    for address in loaded:
        assert address.startswith("/assets/")
        assert browser.get(address).status_code == 200


@pytest.mark.parametrize("path", PUBLIC_PAGES)
def test_a_page_is_kept_by_nobody_and_tells_no_other_house_where_one_was(browser, path):
    answer = browser.get(path)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("path", PUBLIC_PAGES)
@pytest.mark.parametrize("language", LOCALES)
def test_a_page_speaks_the_language_that_was_chosen_and_goes_on_in_it(browser, path, language):
    for answer in (browser.get(f"{path}?lang={language}"), browser.get(path)):
        assert f'<html lang="{language}">' in answer.html
        assert answer.headers["Content-Language"] == language


def test_without_a_choice_the_language_is_the_browsers(browser):
    assert '<html lang="de">' in browser.get("/", **{"Accept-Language": "de-CH, fr;q=0.5"}).html


def test_whoever_is_signed_in_reads_the_language_of_the_account(house, browser, ada):
    browser.signed_in(ada)
    browser.headers["Accept-Language"] = "en"
    assert '<html lang="fr">' in browser.get("/welcome").html


def test_a_file_is_loaded_once_for_ever_and_is_another_one_when_it_changes(browser):
    style = re.search(r"/assets/pages-[0-9a-f]+\.css", browser.get("/").html)[0]
    answer = browser.get(style)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    for other in ("/assets/pages.css", "/assets/pages-000000000000.css", "/assets/..%2fwords.py"):
        assert browser.get(other).status_code == 404


def weight(answer):
    """Bytes of an answer on its way, head included."""
    return len(answer.get_data()) + sum(len(f"{name}: {value}\r\n") for name, value in answer.headers) + 20


@pytest.mark.parametrize("path", ["/", "/sign-up", "/welcome", "/help", "/privacy"])
def test_a_page_weighs_little_and_less_the_second_time(browser, ada, path):
    if path == "/welcome":
        browser.signed_in(ada)
    browser.headers["Accept-Encoding"] = "gzip"
    answer = browser.get(path)
    files = set(re.findall(r"/assets/[\w.-]+", gzip.decompress(answer.get_data()).decode()))
    assert weight(answer) < 12_000
    assert weight(answer) + sum(weight(browser.get(file)) for file in files) < 80_000


# --- forms


def test_what_is_wrong_is_said_at_the_top_and_beside_the_field_and_what_was_typed_stays(browser):
    browser.get("/sign-up")
    answer = browser.shown_again("/sign-up", {"email": "ada@", "given_name": 'Ada "<b>', "family_name": ""})
    html = answer.html
    assert answer.status_code == 422
    for name in ("email", "family_name", "locale", "accept_privacy_policy"):
        assert f'<a href="#{name}">' in html
        assert f'id="{name}-fault"' in html
    assert (answer.fields["email"], answer.fields["given_name"]) == ("ada@", 'Ada "<b>')
    assert "<b>" not in html


def test_a_password_never_comes_back(browser, ada):
    browser.get("/")
    answer = browser.shown_again("/", {"email": ada.email, "password": "not the right one"})
    assert answer.status_code == 401
    assert answer.fields["email"] == ada.email
    assert "not the right one" not in answer.html


def test_a_form_that_was_wrong_may_be_reloaded_in_another_language_and_is_clean_elsewhere(browser):
    browser.get("/lost-password")
    address = browser.send("/lost-password", {"email": "ada@"}).leads_to
    for _ in range(2):
        assert browser.get(address).fields["email"] == "ada@"
    assert "This e-mail address is incomplete" in browser.get(f"{address}&lang=en").html
    for clean in ("/lost-password", "/lost-password?again=other", "/?again=" + address.rpartition("=")[2]):
        assert 'class="fault"' not in browser.get(clean).html


def test_what_is_too_long_to_be_kept_is_shown_again_at_once(browser):
    browser.get("/sign-up")
    answer = browser.send("/sign-up", {"email": "ada@school.example", "given_name": "a" * 10_000})
    assert answer.status_code == 422
    assert answer.fields["given_name"] == "a" * 10_000


@pytest.mark.parametrize("value", ["", "forged", "AAAA"])
def test_a_form_with_another_csrf_value_does_nothing_and_comes_back_as_it_was_typed(browser, ada, value):
    browser.signed_in(ada)
    browser.hidden = {"csrf_token": value}
    answer = browser.shown_again("/try", {"new_email": "new@school.example", "password": "secret"})
    assert answer.status_code == 403
    assert answer.fields["new_email"] == "new@school.example"
    assert "Rien n&#39;a encore été envoyé" in answer.html
    assert "secret" not in answer.html.replace("data-secret", "").replace('"secret"', "")
    again = browser.send("/try", {"new_email": "new@school.example", "password": "secret"})
    assert again.leads_to == "/try/done"


def test_the_form_of_another_session_does_nothing(house, browser, ada):
    browser.signed_in(ada)
    other = Visitor(house).signed_in(ada)
    browser.hidden = other.hidden
    typed = {"new_email": "x@school.example", "password": "p"}
    assert browser.shown_again("/try", typed).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
    ],
)
def test_another_sites_form_does_nothing_even_with_the_right_value(browser, ada, headers):
    browser.signed_in(ada)
    if not headers["Sec-Fetch-Site"]:
        headers = {"Origin": headers["Origin"]}
        del browser.headers["Sec-Fetch-Site"]
    answer = browser.send("/try", {"new_email": "x@school.example", "password": "p"}, headers=headers)
    assert answer.status_code == 403
    assert "x@school.example" not in answer.html


def test_a_button_without_a_page_of_its_own_says_that_nothing_was_done(browser, ada):
    browser.signed_in(ada)
    assert browser.send("/try/only", {}).status_code == 303
    browser.hidden = {"csrf_token": "old"}
    assert browser.send("/try/only", {}).status_code == 403


def test_what_was_typed_waits_for_whoever_signs_in_again(house, browser, ada):
    browser.signed_in(ada).get("/try")
    browser.lose_session()
    answer = browser.send("/try", {"new_email": "new@school.example", "password": "secret"})
    assert answer.leads_to == "/?next=/try"
    browser.shown(answer)
    answer = browser.send("/?next=/try", ada.pair)
    assert answer.leads_to == "/try"
    for _ in range(2):  # reloaded
        assert browser.shown(answer).fields["new_email"] == "new@school.example"
    browser.send("/try", {"new_email": "new@school.example", "password": "secret"})
    assert browser.get("/try").fields["new_email"] == ""


def test_what_was_typed_is_shown_to_nobody_else_and_nowhere_else(house, browser, ada):
    browser.signed_in(ada).get("/try")
    browser.lose_session()
    browser.send("/try", {"new_email": "new@school.example", "password": "secret"})
    assert browser.signed_in(house.holder()).get("/try").fields["new_email"] == ""
    elsewhere = Visitor(house).signed_in(ada)
    assert elsewhere.get("/try").fields["new_email"] == ""


def test_a_form_that_was_made_for_somebody_else_comes_back_empty(house, browser, ada):
    browser.signed_in(ada)
    old = browser.hidden
    browser.lose_session()
    browser.signed_in(house.holder())
    browser.hidden = old
    answer = browser.shown_again("/try", {"new_email": "new@school.example", "password": "secret"})
    assert (answer.status_code, answer.fields["new_email"]) == (403, "")


def test_what_was_typed_lies_sealed_and_is_gone_after_half_an_hour(house, browser, ada):
    browser.signed_in(ada).get("/try")
    browser.lose_session()
    browser.send("/try", {"new_email": "kept@school.example", "password": "secret"})
    account_id, forms = house.account_id(ada.email), house.service.kept_forms
    with house.service.pool.connection() as connection:
        rows = connection.execute("SELECT * FROM kept_forms WHERE account_id = %s", (account_id,)).fetchall()
    assert len(rows) == 1
    assert b"kept@" not in b"".join(value for value in rows[0] if isinstance(value, bytes))
    secret = browser.cookie(BROWSER)
    now = house.service.clock.now()
    assert forms.find(secret, account_id, "/try", now) == {"new_email": "kept@school.example"}
    assert forms.find(secret, account_id, "/try", now + HOUR / 2) is None
    assert Tick(house.service.pool, StandingClock(now + HOUR)).tidy() >= 1
    assert forms.find(secret, account_id, "/try", now) is None


# --- who may see what


@pytest.mark.parametrize("path", ["/welcome", "/try"])
def test_a_page_for_holders_leads_through_the_sign_in_page_and_back(house, browser, ada, path):
    answer = browser.get(path)
    assert answer.leads_to == f"/?next={path}"
    browser.shown(answer)
    answer = browser.send(f"/?next={path}", ada.pair)
    assert answer.leads_to == path


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/api/v1/me", "/nowhere", "welcome"],
)
def test_nobody_is_led_to_another_place_after_signing_in(house, browser, ada, elsewhere):
    browser.get("/")
    answer = browser.client.post(
        "/",
        base_url=PUBLIC_URL,
        query_string={"next": elsewhere},
        data={**browser.hidden, **ada.pair},
    )
    assert answer.leads_to == "/welcome"


def test_staff_without_a_second_factor_enrols_one_first(house, browser, ada):
    house.service.accounts.grant("secretariat", ada.email, None, actor=OPERATOR)
    browser.get("/")
    answer = browser.send("/", ada.pair)
    assert answer.leads_to == "/profile/second-factors"
    assert browser.get("/try/staff").leads_to == "/profile/second-factors"


def test_a_holder_on_a_page_of_staff_is_told_so(browser, ada):
    assert browser.signed_in(ada).get("/try/staff").status_code == 403


# --- what cannot be shown


@pytest.mark.parametrize("language", LOCALES)
def test_every_problem_has_a_page_in_every_language(house, language):
    browser = Visitor(house, {"Accept-Language": f"{language}-CH"})
    for code in errors.known_codes():
        page = browser.get(f"/problems/{code}")
        assert page.status_code == 200
        assert page.headers["Content-Language"] == language
        assert "Accept-Language" in page.headers["Vary"]
        title, detail = (text(language, "problems", code, part) for part in ("title", "detail"))
        assert title in page.words
        assert " ".join(detail.split()) in page.words
    for code in ("nope", "fields", "<script>"):
        assert browser.get(f"/problems/{code}").status_code == 404


@pytest.mark.parametrize(
    ("path", "status"), [("/nowhere", 404), ("/try/broken", 500), ("/password-reset", 410), ("/reopen", 410)]
)
def test_an_error_is_a_page_that_says_what_to_do(browser, path, status):
    answer = browser.get(path)
    html = answer.html
    assert answer.status_code == status
    assert "<h1>" in html
    assert 'class="button"' in html
    assert "Ada" not in html


def test_what_was_typed_stays_in_the_page_that_says_that_the_service_is_away(browser):
    browser.get("/sign-up")
    answer = browser.send("/try/away", {"given_name": 'Ada "<b>', "password": "secret"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    hidden = dict(browser.hidden)
    assert hidden["given_name"] == 'Ada "<b>'
    assert len(hidden["csrf_token"]) > 100
    assert "password" not in hidden


def test_a_page_that_is_not_visible_yet_comes_by_itself(house, browser, ada):
    browser.signed_in(ada)
    late = house.service.watermark.seal(2**62)
    browser.client.set_cookie("matricule_position", late, domain="127.0.0.1")
    answer = browser.get("/welcome")
    assert (answer.status_code, answer.headers["Refresh"]) == (503, "1")
    # What is typed meanwhile is not turned away.
    assert browser.send("/try", {"new_email": "x@school.example", "password": "p"}).status_code == 303
    browser.client.set_cookie("matricule_position", "forged", domain="127.0.0.1")
    assert browser.get("/welcome").status_code == 200


def test_a_program_gets_its_problem_document_as_before(browser):
    assert browser.get("/api/v1/nowhere").content_type == "application/problem+json"
    assert browser.get("/api/v1/me").content_type == "application/problem+json"


def test_a_cookie_is_out_of_reach_of_scripts_and_other_sites(browser, ada):
    browser.signed_in(ada)
    for answer in (browser.get("/?lang=de"), Visitor(browser.house).get("/")):
        for cookie in answer.headers.getlist("Set-Cookie"):
            assert "HttpOnly" in cookie
            assert "SameSite=Lax" in cookie


def test_addresses_of_pages_hold_nothing_personal(house, browser, ada):
    browser.get("/")
    answer = browser.send("/", ada.pair)
    assert urlsplit(answer.leads_to).query == ""


# --- one answer for every address


@pytest.mark.parametrize("path", ["/lost-password", "/sign-up", "/"])
def test_a_known_and_an_unknown_address_get_the_same_page(house, ada, path):
    typed = {
        "/lost-password": {},
        "/sign-up": {"given_name": "A", "family_name": "K", "locale": "fr", "accept_privacy_policy": "true"},
        "/": {"password": "not the right one"},
    }[path]
    answers = []
    for email in (ada.email, f"x{ada.email[1:]}"):
        browser = Visitor(house)
        browser.get(path)
        answer = browser.send(path, {"email": email, **typed})
        if answer.status_code == 303:
            answer = browser.shown(answer)
        html = re.sub(r'value="[\w-]{100,}"|again=[\w-]+', "", answer.html).replace(email, "…")
        heads = {
            name: value
            for name, value in answer.headers
            if name not in ("Date", "Set-Cookie", "Content-Length")
        }
        answers.append((answer.status_code, heads, html))
    assert answers[0] == answers[1]
