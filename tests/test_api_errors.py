"""Every answer that is no success is a problem document which tells nothing of the inside."""

import logging

import psycopg
import pytest
from flask import Flask

from api import errors
from api.arguments import parse
from api.faults import Fault, InvalidInput
from domain import errors as refusals
from infrastructure.translations import LOCALES, text

SECRET = "756.1234.5678.97 of ada@new.example"


@pytest.fixture
def failing():
    """Asks an application whose only view raises what it is given."""
    app = Flask(__name__)
    errors.install(app)
    raised = []

    @app.get("/")
    def fail() -> None:
        raise raised.pop()

    def ask(error: BaseException, **headers: str):
        raised.append(error)
        return app.test_client().get(
            "/", headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    return ask


def refusals_known(kind: type[refusals.Refused] = refusals.Refused) -> list[type[refusals.Refused]]:
    below = kind.__subclasses__()
    return [*below, *(deeper for each in below for deeper in refusals_known(each))]


@pytest.mark.parametrize("refusal", refusals_known(), ids=lambda refusal: refusal.code)
@pytest.mark.parametrize("locale", LOCALES)
def test_every_refusal_of_the_domain_is_explained_in_every_language(failing, refusal, locale):
    answer = failing(refusal(min=15, max=128, kind="name"), Accept_Language=locale)
    assert answer.content_type == "application/problem+json"
    assert answer.json["type"] == f"/problems/{refusal.code}"
    assert answer.json["title"] == text(locale, "problems", refusal.code, "title")
    assert answer.json["detail"] == text(locale, "problems", refusal.code, "detail")
    assert answer.json["status"] == answer.status_code >= 400


@pytest.mark.parametrize("code", sorted(errors.STATUS))
def test_every_code_of_the_door_is_explained(code):
    assert code in errors.known_codes()


@pytest.mark.parametrize(
    ("wanted", "locale"),
    [
        ("de", "de"),
        ("de-CH", "de"),
        ("en;q=0.2, de;q=0.8", "de"),
        ("de-AT;q=0.9, en;q=0.1", "de"),
        ("it, en-GB;q=0.5", "en"),
        ("en;q=0, it", "fr"),
        ("it", "fr"),
        ("*", "fr"),
        ("", "fr"),
        ("\xff;q=x,,;", "fr"),
    ],
)
def test_problems_are_told_in_the_language_that_is_liked_best(failing, wanted, locale):
    answer = failing(errors.Problem("not-found"), Accept_Language=wanted)
    assert answer.headers["Content-Language"] == locale
    assert answer.json["title"] == text(locale, "problems", "not-found", "title")


def test_an_unexpected_exception_is_told_and_logged_without_its_text(failing, caplog):
    with caplog.at_level(logging.DEBUG):
        answer = failing(RuntimeError(SECRET))
    assert answer.status_code == 500
    assert answer.json["type"] == "/problems/internal-error"
    logged = [vars(record) for record in caplog.records]
    assert [record["error"] for record in logged if record["name"] == "api.errors"] == ["RuntimeError"]
    assert "ada@new" not in answer.get_data(as_text=True) + str(logged)


@pytest.mark.parametrize("error", [psycopg.OperationalError(SECRET), psycopg.errors.AdminShutdown(SECRET)])
def test_a_database_that_does_not_answer_is_unavailable_for_a_while(failing, error):
    answer = failing(error)
    assert answer.status_code == 503
    assert answer.json["type"] == "/problems/unavailable"
    assert int(answer.headers["Retry-After"]) > 0
    assert "ada" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("refusal", [refusals.TooBusy, refusals.NotVisibleYet])
def test_who_shall_come_back_is_told_when(failing, refusal):
    assert int(failing(refusal()).headers["Retry-After"]) > 0


def test_a_short_password_is_an_error_of_its_field(failing):
    answer = failing(refusals.PasswordTooShort(min=15), Accept_Language="en")
    assert answer.status_code == 422
    assert answer.json["errors"] == {"new_password": ["At least 15 characters."]}


def test_faults_are_told_by_field_in_words(failing):
    faults = {"birth_date": ["future-date"], "note": [Fault("too-long", max=2000)]}
    answer = failing(InvalidInput(faults), Accept_Language="en")
    assert answer.status_code == 422
    assert answer.json["errors"] == {
        "birth_date": ["This date lies in the future."],
        "note": ["At most 2000 characters."],
    }


def test_an_unauthenticated_answer_names_a_way_to_authenticate(failing):
    assert failing(errors.Problem("not-signed-in")).headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nul",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b"\xff\xfe{}",
        b'"\xe9"',
        b"[" * 60_000,
        b"9" * 5000,
        '{"a": 1}'.encode("utf-16"),
    ],
)
def test_what_is_no_json_in_utf_8_is_refused(body):
    with pytest.raises(errors.Problem) as refused:
        parse(body)
    assert refused.value.code == "not-json"
