"""The OpenAPI document is valid, complete and true, and its pages need nothing from elsewhere."""

import re

import pytest
from flask import Flask
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from api import documentation, errors, pages


@pytest.fixture(scope="module")
def app() -> Flask:
    app = Flask("api.app")
    errors.install(app)
    documentation.install(app)
    pages.install(app)
    return app


@pytest.fixture(scope="module")
def document(app) -> dict:
    return app.test_client().get("/api/v1/openapi.json").json


def operations(document: dict) -> list[tuple[str, dict]]:
    return [
        (f"{method} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method != "parameters"
    ]


def contents(operation: dict) -> list[dict]:
    """Every described body of an operation, asked and answered."""
    asked = operation.get("requestBody", {}).get("content", {})
    answered = [response.get("content", {}) for response in operation["responses"].values()]
    return [content for described in (asked, *answered) for content in described.values()]


def test_the_document_is_valid_openapi_3_1(document):
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_every_route_of_the_api_is_in_the_document(app, document):
    routes = {
        (documentation.path_of(rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and rule.endpoint != "pages.show_document"
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    described = {tuple(name.split(" ")[::-1]) for name, _ in operations(document)}
    assert described == routes
    assert len(routes) > 50


def test_every_operation_says_what_it_does_and_for_whom(document):
    names = {tag["name"] for tag in document["tags"]}
    for name, operation in operations(document):
        assert operation["summary"].endswith("."), name
        assert set(operation["tags"]) <= names, name
    assert (
        names
        == {tag for _, operation in operations(document) for tag in operation["tags"]}
        == {
            "Holders",
            "Secretariat",
            "Auditors",
            "Frontends",
        }
    )
    identifiers = [operation["operationId"] for _, operation in operations(document)]
    assert len(identifiers) == len(set(identifiers))


def test_every_body_has_an_example_that_agrees_with_its_schema(document):
    for name, operation in operations(document):
        for content in contents(operation):
            schema = {**content["schema"], "components": document["components"]}
            examples = [each["value"] for each in content.get("examples", {}).values()] or [
                content["example"]
            ]
            for example in examples:
                OAS31Validator(schema, format_checker=OAS31Validator.FORMAT_CHECKER).validate(example)
            assert examples, name


def test_every_operation_names_its_refusals(document):
    for name, operation in operations(document):
        statuses = set(operation["responses"])
        assert {"500", "503"} <= statuses, name
        if operation["security"]:
            assert "401" in statuses, name
        if "requestBody" in operation:
            assert {"400", "413", "415", "422"} <= statuses, name
        if "{" in name:
            assert "404" in statuses, name


def test_every_post_takes_an_idempotency_key_and_every_unsafe_cookie_request_a_csrf_token(document):
    for name, operation in operations(document):
        references = {parameter.get("$ref", "").rpartition("/")[2] for parameter in operation["parameters"]}
        assert ("IdempotencyKey" in references) == name.startswith("post "), name
        assert ("CsrfToken" in references) == (not name.startswith("get ") and bool(operation["security"])), (
            name
        )


def test_cookie_and_token_are_described(document):
    schemes = document["components"]["securitySchemes"]
    assert schemes["cookie"]["in"] == "cookie"
    assert schemes["bearer"] == {"type": "http", "scheme": "bearer"}


def test_the_command_line_gets_the_same_document(document):
    assert documentation.openapi_document() == document


@pytest.fixture(scope="module")
def browser(app):
    return app.test_client()


def test_the_document_is_served(browser, document):
    assert browser.get("/api/v1/openapi.json").json == document


def test_its_page_loads_everything_from_here_and_runs_nothing_inline(browser):
    page = browser.get("/api/docs")
    assert page.status_code == 200
    assert not re.search(
        r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|javascript:", page.get_data(as_text=True)
    )
    loaded = re.findall(r'<(?:script|img|link)[^>]+?(?:src|href)="([^"]+)"', page.get_data(as_text=True))
    assert loaded
    for address in loaded:
        assert address.startswith("/")
        assert browser.get(address).status_code == 200, address


def test_only_the_pages_own_files_are_served(browser):
    for name in ("index.html", "swagger-ui.js.map", "..%2f__init__.py", "VERSION"):
        assert browser.get(f"/api/docs/{name}").status_code == 404
