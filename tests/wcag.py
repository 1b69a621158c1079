"""What axe-core finds on a page, and what is wider than the screen."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}


def violations(page: Page) -> list[str]:
    """In the scheme that the page is in, colours in the other one as well."""
    found = Axe().run(page, options=RULES).response["violations"]
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    page.emulate_media(color_scheme="light" if dark else "dark", reduced_motion="reduce")
    found += page.evaluate("axe.run({runOnly: ['color-contrast']})")["violations"]
    page.emulate_media(color_scheme="dark" if dark else "light", reduced_motion="reduce")
    told = [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]
    width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return told + ([f"{width} px wider than the screen"] if width > 0 else [])
