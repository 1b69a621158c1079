"""«Mes données»: what is filled in is looked over before it is saved, and what became of it is told."""

from dataclasses import replace
from datetime import date

import pytest
from api_client import PROFILE, Client, House, running
from page_visitor import Sheet, Visitor
from people import AURELIE
from services import new_database

from api.web.personal_data import ProfileForm, in_fields, iso_day

WRITTEN = {
    **{name: value or "" for name, value in PROFILE.items()},
    "ahv_number": "7561234567897",
    "birth_date": "31.12.1980",
}
EDIT, CHECK, SHOW = "/my-data/edit", "/my-data/check", "/my-data"


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with new_database(postgres, template) as database, running(database, home) as house:
        yield house


@pytest.fixture(scope="module")
def clerk(house) -> Client:
    return house.staff("secretariat", "clerk@secretariat.example")


@pytest.fixture
def claire(house) -> Visitor:
    return Visitor(house).with_session_of(house.holder())


def continue_with(reader: Visitor, **different: str) -> Sheet:
    """The form, filled in and sent."""
    form = reader.open(EDIT)
    assert form.path == EDIT
    return reader.submit(EDIT, {**WRITTEN, **different}, on=form)


def save(reader: Visitor, check: Sheet, **more: str) -> Sheet:
    return reader.submit(CHECK, more, on=check)


def saved(reader: Visitor) -> dict:
    answer = reader.holder.get("/me/profile")
    assert answer.status_code == 200, answer.json
    return answer.json


def open_case(house: House, client: Client):
    position = house.match(client.id)
    house.service.watermark.wait(("cases", "directory"), house.service.watermark.open(position))
    return house.service.store.profile(house.service.store.account(client.id).profile_id).open_case.id


# --- as people write it


@pytest.mark.parametrize(
    "typed", ["31.12.1980", "31/12/1980", "31-12-1980", " 31. 12. 1980 ", "31121980", "1980-12-31"]
)
def test_a_date_of_birth_is_understood_as_people_write_it(typed):
    assert date.fromisoformat(iso_day(typed).strip()) == date(1980, 12, 31)


@pytest.mark.parametrize("typed", ["", "31.12.80", "hier", "1980", "31.12.19800"])
def test_what_is_no_day_is_left_as_it_was_typed(typed):
    assert iso_day(typed) == typed


@pytest.mark.parametrize(
    "data",
    [
        AURELIE,
        replace(AURELIE, ahv_number=None, birth_name=None, phone=None, function=None, school="moutier"),
        replace(AURELIE, phone="+33381000000", birth_date=date(2001, 2, 3), country="FR", canton="other"),
    ],
)
def test_the_form_understands_what_it_shows(house, data):
    data = replace(data, function=None)
    shown = in_fields(data)
    with house.app.app_context():
        taken = ProfileForm().load({**shown, "ahv_number_missing": shown["ahv_number_missing"] == "true"})
    assert taken == data


# --- filling in


def test_the_first_form_knows_the_names_of_the_sign_up(claire):
    form = claire.open(SHOW)
    assert (form.path, form.status_code) == (EDIT, 200)
    assert (form.fields["given_name"], form.fields["family_name"]) == ("Claire", "Rossel")
    assert 'data-banner="profile"' in form.html


def test_nothing_is_saved_before_it_was_looked_over(claire):
    check = continue_with(claire)
    assert check.path == CHECK
    for told in (
        "756.1234.5678.97",
        "31 décembre 1980",
        "2740 Moutier",
        "Suisse",
        "032 886 99 31",
        "féminin",
    ):
        assert told in check.words
    assert claire.holder.get("/me/profile").status_code == 404
    done = save(claire, check)
    assert done.path == SHOW
    assert "Nous lions vos données" in done.words
    assert "data-banner" not in done.html
    assert saved(claire) == {**PROFILE, "phone": "+41328869931"}


def test_whoever_has_no_number_yet_says_so(claire):
    check = continue_with(claire, ahv_number="", ahv_number_missing="true")
    assert "Je n'en ai pas encore" in check.words
    save(claire, check)
    assert saved(claire)["ahv_number"] is None


def test_all_that_is_wrong_stands_beside_its_field_and_what_was_typed_stays(claire):
    typed = {
        "ahv_number": "756.1234.5678.90",
        "birth_date": "31.02.1980",
        "city": "",
        "street": "Rue <b>",
        "sex": "",
    }
    form = continue_with(claire, **typed)
    assert (form.path, form.status_code) == (EDIT, 422)
    assert set(form.faults) == {"ahv_number", "birth_date", "city", "sex"}
    assert form.faults["birth_date"] == "Cette date n'existe pas. Exemple\N{NO-BREAK SPACE}: 31.12.1980"
    assert {name: form.fields[name] for name in typed if name != "sex"} == {
        name: text for name, text in typed.items() if name != "sex"
    }
    assert "<b>" not in form.html


def test_a_number_and_none_is_one_too_many(claire):
    form = continue_with(claire, ahv_number_missing="true")
    assert form.faults.keys() == {"ahv_number"}
    assert "pas les deux" in form.faults["ahv_number"]


def test_going_back_brings_everything_back(claire):
    check = continue_with(claire, street="Chemin du Retour 7")
    for form in (claire.open(EDIT), save(claire, check, step="modify")):
        assert (form.path, form.status_code) == (EDIT, 200)
        assert form.fields["street"] == "Chemin du Retour 7"
        assert "Rien n'a encore été envoyé" not in form.words
    assert claire.holder.get("/me/profile").status_code == 404


def test_going_back_over_a_mistake_shows_it_mended(claire):
    wrong = continue_with(claire, city="")
    claire.submit(EDIT, WRITTEN)
    back = claire.open(wrong.address)
    assert (back.status_code, back.faults, back.fields["city"]) == (200, {}, "Moutier")


def test_the_page_to_look_over_is_the_data_s_own_page_once_they_are_saved(claire):
    save(claire, continue_with(claire))
    assert claire.open(CHECK).path == SHOW


# --- twice


def test_saving_the_same_twice_is_saving_once(claire):
    check = continue_with(claire)
    assert save(claire, check).path == SHOW
    assert save(claire, check).path == SHOW
    history = claire.holder.get("/me/history").json["items"]
    assert [item["type"] for item in history].count("profile.submitted") == 1
    assert [item["type"] for item in history].count("profile.corrected") == 0


def test_what_is_saved_is_what_this_tab_showed(claire):
    mine = continue_with(claire, street="Rue Une 1")
    continue_with(claire, street="Rue Deux 2")
    save(claire, mine)
    assert saved(claire)["street"] == "Rue Une 1"


@pytest.mark.parametrize("is_first", [True, False])
def test_another_tab_is_not_overwritten_unseen(claire, is_first):
    if not is_first:
        save(claire, continue_with(claire))
    mine, other = (continue_with(claire, street=street) for street in ("Rue Une 1", "Rue Deux 2"))
    save(claire, other)
    stale = save(claire, mine)
    assert (stale.path, stale.status_code) == (CHECK, 412)
    assert "Rue Une 1 Enregistré actuellement : Rue Deux 2" in stale.words.replace("\N{NO-BREAK SPACE}", " ")
    assert saved(claire)["street"] == "Rue Deux 2"
    save(claire, stale)  # knowing both
    assert saved(claire)["street"] == "Rue Une 1"


def test_a_made_up_version_overwrites_nothing(claire):
    save(claire, continue_with(claire))
    check = continue_with(claire, street="Rue Une 1")
    assert save(claire, check, version="9" * 30).status_code == 412
    assert save(claire, check, version="x").status_code == 412


def test_what_the_page_brought_along_is_judged_again(claire):
    form = save(claire, continue_with(claire), birth_date="31.12.2999")
    assert form.status_code == 422
    assert 'action="/my-data/edit"' in form.html
    assert claire.holder.get("/me/profile").status_code == 404


# --- what became of it


def test_a_rejection_says_why_and_what_to_do(house, clerk, claire):
    save(claire, continue_with(claire, ahv_number="", ahv_number_missing="true"))
    case = open_case(house, claire.holder)
    answer = clerk.post(f"/cases/{case}/reject", {"reason": "second-account", "note": "Kennt man."})
    house.service.watermark.wait(("directory",), house.service.watermark.open(answer.headers["Log-Position"]))
    told = claire.open(SHOW)
    assert "Vous semblez avoir déjà un compte personnel" in told.words
    assert "Connectez-vous avec votre première adresse" in told.words
    assert "Kennt man" not in told.html
    assert "«Mes données» dit pourquoi" in claire.open("/portfolio").words
    again = save(claire, continue_with(claire, family_name="Rossel-Favre"))
    assert "Nous lions vos données" in again.words


def test_a_link_that_was_taken_back_is_told(house, clerk, claire, tmp_path):
    file = tmp_path / "records.csv"
    file.write_text("record_number;family_name\nR-1;Rossel\n")
    house.service.records.import_file(file, today=date(2025, 1, 1))
    save(claire, continue_with(claire, ahv_number="", ahv_number_missing="true"))
    decision = {"record_number": "R-1", "reason": "identity-checked", "note": None}
    linked = clerk.post(f"/cases/{open_case(house, claire.holder)}/link", decision)
    house.service.watermark.wait(("directory",), house.service.watermark.open(linked.headers["Log-Position"]))
    assert "Votre compte est lié à votre dossier" in claire.open(SHOW).words
    taken_back = clerk.post(f"/accounts/{claire.holder.id}/unlink", {"reason": "wrong-record", "note": None})
    house.service.watermark.wait(
        ("directory",), house.service.watermark.open(taken_back.headers["Log-Position"])
    )
    assert "La liaison avec votre dossier a été annulée" in claire.open(SHOW).words


def test_whoever_waits_for_too_long_is_told_so(house, claire):
    save(claire, continue_with(claire))
    with house.service.pool.connection() as connection:
        connection.execute(
            "UPDATE directory SET link_due = current_date - 1 WHERE account_id = %s", (claire.holder.id,)
        )
    assert "La mise en relation prend du retard" in claire.open(SHOW).words


# --- the places of the register


def test_a_postal_code_proposes_the_places_that_several_records_know(house, tmp_path):
    cities = ["Moutier", "Moutier", "Moutier", "Perrefitte", "Perrefitte", "chez Mme Favre"]
    file = tmp_path / "records.csv"
    lines = [f"P-{number};2740;{city}" for number, city in enumerate(cities)]
    file.write_text("\n".join(["record_number;postal_code;city", *lines]))
    house.service.records.import_file(file, today=date(2025, 1, 1))
    answer = house.client().get("/places?postal_code=2740")
    assert answer.json["items"] == [{"city": "Moutier"}, {"city": "Perrefitte"}]
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert house.client().get("/places?postal_code=9999").json["items"] == []
    assert house.client().get("/places").status_code == 422
