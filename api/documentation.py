"""The OpenAPI document.

smorest describes arguments and answers; what the other decorators do (`api.described`) is added here.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import flask_smorest
from flask import Flask
from werkzeug.routing import Rule

from api import errors
from api.described import facts_of
from api.idempotency import KEY_LIMIT
from api.identity import COOKIE
from api.rest import (
    accounts,
    audit_accesses,
    audit_evidence,
    audit_history,
    audit_proofs,
    cases,
    erasures,
    imports,
    interventions,
    lists,
    mailed,
    me,
    own_access,
    portfolio,
    second_factors,
    session,
    statistics,
)
from api.schemas import answers
from api.schemas.accounts import EmailChange, PasswordChange, Reauthentication, either_of
from infrastructure.documents import MEDIA_TYPES
from infrastructure.translations import text

PREFIX: Final = "/api/v1"
BLUEPRINTS: Final = tuple(
    part.blueprint
    for part in (
        accounts,
        mailed,
        session,
        me,
        own_access,
        portfolio,
        second_factors,
        lists,
        cases,
        interventions,
        audit_proofs,
        audit_accesses,
        audit_history,
        audit_evidence,
        erasures,
        statistics,
        imports,
    )
)

DESCRIPTION: Final = """\
From «Créer un compte» to the linked record, over JSON.

Sign in by cookie (`POST /session`; unsafe methods then ask for `X-CSRF-Token`) or by token (`POST /tokens`).
Where the password is asked for again, a passkey may stand in its place (`POST /me/reauthentication/options`).
Errors are problem documents (RFC 9457) in the language of `Accept-Language`: `fr`, `de` or `en`.
A command's answer carries `Log-Position`; a read that sends it back waits until the change is visible.
"""
TAGS: Final = (
    {"name": "Holders", "description": "Asking for an account, one's own data, one's own password."},
    {"name": "Secretariat", "description": "Accounts and cases, for staff; auditors may read."},
    {"name": "Auditors", "description": "What happened, as of any instant, and the proofs of it."},
    {"name": "Frontends", "description": "Sessions, tokens, code lists and services."},
)
HOLDERS: Final = tuple(
    f"{PREFIX}/{part}" for part in ("me", "accounts", "password-resets", "email-changes", "closures")
)
REAUTHENTICATED: Final = (Reauthentication, EmailChange, PasswordChange)
SCHEMES: Final = {
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": f"`__Host-{COOKIE}` where the service is reached by https.",
    },
    "bearer": {"type": "http", "scheme": "bearer"},
}


def _header(name: str, description: str, **schema: object) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string", **schema}}


PARAMETERS: Final = {
    "AcceptLanguage": _header("Accept-Language", "The language of texts for people: `fr`, `de` or `en`."),
    "CsrfToken": _header("X-CSRF-Token", "With the cookie: the session's `csrf_token`, see `GET /session`."),
    "IdempotencyKey": _header(
        "Idempotency-Key",
        "Sent again with the same body, the request is answered, not repeated.",
        maxLength=KEY_LIMIT,
    ),
    "IfMatch": _header("If-Match", "Only if the `ETag` is still this one."),
    "IfNoneMatch": _header("If-None-Match", "Only if the `ETag` is no longer this one."),
    "LogPosition": _header("Log-Position", "From a command's answer: wait until that is visible."),
}
HEADERS: Final = {
    "LogPosition": {"description": "How far the log has come; opaque.", "schema": {"type": "string"}},
    "RecordedAt": {
        "description": "When it was recorded.",
        "schema": {"type": "string", "format": "date-time"},
    },
    "ExportId": {
        "description": "Of a file: whose manifest is at `/audit/exports/{export_id}`.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "ETag": {
        "description": "The version, for `If-Match`; of a file its SHA-256.",
        "schema": {"type": "string"},
    },
    "ReprDigest": {
        "description": "`sha-256=:…:`, in base64 (RFC 9530).",
        "schema": {"type": "string"},
    },
    "ContentDisposition": {
        "description": "`attachment`, with a name for the file (RFC 6266).",
        "schema": {"type": "string"},
    },
}


class Api(flask_smorest.Api):
    """smorest without its own error documents: `api.errors` makes those."""

    ERROR_SCHEMA = answers.Problem
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        pass


def install(app: Flask) -> None:
    """Register all of the API."""
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)


@cache
def openapi_document() -> dict[str, Any]:
    """The OpenAPI 3.1 document, without a service behind it; the same for every application.

    It is written once somebody asks for it: that takes longer than all else at the start of an application.
    """
    app = Flask(__name__)
    app.config.update(API_TITLE="Matricule", API_VERSION="1", OPENAPI_VERSION="3.1.0")
    options = {
        "info": {"description": DESCRIPTION},
        "components": {"securitySchemes": SCHEMES, "parameters": PARAMETERS, "headers": HEADERS},
    }
    api = Api(app, spec_kwargs=options)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    written = api.spec.to_dict()
    components = written["components"]
    components.pop("responses", None)
    for schema in REAUTHENTICATED:
        described = components["schemas"][schema.__name__]
        described["oneOf"] = [{"required": [name]} for name in either_of(schema())]
    for rule, method in operations(app):
        path = path_of(rule)
        operation = written["paths"][path][method]
        _complete(operation, method, path, facts_of(app.view_functions[rule.endpoint]))
        operation["operationId"] = rule.endpoint.replace(".", "-")
    return {**written, "tags": list(TAGS)}


def operations(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Every route of the API with each of its methods, in lower case."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(PREFIX) and "." in rule.endpoint and not rule.endpoint.startswith("pages."):
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
                yield rule, method.lower()


def path_of(rule: Rule) -> str:
    """As the document writes it."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def _complete(operation: dict[str, Any], method: str, path: str, facts: dict[str, Any]) -> None:
    unsafe = method != "get"
    signed_in = facts.get("signed_in", False)
    operation["tags"] = [_tag(path, facts)]
    operation["security"] = [{"cookie": []}, {"bearer": []}] if signed_in else []
    wanted = {
        "AcceptLanguage": True,
        "CsrfToken": signed_in and unsafe,
        "IdempotencyKey": facts.get("idempotent"),
        "IfMatch": facts.get("conditional"),
        "IfNoneMatch": facts.get("file"),
        "LogPosition": facts.get("waits"),
    }
    parameters = operation.setdefault("parameters", [])
    parameters += [{"$ref": f"#/components/parameters/{name}"} for name, there in wanted.items() if there]
    responses = operation["responses"]
    for status in [status for status in responses if not status.startswith("2")]:
        del responses[status]
    if facts.get("exports"):
        written = {"schema": {"type": "string"}}
        responses["200"]["content"] |= {
            "text/csv; charset=utf-8": {**written, "example": "position,leaf_index,…"},
            "application/x-ndjson": {**written, "example": '{"position":4120576,…}'},
        }
    if facts.get("spreadsheet"):
        written = {"schema": {"type": "string"}, "example": "id,email,given_name,family_name,…"}
        responses["200"]["content"]["text/csv; charset=utf-8"] = written
    if facts.get("file"):
        (written,) = responses["200"]["content"].values()
        responses["200"]["content"] = dict.fromkeys(MEDIA_TYPES, written)
    for response in responses.values():
        response.setdefault("headers", {}).update(_response_headers(facts))
    if facts.get("file"):
        responses["304"] = {"description": "The client has it already."}
    codes = _problems(operation, facts, signed_in and unsafe)
    for status in sorted({errors.status_of(code) for code in codes}):
        responses[str(status)] = _problem_response(
            [code for code in codes if errors.status_of(code) == status]
        )


def _tag(path: str, facts: dict[str, Any]) -> str:
    if path.startswith(f"{PREFIX}/audit"):
        return "Auditors"
    if facts.get("roles"):
        return "Secretariat"
    return "Holders" if path.startswith(HOLDERS) else "Frontends"


def _response_headers(facts: dict[str, Any]) -> dict[str, Any]:
    names = {
        "Log-Position": "command",
        "Recorded-At": "command",
        "ETag": "versioned",
        "Export-Id": "exports",
        "Repr-Digest": "file",
        "Content-Disposition": "file",
    }
    return {
        name: {"$ref": f"#/components/headers/{name.replace('-', '')}"}
        for name, fact in names.items()
        if facts.get(fact)
    }


def _problems(operation: dict[str, Any], facts: dict[str, Any], guarded: bool) -> list[str]:
    # Any operation refuses a query that it does not read.
    codes = set(facts.get("refuses", ())) | {"invalid-input", "unavailable", "internal-error"}
    if facts.get("signed_in"):
        codes.add("not-signed-in")
    if guarded:
        codes.add("csrf-failed")
    if "requestBody" in operation:
        codes |= {"not-json", "unsupported-media-type", "body-too-large"}
    if facts.get("conditional"):
        codes.add("precondition-failed")
    return sorted(codes)


def _problem_response(codes: list[str]) -> dict[str, Any]:
    titles = {code: text("en", "problems", code, "title") for code in codes}
    examples = {
        code: {"summary": titles[code], "value": errors.document(code, "en", **_example_members(code))}
        for code in codes
    }
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": ". ".join(titles.values()),
        "content": {errors.MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }


def _example_members(code: str) -> dict[str, Any]:
    if code == "invalid-input":
        return {"errors": {"birth_date": [text("en", "problems", "fields", "future-date")]}}
    if code in ("already-decided", "record-taken"):
        return {"by": "Marc Voirol", "at": "2025-09-01T08:21:09.330121Z"}
    if code == "second-factor-needed":
        return {"factors": ["totp"]}
    return {}
