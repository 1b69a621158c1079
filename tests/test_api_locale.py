"""The language of pages and messages, chosen by its holder."""

import pytest
from api_client import running
from services import new_database


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    with (
        new_database(postgres, template) as database,
        running(database, tmp_path_factory.mktemp("home")) as house,
    ):
        yield house


def test_the_holder_chooses_a_language_and_the_history_says_so(house):
    claire = house.holder()
    answer = claire.ask("PATCH", "/me", json={"locale": "de"})
    assert (answer.status_code, answer.json["locale"]) == (200, "de")
    position = {"Log-Position": answer.headers["Log-Position"]}
    assert claire.get("/me", headers=position).json["locale"] == "de"
    last = claire.get("/me/history", headers=position).json["items"][-1]
    assert (last["type"], last["changes"]) == (
        "account.locale-changed",
        [{"field": "locale", "old": "fr", "new": "de"}],
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "locale"),
        ({"locale": "it"}, "locale"),
        ({"locale": None}, "locale"),
        ({"locale": "de", "email": "x"}, "email"),
    ],
)
def test_another_language_or_field_is_refused(house, body, field):
    answer = house.holder().ask("PATCH", "/me", json=body)
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
