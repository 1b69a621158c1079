"""«Mon profil»: the pages on which a holder sees and changes what concerns the own account."""

import re
from html import unescape
from uuid import uuid4

import orjson
import pytest
from api_client import HOST, PASSWORD, PROFILE, PUBLIC_URL, Client, House, running
from authenticator import Authenticator
from page_visitor import Visitor
from pyotp import TOTP
from running_service import TIRELESS
from services import new_database

from domain.values import OPERATOR
from infrastructure.translations import LOCALES

WRONG = "not the right one, this"
PAGES = (
    "/profile",
    "/profile/password",
    "/profile/email",
    "/profile/language",
    "/profile/sessions",
    "/profile/sessions/others",
    "/profile/second-factors",
    "/profile/second-factors/app",
    "/profile/second-factors/passkey",
    "/profile/second-factors/recovery-codes",
    "/profile/history",
    "/profile/data",
    "/profile/closure",
)


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    with (
        new_database(postgres, template) as database,
        running(database, tmp_path_factory.mktemp("home"), **TIRELESS) as house,
    ):
        yield house


@pytest.fixture
def claire(house) -> Client:
    return house.holder()


@pytest.fixture
def visitor(house, claire) -> Visitor:
    return Visitor(house).signed_in(claire)


def enrolled(visitor: Visitor, password: str, label: str = "") -> tuple[TOTP, list[str]]:
    """An app, added by its pages, and the recovery codes that came with it."""
    path = "/profile/second-factors/app"
    shown = visitor.shown(visitor.fill_in(path, password=password))
    app = TOTP(secret_in(shown.html))
    answer = visitor.send(path, {"code": app.at(visitor.house.service.clock.now()), "label": label})
    return app, codes_in(visitor.shown(answer).html)


def secret_in(page: str) -> str:
    (place,) = re.findall(r'class="secret-key">(.*?)</code>', page, re.DOTALL)
    return "".join(re.findall(r"<span>(\w+)</span>", place))


def codes_in(page: str) -> list[str]:
    return re.findall(r"<li><code>([\w-]+)</code>", page)


def with_passkey(visitor: Visitor, holder: Client) -> Authenticator:
    """A device with a passkey, added by the page as its script sends it."""
    device, session = Authenticator(PUBLIC_URL), Client(visitor.house.app, {"Accept-Language": "en"})
    session.secret = visitor.session
    session.headers["X-CSRF-Token"] = session.get("/session").json["csrf_token"]
    begun = session.post("/me/second-factors/passkeys", {"password": holder.password}).json
    made = device.make(begun["options"])
    answer = visitor.fill_in("/profile/second-factors/passkey", id=begun["id"], credential=as_json(made))
    assert len(codes_in(visitor.shown(answer).html)) == 10
    return device


def answered(visitor: Visitor, device: Authenticator) -> str:
    """What the script puts into the form in the password's place."""
    session = Client(visitor.house.app, {"Accept-Language": "en"})
    session.secret = visitor.session
    session.headers["X-CSRF-Token"] = session.get("/session").json["csrf_token"]
    asked = session.post("/me/reauthentication/options").json
    return as_json({"attempt": asked["attempt"], "credential": device.answer(asked["options"])})


def as_json(value: object) -> str:
    return orjson.dumps(value).decode()


# --- every page


UNKNOWN = "6f1f2c35-6c1f-4f8e-9a39-0c4a5a4c8a11"


@pytest.mark.parametrize(
    "path", [*PAGES, f"/profile/sessions/{UNKNOWN}", f"/profile/second-factors/{UNKNOWN}/remove"]
)
def test_a_page_leads_through_the_sign_in_page(house, path):
    assert Visitor(house).get(path).headers["Location"] == f"/?next={path}"


@pytest.mark.parametrize("locale", LOCALES)
def test_every_page_speaks_every_language_and_runs_nothing_inline(visitor, locale):
    visitor.get(f"/profile?lang={locale}")
    for path in PAGES:
        answer = visitor.get(path)
        assert answer.status_code == 200, path
        assert f'<html lang="{locale}">' in answer.html
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", answer.html), path


def test_the_picture_of_the_secret_runs_nothing_either(visitor, claire):
    shown = visitor.shown(visitor.fill_in("/profile/second-factors/app", password=claire.password)).html
    assert "<svg" in shown
    assert not re.search(r"<style|\sstyle=|\son\w+=", shown)


def test_the_profile_leads_to_every_page(visitor):
    page = visitor.get("/profile").html
    for path in PAGES[1:]:
        if path.count("/") == 2:
            assert f'href="{path}"' in page


# --- who it is, asked once more

GUARDED = {
    "/profile/password": {"new_password": PASSWORD},
    "/profile/email": {"new_email": "new@school.example"},
    "/profile/second-factors/app": {},
    "/profile/second-factors/recovery-codes": {},
    "/profile/second-factors/FACTOR/remove": {},
    "/profile/data": {},
    "/profile/closure": {},
}


def guarded(path: str, house: House, holder: Client) -> tuple[str, str]:
    """The path of the form, and the name of its password."""
    if "FACTOR" in path:
        held, _ = house.service.factors.of(holder.id)
        path = path.replace("FACTOR", str(held[0].id))
    return path, "current_password" if path == "/profile/password" else "password"


@pytest.mark.parametrize("path", GUARDED)
def test_a_wrong_password_is_said_beside_its_field_and_what_was_typed_stays(house, visitor, claire, path):
    enrolled(visitor, claire.password)
    place, name = guarded(path, house, claire)
    for typed in (WRONG, ""):
        answer = visitor.shown(visitor.fill_in(place, **GUARDED[path], **{name: typed}))
        page = answer.html
        assert answer.status_code == (403 if typed else 422)
        assert f'id="{name}-fault"' in page
        assert WRONG not in page
        assert PASSWORD not in page
        assert ("new@school.example" in page) == (path == "/profile/email")
    assert house.service.store.account(claire.id).state == "active"


@pytest.mark.parametrize("path", GUARDED)
def test_a_passkey_answers_in_the_passwords_place(house, visitor, claire, path):
    device = with_passkey(visitor, claire)
    assert "data-reauthenticate" in visitor.get("/profile/email").html
    place, name = guarded(path, house, claire)
    visitor.get(place)
    typed = {**GUARDED[path], name: ""}  # as a browser sends the field that was left empty
    answer = visitor.send(place, {**typed, "credential": answered(visitor, device)})
    assert answer.status_code == (200 if path == "/profile/data" else 303), answer.words
    assert "again=" not in answer.headers.get("Location", "")


@pytest.mark.parametrize("credential", ["x", "{}", '{"attempt": "1", "credential": {}}', "null"])
def test_a_passkeys_answer_that_is_none_does_nothing(house, visitor, claire, credential):
    answer = visitor.shown(visitor.fill_in("/profile/closure", credential=credential))
    assert answer.status_code == 422
    assert house.service.store.account(claire.id).state == "active"


@pytest.mark.parametrize("path", GUARDED)
def test_an_old_page_does_nothing(house, visitor, claire, path):
    enrolled(visitor, claire.password)
    place, name = guarded(path, house, claire)
    before = version(house, claire)
    visitor.get(place)
    visitor.hidden = {"csrf_token": "old"}
    answer = visitor.shown(visitor.send(place, {**GUARDED[path], **{name: claire.password}}))
    assert answer.status_code == 403
    assert "Rien n'a encore été envoyé" in answer.words
    assert version(house, claire) == before


def version(house: House, holder: Client) -> int:
    return house.service.store.account(holder.id).version


# --- the password


def test_a_new_password_keeps_this_browser_and_ends_all_others(house, claire, visitor):
    assert "avant de vous déconnecter" in visitor.get("/profile").words
    before = visitor.session
    typed = {"current_password": claire.password, "new_password": PASSWORD}
    shown = visitor.shown(visitor.fill_in("/profile/password", **typed)).words
    assert "Votre mot de passe est changé." in shown
    assert "avant de vous déconnecter" not in shown
    assert visitor.session not in (None, before)
    assert claire.get("/me").status_code == 401
    assert "Votre mot de passe est changé." not in visitor.get("/profile").words  # told once


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("court", "Au moins 15 caractères."),
        ("Rossel au bord du lac", "sans votre nom"),
        ("motdepasse123456", "Trop répandu"),
        ("", "Choisissez un mot de passe."),
    ],
)
def test_why_a_password_is_refused_stands_beside_it(visitor, claire, new, said):
    typed = {"current_password": claire.password, "new_password": new}
    answer = visitor.shown(visitor.fill_in("/profile/password", **typed))
    (fault,) = re.findall(r'id="new_password-fault">([^<]+)<', answer.html)
    assert said in fault


def test_beside_a_second_factor_a_shorter_password_will_do(visitor, claire):
    assert "Au moins 15" in visitor.get("/profile/password").words
    enrolled(visitor, claire.password)
    assert "Au moins 8" in visitor.get("/profile/password").words


# --- the address


def test_a_change_of_address_is_shown_while_it_is_pending_and_can_be_withdrawn(house, visitor, claire):
    new = f"new.{claire.email}"
    answer = visitor.fill_in("/profile/email", new_email=new, password=claire.password)
    shown = visitor.shown(answer).words
    assert f"{new} attend votre confirmation." in shown
    assert claire.email in shown
    assert new in visitor.get("/profile/email").words
    answer = visitor.fill_in("/profile/email/withdraw")
    again = visitor.send("/profile/email/withdraw")  # the second click
    assert again.status_code == 303
    assert "Le changement d'adresse est annulé." in visitor.shown(answer).words
    assert house.service.address_changes.pending(claire.id) is None
    assert visitor.get("/profile/email/withdraw").headers["Location"] == "/profile"
    last = claire.get("/me/history", headers={"Log-Position": house.position()}).json["items"][-1]
    assert last["type"] == "account.email-change-cancelled"


def test_the_own_address_is_no_new_one(visitor, claire):
    answer = visitor.fill_in("/profile/email", new_email=claire.email.upper(), password=claire.password)
    page = visitor.shown(answer).html
    assert 'id="new_email-fault"' in page
    assert claire.email.upper() in page


# --- language


def test_a_chosen_language_is_that_of_the_pages_and_of_the_account(house, visitor, claire):
    visitor.get("/profile?lang=en")  # chosen before, for this browser alone
    shown = visitor.shown(visitor.fill_in("/profile/language", locale="de"))
    assert "Die Sprache ist geändert" in shown.words
    assert '<html lang="de">' in visitor.get("/welcome").html
    assert house.service.store.account(claire.id).locale == "de"
    assert visitor.get("/profile/language").html.count(" checked") == 1


def test_another_language_is_refused(visitor):
    assert visitor.shown(visitor.fill_in("/profile/language", locale="it")).status_code == 422


# --- sessions


def test_sessions_are_ended_one_by_one_or_all_others_at_once(house, visitor, claire):
    other, third = Visitor(house).signed_in(claire), Visitor(house).signed_in(claire)
    page = visitor.get("/profile/sessions").html
    assert page.count("Cet appareil") == 1
    paths = re.findall(r'href="(/profile/sessions/[0-9a-f-]{36})"', page)
    assert len(paths) == 3  # that of the API's client too
    assert visitor.get(paths[0]).status_code == 200
    answers = [visitor.send(paths[0]) for _ in range(2)]  # twice
    assert [answer.headers["Location"] for answer in answers] == ["/profile/sessions"] * 2
    assert "La session est fermée." in visitor.shown(answers[0]).words
    assert len(sessions_of(house, claire)) == 3
    shown = visitor.shown(visitor.fill_in("/profile/sessions/others"))
    assert "Vous êtes déconnecté partout ailleurs." in shown.words
    assert "nulle part ailleurs" in shown.words
    assert len(sessions_of(house, claire)) == 1
    assert visitor.get("/profile").status_code == 200
    for gone in (other, third):
        assert gone.get("/profile").headers["Location"] == "/?next=/profile"


def sessions_of(house: House, holder: Client) -> list:
    return house.service.sessions.of(holder.id, house.service.clock.now())


def test_nobody_ends_anothers_session(house, visitor, claire):
    other = house.holder()
    (session,) = sessions_of(house, other)
    visitor.get("/profile/sessions/others")
    assert visitor.send(f"/profile/sessions/{session.id}").status_code == 303
    assert other.get("/me").status_code == 200


# --- second factors


def test_an_app_is_added_step_by_step_and_a_second_click_does_no_harm(house, visitor, claire):
    path = "/profile/second-factors/app"
    shown = visitor.shown(visitor.fill_in(path, password=claire.password))
    secret = secret_in(shown.html)
    assert secret_in(visitor.get(path).html) == secret  # reloaded
    assert f"secret={secret}" in shown.html
    wrong = visitor.shown(visitor.send(path, {"code": "000000", "label": "Mon téléphone"}))
    assert 'id="code-fault"' in wrong.html
    assert "Mon téléphone" in wrong.html
    assert secret_in(wrong.html) == secret
    code = TOTP(secret).at(house.service.clock.now())
    answer = visitor.send(path, {"code": f"{code[:3]} {code[3:]}", "label": "Mon téléphone"})
    codes = codes_in(visitor.shown(answer).html)
    assert len(codes) == 10
    assert codes_in(visitor.get("/profile/second-factors/codes").html) == codes  # reloaded
    done = visitor.fill_in("/profile/second-factors/codes")
    assert "Mon téléphone" in visitor.shown(done).words
    assert visitor.get("/profile/second-factors/codes").headers["Location"] == "/profile/second-factors"
    held, left = house.service.factors.of(claire.id)
    assert ([each.label for each in held], left) == (["Mon téléphone"], 10)


def test_a_code_that_is_sent_twice_adds_one_app(house, visitor, claire):
    path = "/profile/second-factors/app"
    secret = secret_in(visitor.shown(visitor.fill_in(path, password=claire.password)).html)
    code, second = TOTP(secret).at(house.service.clock.now()), Visitor(house)
    for name, value in cookies_of(visitor).items():  # the same browser, which did not wait for the answer
        second.client.set_cookie(name, value, domain=HOST)
    second.hidden = visitor.hidden
    answers = [each.send(path, {"code": code}) for each in (visitor, second)]
    assert [answer.headers["Location"] for answer in answers] == [
        "/profile/second-factors/codes",
        "/profile/second-factors",
    ]
    assert len(house.service.factors.of(claire.id)[0]) == 1


def cookies_of(visitor: Visitor) -> dict[str, str]:
    return {cookie.key: cookie.value for cookie in visitor.client._cookies.values()}


def test_secrets_that_pages_show_lie_sealed_in_the_browser_for_this_session(house, visitor, claire):
    app, codes = enrolled(visitor, claire.password)
    kept = cookies_of(visitor)
    assert not any(secret in value for value in kept.values() for secret in (*codes, app.secret))
    other = house.holder()
    stranger = Visitor(house).signed_in(other)
    stranger.client.set_cookie("matricule_codes", kept["matricule_codes"], domain=HOST)
    assert stranger.get("/profile/second-factors/codes").status_code == 303


def test_recovery_codes_are_replaced_by_new_ones(visitor, claire):
    _, first = enrolled(visitor, claire.password)
    visitor.fill_in("/profile/second-factors/codes")
    answer = visitor.fill_in("/profile/second-factors/recovery-codes", password=claire.password)
    second = codes_in(visitor.shown(answer).html)
    assert len(second) == 10
    assert not set(first) & set(second)


def test_a_factor_is_removed_once_and_a_short_password_stays_guarded(house, visitor, claire):
    enrolled(visitor, claire.password)
    place, _ = guarded("/profile/second-factors/FACTOR/remove", house, claire)
    assert "C'est le dernier" in visitor.get(place).words
    hidden = visitor.hidden
    answer = visitor.send(place, {"password": claire.password})
    assert "C'est retiré." in visitor.shown(answer).words
    visitor.hidden = hidden
    assert visitor.send(place, {"password": claire.password}).headers["Location"] == "/profile/second-factors"
    assert house.service.factors.of(claire.id) == ([], 0)


def test_staff_without_a_second_factor_is_told_why_it_needs_one(house, claire):
    house.service.accounts.grant("secretariat", claire.email, None, actor=OPERATOR)
    visitor = Visitor(house)
    shown = visitor.shown(visitor.fill_in("/", **claire.pair))
    assert "Votre rôle exige une seconde étape" in shown.words
    enrolled(visitor, claire.password)
    done = visitor.shown(visitor.fill_in("/profile/second-factors/codes"))
    assert "Votre rôle exige une seconde étape" not in done.words


def test_a_passkey_that_was_not_made_for_this_is_refused(visitor):
    answer = visitor.fill_in("/profile/second-factors/passkey", id=str(uuid4()), credential="{}", label="Clé")
    shown = visitor.shown(answer)
    assert shown.status_code == 422
    assert "Cette clé d'accès n'a pas été acceptée." in shown.words
    assert "Clé" in shown.html


# --- history


def test_the_history_is_told_newest_first_page_by_page_and_leaves_nothing_out(house, claire, visitor):
    visitor.get("/profile?lang=fr")
    for number in range(30):
        house.service.accounts.change_locale(claire.id, LOCALES[number % 2])
    clerk = house.staff("secretariat", f"clerk.{claire.email}")
    assert clerk.get(f"/accounts/{claire.id}").status_code == 200
    position = house.position()
    house.service.watermark.wait(("timeline", "account_accesses"), house.service.watermark.open(position))
    items = claire.get(
        "/me/history?limit=200", headers={"Log-Position": position, "Accept-Language": "fr"}
    ).json["items"]
    said, path = [], "/profile/history"
    while path:
        page = visitor.get(path).html
        said += re.findall(r'class="moment-said">([^<]+)<', page)
        found = re.search(r'rel="next" href="([^"]+)"', page)
        path = found and found[1]
    assert [unescape(each) for each in said] == [item["sentence"] for item in reversed(items)]
    assert len(said) > 30
    assert f"clerk.{claire.email}" in visitor.get("/profile/history").words  # who looked


def test_the_history_tells_values_in_words(visitor, claire, house):
    visitor.get("/profile?lang=fr")
    assert claire.put("/me/profile", PROFILE).status_code == 200
    house.service.accounts.change_locale(claire.id, "de")
    position = house.service.watermark.open(house.position())
    house.service.watermark.wait(("timeline", "account_accesses"), position)
    shown = visitor.get("/profile/history").words
    for word in (
        "31 décembre 1980",
        "féminin",
        "Suisse",
        "Jura",
        "Ecoles de Moutier",
        "allemand",
        "avant : français",
    ):
        assert word in shown
    assert "teacher-cycle-1" not in shown
    assert "756.•" in shown  # whoever looks over a shoulder sees no number


@pytest.mark.parametrize("cursor", ["x", "", "AAAA"])
def test_a_cursor_that_is_none_leads_to_the_newest(visitor, cursor):
    answer = visitor.get(f"/profile/history?cursor={cursor}")
    assert answer.headers["Location"] == "/profile/history"


# --- one's data, and the end


def test_the_file_of_all_data_is_the_apis(visitor, claire):
    answer = visitor.fill_in("/profile/data", password=claire.password)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="matricule.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    own = claire.post("/me/export", {"password": claire.password}).json
    assert answer.json.keys() == own.keys()
    assert answer.json["account"]["email"] == claire.email


def test_a_closed_account_is_left_and_says_how_to_come_back(house, visitor, claire):
    assert "30 jours" in visitor.get("/profile/closure").words
    answer = visitor.send("/profile/closure", {"password": claire.password})
    assert answer.headers["Location"] == "/profile/closed"
    assert "rouvre votre compte" in visitor.shown(answer).words
    assert visitor.session is None
    assert house.service.store.account(claire.id).state == "closed"
    assert visitor.get("/profile").headers["Location"] == "/?next=/profile"
