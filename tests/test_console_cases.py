"""Deciding on cases at the console: linked, rejected, taken back, and who was first."""

import re

import pytest
from api_client import PROFILE, Client
from page_visitor import Visitor
from portfolio_files import HandedOver
from secretariat import at_the_console, case_of, reads_of, secretariat, waiting

from domain.calendar import ZURICH

AHV = "756.1234.5678.97"


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    others = [f"R-{number};;Aubry;Luc;;1970-02-0{number % 10};male;;;;;" for number in range(2001, 2007)]
    with secretariat(postgres, template, tmp_path_factory.mktemp("home"), *others) as house:
        yield house


@pytest.fixture(scope="module")
def kim(house) -> Client:
    return house.staff("secretariat", "kim.frei@secretariat.example")


@pytest.fixture
def clerk(house, kim) -> Visitor:
    return at_the_console(house, kim)


@pytest.fixture
def claire(house) -> Client:
    return waiting(house)


def sent(clerk: Visitor, path: str, **typed: str):
    """What the page shows once the form was sent."""
    return clerk.shown(clerk.fill_in(path, **typed))


def link_of(house, holder: Client) -> str | None:
    link = house.service.store.profile(house.service.store.account(holder.id).profile_id).link
    return link and link.record_number


def undo(house, kim, holder: Client) -> None:
    kim.post(f"/accounts/{holder.id}/unlink", {"reason": "wrong-person", "note": None})


def test_what_was_declared_stands_beside_the_records_field_by_field(house, clerk, claire):
    page = clerk.get(case_of(house, claire)).html
    rows = dict(re.findall(r'<th scope="row">([^<]+)</th>(.*?)</tr>', page, re.DOTALL))
    assert re.findall(r"<bdi>([^<]+)</bdi>", rows["Adresse e-mail"]) == [claire.email, "claire@old.example"]
    assert "is-different" in rows["Adresse e-mail"]
    assert "différent" in rows["Adresse e-mail"]
    assert "égal" in rows["Date de naissance"]
    assert re.search(r'value="R-1001"[^>]* data-certain aria-keyshortcuts="1"', page)
    assert re.search(r"<strong>99,\d", page)
    assert AHV not in page


def test_the_ahv_number_is_shown_for_a_purpose_only(house, kim, clerk, claire):
    case = case_of(house, claire)
    assert clerk.get(f"{case}?purpose=linking").html.count(AHV) == 2
    assert clerk.get(f"{case}?purpose=curiosity").leads_to == case
    last = reads_of(house, kim)[-1]
    assert (last["what"], last["purpose"], last["account"]) == ("case", "linking", str(claire.id))


def test_one_key_and_one_button_link_where_identity_agrees_and_the_undo_is_at_hand(house, kim, clerk, claire):
    waiting(house, given_name="Anna", ahv_number=None)
    page = sent(clerk, f"{case_of(house, claire)}/link", record_number="R-1001")
    assert link_of(house, claire) == "R-1001"
    assert "La personne est liée au dossier R-1001" in page.words
    assert page.path.startswith("/console/cases/")
    (reason,) = re.findall(r'name="reason" value="([^"]+)"', page.html)
    page = clerk.shown(clerk.send(f"/console/accounts/{claire.id}/unlink", {"reason": reason}))
    assert link_of(house, claire) is None
    assert page.request.path == case_of(house, claire)
    assert "La liaison est annulée" in page.words
    assert "La liaison est annulée" not in clerk.get(page.request.path).words


def test_whoever_takes_a_link_back_is_told_first_what_was_seen_of_the_record(house, clerk, claire, tmp_path):
    undo_page, why = f"/console/accounts/{claire.id}/unlink", {"reason": "wrong-record"}
    sent(clerk, f"{case_of(house, claire)}/link", record_number="R-1001")
    handed = HandedOver(tmp_path, house.service.portfolio_items)
    handed.take("R-1001;course;FC-1;Albums;followed;;;;;", handed.document("R-1001", "A-1"))
    assert "déjà vu" not in clerk.get(undo_page).words
    items = claire.get("/me/portfolio").json["items"]
    (document,) = (each["id"] for each in items if each["kind"] == "document")
    assert claire.get(f"/me/documents/{document}").status_code == 200
    page = clerk.shown_again(undo_page, why)
    fetched_at = house.service.clock.now().astimezone(ZURICH)
    assert f"Attestation ( a.pdf ), téléchargé le {fetched_at:%d.%m.%Y}" in page.words
    assert "Autres entrées du portfolio affichées : 1" in page.words
    assert link_of(house, claire) == "R-1001"
    assert "La liaison est annulée" in clerk.submit(undo_page, why, on=page).words
    assert claire.get(f"/me/documents/{document}").status_code == 403
    other = waiting(house)
    sent(clerk, f"{case_of(house, other)}/link", record_number="R-1001")
    assert "déjà vu" not in clerk.get(f"/console/accounts/{other.id}/unlink").words
    clerk.submit(f"/console/accounts/{other.id}/unlink", why)
    assert link_of(house, other) is None


def test_what_is_not_certain_wants_a_reason_and_a_record_that_there_is(house, clerk):
    luc = waiting(
        house, ahv_number=None, given_name="Luc", family_name="Aubry", birth_date="1970-02-01", sex="male"
    )
    case = f"{case_of(house, luc)}/link"
    page = sent(clerk, case, record_number="R-2001", note="Au guichet.")
    assert page.status_code == 422
    assert 'id="reason-fault"' in page.html
    assert re.search(r'value="R-2001"[^>]* checked', page.html)
    assert "Au guichet." in page.html
    page = sent(clerk, case, other_record_number="R-9999", reason="identity-checked")
    assert page.status_code == 422
    assert 'id="record_number-fault"' in page.html
    assert sent(clerk, case).status_code == 422
    assert link_of(house, luc) is None
    sent(clerk, case, other_record_number="R-2002", reason="identity-checked")
    assert link_of(house, luc) == "R-2002"


def test_many_candidates_are_shown_when_asked(house, clerk):
    luc = waiting(
        house, ahv_number=None, given_name="Luc", family_name="Aubry", birth_date="1970-02-03", sex="male"
    )
    case = case_of(house, luc)
    assert clerk.get(case).html.count('name="record_number"') == 3
    (more,) = re.findall(r'href="([^"]+candidates=all)"', clerk.get(case).html)
    assert clerk.get(more).html.count('name="record_number"') > 3


def test_rejecting_tells_the_next_page_and_the_case_says_who_and_when(house, clerk, claire):
    case = case_of(house, claire)
    assert sent(clerk, f"{case}/reject").status_code == 422
    page = sent(clerk, f"{case}/reject", reason="identity-unproven", note="")
    assert "La liaison est refusée" in page.words
    page = clerk.get(case)
    assert re.search(r"Refusé par kim.frei@secretariat.example, le", page.words)
    assert 'name="reason"' not in page.html


def test_the_second_clerk_is_told_who_was_first(house, kim, clerk, claire):
    case = case_of(house, claire)
    other = at_the_console(
        house, house.staff("secretariat", f"lou-{next(house.numbers)}@secretariat.example")
    )
    other.get(f"{case}/link")
    sent(clerk, f"{case}/link", record_number="R-1001")
    page = other.shown(other.send(f"{case}/link", {"record_number": "R-1001"}))
    assert page.status_code == 409
    assert "kim.frei@secretariat.example l'a réglé avant vous, le " in page.words, page.words
    again = waiting(house)
    page = sent(other, f"{case_of(house, again)}/link", record_number="R-1001", reason="identity-checked")
    assert page.status_code == 409
    assert "kim.frei@secretariat.example a lié ce dossier à un autre compte" in page.words
    assert "Liée au compte de" in page.words
    undo(house, kim, claire)


def test_what_the_holder_corrected_meanwhile_is_shown_before_anything_is_decided(house, kim, clerk, claire):
    case = case_of(house, claire)
    clerk.get(case)
    claire.put("/me/profile", {**PROFILE, "ahv_number": "756.9217.0769.92", "city": "Bienne"})
    for action, typed in {
        "link": {"record_number": "R-1001"},
        "reject": {"reason": "data-wrong"},
        "take": {},
    }.items():
        page = clerk.shown(clerk.send(f"{case}/{action}", typed))
        assert page.status_code == 409
        assert "La personne a corrigé ses données, le " in page.words
        assert "Localité avant : Moutier → après : Bienne" in page.words
        assert "Numéro AVS avant : 756.••••.••••.97 → après : 756.••••.••••.92" in page.words
        assert "avant : Claire" not in page.words
        assert 'name="reason"' not in page.html
    assert link_of(house, claire) is None
    assert "S'il faut décider, un nouveau cas apparaît" in page.words
    position = house.service.watermark.open(house.match(claire.id))
    house.service.watermark.wait(("cases", "directory"), position)
    following = case_of(house, claire)
    assert f'href="{following}">Ouvrir le nouveau cas' in clerk.get(case).html
    sent(clerk, f"{following}/link", record_number="R-1001", reason="identity-checked")
    assert "Le compte est lié au dossier R-1001." in clerk.get(case).words
    undo(house, kim, claire)


def test_a_case_that_another_withdrew_is_not_said_to_be_corrected(house, kim, clerk, claire):
    case, kept = case_of(house, claire), waiting(house, ahv_number=None)
    merged = kim.post(
        f"/accounts/{kept.id}/merge", {"account": str(claire.id), "reason": "same-person", "note": None}
    )
    assert merged.status_code < 300, merged.json
    words = clerk.get(case).words
    assert "car le compte ou le registre a changé" in words
    assert "corrigé" not in words


def test_a_lost_session_brings_back_what_was_typed(house, kim, clerk, claire):
    case = f"{case_of(house, claire)}/reject"
    clerk.get(case)
    clerk.lose_session()
    answer = clerk.send(case, {"reason": "data-wrong", "note": "Appelée deux fois."})
    assert answer.leads_to == f"/?next={case}"
    clerk.with_session_of(kim)
    assert "Appelée deux fois." in clerk.get(case).html


def test_nobody_but_clerks_decides(house, claire):
    case = case_of(house, claire)
    auditor = at_the_console(house, house.staff("auditor", f"audit-{next(house.numbers)}@canton.example"))
    assert 'name="reason"' not in auditor.get(case).html
    for path in (f"{case}/link", f"{case}/reject", f"/console/accounts/{claire.id}/unlink"):
        assert auditor.get(path).status_code == 403
        assert auditor.send(path, {"record_number": "R-1001", "reason": "other"}).status_code == 403
    assert link_of(house, claire) is None


def test_a_question_goes_out_in_the_holders_language_and_its_answer_stands_on_the_case(house, clerk):
    maja = waiting(house, ahv_number=None, given_name="Maja", family_name="Brunner")
    position = maja.ask("PATCH", "/me", json={"locale": "de"}).headers["Log-Position"]
    house.service.watermark.wait(("directory",), house.service.watermark.open(position))
    case = case_of(house, maja)
    page = clerk.get(f"{case}/question?template=ahv-number")
    assert "Ihre AHV-Nummer" in page.html
    assert clerk.get(f"{case}/question?template=../../x").status_code == 200
    assert sent(clerk, f"{case}/question", text=" ").status_code == 422
    page = sent(clerk, f"{case}/question", text="Haben Sie früher anders geheissen?")
    assert "La question est envoyée" in page.words
    assert maja.get("/me/case").json["question"]["text"] == "Haben Sie früher anders geheissen?"
    page = clerk.get(case).words
    assert "délai suspendu" in page
    assert "Haben Sie früher anders geheissen?" in page
    assert sent(clerk, f"{case}/question", text="Noch etwas?").status_code == 409
    maja.post("/me/case/answer", {"text": "Ja: Maja Wyss."})
    assert "Ja: Maja Wyss." in clerk.get(case).words


def test_a_case_is_taken_and_taken_over(house, kim, clerk, claire):
    case = case_of(house, claire)
    lou = house.staff("secretariat", f"lou-{next(house.numbers)}@secretariat.example")
    other = at_the_console(house, lou)
    other.get(case)
    sent(clerk, f"{case}/take")
    assert "kim.frei@secretariat.example" in clerk.get("/console").words
    page = other.shown(other.send(f"{case}/take"))
    assert page.status_code == 409
    assert "kim.frei@secretariat.example y travaille depuis" in page.words
    page = other.shown(other.send(f"{case}/take", {"instead_of": str(kim.id)}))
    assert page.status_code == 200
    assert re.search(r"Pris par " + lou.email, page.words)


def test_a_record_is_made_of_what_was_declared_where_there_is_none(house, clerk):
    ines = waiting(house, ahv_number=None, given_name="Inès", family_name="Lovis", birth_date="1992-05-05")
    page = sent(clerk, f"{case_of(house, ines)}/create-record", reason="new-person", note="")
    number = link_of(house, ines)
    assert house.service.records.get(number).family_name == "Lovis"
    assert f"Le dossier {number} est créé" in page.words
