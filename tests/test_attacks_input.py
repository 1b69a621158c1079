"""Attacks by what is sent: fields, paths, headers, sizes; each is named after its requirement of the ASVS 5.0."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from api_client import HOST, PUBLIC_URL, Client, House, running
from running_service import TIRELESS
from services import new_database
from walking import state_of, walked

EVIL = "evil.example"


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory) -> Iterator[House]:
    with (
        new_database(postgres, template) as database,
        running(database, tmp_path_factory.mktemp("home"), **TIRELESS) as house,
    ):
        yield house


@pytest.fixture(scope="module")
def clerk(house) -> Client:
    return house.staff("secretariat", "clerk@school.example")


def nobodys(house: House) -> dict[str, object]:
    return dict.fromkeys(
        ("account_id", "case_id", "session_id", "factor_id", "recovery_id"), house.holder().id
    )


# --- fields that the action does not have

EXTRA = {
    "id": str(uuid4()),
    "account_id": str(uuid4()),
    "roles": ["secretariat"],
    "role": "secretariat",
    "state": "active",
    "link_state": "linked",
    "record_number_of": "R-1",
    "activated": True,
    "second_factor": True,
    "long": True,
    "actor": str(uuid4()),
    "now": "2000-01-01T00:00:00Z",
    "__class__": "Account",
}


def test_v15_3_3_no_body_takes_a_field_more_and_none_changes_anything(house, clerk):
    ids, officer = nobodys(house), house.staff("data-protection", "dpo@school.example")
    before, tried = state_of(house, "sessions"), 0
    for operation in walked(house, unsafe=True, **ids):
        if operation.body is None:
            continue
        extra = {name: value for name, value in EXTRA.items() if name not in operation.body}
        asking = officer if operation.facts.get("roles") == ("data-protection",) else clerk
        answer = asking.ask(operation.method, operation.path, json=operation.body | extra)
        assert answer.status_code == 422, operation
        assert set(answer.json["errors"]) >= set(extra), operation
        tried += 1
    assert tried > 20
    assert state_of(house, "sessions") == before


def test_v15_3_3_a_name_that_stands_twice_in_a_body_gives_no_right(house):
    """The last one counts, as it does for every reader of JSON here."""
    holder = house.holder()
    body = f'{{"email": "x@{EVIL}", "password": "x", "email": "{holder.email}", "password": "{holder.password}"}}'
    answer = house.client().ask("POST", "/session", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["account"]["email"]) == (201, holder.email)


@pytest.mark.parametrize("trick", ["roles=secretariat", "_method=DELETE", "account_id=1"])
def test_v15_3_7_no_query_gives_what_the_body_does_not(house, trick):
    holder = house.holder()
    assert holder.get(f"/me?{trick}").status_code == 422
    assert holder.get("/session").json["roles"] == []


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_v4_1_4_no_header_makes_another_method_of_a_request(house, header):
    holder = house.holder()
    assert holder.get("/session", headers={header: "DELETE"}).status_code == 200
    assert holder.get("/session").status_code == 200


@pytest.mark.parametrize("header", ["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix"])
def test_v8_2_1_no_header_makes_another_path_of_a_request(house, header):
    holder = house.holder()
    assert set(holder.get("/me", headers={header: "/api/v1/accounts"}).json) >= {"email", "profile_state"}


# --- redirects


@pytest.mark.parametrize(
    "path",
    [
        "/?next=https://evil.example",
        "/\\evil.example",
        "/%2f%2fevil.example",
        "/%5cevil.example/",
        "/https://evil.example",
        "/api/docs/",
        "/api/v1/me/",
        "/%0d%0aLocation:%20https://evil.example",
    ],
)
def test_v3_7_2_nobody_is_sent_to_another_site(house, path):
    answer = house.app.test_client().get(path, base_url=PUBLIC_URL)
    assert answer.headers.get("Location") in (None, "/api/docs")
    assert EVIL not in str(answer.headers)


@pytest.mark.parametrize(
    "path", ["//evil.example", "//evil.example/..", "///evil.example", "//evil.example/api/docs"]
)
def test_v3_7_2_a_path_that_looks_like_a_host_leads_nowhere(house, path):
    answer = house.app.test_client().get("/", base_url=PUBLIC_URL, environ_overrides={"PATH_INFO": path})
    assert (answer.status_code, answer.headers.get("Location")) == (404, None)


@pytest.mark.parametrize("name", ["Location", "Set-Cookie"])
@pytest.mark.parametrize("broken", ["%0d%0a", "%0a", "%0d", "%E5%98%8A%E5%98%8D", "%00"])
def test_v1_2_1_no_path_adds_a_header(house, broken, name):
    for path in ("/", "/api/v1/", "/problems/", "/api/docs", "/static/"):
        answer = house.app.test_client().get(f"{path}{broken}{name}:%20evil=1", base_url=PUBLIC_URL)
        assert answer.headers.get(name) in (None, "/api/docs")


# --- sizes


@pytest.mark.parametrize(("size", "status"), [(129, 422), (60_000, 422), (64 * 1024, 413), (1_000_000, 413)])
def test_v6_2_9_no_door_takes_an_oversized_password(house, clerk, size, status):
    """Refused before the operation begins, so that it costs no hash and counts as no guess."""
    ids, tried = nobodys(house), 0
    before = guesses_of(house)
    for operation in walked(house, unsafe=True, **ids):
        for field in [name for name in operation.body or {} if "password" in name]:
            body = operation.body | {field: "x" * size}
            answer = clerk.ask(operation.method, operation.path, json=body)
            assert answer.status_code == status, operation
            tried += 1
    assert tried >= 10
    assert guesses_of(house) == before


def guesses_of(house: House) -> list[tuple]:
    with house.service.pool.connection() as connection:
        return sorted(connection.execute("SELECT t::text FROM buckets AS t").fetchall())


def test_v3_7_2_a_doubled_slash_is_no_path_and_leads_nowhere(house):
    answer = house.app.test_client().get("/api/v1//codes", headers={"Host": HOST})
    assert answer.status_code == 404
    assert "Location" not in answer.headers


# --- files

CLIMBING = (
    ".git/config",
    ".env",
    "../app.py",
    "../../setup.cfg",
    "..%2fapp.py",
    "%2e%2e/app.py",
    "..\\app.py",
    "//etc/passwd",
)


def test_v13_4_1_no_file_but_those_of_the_pages_is_served_and_no_folder_is_listed(house):
    """Nor does what was typed lead out of where they lie (V5.3.2)."""
    client = house.app.test_client()
    folders = ("/", "/static/", "/assets/", "/api/docs/", "/api/v1/log/tile/")
    for path in (*folders[1:], *(folder + climbing for folder in folders for climbing in CLIMBING)):
        answer = client.get(path, base_url=PUBLIC_URL)
        assert answer.status_code == 404, path
        assert "def " not in answer.get_data(as_text=True), path
