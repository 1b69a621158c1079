"""A clerk's bad morning: a register that fails, a holder who corrects meanwhile, a wrong link that was made use of."""

import re
from contextlib import contextmanager
from threading import Event, Thread

import pytest
from api_client import PROFILE
from browsing import DESKTOP, PHONE, follow
from portfolio_files import PDF, HandedOver
from records_register import Register, a_record, send
from secretariat import browser_of, case_of, mirroring, read_register, waiting

from domain.calendar import ZURICH

HERS = {
    "birth_date": PROFILE["birth_date"],
    "sex": PROFILE["sex"],
    "family_name": PROFILE["family_name"],
    "given_name": PROFILE["given_name"],
    "birth_name": PROFILE["birth_name"],
}
AHV_NUMBERS = ("756.1234.5678.97", "756.9217.0769.92", "756.3047.5009.62")


@pytest.fixture(scope="module")
def register():
    """Of people whose records agree with what they declare in all but the address."""
    return Register(*(a_record(n, ahv_number=each, **HERS) for n, each in enumerate(AHV_NUMBERS, 1)))


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory, register):
    with mirroring(postgres, template, tmp_path_factory.mktemp("home"), register) as house:
        read_register(house)
        yield house


def link_of(house, holder):
    return house.service.store.profile(house.service.store.account(holder.id).profile_id).link


@contextmanager
def read_while_it_hangs(house, register):
    """The thread that reads it. In the end the register hangs up."""
    asked, over = Event(), Event()

    def hang(handler, page):
        asked.set()
        return over.wait(60)

    register.act = hang
    reading = Thread(target=read_register, args=(house,))
    reading.start()
    try:
        assert asked.wait(10)
        yield reading
    finally:
        over.set()
        reading.join()
        register.act = as_usual


def as_usual(handler, page):
    return False


def rubbish(handler, page):
    return send(handler, b"<html>Maintenance</html>")


def test_a_register_that_hangs_dies_or_answers_rubbish_keeps_no_clerk_from_the_work(
    house, chromium, address, kim, register
):
    claire = waiting(house, ahv_number=AHV_NUMBERS[0])
    case = case_of(house, claire)
    as_of = f"{house.service.mirror.state().read_at.astimezone(ZURICH):%d.%m.%Y %H:%M}"
    with browser_of(chromium, address, kim, **DESKTOP) as page:
        with read_while_it_hangs(house, register) as reading:
            before = len(register.asked)
            page.goto("/console")
            follow(page, f"[href='{case}']")
            follow(page, "text=Créer un dossier")
            assert "Créez le dossier dans ce système" in page.inner_text("#decision")
            # No page asks, and so none waits.
            assert (reading.is_alive(), len(register.asked)) == (True, before)
        for path in ("/console", case):
            page.goto(path)
            assert f"ne répond pas pour l'instant. Les dossiers datent du {as_of}" in page.inner_text("main")
        register.act = rubbish
        read_register(house)
        page.reload()
        assert f"répond autre chose que prévu. Les dossiers datent du {as_of}" in page.inner_text("main")
        page.keyboard.press("1")
        page.keyboard.press("l")
        page.wait_for_selector(".told-good")
        assert "liée au dossier R-1" in page.inner_text(".told-good")
        register.act = as_usual
        read_register(house)
        page.goto("/console")
        assert "Les dossiers datent" not in page.inner_text("main")


def test_a_holder_who_corrects_the_data_meanwhile_is_looked_at_before_she_is_linked(
    house, chromium, address, kim
):
    claire = waiting(house, ahv_number=AHV_NUMBERS[1])
    case = case_of(house, claire)
    with browser_of(chromium, address, kim, **DESKTOP) as page:
        page.goto(case)
        claire.put("/me/profile", {**PROFILE, "ahv_number": AHV_NUMBERS[1], "city": "Bienne"})
        page.keyboard.press("1")
        page.keyboard.press("l")
        page.wait_for_selector(".told-wrong")
        assert "La personne a corrigé ses données" in page.inner_text(".told-wrong")
        assert page.inner_text(".changes del bdi") == "Moutier"
        assert page.inner_text(".changes ins bdi") == "Bienne"
        assert page.locator("#decision").count() == 0
        page.keyboard.press("l")
        assert link_of(house, claire) is None
        house.service.watermark.wait(
            ("cases", "directory"), house.service.watermark.open(house.match(claire.id))
        )
        page.goto(case)
        follow(page, "text=Ouvrir le nouveau cas")
        assert "Bienne" in page.inner_text(".compare")
        page.keyboard.press("1")
        page.keyboard.press("l")
        page.wait_for_selector(".told-good")
    assert link_of(house, claire).record_number == "R-2"


def test_a_clerk_who_undoes_a_link_is_told_what_was_seen_and_the_holder_sees_no_more(
    house, chromium, address, kim, tmp_path
):
    claire = waiting(house, ahv_number=AHV_NUMBERS[2])
    handed = HandedOver(tmp_path, house.service.portfolio_items)
    handed.take(handed.document("R-3", "A-1"))
    with (
        browser_of(chromium, address, kim, **DESKTOP) as page,
        browser_of(chromium, address, claire, **PHONE) as holder,
    ):
        page.goto(case_of(house, claire))
        page.check("[value='R-3']")
        page.click("#decision .button")
        page.wait_for_selector(".told-good")
        holder.goto("/portfolio")
        with holder.expect_download() as fetching:
            holder.click("text=Télécharger")
        assert fetching.value.path().read_bytes() == PDF
        page.keyboard.press("z")
        page.wait_for_selector("#reason")
        told = page.inner_text(".told-warning")
        assert re.search(r"Attestation [(]a.pdf[)], téléchargé le \d\d[.]\d\d[.]\d{4} \d\d:\d\d", told)
        assert link_of(house, claire).record_number == "R-3"
        assert page.input_value("#reason") == "wrong-record"
        follow(page, "form[data-form] .button")
        assert "La liaison est annulée" in page.inner_text(".told-good")
        assert holder.goto(fetching.value.url).status == 403
        assert "PDF" not in holder.content()
    assert link_of(house, claire) is None
