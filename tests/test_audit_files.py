"""The history as a file, and the manifest that vouches for it."""

import csv
import hashlib
import http.client
import io
import json
import re
import socket
import threading
from uuid import uuid4

import pytest
from api_client import COOKIE, HOST, PREFIX, PROFILE, Client, running
from auditing import CSV, FORMULA, JSON_LINES, begun, downloaded, every_page, lines, without_reads
from services import new_database
from spec import until
from tree_side import many_events

from api.server import Server
from infrastructure.signed_notes import opened as opened_note


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with new_database(postgres, template) as database, running(database, home) as house:
        yield house


@pytest.fixture(scope="module")
def auditor(house) -> Client:
    return house.staff("auditor", "auditor@canton.example")


@pytest.fixture(scope="module")
def claire(house) -> Client:
    claire = house.holder("claire@school.example")
    claire.put("/me/profile", {**PROFILE, "given_name": FORMULA})
    claire.put("/me/profile", {**PROFILE, "city": "Tavannes"})
    return claire


@pytest.fixture(scope="module")
def others(house) -> list[Client]:
    return [house.holder() for _ in range(3)]


def test_a_file_of_lines_holds_what_the_pages_hold(auditor, claire, others):
    everything = every_page(auditor)
    found = lines(downloaded(auditor, JSON_LINES, to=everything[-1]["position"]))
    assert without_reads(found) == everything


def test_a_table_holds_the_same_and_no_formula(auditor, claire):
    answer = downloaded(auditor, CSV, account=claire.id)
    assert answer.content_type == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True), newline="")))
    items = every_page(auditor, account=claire.id)
    assert [(int(row["position"]), row["type"], row["name"]) for row in rows] == [
        (each["position"], each["type"], each["name"]) for each in items
    ]
    for row in rows:
        for cell in [*row.values(), *map(str, json.loads(row["data"]).values())]:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    sent = next(row for row in rows if row["type"] == "profile.submitted")
    assert json.loads(sent["data"])["given_name"] == "'" + FORMULA


def test_a_table_is_marked_as_utf_8_where_that_is_wished(auditor, claire):
    plain = downloaded(auditor, CSV, account=claire.id).get_data()
    assert downloaded(auditor, CSV, account=claire.id, bom="true").get_data() == b"\xef\xbb\xbf" + plain


def test_a_manifest_vouches_for_the_bytes_that_were_sent(house, auditor, claire):
    answer = downloaded(auditor, CSV, account=claire.id, from_="2025-01-01", bom="true")
    manifest = auditor.get(f"/audit/exports/{answer.headers['Export-Id']}").json
    items = every_page(auditor, account=claire.id)
    assert manifest["state"] == "done"
    assert manifest["sha256"] == hashlib.sha256(answer.get_data()).hexdigest()
    assert manifest["count"] == len(items)
    assert (manifest["first_position"], manifest["last_position"]) == (
        items[0]["position"],
        items[-1]["position"],
    )
    assert manifest["filter"] == {"account": str(claire.id), "from": "2024-12-31T22:59:59.999999Z"}
    assert manifest["by"] == str(auditor.id)
    text, signers = opened_note(manifest["manifest"], [house.service.checkpoints.verifier])
    assert signers == [house.service.checkpoints.origin]
    signed = json.loads(text)
    assert text == json.dumps(signed, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    assert signed == {name: manifest[name] for name in signed}
    assert manifest.keys() - signed.keys() == {"state", "manifest"}


def test_the_checkpoint_covers_everything_that_was_sent(house, auditor, claire):
    answer = downloaded(auditor, JSON_LINES)
    manifest = auditor.get(f"/audit/exports/{answer.headers['Export-Id']}").json
    text, _ = opened_note(manifest["checkpoint"], [house.service.checkpoints.verifier])
    assert text.split("\n")[1] == str(manifest["size"])
    assert [each["leaf_index"] for each in lines(answer)] == list(range(manifest["size"]))


def test_what_happens_while_a_file_is_sent_is_not_in_it(house, auditor, claire):
    answer = begun(auditor, CSV)
    late = house.holder()
    assert str(late.id) not in answer.get_data(as_text=True)
    assert str(late.id) in downloaded(auditor, JSON_LINES).get_data(as_text=True)


def test_a_file_that_was_not_read_to_its_end_is_said_to_be_broken(house, auditor, claire):
    answer = begun(auditor, CSV)
    export_id = answer.headers["Export-Id"]
    assert auditor.get(f"/audit/exports/{export_id}").json["state"] == "running"
    next(answer.iter_encoded())
    answer.close()
    manifest = auditor.get(f"/audit/exports/{export_id}").json
    assert (manifest["state"], manifest["manifest"]) == ("broken", None)


def test_whose_events_a_file_holds_is_noted_before_it_and_how_many_after_it(house, auditor, claire):
    answer = downloaded(auditor, CSV, account=claire.id, purpose="audit")
    manifest = auditor.get(f"/audit/exports/{answer.headers['Export-Id']}").json
    asked = {"Log-Position": house.position()}
    seen = auditor.get(f"/audit/accesses?reader={auditor.id}&limit=200", headers=asked).json["items"]
    begun, ended = [each for each in seen if each["what"] == "export"][-2:]
    assert (begun["accounts"], ended["count"]) == ([str(claire.id)], manifest["count"])
    for each in (begun, ended):
        assert (each["purpose"], each["filters"]) == ("audit", {"account": str(claire.id), "format": "csv"})
    of_hers = auditor.get(f"/audit/accesses?account={claire.id}&limit=200", headers=asked).json["items"]
    assert begun in of_hers
    told = claire.get("/me/history?limit=200", headers=asked).json["items"]
    assert any(each["type"] == "access.read" and each["at"] == begun["at"] for each in told)


def test_a_file_of_nothing_has_a_manifest_too(auditor, others):
    answer = downloaded(auditor, JSON_LINES, account=others[0].id, type="profile.corrected")
    manifest = auditor.get(f"/audit/exports/{answer.headers['Export-Id']}").json
    assert (answer.get_data(), manifest["count"], manifest["last_position"]) == (b"", 0, None)
    assert manifest["sha256"] == hashlib.sha256().hexdigest()
    assert manifest["manifest"]


def test_a_file_may_be_a_page(auditor, claire):
    answer = downloaded(auditor, JSON_LINES, limit=3)
    assert [each["position"] for each in lines(answer)] == [
        each["position"] for each in every_page(auditor)[:3]
    ]


def test_an_export_that_never_was_is_not_found(auditor):
    assert auditor.get(f"/audit/exports/{uuid4()}").status_code == 404


@pytest.fixture
def port(house):
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    stop = threading.Event()
    server = Server("api", house.app, host=HOST, port=port, threads=2)
    thread = threading.Thread(target=server.run, args=(stop,))
    thread.start()
    until(lambda: is_open(port))
    yield port
    stop.set()
    thread.join(10)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def test_over_the_wire_the_manifest_is_signed_when_the_last_byte_is_sent(house, port, auditor, claire):
    connection = http.client.HTTPConnection(HOST, port, timeout=20)
    asked = {"Accept": CSV, "Cookie": f"{COOKIE}={auditor.secret}"}
    connection.request("GET", f"{PREFIX}/audit/events", headers=asked)
    answer = connection.getresponse()
    assert answer.status == 200
    content = answer.read()
    manifest = house.service.exports.get(answer.headers["Export-Id"])
    assert (manifest.state, manifest.sha256) == ("done", hashlib.sha256(content).hexdigest())
    connection.close()


def test_over_the_wire_a_reader_who_goes_away_leaves_a_broken_export(house, port, auditor, claire):
    """There are so many events that they wait for the reader."""
    for _ in range(10):
        many_events(house.service, 4000)
    last = house.service.audit_log.end()
    until(lambda: house.service.tree.leaf_indices([last]) != [None])
    with socket.create_connection((HOST, port), timeout=20) as wire:
        wire.sendall(
            f"GET {PREFIX}/audit/events HTTP/1.1\r\nHost: {HOST}\r\nAccept: {JSON_LINES}\r\n"
            f"Cookie: {COOKIE}={auditor.secret}\r\n\r\n".encode()
        )
        head = wire.recv(4096).decode("latin-1")
    (export_id,) = re.findall("Export-Id: ([0-9a-f-]+)", head)
    until(lambda: house.service.exports.get(export_id).state == "broken")
