"""What pages owe to whoever has a password and a session; each is named after its requirement of the ASVS 5.0."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from api_client import PUBLIC_URL, Client, House, running
from flask.testing import FlaskClient
from page_visitor import Sheet, Visitor
from running_service import TIRELESS
from services import new_database
from walking import state_of
from werkzeug.routing import AnyConverter, Rule, UUIDConverter

from api.app import create_app
from api.identity import COOKIE, DEVICE_COOKIE
from api.web.cookies import BROWSER, LANGUAGE, LINK, POSITION, SECOND_STEP

INPUT = re.compile(r"<input\b[^>]*>")
MANAGED = ("current-password", "new-password")
SECRET = re.compile(r'name="((?:current_|new_)?password)"')
HTTPS = "https://127.0.0.1"
# What showing a page may write: that it was read, and of a file its number and the checkpoint that it speaks for.
READING = ("events", "accesses", "account_accesses", "kept_forms", "exports", "checkpoints", "tree")


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


# --- every page, by its rule


def ways(house: House, method: str, someone: Client) -> list[str]:
    """The paths of all pages that take a method; an id in one is somebody's account, which is no case or session."""
    features = house.app.extensions["features"]
    return sorted(
        house.app.url_map.bind("").build(rule.endpoint, places(rule, someone))
        for rule in house.app.url_map.iter_rules()
        if method in rule.methods and rule.endpoint.partition(".")[0] in features
    )


def places(rule: Rule, someone: Client) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, converter in rule._converters.items():
        if isinstance(converter, AnyConverter):
            found[name] = sorted(converter.items)[0]
        else:
            found[name] = someone.id if isinstance(converter, UUIDConverter) else "1"
    return found


@pytest.fixture(scope="module")
def people(house) -> list[Client]:
    """A holder and one of each role."""
    roles = ("secretariat", "auditor", "data-protection", "operator")
    return [house.holder(), *(house.staff(role, f"{role}@school.example") for role in roles)]


def test_v14_3_2_no_page_of_whoever_is_signed_in_may_be_kept_and_reading_it_changes_nothing(house, people):
    shown, before = set(), (state_of(house, *READING), facts(house))
    for person in people:
        visitor = Visitor(house).with_session_of(person)
        for path in ways(house, "GET", people[0]):
            answer = visitor.get(path)
            assert answer.headers["Cache-Control"] == "no-store", (path, answer.status_code)
            if answer.status_code == 200:
                shown.add(path)
        assert visitor.get("/welcome").status_code == 200
    after = state_of(house, *READING)
    assert {table for table in after if after[table] != before[0][table]} == set()
    assert facts(house) == before[1]
    assert len(shown) > 40
    assert sum(path.startswith("/console") for path in shown) > 15


def test_v3_5_1_no_form_of_a_page_does_anything_without_its_sealed_note(house, people):
    holder, clerk, *_ = people
    for person in (holder, clerk):
        visitor, tried = Visitor(house).with_session_of(person), 0
        before = state_of(house, *READING), facts(house)
        for path in ways(house, "POST", holder):
            would = visitor.get(path) if path in ways(house, "GET", holder) else None
            for note in ({}, {"csrf_token": "x" * 43}):
                visitor.hidden = note
                answer = visitor.send(path)
                unsent = would and (would.status_code, would.leads_to)
                again = visitor.shown(answer) if "?again=" in (answer.leads_to or "") else answer
                assert again.status_code == 403 or (answer.status_code, answer.leads_to) == unsent, path
                tried += again.status_code == 403
        assert tried > 20
        assert (state_of(house, *READING), facts(house)) == before
        assert visitor.get("/welcome").status_code == 200


def facts(house: House) -> int:
    """How many there are that no reading writes."""
    with house.service.pool.connection() as connection:
        (found,) = connection.execute(
            "SELECT count(*) FROM events WHERE topic NOT LIKE 'access.%'"
        ).fetchone()
    return found


# --- cookies and passwords


def test_v3_3_1_every_cookie_of_a_page_is_bound_to_https_and_out_of_reach_of_scripts(house):
    settings = replace(house.service.settings, public_url=HTTPS, allowed_hosts=frozenset(["127.0.0.1"]))
    browser, laid = FlaskClient(create_app(replace(house.service, settings=settings)), Sheet), []
    holder = house.holder()
    recovery_code, *_ = holder.enrol(house.service.clock.now())

    def ask(path: str, **typed: str) -> Sheet:
        how = {"method": "POST", "data": typed} if typed else {}
        answer = browser.open(path, base_url=HTTPS, **how)
        laid.extend(answer.headers.getlist("Set-Cookie"))
        return answer

    ask("/?token=x")
    ask("/?lang=de")
    step = ask("/", **ask("/").hidden, **holder.pair).leads_to
    assert ask(step, **ask(step).hidden, code=recovery_code).leads_to == "/welcome"
    names = (COOKIE, DEVICE_COOKIE, BROWSER, LANGUAGE, POSITION, SECOND_STEP, f"{LINK}_sign-in")
    assert {cookie.partition("=")[0] for cookie in laid} >= {f"__Host-{name}" for name in names}
    for cookie in laid:
        assert cookie.startswith("__Host-")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; ")), cookie
        assert "Domain" not in cookie


def test_v6_2_9_no_form_of_a_page_takes_an_oversized_password(house):
    """Refused before it is compared, so that it costs no hash and counts as no guess."""
    holder, tried = house.holder(), set()
    for visitor in (Visitor(house), Visitor(house).with_session_of(holder)):
        for path in ways(house, "POST", holder):
            fields = SECRET.findall(visitor.get(path).html)
            before = guesses_of(house)
            for field in fields:
                visitor.get(path)
                assert visitor.shown_again(path, {field: "x" * 129}).status_code == 422, path
                visitor.get(path)
                assert visitor.send(path, {field: "x" * 66_000}).status_code == 413, path
                tried.add((path, field))
            assert guesses_of(house) == before
    assert tried >= {
        ("/", "password"),
        ("/profile/password", "new_password"),
        ("/profile/closure", "password"),
    }


def guesses_of(house: House) -> list[tuple]:
    with house.service.pool.connection() as connection:
        return sorted(connection.execute("SELECT t::text FROM buckets AS t").fetchall())
