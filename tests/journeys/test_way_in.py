"""The whole way of a holder, in each language: account, data, link, documents, a password, the way out."""

import hashlib
from pathlib import Path

import pytest
from browsing import DESKTOP, PHONE, follow, heading, path_of, reload_and_return, send, sign_out
from sample_people import fill_in, somebody

from infrastructure.translations import LOCALES, text

NEW_PASSWORD = "quatre tilleuls devant la gare"
PORTAL = {"fr": "ma HEP-BEJUNE", "de": "meine HEP-BEJUNE", "en": "my HEP-BEJUNE"}


@pytest.mark.parametrize(
    ("language", "first", "second", "number"),
    [
        ("fr", DESKTOP, PHONE, 20),
        ("fr", PHONE, DESKTOP, 23),
        ("de", PHONE, DESKTOP, 21),
        ("de", DESKTOP, PHONE, 24),
        ("en", DESKTOP, PHONE, 22),
        ("en", PHONE, DESKTOP, 26),
    ],
    ids=["fr, phone", "fr, desk", "de, desk", "de, phone", "en, phone", "en, desk"],
)
def test_the_whole_way_begun_on_one_device_and_ended_on_another(portal, language, first, second, number):
    record = somebody(number)
    email = record["email"]

    def said(topic: str, *keys: str, **more: str) -> str:
        return text(language, topic, *keys, **more)

    with portal.visitor(**first) as page:
        page.goto("/")
        follow(page, f".languages a[hreflang={language}]")
        assert heading(page) == PORTAL[language]
        follow(page, f".ways >> text={said('way-in', 'sign-up', 'title')}")
        assert page.is_checked(f"[name=locale][value={language}]")
        page.fill("#email", email)
        page.fill("#given_name", record["given_name"])
        page.fill("#family_name", record["family_name"])
        page.check("#accept_privacy_policy")
        send(page)
        assert (path_of(page), heading(page)) == ("/sign-up/sent", said("way-in", "sent", "title"))
        reload_and_return(page)

    # The account's language, not the browser's.
    other = next(each for each in LOCALES if each != language)
    with portal.visitor(**second, locale=f"{other}-CH") as page:
        page.goto(portal.link(email, "initial-password"))
        assert "token" not in page.url
        assert page.input_value("#email") == email
        page.fill("#password", portal.password(email))
        send(page)
        assert (path_of(page), heading(page)) == (
            "/welcome",
            said("way-in", "welcome", "title", portal=PORTAL[language]),
        )
        assert page.is_visible(f"text={said('way-in', 'welcome', 'services')}")
        reload_and_return(page)

        follow(page, "[data-banner=profile] a")
        fill_in(page, record)
        send(page)
        assert (path_of(page), heading(page)) == ("/my-data/check", said("my-data", "check", "title"))
        reload_and_return(page)
        send(page)
        assert path_of(page) == "/my-data"
        reload_and_return(page)
        assert not page.is_visible("[data-banner=profile]")
        portal.letter(email, "link-confirmed")
        page.reload()
        assert page.is_visible(f"text={said('my-data', 'linked', 'title')}")
        follow(page, f".tabs >> text={said('pages', 'tabs', 'portfolio')}")
        with page.expect_download() as fetching:
            page.click("a[href^='/portfolio/documents/'] >> nth=0")
        fetched = Path(fetching.value.path()).read_bytes()
        assert page.inner_text(".checksum code >> nth=0") == hashlib.sha256(fetched).hexdigest()

        page.goto("/profile/password")
        page.fill("#current_password", portal.password(email))
        page.fill("#new_password", NEW_PASSWORD)
        send(page)
        assert (path_of(page), heading(page)) == ("/profile", said("pages", "tabs", "profile"))
        sign_out(page)
        assert path_of(page) == "/"
        page.goto("/welcome")
        assert path_of(page) == "/"
        assert portal.letter(email, "password-changed")
