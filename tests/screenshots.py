"""`make screenshots`: every page as a phone and a desktop show it, in French, as small files in docs/screenshots/.

Whoever adds a page adds it to the walk of its feature, or a walk of its own to WALKS.
"""

import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count
from pathlib import Path

from auditor_at_work import a_teacher, an_auditor
from browsing import DESKTOP, PHONE, Portal, a_portal, follow, running_chromium, send, sign_in
from erasing import signed_in_with_code
from playwright.sync_api import Page
from pyotp import TOTP
from sample_people import fill_in, somebody
from services import install_what_is_missing
from spec import until

from domain.calendar import ZURICH

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
QUALITY = 70  # of WebP, in percent
SCREENS = {"phone": PHONE | {"device_scale_factor": 1.5}, "desktop": DESKTOP}

ACCOUNTS = """E-Mail;Prénom;Nom;Langue
luc.steiner@school.example;Luc;Steiner;fr
anna.meier@school.example;Anna;Meier;de
sans-adresse;Léa;Rossel;fr
lea.rossel@school.example;Léa;Rossel;it
""".encode()

PEOPLE = count()  # of the register, who have no account yet

Walk = Callable[[Portal, Page], Iterator[str]]  # goes from page to page, and names each


def way_in(portal: Portal, page: Page) -> Iterator[str]:
    email = portal.new_address("aurelie.chappuis")
    page.goto("/")
    yield "sign-in"
    send(page)
    yield "sign-in-wrong"
    page.goto("/sign-up")
    yield "sign-up"
    page.fill("#email", "aurelie.chappuis@gmial.com")
    page.fill("#given_name", "Aurélie")
    page.fill("#family_name", "Chappuis")
    page.check("#accept_privacy_policy")
    send(page)
    yield "sign-up-question"
    follow(page, "[name=meant][value=suggested]")
    yield "sign-up-sent"
    password = portal.account(email, given_name="Aurélie", family_name="Chappuis")
    sign_in(page, email, password)
    yield "welcome"


def lost_password(portal: Portal, page: Page) -> Iterator[str]:
    email = portal.new_address()
    portal.account(email)
    page.goto("/lost-password")
    yield "lost-password"
    page.fill("#email", email)
    send(page)
    yield "lost-password-sent"
    page.goto(portal.link(email, "password-reset"))
    yield "password-reset"
    page.fill("#new_password", "quatre tilleuls devant la gare")
    send(page)
    yield "password-reset-done"
    page.goto("/password-reset")
    yield "link-dead"


def second_step(portal: Portal, page: Page) -> Iterator[str]:
    email = portal.new_address()
    password = portal.account(email)
    portal.service.enrol(
        password, Authorization=f"Bearer {portal.service.sign_in(email, password).json['token']}"
    )
    sign_in(page, email, password)
    yield "second-step"


def my_data(portal: Portal, page: Page) -> Iterator[str]:
    record = somebody(next(PEOPLE))
    names = {name: record[name] for name in ("given_name", "family_name")}
    sign_in(page, record["email"], portal.account(record["email"], **names))
    page.goto("/my-data")
    yield "my-data"
    fill_in(page, record, birth_date="31.02.1987")
    follow(page, "text=Continuer")
    yield "my-data-wrong"
    page.fill("#birth_date", record["birth_date"])
    follow(page, "text=Continuer")
    yield "my-data-check"
    follow(page, "text=Enregistrer")
    page.wait_for_selector("[data-standing=linked]")
    yield "my-data-linked"
    page.goto("/portfolio")
    yield "portfolio"
    page.goto("/welcome")
    yield "welcome-linked"


def question(portal: Portal, page: Page) -> Iterator[str]:
    email, service = portal.new_address("aurelie.chappuis"), portal.service
    sign_in(page, email, portal.account(email))
    page.goto("/my-data")
    fill_in(page, somebody(next(PEOPLE)))
    page.click("text=Continuer")
    page.click("text=Enregistrer")
    clerk = signed_in_with_code(service, portal.new_address("kim.frei"), "secretariat")

    def cases() -> list[dict]:
        return service.ask("GET", "/api/v1/cases?state=open", **clerk).json["items"]

    until(lambda: bool(cases()))
    asked = {"text": "Quel nom portiez-vous à votre entrée à l'école, en 2004 ?"}
    assert service.ask("POST", f"/api/v1/cases/{cases()[0]['id']}/question", asked, **clerk).status == 200
    page.goto("/my-data/question")
    yield "my-data-question"


def profile(portal: Portal, page: Page) -> Iterator[str]:
    email = portal.new_address("aurelie.chappuis")
    sign_in(page, email, portal.account(email, given_name="Aurélie", family_name="Chappuis"))
    page.goto("/profile")
    yield "profile"
    for path in ("password", "email", "sessions", "second-factors", "history", "data", "closure"):
        page.goto(f"/profile/{path}")
        yield f"profile-{path}"


def information(portal: Portal, page: Page) -> Iterator[str]:
    for name in ("privacy", "help", "accessibility", "nowhere"):
        page.goto(f"/{name}")
        yield "not-found" if name == "nowhere" else name
    page.goto("/problems/token-dead")
    yield "problem"


def auditor(portal: Portal, page: Page) -> Iterator[str]:
    teacher = a_teacher(portal, next(PEOPLE))
    an_auditor(portal, page)
    yield "audit"
    page.goto("/console/audit/accounts")
    yield "audit-find"
    page.goto(f"/console/audit/accounts/{teacher.id}")
    yield "audit-account"
    page.goto(f"/console/audit/accounts/{teacher.id}/changes?from_day=2020-01-01")
    yield "audit-changes"
    page.goto(f"/console/audit/accounts/{teacher.id}/evidence")
    yield "audit-evidence"
    page.goto(f"/console/audit/accesses?account={teacher.id}")
    yield "audit-accesses"
    page.goto(f"/console/audit/events?account={teacher.id}")
    yield "audit-history"
    with page.expect_download() as download:
        page.click("text=JSON Lines")
    download.value.path()
    page.goto("/console/audit/events?type=profile.record-linked")
    page.click(".event-when a >> nth=-1")
    page.wait_for_selector(".tree")
    yield "audit-proof"
    page.goto("/console/audit/exports")
    page.click("tbody th a >> nth=0")
    page.wait_for_url("**/exports/*-*")
    yield "audit-export"


def console(portal: Portal, page: Page) -> Iterator[str]:
    """What a clerk sees; the person is linked to nobody at once, for her address is another."""
    record = somebody(next(PEOPLE))
    email = portal.new_address("claire")
    names = {name: record[name] for name in ("given_name", "family_name")}
    sign_in(page, email, portal.account(email, **names))
    page.goto("/my-data")
    fill_in(page, record)
    page.click("text=Continuer")
    page.click("text=Enregistrer")
    page.wait_for_selector("[data-standing=waiting]")
    page.context.clear_cookies()
    clerk = portal.new_address("kim.frei")
    portal.service.command("grant", "secretariat", clerk)
    password = portal.password(clerk)
    sign_in(page, clerk, password)
    page.goto("/profile/second-factors/app")
    page.fill("#password", password)
    send(page)
    app = TOTP("".join(page.inner_text(".secret-key").split()))
    page.fill("#code", app.at(time.time()))
    page.fill("#label", "Mon téléphone")
    send(page)
    page.goto("/console")
    page.wait_for_selector("[data-row]")
    yield "console-queue"
    page.click("[data-row] th a")
    yield "console-case"
    page.goto(f"{page.url}/question?template=names")
    yield "console-question"
    page.goto("/console/accounts")
    page.fill("#q", record["family_name"][:3])
    send(page)
    yield "console-search"
    page.click("[data-row] th a")
    yield "console-sheet"
    sheet = page.url
    page.click("text=Verrouiller le compte")
    yield "console-action"
    page.goto(f"{sheet}/past?as_of={datetime.now(ZURICH).date()}")
    yield "console-past"
    page.goto("/console/dashboard")
    yield "console-dashboard"
    page.goto("/console/imports")
    yield "console-imports"
    page.set_input_files("#file", files=[{"name": "comptes.csv", "mimeType": "text/csv", "buffer": ACCOUNTS}])
    send(page)
    page.wait_for_selector("[data-live=over]")
    yield "console-import"


WALKS: tuple[Walk, ...] = (
    way_in,
    lost_password,
    second_step,
    my_data,
    question,
    profile,
    information,
    auditor,
    console,
)


def take(page: Page, file: Path) -> None:
    """The whole page as WebP, which Playwright does not write itself."""
    page.wait_for_load_state("networkidle")
    size = page.evaluate("[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
    clip = {"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1}
    options = {"format": "webp", "quality": QUALITY, "captureBeyondViewport": True, "clip": clip}
    shot = page.context.new_cdp_session(page).send("Page.captureScreenshot", options)
    file.write_bytes(b64decode(shot["data"]))


def main() -> None:
    install_what_is_missing({"chromium"})
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.webp"):
        old.unlink()
    with running_chromium() as chromium, a_portal(chromium) as portal:
        for screen, how in SCREENS.items():
            for walk in WALKS:
                with portal.visitor(**how, reduced_motion="reduce") as page:
                    for name in walk(portal, page):
                        take(page, FOLDER / f"{name}-{screen}.webp")
        with portal.visitor(**DESKTOP, color_scheme="dark") as page:
            page.goto("/")
            take(page, FOLDER / "sign-in-dark.webp")
    sizes = [file.stat().st_size for file in FOLDER.glob("*.webp")]
    print(f"{len(sizes)} files, {sum(sizes) // 1000} kB, in {FOLDER}", file=sys.stderr)


if __name__ == "__main__":
    main()
