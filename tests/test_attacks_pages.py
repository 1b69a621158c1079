"""What pages owe to whoever has a password and a session; each is named after its requirement of the ASVS 5.0."""

import re
from collections.abc import Iterator

import pytest
from api_client import PUBLIC_URL, Client, House, running
from running_service import TIRELESS
from services import new_database

INPUT = re.compile(r"<input\b[^>]*>")
MANAGED = ("current-password", "new-password")


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory) -> Iterator[House]:
    with (
        new_database(postgres, template) as database,
        running(database, tmp_path_factory.mktemp("home"), **TIRELESS) as house,
    ):
        yield house


def pages(house: House, reader: Client) -> dict[str, str]:
    """By path, every page that somebody may open without an id."""
    paths = {
        rule.rule
        for rule in house.app.url_map.iter_rules()
        if "GET" in rule.methods and not rule.arguments and not rule.rule.startswith(("/api", "/health"))
    }
    opened = {path: reader.browser.get(path, base_url=PUBLIC_URL) for path in sorted(paths)}
    return {
        path: answer.get_data(as_text=True)
        for path, answer in opened.items()
        if answer.status_code == 200 and answer.mimetype == "text/html"
    }


def test_v6_2_6_what_is_typed_as_a_password_is_masked_and_managers_may_fill_it_in(house):
    found = {}
    for reader in (house.client(), house.holder()):
        for path, page in pages(house, reader).items():
            for field in INPUT.findall(page):
                if re.search(r'name="(current_|new_)?password"', field):
                    found.setdefault(path, []).append(field)
    assert found.keys() >= {"/", "/profile/password", "/profile/email", "/profile/closure"}
    for path, fields in found.items():
        for field in fields:
            assert 'type="password"' in field, path
            assert re.search(r'autocomplete="([a-z-]+)"', field)[1] in MANAGED, path
            assert not re.search(r"onpaste|readonly|disabled|value=", field), path


def test_v7_4_4_signing_out_is_in_sight_on_every_page_of_whoever_is_signed_in(house):
    opened = pages(house, house.holder())
    assert len(opened) > 10
    for path, page in opened.items():
        assert re.search(r'<form method="post" action="/sign-out"', page), path
