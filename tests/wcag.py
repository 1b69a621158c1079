"""What is wrong with a page for whoever sees, hears or handles it differently: in all languages, schemes and widths."""

from functools import cache
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

from infrastructure.translations import LOCALES

SMALL, LARGE, HALF = ({"width": width, "height": 800} for width in (320, 1440, 640))

# Everything in light on a phone; what depends on colours in dark, and what on the width on a desk. No words change a
# colour (tests/test_appearance.py), so that one language tells of all.
EVERYTHING = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
BUT_COLOURS = {**EVERYTHING, "rules": {"color-contrast": {"enabled": False}}}
COLOURS = {"runOnly": ["color-contrast"]}
PLACES = {"runOnly": ["target-size", "scrollable-region-focusable"]}

# The page in each language, what is shown first: the others are as they come without scripts, and soon in its place.
TRANSLATE = """async (languages) => {
  const page = (source) => ({language: source.documentElement.lang, title: source.title, body: source.body});
  window.translated = [page(document)];
  for (const language of languages.filter((each) => each !== document.documentElement.lang)) {
    const address = new URL(location);
    address.searchParams.set("lang", language);
    const answer = await (await fetch(address)).text();
    translated.push(page(new DOMParser().parseFromString(answer, "text/html")));
  }
  return translated.map(({language}) => language);
}"""
# What is wrong with what is shown, then with it in other languages. rules: axe-core's options by language, if it runs.
LOOK = """async ({rules, percent}) => {
  const show = ({language, title, body}) => {
    document.documentElement.lang = language;
    document.title = title;
    document.body.replaceWith(body);
  };
  const against = async (options) => {
    const found = await axe.run({...options, resultTypes: ["violations"], preload: false, iframes: false});
    return found.violations.flatMap(({id, nodes}) => nodes.map(({html}) => `${id}: ${html}`));
  };
  const tooWide = () => {
    document.documentElement.style.fontSize = percent;
    const wider = document.documentElement.scrollWidth - innerWidth;
    document.documentElement.style.fontSize = "";
    return wider > 0 ? [`${wider} px wider than ${innerWidth} px, text at ${percent}`] : [];
  };
  const tooSmall = () => [...document.querySelectorAll("a, button, input:not([type=hidden]), select, summary")]
    .filter((each) => each.checkVisibility() && !each.closest("p, li, dd, td, th, label, address, .unseen, .skip"))
    .map((each) => [each.outerHTML.slice(0, 120), each.getBoundingClientRect()])
    .filter(([_, box]) => box.height < 24 || box.width < 24).map(([html]) => `smaller than 24 px: ${html}`);
  const found = [];
  for (const [language, options] of Object.entries(rules)) {
    if (language !== document.documentElement.lang) show(translated.find((each) => each.language === language));
    document.querySelectorAll("main details").forEach((each) => { each.open = true; });
    const wrong = [...(options ? await against(options) : []), ...tooWide(), ...tooSmall()];
    found.push(...wrong.map((each) => `${language}, ${each}`));
  }
  return found;
}"""


def violations(page: Page) -> list[str]:
    """Of the page that is open. It ends without its scripts, in light, in the last language."""
    page.evaluate(_axe())
    return _seen(page, *page.evaluate(TRANSLATE, sorted(LOCALES)))


def in_its_language(page: Page) -> list[str]:
    """Of the page that is open, in the language that it is in: for pages made of what others are checked for in all."""
    page.evaluate(_axe())
    return seen(page)


def seen(page: Page) -> list[str]:
    """Of what is shown, in its language."""
    return _seen(page, page.evaluate("document.documentElement.lang"))


def _seen(page: Page, language: str, *others: str) -> list[str]:
    """language: of what is shown. others: which it was translated to."""

    def look(rules: dict | None, of_others: dict | None = None, percent: str = "100%") -> list[str]:
        each = {language: rules, **dict.fromkeys(others, of_others)}
        return page.evaluate(LOOK, {"rules": each, "percent": percent})

    page.set_viewport_size(SMALL)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    found = page.evaluate(LOOK, {"rules": {language: COLOURS}, "percent": "100%"})
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found += look(EVERYTHING, BUT_COLOURS)
    page.set_viewport_size(LARGE)
    found += look(PLACES)
    page.set_viewport_size(HALF)
    return found + look(None, percent="200%")


@cache
def _axe() -> str:
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
