"""What the operator sees, and how little everybody else does."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from api_client import PROFILE, PUBLIC_URL, House, running
from people import DAY
from spec import until
from write_side import StandingClock

from api.doctor import _cases
from api.ops import create_ops_app
from infrastructure import broker
from infrastructure.bootstrap import READ_MODELS

NAMES = re.compile(r"\bmatricule_[a-z_]+")
AGE = "^matricule_horizon_age_seconds ([^ ]+)$"
LONG_FOR_A_WRITER = 0.3  # s; our own are done in a hundredth of that


@pytest.fixture
def house(database_url, tmp_path):
    with running(database_url, tmp_path) as house:
        yield house


def ops(house: House, path: str, **parts: object):
    return create_ops_app(replace(house.service, **parts)).test_client().get(path)


def public(house: House, path: str):
    return house.app.test_client().get(path, base_url=PUBLIC_URL)


def test_a_service_with_all_its_parts_is_ready(house):
    house.holder("claire@school.example")
    answer = ops(house, "/health/ready")
    assert answer.status_code == 200
    assert answer.json["status"] == "ready"
    assert set(answer.json["projections"]) == {model.name for model in READ_MODELS}
    assert answer.json["broker"] == {"error": None}
    assert answer.json["outbox"]["parked"] == 0
    assert answer.json["horizon"]["age_seconds"] < 60


def test_the_age_of_the_horizon_grows_while_somebody_else_writes_on_the_server(house, postgres):
    operator = create_ops_app(house.service).test_client()

    def age() -> float:
        (told,) = re.findall(AGE, operator.get("/metrics").get_data(as_text=True), re.MULTILINE)
        return float(told)

    with psycopg.connect(postgres) as foreigner:  # in another database
        foreigner.execute("SELECT pg_current_xact_id()")
        with psycopg.connect(house.service.conninfo) as own:
            own.execute("SELECT pg_current_xact_id()")  # for now there is something that readers wait for
        until(lambda: age() > LONG_FOR_A_WRITER)
        assert operator.get("/health/ready").json["horizon"]["age_seconds"] > LONG_FOR_A_WRITER
    until(lambda: age() < LONG_FOR_A_WRITER)


def test_a_lost_broker_is_shown(house):
    lost = broker.connect("amqp://guest:guest@127.0.0.1:1//", on_malformed=lambda: None)
    answer = ops(house, "/health/ready", broker=lost)
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert answer.json["broker"]["error"]


def test_a_parked_message_is_shown(house):
    with psycopg.connect(house.service.conninfo) as operator:
        operator.execute(
            "INSERT INTO outbox (cause, kind, recipient, state) VALUES ('c', 'initial-password', 'holder', 'parked')"
        )
    answer = ops(house, "/health/ready")
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert answer.json["outbox"]["parked"] == 1


def test_a_stream_that_a_read_model_could_not_fold_is_shown(house):
    house.holder()  # from now on the projections run, and none tries it again
    with psycopg.connect(house.service.conninfo) as operator:
        operator.execute(
            "INSERT INTO parked_streams (projection, originator_id, position, topic, error)"
            " VALUES ('directory', gen_random_uuid(), 1, 'account.requested', 'KeyError')"
        )
    answer = ops(house, "/health/ready")
    assert answer.json["status"] == "degraded"
    assert answer.json["projections"]["directory"]["parked_streams"] == 1


def test_without_its_database_the_service_lives_but_is_not_ready(house):
    with psycopg.connect(house.service.conninfo, autocommit=True) as operator:
        operator.execute("ALTER TABLE migrations RENAME TO migrations_elsewhere")
    unready = ops(house, "/health/ready")
    assert (unready.status_code, unready.json["status"]) == (503, "unavailable")
    assert unready.json["database"]["pending_migrations"]
    house.service.pool.close()
    for answer in (ops(house, "/health/ready"), public(house, "/health/ready")):
        assert answer.status_code == 503
    assert ops(house, "/health/ready").json["status"] == "unavailable"
    assert ops(house, "/health/live").status_code == 200
    assert public(house, "/health/live").status_code == 200
    assert ops(house, "/metrics").status_code == 200


def test_the_public_port_tells_no_detail(house):
    assert public(house, "/health/live").json == {"status": "live"}
    assert public(house, "/health/ready").json == {"status": "ready"}
    assert public(house, "/metrics").status_code == 404


def test_cases_that_wait_are_shown_and_warned_of_once_they_are_late(database_url, tmp_path):
    clock = StandingClock(datetime(2025, 9, 1, 8, 0, tzinfo=UTC))
    with running(database_url, tmp_path, clock) as house:
        assert "matricule_cases_late 0.0" in ops(house, "/metrics").get_data(as_text=True)
        holder = house.holder()
        holder.put("/me/profile", PROFILE)
        house.service.watermark.wait(("cases",), house.service.watermark.open(house.match(holder.id)))
        clock.goes_on(4 * DAY)  # the day after the deadline
        shown = ops(house, "/metrics").get_data(as_text=True).splitlines()
        late, oldest = 'matricule_cases{state="open"} 1.0', "matricule_case_oldest_seconds 345600.0"
        assert {late, oldest, "matricule_cases_late 1.0"} <= {*shown}
        [finding] = _cases(house.service)
        assert (finding.part, finding.verdict) == ("cases", "warning")
        assert "1 of 1 open cases are late; the oldest has waited 4 working days" in finding.what


def test_the_alert_rules_in_the_handbook_name_metrics_that_there_are(house):
    handbook = Path(__file__).parent.parent / "docs" / "operations.md"
    (rules,) = re.findall(r"```yaml\n(.*?)```", handbook.read_text("utf-8"), re.DOTALL)
    asked = {name for expression in re.findall("expr: (.*)", rules) for name in NAMES.findall(expression)}
    exported = NAMES.findall(ops(house, "/metrics").get_data(as_text=True))
    assert len(asked) > 5
    assert asked - {*exported} == set()


def test_metrics_count_requests_by_route_and_not_by_path(house):
    account = house.holder("claire@school.example")
    account.get(f"/accounts/{account.id}/timeline?cursor=ada@new.example")
    shown = ops(house, "/metrics").get_data(as_text=True)
    assert 'route="/api/v1/accounts/<uuid:account_id>/timeline",status="403"' in shown
    assert str(account.id) not in shown
    assert 'matricule_outbox_items{state="waiting"} 1.0' in shown
