"""What holds for every request: hosts, origins, methods, content types, headers, and what is logged of it."""

import json
import logging
from dataclasses import replace

import pytest
from api_client import FRONTEND, HOST, PASSWORD, PROFILE, PUBLIC_URL, Client, running
from services import new_database

from api.app import create_app
from api.headers import BODY_LIMIT
from infrastructure.observability import JsonLines

JSON = "application/json"
PERSONAL = (
    "claire",
    "rossel",
    "7561234567897",
    "756.1234",
    "moutier",
    "gare 12",
    "duc",
    "sept ponts",
    "ada@",
)


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    with (
        new_database(postgres, template) as database,
        running(database, tmp_path_factory.mktemp("home")) as house,
    ):
        yield house


@pytest.fixture(scope="module")
def claire(house) -> Client:
    return house.holder("claire@school.example")


def problem_of(answer) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json"
    return answer.status_code, answer.json["type"].removeprefix("/problems/")


@pytest.mark.parametrize("path", ["/nope", "/accounts/", "/me/profile/x", "/problems"])
def test_an_unknown_path_is_not_found(house, path):
    assert problem_of(house.client().get(path)) == (404, "not-found")


def test_an_unknown_method_is_told_those_that_there_are(house):
    answer = house.client().delete("/codes")
    assert problem_of(answer) == (405, "method-not-allowed")
    assert "GET" in answer.headers["Allow"]


def test_v13_4_4_trace_is_no_method_anywhere(house):
    for path in ("/", "/api/v1/codes", "/api/v1/me", "/static/x", "/health", "/nowhere"):
        answer = house.app.test_client().open(
            path, method="TRACE", base_url=PUBLIC_URL, headers={"Authorization": "Bearer s3cret"}
        )
        assert answer.status_code in (404, 405), path
        assert b"s3cret" not in answer.data


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", "email=x"),
        ("multipart/form-data; boundary=x", "--x--"),
        ("text/plain", "{}"),
        ("application/vnd.api+json", "{}"),
        (None, "{}"),
        (None, ""),
    ],
)
def test_only_json_is_taken(house, content_type, body):
    answer = house.client().ask("POST", "/accounts", data=body, content_type=content_type)
    assert problem_of(answer) == (415, "unsupported-media-type")


@pytest.mark.parametrize("content_type", [JSON, f"{JSON}; charset=utf-8", f"{JSON};charset=latin-1"])
def test_json_is_utf_8_whatever_is_said_of_it(house, content_type):
    body = json.dumps({"given_name": "Zoë"}, ensure_ascii=False).encode()
    answer = house.client().ask("POST", "/accounts", data=body, content_type=content_type)
    assert "given_name" not in answer.json["errors"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"{'a': 1}", b'{"a": 1,}', b"[" * 50_000])
def test_broken_json_is_refused(house, body):
    answer = house.client().ask("POST", "/accounts", data=body, content_type=JSON)
    assert problem_of(answer) == (400, "not-json")


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"1", b"true"])
def test_json_that_is_no_object_is_refused(house, body):
    answer = house.client().ask("POST", "/accounts", data=body, content_type=JSON)
    assert problem_of(answer) == (422, "invalid-input")
    assert answer.json["errors"] == {"body": ["Give a JSON object."]}


@pytest.mark.parametrize(
    ("path", "content_type"), [("/accounts", JSON), ("/accounts", "text/plain"), ("/me/profile", JSON)]
)
def test_a_body_that_is_too_large_is_refused_before_all_else(house, path, content_type):
    answer = house.client().ask("POST", path, data=b"x" * (BODY_LIMIT + 1), content_type=content_type)
    assert problem_of(answer) == (413, "body-too-large")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "evil.example:8000", "a b"])
def test_a_host_that_is_not_ours_is_refused(house, host):
    answer = house.app.test_client().get("/api/v1/codes", headers={"Host": host})
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("host", [HOST, f"{HOST}:8000", "localhost", "LOCALHOST:1"])
def test_our_hosts_are_known_with_and_without_port(house, host):
    assert house.app.test_client().get("/api/v1/codes", headers={"Host": host}).status_code == 200


def test_health_is_asked_by_any_name(house):
    assert house.app.test_client().get("/health/live", headers={"Host": "10.1.2.3:8000"}).status_code == 200


def test_an_allowed_frontend_may_ask_with_cookies_and_read_the_answer(house):
    preflight = {"Origin": FRONTEND, "Access-Control-Request-Method": "PUT"}
    allowed = house.app.test_client().options("/api/v1/me/profile", base_url=PUBLIC_URL, headers=preflight)
    assert allowed.status_code == 204
    assert allowed.headers["Access-Control-Allow-Origin"] == FRONTEND
    assert allowed.headers["Access-Control-Allow-Credentials"] == "true"
    assert "PUT" in allowed.headers["Access-Control-Allow-Methods"]
    assert "X-CSRF-Token" in allowed.headers["Access-Control-Allow-Headers"]
    for path in ("/codes", "/me"):  # refusals can be read too
        answer = house.client().get(path, headers={"Origin": FRONTEND})
        assert answer.headers["Access-Control-Allow-Origin"] == FRONTEND
        assert "Log-Position" in answer.headers["Access-Control-Expose-Headers"]
        assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", f"{FRONTEND}.evil.example", FRONTEND.replace("https", "http")]
)
def test_any_other_origin_is_given_no_leave(house, origin):
    preflight = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    refused = house.app.test_client().options("/api/v1/me/profile", base_url=PUBLIC_URL, headers=preflight)
    answer = house.client().get("/codes", headers={"Origin": origin})
    for headers in (refused.headers, answer.headers):
        assert not [name for name, _ in headers if name.startswith("Access-Control-")]


@pytest.mark.parametrize(
    "path",
    ["/api/v1/codes", "/api/v1/me", "/api/v1/nope", "/", "/api/docs", "/problems/not-found", "/health/live"],
)
def test_every_answer_bears_the_headers_that_protect_it(house, path):
    headers = house.app.test_client().get(path, base_url=PUBLIC_URL).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "Strict-Transport-Security" not in headers
    assert "Server" not in headers


def test_personal_answers_are_not_stored_and_lists_of_codes_may_be(house, claire):
    assert claire.get("/me").headers["Cache-Control"] == "no-store"
    assert house.client().get("/me").headers["Cache-Control"] == "no-store"
    assert house.client().get("/codes").headers["Cache-Control"].startswith("public")


def test_lists_of_codes_and_services_are_in_three_languages(house):
    codes = house.client().get("/codes").json
    assert {"code": "CH", "label": {"fr": "Suisse", "de": "Schweiz", "en": "Switzerland"}} in codes[
        "countries"
    ]
    assert {"link", "reject", "unlink"} <= set(codes["reasons"])
    services = house.client().get("/services").json
    assert services["items"][1]["action"]["fr"] == "Voir les formations disponibles"


class Recorded(logging.Handler):
    """Keeps every log line as it would be written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonLines())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def logged():
    recorded, root = Recorded(), logging.getLogger()
    before = root.level
    root.addHandler(recorded)
    root.setLevel(logging.DEBUG)
    yield recorded.lines
    root.removeHandler(recorded)
    root.setLevel(before)


def test_a_request_is_logged_by_its_route_status_and_time(house, claire, logged):
    claire.get(f"/accounts/{claire.id}/timeline?cursor=ada@new.example")
    (line,) = [json.loads(line) for line in logged if "api.access" in line]
    assert (line["method"], line["route"], line["status"]) == (
        "GET",
        "/api/v1/accounts/<uuid:account_id>/timeline",
        403,
    )
    assert 0 <= line["seconds"] < 10
    assert str(claire.id) not in json.dumps(line)


def test_what_is_typed_reaches_no_log_and_no_error(house, logged):
    claire = house.holder("claire.duc@school.example")
    answers = [
        claire.put("/me/profile", PROFILE),
        claire.put(
            "/me/profile", {**PROFILE, "ahv_number": "756.1234.5678.98", "sex": "Rossel", "ada@x.example": 1}
        ),
        claire.put("/me/password", {"current_password": "sept ponts", "new_password": PASSWORD}),
        claire.put("/me/password", {"current_password": claire.password, "new_password": PASSWORD}),
        claire.post("/session", {"email": "claire.duc@school.example", "password": "sept ponts"}),
        claire.post("/accounts", {"email": "ada@x.example", "given_name": "Claire", "locale": "Rossel"}),
        claire.get("/claire/rossel?email=ada@x.example"),
        claire.get("/accounts?q=rossel"),
        claire.ask("POST", "/accounts", data='{"email": "ada@x.example', content_type=JSON),
        claire.ask("CLAIRE", "/accounts"),
    ]
    assert len(logged) >= len(answers)
    told = "\n".join(logged) + "".join(
        answer.get_data(as_text=True) for answer in answers if answer.status_code >= 400
    )
    assert not [word for word in (*PERSONAL, claire.password, claire.secret) if word in told.lower()]


def test_an_unexpected_exception_is_logged_without_its_text_and_answered(house, claire, logged):
    app = create_app(replace(house.service, profiles=None))
    claire_there = claire.again(app)
    claire_there.secret = claire.secret
    answer = claire_there.get("/me/profile")
    assert problem_of(answer) == (500, "internal-error")
    assert "AttributeError" not in answer.get_data(as_text=True)
    (line,) = [json.loads(line) for line in logged if "unexpected" in line]
    assert line["error"] == "AttributeError"
    assert "me.py" in line["place"]


@pytest.mark.parametrize("path", ["/me", "/me/profile", "/session", "/codes"])
def test_a_view_that_reads_no_query_refuses_one(claire, path):
    answer = claire.get(f"{path}?as_of=2020-01-01T00:00:00Z")
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["as_of"])
