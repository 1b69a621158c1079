"""The search box, the account's sheet and what a clerk does from there."""

import csv
import io
import re

import pytest
from api_client import Client, nothing
from page_visitor import Visitor
from secretariat import at_the_console, reads_of, secretariat, waiting

from application.ports import AccountRequest
from infrastructure.search import READ_MODELS

AHV = "756.1234.5678.97"


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    with secretariat(postgres, template, tmp_path_factory.mktemp("home")) as house:
        yield house


@pytest.fixture(scope="module")
def kim(house) -> Client:
    return house.staff("secretariat", "kim.frei@secretariat.example")


@pytest.fixture(scope="module")
def clerk(house, kim) -> Visitor:
    return at_the_console(house, kim)


@pytest.fixture(scope="module")
def claire(house) -> Client:
    return waiting(house)


@pytest.fixture(scope="module")
def sheet(claire) -> str:
    return f"/console/accounts/{claire.id}"


def acted(clerk: Visitor, path: str, **typed: str):
    return clerk.shown(clerk.fill_in(path, **typed))


def test_what_is_typed_into_the_box_stands_in_no_address_and_stays_in_the_box(
    house, clerk, kim, claire, sheet
):
    answer = clerk.fill_in("/console/accounts", q="róssel cl", state="active")
    place = answer.leads_to
    assert re.fullmatch(r"/console/accounts\?search=[\w-]{11}", place)
    page = clerk.get(place)
    assert f'href="{sheet}"' in page.html
    assert 'value="róssel cl"' in page.html
    trace = reads_of(house, kim)[-1]
    assert (trace["what"], trace["filters"], trace["accounts"]) == (
        "account-search",
        {"state": "active"},
        [str(claire.id)],
    )
    file = clerk.get(place.replace("/accounts?", "/accounts.csv?"))
    (row,) = csv.DictReader(io.StringIO(file.get_data(as_text=True)))
    assert row["email"] == claire.email
    stranger = at_the_console(house, house.staff("secretariat", "stranger@secretariat.example"))
    assert claire.email not in stranger.get(place).words
    assert "plus conservée" in stranger.get(place).words
    page = acted(clerk, "/console/accounts", q=AHV, state="")
    assert claire.email in page.words
    assert "Aucun compte trouvé" in acted(clerk, "/console/accounts", q="nobody at all").words
    assert acted(clerk, "/console/accounts", q="x" * 201).status_code == 422


def test_pages_of_a_search_follow_one_another(house, clerk):
    accounts, now = house.service.accounts, house.service.clock.now()
    for n in range(52):
        asked = AccountRequest(f"z{n}@school.example", "X", f"Zwahlen{n:02}", "fr", "2018-08-27", now)
        made = accounts.decide_request(asked, nothing)
    house.service.watermark.wait(READ_MODELS, made.position)
    page = acted(clerk, "/console/accounts", q="zwahlen")
    assert page.html.count("data-row") == 50
    (following,) = re.findall(r'rel="next" href="([^"]+)"', page.html)
    rest = clerk.get(following.replace("&amp;", "&"))
    assert rest.html.count("data-row") == 2


def test_the_sheet_tells_how_an_account_stands_and_what_happened(house, clerk, kim, sheet, claire):
    page = clerk.get(sheet)
    said = page.words
    for words in (
        "Rue de la Gare 12",
        "Première connexion",
        "Votre mot de passe initial",
        "756.••••.••••.97",
    ):
        assert words in said, words
    assert AHV not in said
    assert AHV in clerk.get(f"{sheet}?purpose=correction").words
    account, timeline, messages = reads_of(house, kim)[-3:]
    assert [each["what"] for each in (account, timeline, messages)] == ["account", "timeline", "messages"]
    assert account["purpose"] == "correction"
    past = clerk.get(f"{sheet}/past?as_of={house.service.clock.now().date()}").words
    assert claire.email in past
    assert clerk.get(f"{sheet}/past?as_of=1999-01-01").status_code == 404
    assert clerk.get(f"{sheet}/past?as_of=yesterday").leads_to == sheet
    assert clerk.get("/console/accounts/6f1f2c35-6c1f-4f8e-9a39-0c4a5a4c8a11").status_code == 404


def test_a_clerk_locks_unlocks_corrects_and_closes_each_with_a_reason(house, clerk):
    ada = waiting(house, given_name="Ada", ahv_number=None)
    sheet = f"/console/accounts/{ada.id}"
    assert acted(clerk, f"{sheet}/lock").status_code == 422
    page = acted(clerk, f"{sheet}/lock", reason="suspected-misuse", note="Trois appels.")
    assert page.request.path == sheet
    assert "Le compte est verrouillé." in page.words
    assert "verrouillé" in clerk.get(sheet).words
    assert "Trois appels." in clerk.get(sheet).words
    assert ada.get("/me").status_code == 401
    acted(clerk, f"{sheet}/unlock", reason="checked-with-holder")
    page = acted(clerk, f"{sheet}/correct", email="ada@elsewhere.example", reason="typing-error")
    assert "ada@elsewhere.example" in page.words
    assert acted(clerk, f"{sheet}/correct", email=clerk_email(), reason="other").status_code == 409
    acted(clerk, f"{sheet}/close", reason="left-institution")
    assert "fermé" in clerk.get(sheet).words
    assert f"{sheet}/close" not in clerk.get(sheet).html


def test_a_note_a_password_again_and_two_accounts_of_one_person(house, clerk):
    kept, other = (waiting(house, given_name="Ida", ahv_number=None) for _ in range(2))
    sheet = f"/console/accounts/{kept.id}"
    assert acted(clerk, f"{sheet}/note", note="").status_code == 422
    assert "Parle italien." in acted(clerk, f"{sheet}/note", note="Parle italien.").words
    assert acted(clerk, f"{sheet}/resend", reason="other").status_code in (409, 422)
    page = acted(clerk, f"{sheet}/merge", account=str(other.id), reason="same-person")
    assert "Les comptes sont réunis" in page.words, page.words
    assert str(other.id) in page.html
    page = acted(clerk, f"/console/accounts/{other.id}/unmerge", reason="error")
    assert "de nouveau séparés" in page.words, page.words


def test_access_is_restored_by_two(house, clerk, kim):
    eva = waiting(house, given_name="Eva", ahv_number=None)
    sheet = f"/console/accounts/{eva.id}"
    page = acted(clerk, f"{sheet}/recovery", email="eva@new.example", reason="mailbox-lost")
    assert "Rétablissement de l'accès proposé" in page.words
    assert "approve-recovery" not in page.html
    assert acted(clerk, f"{sheet}/approve-recovery").status_code == 409
    other = at_the_console(house, house.staff("secretariat", "lou.graf@secretariat.example"))
    assert "approve-recovery" in other.get(sheet).html
    page = acted(other, f"{sheet}/approve-recovery")
    assert "L'accès est rétabli" in page.words
    assert "eva@new.example" in page.words


def test_whose_form_is_shown_is_noted(house, clerk, kim):
    eva = waiting(house, given_name="Eva", ahv_number=None)
    sheet = f"/console/accounts/{eva.id}"
    acted(clerk, f"{sheet}/recovery", email="eva@other.example", reason="mailbox-lost")
    for name in ("lock", "approve-recovery"):
        before = reads_of(house, kim)
        assert clerk.get(f"{sheet}/{name}").status_code == 200
        (last,) = reads_of(house, kim)[len(before) :]
        assert (last["what"], last["accounts"]) == ("account", [str(eva.id)]), name


def test_nobody_acts_on_the_own_account_and_readers_on_none(house, clerk, kim, sheet):
    own = f"/console/accounts/{kim.id}"
    assert f"{own}/lock" not in clerk.get(own).html
    assert acted(clerk, f"{own}/lock", reason="other").status_code == 403
    for role in ("auditor", "data-protection"):
        reader = at_the_console(house, house.staff(role, f"{role}@canton.example"))
        assert "/lock" not in reader.get(sheet).html
        for name in ("lock", "close", "correct", "recovery", "second-factor-reset", "approve-recovery"):
            assert reader.get(f"{sheet}/{name}").status_code == 403
            assert reader.send(f"{sheet}/{name}", {"reason": "other"}).status_code == 403


def clerk_email() -> str:
    return "kim.frei@secretariat.example"
