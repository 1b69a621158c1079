"""The secretariat has a question: whoever is asked finds it, answers without scripts, and is told that it arrived."""

import pytest
from browsing import PHONE, SMALLEST, follow, heading, path_of, send
from secretariat import browser_of, case_of, secretariat, waiting
from wcag import violations

TEXT = "Quel nom portiez-vous à votre entrée à l'école, en 2004 ?\nEt où habitiez-vous ?"


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    with secretariat(postgres, template, tmp_path_factory.mktemp("home")) as house:
        yield house


def asked(house, clerk):
    """Somebody who is asked, and the case."""
    holder = waiting(house, ahv_number=None)
    case = case_of(house, holder).removeprefix("/console")
    answer = clerk.post(f"{case}/question", {"text": TEXT})
    assert answer.status_code == 200
    house.service.watermark.wait(
        ("cases", "directory"), house.service.watermark.open(answer.headers["Log-Position"])
    )
    return holder, case


def test_a_question_is_found_answered_and_done(house, chromium, address):
    clerk = house.staff("secretariat", "kim.frei@secretariat.example")
    holder, case = asked(house, clerk)
    with browser_of(chromium, address, holder, **PHONE, java_script_enabled=False) as page:
        page.goto("/welcome")
        follow(page, "text=Voir la question et répondre")
        assert (path_of(page), heading(page)) == ("/my-data/question", "Une question vous est posée")
        send(page)
        assert page.inner_text("#text-fault") == "Écrivez votre réponse."
        page.fill("#text", "Jeanneret.\nÀ Moutier.")
        send(page)
        assert path_of(page) == "/my-data"
        assert page.is_visible("text=Votre réponse est envoyée")
        page.go_back()  # to the form, which is done with
        page.reload()
        assert path_of(page) == "/my-data"
    (question,) = clerk.get(case).json["questions"]
    assert question["answer"] == "Jeanneret.\nÀ Moutier."

    holder, _ = asked(house, clerk)
    found = {}
    with browser_of(chromium, address, holder, **SMALLEST) as page:
        for path in ("/welcome", "/my-data", "/my-data/question"):
            page.goto(path)
            found[path] = violations(page)
        send(page)
        found["wrong"] = violations(page)
    assert {place: told for place, told in found.items() if told} == {}
