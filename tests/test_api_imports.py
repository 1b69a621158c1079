"""Files that the secretariat brings: taken over by a worker, told of while and after."""

import csv
import io
import threading
from dataclasses import replace

import pytest
from api_client import House, running
from running_service import TIRELESS
from services import new_database

from api.app import create_app
from api.headers import BODY_LIMIT, body_limit
from infrastructure.demonstration import fill
from infrastructure.import_jobs import MOST_ATTEMPTS

NEEDED = "email;given_name;family_name;locale"
GOOD = [f"i{number}@school.example;Ada;Keller;fr" for number in range(2_500)]
NEVER = threading.Event()


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with new_database(postgres, template) as database, running(database, home, **TIRELESS) as house:
        yield house


@pytest.fixture(scope="module")
def clerk(house):
    return house.staff("secretariat", "clerk@school.example")


def upload(client, *lines: str, **fields):
    file = (io.BytesIO("\n".join(lines).encode()), "=accounts.csv")
    data = {"kind": "accounts", "file": file, **fields}
    return client.post("/imports", data=data, content_type="multipart/form-data")


def take_over(house: House):
    return next(role for role in house.service.work() if role.name == "take-over")


def imported(house: House) -> int:
    with house.service.pool.connection() as connection:
        return connection.execute("SELECT count(*) FROM events WHERE topic = 'account.imported'").fetchone()[
            0
        ]


def pieces(house: House) -> list[bytes]:
    with house.service.pool.connection() as connection:
        return [sealed for (sealed,) in connection.execute("SELECT sealed FROM import_pieces")]


def test_a_file_is_rehearsed_taken_over_and_told_of(house, clerk):
    lines = (
        NEEDED.replace("locale", "Sprache der Post"),
        "a@school.example;A;B;fr",
        "b;A;B;fr",
        "c@x.ch;=1;B;fr",
    )
    fields = {"map": "Sprache der Post=locale"}
    begun = upload(clerk, *lines, dry_run="true", **fields)
    assert begun.status_code == 202, begun.text
    (sealed,) = pieces(house)
    assert b"school.example" not in sealed
    place = f"/imports/{begun.json['id']}"
    assert clerk.get(place).json["state"] == "waiting"
    assert take_over(house).take_next(NEVER)
    assert (len(pieces(house)), imported(house)) == (1, 0)
    with house.service.pool.connection() as connection:
        connection.execute("UPDATE imports SET finished_at = finished_at - interval '61 minutes'")
    next(iter(house.service.tick())).tidy()
    assert pieces(house) == []
    rehearsed = clerk.get(place).json
    assert (rehearsed["state"], rehearsed["dry_run"], rehearsed["line"], rehearsed["lines"]) == (
        "done",
        True,
        4,
        4,
    )
    assert [(each["line"], each["field"]) for each in rehearsed["refused"]] == [
        (3, "email"),
        (4, "given_name"),
    ]
    assert "clerk@school.example" in rehearsed["by"]

    done = upload(clerk, *lines, **fields)
    take_over(house).take_next(NEVER)
    answer = clerk.get(f"/imports/{done.json['id']}")
    assert answer.json["added"] == 1
    assert imported(house) == 1
    table = clerk.get(f"/imports/{done.json['id']}", headers={"Accept": "text/csv"})
    assert [row[:3] for row in csv.reader(table.text.splitlines())] == [
        ["line", "field", "code"],
        ["3", "email", "invalid-email"],
        ["4", "given_name", "formula"],
    ]
    assert not take_over(house).take_next(NEVER)


def test_who_is_no_clerk_brings_nothing_and_a_wrong_form_is_told(house, clerk):
    auditor = house.staff("auditor", "auditor@canton.example")
    assert upload(auditor, NEEDED).status_code == 403
    assert upload(house.holder(), NEEDED).status_code == 403
    assert upload(house.client(), NEEDED).status_code == 401
    assert clerk.get("/imports/0b0f2b57-6a43-4a6b-8b5e-3c3b8d6f9a11").status_code == 404
    for wrong, field in (
        ({"kind": "cats"}, "kind"),
        ({"map": "x"}, "map"),
        ({"map": f"{'x' * 101}=email"}, "map"),
        ({"colour": "red"}, "colour"),
    ):
        assert upload(clerk, NEEDED, **wrong).json["errors"].keys() == {field}
    missing = clerk.post("/imports", data={"kind": "records"}, content_type="multipart/form-data")
    assert missing.json["errors"].keys() == {"file"}
    mirrored = replace(house.service.settings, records_url="https://register.school.example")
    other = House(
        replace(house.service, settings=mirrored), create_app(replace(house.service, settings=mirrored))
    )
    again = other.client()
    again.secret, again.headers = clerk.secret, clerk.headers
    assert "next reading" in upload(again, NEEDED, kind="records").json["errors"]["kind"][0]
    assert (body_limit("POST", "/api/v1/imports"), body_limit("POST", "/api/v1/accounts")) == (
        (64 << 20) + BODY_LIMIT,
        BODY_LIMIT,
    )


def test_what_a_stopped_or_dead_worker_left_goes_on_behind_the_last_line(house, clerk):
    before = imported(house)
    place = f"/imports/{upload(clerk, NEEDED, 'wrong;A;B;fr', *GOOD).json['id']}"
    role, stop = take_over(house), threading.Event()
    accounts = role._imports["accounts"]

    def stopped_after_a_batch(path, *, progress, **how):
        def then(done, lines):
            progress(done, lines)
            stop.set()

        return accounts(path, progress=then, **how)

    role._imports["accounts"] = stopped_after_a_batch
    role.take_next(stop)
    left = clerk.get(place).json
    assert (left["state"], left["read"], left["added"], left["refused_count"]) == ("running", 2_000, 1_999, 1)

    dead = house.service.import_jobs.claim()  # by one that never says anything again
    assert not take_over(house).take_next(NEVER)
    with house.service.pool.connection() as connection:
        connection.execute("UPDATE imports SET leased_until = now() WHERE id = %s", (dead.id,))
    assert take_over(house).take_next(NEVER)
    done = clerk.get(place).json
    assert (done["state"], done["line"], done["refused_count"]) == ("done", len(GOOD) + 2, 1)
    assert (done["read"], done["added"], done["unchanged"]) == (len(GOOD) + 1, len(GOOD), 0)
    assert imported(house) == before + len(GOOD)


def test_a_file_by_which_workers_die_fails_in_the_end(house, clerk):
    place = f"/imports/{upload(clerk, NEEDED).json['id']}"
    for _ in range(MOST_ATTEMPTS):
        assert house.service.import_jobs.claim()
        with house.service.pool.connection() as connection:
            connection.execute("UPDATE imports SET leased_until = now() WHERE state = 'running'")
    assert house.service.import_jobs.claim() is None
    assert clerk.get(place).json["state"] == "failed"
    assert pieces(house) == []


def test_the_demonstration_is_filled_once_with_people_in_all_states_and_nobody_is_written_to(house, clerk):
    outbox = (
        "SELECT count(*) FROM outbox WHERE kind <> 'initial-password'"  # those are the house's own people
    )
    with house.service.pool.connection() as connection:
        before = connection.execute(outbox).fetchone()
        assert [fill(house.service, number) for number in (40, 40, 60)] == [40, 0, 20]
        last = connection.execute("SELECT max(position) FROM events").fetchone()[0]
        house.service.watermark.wait(("directory", "cases", "outbox"), last)
        assert connection.execute(outbox).fetchone() == before
        rows = connection.execute(
            "SELECT DISTINCT state, link_state FROM directory WHERE email LIKE '%@example.org'"
        ).fetchall()
    assert {("active", "linked"), ("requested", "linked"), ("active", "waiting"), ("active", "none")} <= {
        *rows
    }
    items = clerk.get("/cases", headers={"Log-Position": house.position()}).json["items"]
    assert items
    case = clerk.get(f"/cases/{items[0]['id']}").json
    assert case["candidates"][0]["record_number"].startswith("D-")


def test_the_key_of_a_repeated_upload_stands_for_the_file_too(house, clerk):
    key = {"Idempotency-Key": "upload-1"}

    def sent(*lines):
        data = {
            "kind": "accounts",
            "dry_run": "true",
            "file": (io.BytesIO("\n".join(lines).encode()), "a.csv"),
        }
        return clerk.post("/imports", data=data, content_type="multipart/form-data", headers=key)

    first, again = sent(NEEDED, *GOOD), sent(NEEDED, *GOOD)
    assert first.json == again.json
    assert again.headers["Idempotent-Replayed"] == "true"
    other = sent(NEEDED, *GOOD[1:])
    assert (other.status_code, other.json["type"]) == (409, "/problems/idempotency-conflict")
    take_over(house).take_next(NEVER)
    assert clerk.get(f"/imports/{first.json['id']}").json["read"] == len(GOOD)


def test_refusals_beyond_a_limit_are_counted_and_lines_are_not_written_down_one_by_one(
    house, clerk, monkeypatch
):
    role = take_over(house)
    noted, note = [], role._jobs.note
    monkeypatch.setattr(role._jobs, "note", lambda *how: (noted.append(how), note(*how)))
    place = f"/imports/{upload(clerk, NEEDED, *(['x;A;B;fr'] * 10_050)).json['id']}"
    assert role.take_next(NEVER)
    done = clerk.get(place).json
    assert (done["state"], done["read"], done["refused_count"]) == ("done", 10_050, 10_050)
    listed = clerk.get(place, headers={"Accept": "text/csv"}).text.splitlines()
    assert len(listed) == 10_001
    noted.clear()
    lines = ("record_number;kind;number", *(f"R-1;course;{number}" for number in range(500)))
    upload(clerk, *lines, kind="portfolio")
    assert role.take_next(NEVER)
    assert len(noted) < 10


def test_a_file_by_which_the_program_stumbles_fails_and_the_next_one_is_taken(house, clerk):
    role = take_over(house)

    def stumbles(*_args, **_options):
        raise RuntimeError

    role._imports = role._imports | {"accounts": stumbles}
    place = f"/imports/{upload(clerk, NEEDED).json['id']}"
    assert role.take_next(NEVER)
    assert clerk.get(place).json["state"] == "failed"
    assert not role.take_next(NEVER)
