"""Asking for an account: one answer for every address, and nothing told."""

import pytest
from api_client import running
from services import new_database

REQUEST = {
    "email": "new@school.example",
    "given_name": "Zoé",
    "family_name": "Müller-Favre",
    "locale": "de",
    "accept_privacy_policy": True,
}


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    with (
        new_database(postgres, template) as database,
        running(database, tmp_path_factory.mktemp("home")) as house,
    ):
        house.holder("known@school.example")
        yield house


@pytest.fixture
def waiting(house):
    """How many requests wait for a worker; none at first."""
    count = lambda: len(list(house.service.intake.waiting(1000)))  # noqa: E731
    with house.service.pool.connection() as connection:
        connection.execute("DELETE FROM intake")
    return count


def test_a_request_is_noted_for_a_worker_and_answered(house, waiting):
    answer = house.client().post("/accounts", REQUEST)
    assert (answer.status_code, answer.json) == (202, {"status": "accepted"})
    ((_, sealed),) = house.service.intake.waiting(10)
    noted = house.service.intake.open(sealed)
    assert (noted.email, noted.given_name, noted.locale) == ("new@school.example", "Zoé", "de")
    assert noted.privacy_policy == house.service.institution.privacy_policy


def test_a_known_address_and_a_new_one_cannot_be_told_apart(house, waiting):
    client = house.client()
    new, known = (
        client.post("/accounts", {**REQUEST, "email": f"{who}@school.example"}) for who in ("other", "known")
    )
    assert new.status_code == known.status_code == 202
    assert new.get_data() == known.get_data()
    assert list(new.headers) == list(known.headers)
    assert "Log-Position" not in new.headers
    assert "Set-Cookie" not in new.headers
    assert waiting() == 2


BAD = [
    *((name, bad) for name in REQUEST for bad in (None, 1, ["x"], {"x": 1})),
    *(
        (name, bad)
        for name in ("email", "given_name", "family_name", "locale")
        for bad in ("", " ", "a\0", "a\nb")
    ),
    *((name, "x" * 201) for name in ("given_name", "family_name", "locale")),
    *(("email", bad) for bad in ("new", "new@", "new@localhost", "x" * 250 + "@x.example", "a@b@c.example")),
    *(("locale", bad) for bad in ("it", "FR", "fr-CH")),
    *(("accept_privacy_policy", bad) for bad in (False, "true", 0)),
]


@pytest.mark.parametrize(("field", "value"), BAD)
def test_a_bad_value_is_refused_beside_its_field_and_nothing_is_noted(house, waiting, field, value):
    answer = house.client().post("/accounts", {**REQUEST, field: value})
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]
    assert waiting() == 0


@pytest.mark.parametrize("field", REQUEST)
def test_every_field_must_be_there(house, waiting, field):
    rest = {name: value for name, value in REQUEST.items() if name != field}
    assert house.client().post("/accounts", rest).json["errors"] == {field: ["This field is required."]}


def test_unknown_fields_are_refused(house, waiting):
    answer = house.client().post("/accounts", {**REQUEST, "role": "secretariat"})
    assert answer.json["errors"] == {"role": ["There is no such field. Remove it."]}
    assert waiting() == 0
