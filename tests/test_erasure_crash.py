"""`kill -9` between any two steps of an erasure: the person is erased, or not yet, and never in between."""

from base64 import b64encode
from collections.abc import Iterator

import psycopg
import pytest
from erasing import ErasingSide
from people import AURELIE_ADDRESS
from running_service import RunningService, a_service
from spec import until

from domain.fact import NOWHERE
from infrastructure.forgetting import OF_A_PERSON

GATE = 4711  # an advisory lock of the test
PAUSE = f"""
    CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN -- what the tidying role deletes besides does not wait
        IF TG_TABLE_NAME = 'events' OR EXISTS (SELECT FROM events WHERE topic = 'account.erased') THEN
            PERFORM pg_advisory_xact_lock({GATE});
        END IF;
        RETURN coalesce(NEW, OLD);
    END $$
"""
STEPS = [
    "BEFORE INSERT ON events FOR EACH ROW WHEN (NEW.topic = 'account.erased')",
    # All in one transaction: its first, some in the middle, its last.
    *(
        f"BEFORE DELETE ON {table} FOR EACH STATEMENT"
        for table in ("data_keys", "credentials", "lookup", "outbox", "buckets")
    ),
    "BEFORE UPDATE ON idempotency FOR EACH STATEMENT",
    "BEFORE UPDATE ON erasures FOR EACH ROW WHEN (NEW.state = 'done')",
    "AFTER UPDATE ON erasures FOR EACH ROW WHEN (NEW.state = 'done')",
]
ROWS = {  # where a use case would take long to make one
    "credentials": "(account_id, kind, hash, long) VALUES (%s, 'initial', 'x', true)",
    "passkeys": "(id, account_id, credential_id, public_key, sign_count, transports)"
    " VALUES (gen_random_uuid(), %s, 'x', 'x', 0, '{}')",
    "passkey_users": "(account_id, handle) VALUES (%s, 'x')",
    "passkey_challenges": "(id, challenge, account_id, session_id, expires_at)"
    " VALUES (gen_random_uuid(), 'x', %s, gen_random_uuid(), 'infinity')",
    "totp_factors": "(id, account_id, secret) VALUES (gen_random_uuid(), %s, 'x')",
    "recovery_codes": "(account_id, generation, digest) VALUES (%s, 1, 'x')",
    "sessions": "(digest, account_id, kind, initial_password, created_at, last_seen_at, expires_at)"
    " VALUES ('x', %s, 'cookie', false, now(), now(), 'infinity')",
    "devices": "(digest, account_id, created_at, last_seen_at) VALUES ('x', %s, now(), now())",
    "links": "(digest, kind, account_id, request, expires_at) VALUES ('x', 'reopening', %s, 1, 'infinity')",
    "roles": "(account_id, role) VALUES (%s, 'auditor')",
    "idempotency": "(digest, request, account_id) VALUES ('x', 'x', %s)",
    "seen_items": "(account_id, item_id, revision) VALUES (%s, gen_random_uuid(), 1)",
    "kept_forms": "(account_id, browser, path, sealed, expires_at) VALUES (%s, 'x', '/my-data', 'x', 'infinity')",
    "outbox": "(cause, kind, recipient, account_id) VALUES ('x', 'rejected', 'holder', %s)",
}


@pytest.fixture
def service(database_url) -> Iterator[RunningService]:
    """With an erasure that is due; nobody is there yet who carries it out."""
    with a_service(DATABASE_URL=database_url) as service:
        service.home.mkdir()
        with ErasingSide(database_url, service.home) as here:
            key = here.keyring.current.secret
            (service.home / "master.key").write_bytes(b"1 " + b64encode(key) + b"\n")
            (service.home / "master.key").chmod(0o600)
            account_id = here.submitted()
            here.recovery.request_reset(AURELIE_ADDRESS, NOWHERE)
            for table, values in ROWS.items():
                service.rows(f"INSERT INTO {table} {values}", account_id)
            service.rows("INSERT INTO idempotency (digest, request, body) VALUES ('y', 'y', 'y')")
            service.rows(
                "INSERT INTO buckets VALUES ('x', 1, interval '1 hour', false, 'infinity', 'infinity')"
            )
            here.approved(account_id)
        service.person = account_id
        yield service


def held(service: RunningService) -> dict[str, int]:
    """How many rows there are of the person, by table."""
    tables = {**OF_A_PERSON, "outbox": "account_id"}
    counts = {
        table: service.rows(f"SELECT count(*) FROM {table} WHERE {column} = %s", service.person)[0][0]
        for table, column in tables.items()
    }
    for table, where in {
        "intake": "true",
        "buckets": "true",
        "idempotency": "body IS NOT NULL",
        "events": "topic = 'account.erased'",
    }.items():
        counts[f"{table} {where}"] = service.rows(f"SELECT count(*) FROM {table} WHERE {where}")[0][0]
    return counts


def waits(service: RunningService) -> bool:
    return service.rows(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted", GATE
    ) == [(1,)]


def state(service: RunningService) -> str:
    return service.rows("SELECT state FROM erasures")[0][0]


@pytest.mark.parametrize("step", STEPS)
def test_killed_before_the_end_nothing_has_happened_and_the_next_round_does_all(service, step):
    before = held(service)
    assert all(before[name] for name in before if not name.startswith("events"))
    service.rows(PAUSE)
    service.rows(f"CREATE TRIGGER pause {step} EXECUTE FUNCTION pause()")
    with psycopg.connect(service.database, autocommit=True) as gate:
        gate.execute("SELECT pg_advisory_lock(%s)", (GATE,))
        process = service.start("tick")
        until(lambda: waits(service))
        service.kill(process)
    until(
        lambda: (
            service.rows(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
                " AND pid <> pg_backend_pid()"
            )
            == [(0,)]
        )
    )
    assert held(service) == before
    assert state(service) == "approved"
    (line,) = (service.home / "erasures.jsonl").read_text().splitlines()

    service.rows("DROP FUNCTION pause CASCADE")
    service.start("tick")
    until(lambda: state(service) == "done")
    assert {name for name, count in held(service).items() if count} == {"events topic = 'account.erased'"}
    assert (service.home / "erasures.jsonl").read_text().splitlines() == [line]


def test_killed_right_after_the_end_the_person_is_erased(service):
    process = service.start("tick")
    until(lambda: state(service) == "done")
    service.kill(process)
    assert {name for name, count in held(service).items() if count} == {"events topic = 'account.erased'"}
