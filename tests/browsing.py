"""A running service and people with browsers: what journeys are made of."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from running_service import TIRELESS, RunningService, a_service, password_in
from services import chromium_program
from spec import until

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESKTOP = {"viewport": {"width": 1440, "height": 900}}
SMALLEST = {"viewport": {"width": 320, "height": 640}}

PATIENCE = 10_000  # ms


class Portal:
    """The service in a process of its own, mails as files, and one browser program in front of it."""

    def __init__(self, service: RunningService, chromium: Browser) -> None:
        self.service = service
        self.chromium = chromium
        self._numbers = count(1)

    @property
    def address(self) -> str:
        """By name: passkeys know no addresses in numbers."""
        return f"http://localhost:{self.service.port}"

    @contextmanager
    def visitor(self, *, locale: str = "fr-CH", **how: object) -> Iterator[Page]:
        """Somebody's browser, with nothing in it yet. how: Playwright's, such as PHONE or `java_script_enabled`."""
        context = self.chromium.new_context(base_url=self.address, locale=locale, **how)
        context.set_default_timeout(PATIENCE)
        try:
            yield context.new_page()
        finally:
            context.close()

    def new_address(self, name: str = "ada") -> str:
        return f"{name}.{next(self._numbers)}@school.example"

    def letter(self, to: str, kind: str) -> str:
        """The text of the newest message of this kind."""

        def found() -> list[str]:
            return [
                mail.get_body(("plain",)).get_content()
                for mail in self.service.mails(to)
                if mail["X-Matricule-Kind"] == kind
            ]

        until(lambda: bool(found()))
        return found()[-1]

    def link(self, to: str, kind: str) -> str:
        """The path of the link with a token in the newest message of this kind."""
        parts = urlsplit(re.search(r"https?://\S+[?]token=\S+", self.letter(to, kind))[0])
        return f"{parts.path}?{parts.query}"

    def account(self, email: str, **different: str) -> str:
        """Somebody who asked for an account by other means; the initial password."""
        assert self.service.sign_up(email, **different).status == 202
        return self.password(email)

    def password(self, email: str) -> str:
        """The initial password that was mailed."""
        return password_in(self.service.wait_for_mail(email))


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """The distribution's browser, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program(), args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def a_portal(chromium: Browser, **environ: str) -> Iterator[Portal]:
    with a_service(**TIRELESS, **environ) as service:
        portal = Portal(service, chromium)
        service.settings["PUBLIC_URL"] = portal.address
        service.run()
        yield portal


def sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/")
    page.fill("#email", email)
    page.fill("#password", password)
    send(page)


def send(page: Page) -> None:
    """By the main button of the page's form, until its answer is there: what follows acts on that page."""
    with page.expect_navigation():
        page.click("form[data-form] .button:visible >> nth=0")


def path_of(page: Page) -> str:
    return urlsplit(page.url).path


def heading(page: Page) -> str:
    return page.inner_text("h1")


def end_session(context: BrowserContext) -> None:
    """As if it had been ended elsewhere."""
    context.clear_cookies(name="matricule_session")
