"""What is wrong with a page for whoever sees, hears or handles it differently: in all languages, schemes and widths."""

from functools import cache
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

from infrastructure.translations import LOCALES

SMALL, LARGE, HALF = ({"width": width, "height": 800} for width in (320, 1440, 640))

# Everything in light on a phone; what depends on colours in dark, and what on the width on a desk.
EVERYTHING = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast"]
PLACES = ["target-size", "scrollable-region-focusable"]

RUN = """async (rules) => {
  document.querySelectorAll("main details").forEach((each) => { each.open = true; });
  const found = await axe.run({runOnly: rules, resultTypes: ["violations"]});
  return found.violations.flatMap(({id, nodes}) => nodes.map(({html}) => `${id}: ${html}`));
}"""
# The same page in another language, in the place of what is shown: as it is without scripts, and soon there.
TRANSLATE = """async (language) => {
  const address = new URL(location);
  address.searchParams.set("lang", language);
  const other = new DOMParser().parseFromString(await (await fetch(address)).text(), "text/html");
  document.documentElement.lang = other.documentElement.lang;
  document.title = other.title;
  document.body.replaceWith(document.adoptNode(other.body));
  return document.documentElement.lang;
}"""
TOO_WIDE = """(percent) => {
  document.documentElement.style.fontSize = percent;
  const wider = document.documentElement.scrollWidth - innerWidth;
  document.documentElement.style.fontSize = "";
  return wider > 0 ? [`${wider} px wider than ${innerWidth} px, text at ${percent}`] : [];
}"""
TOO_SMALL = """() => [...document.querySelectorAll("a, button, input:not([type=hidden]), select, summary")]
  .filter((each) => each.checkVisibility() && !each.closest("p, li, dd, td, th, label, address, .unseen, .skip"))
  .map((each) => [each.outerHTML.slice(0, 120), each.getBoundingClientRect()])
  .filter(([_, box]) => box.height < 24 || box.width < 24).map(([html]) => `smaller than 24 px: ${html}`)"""


def violations(page: Page) -> list[str]:
    """Of the page that is open. It ends without its scripts, in light, in the last language."""
    page.evaluate(_axe())
    found = []
    for language in sorted(LOCALES, key=lambda each: each != _language(page)):
        if language != _language(page):
            assert page.evaluate(TRANSLATE, language) == language
        found += [f"{language}, {each}" for each in seen(page)]
    return found


def in_its_language(page: Page) -> list[str]:
    """Of the page that is open, in the language that it is in: for pages made of what others are checked for in all."""
    page.evaluate(_axe())
    return seen(page)


def seen(page: Page) -> list[str]:
    """Of what is shown, in its language."""
    page.set_viewport_size(SMALL)
    found = page.evaluate(RUN, EVERYTHING) + page.evaluate(TOO_WIDE, "100%") + page.evaluate(TOO_SMALL)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    found += page.evaluate(RUN, COLOURS)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size(LARGE)
    found += page.evaluate(RUN, PLACES) + page.evaluate(TOO_WIDE, "100%")
    page.set_viewport_size(HALF)
    return found + page.evaluate(TOO_WIDE, "200%")


def _language(page: Page) -> str:
    return page.evaluate("document.documentElement.lang")


@cache
def _axe() -> str:
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
