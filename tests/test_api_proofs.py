"""Checkpoints, keys, tiles and proofs as everybody, and as an auditor, gets them."""

import base64

import pytest
from api_client import Client, House, running
from services import new_database

from domain import merkle
from infrastructure.signed_notes import Checkpoint, Verifier, opened
from projections.tree import leaf_bytes


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with new_database(postgres, template) as database, running(database, home) as house:
        yield house


@pytest.fixture(scope="module")
def auditor(house) -> Client:
    return house.staff("auditor", "audit@canton.example")


@pytest.fixture(scope="module")
def clerk(house) -> Client:
    return house.staff("secretariat", "clerk@school.example")


@pytest.fixture(autouse=True, scope="module")
def daily(house, auditor, clerk):
    caught_up(house)
    return house.service.checkpoints.publish()


def caught_up(house: House) -> None:
    house.service.watermark.wait(("tree",), house.service.watermark.open(house.position()))


def checkpoint(house: House, client: Client) -> Checkpoint:
    key = Verifier.read(house.client().get("/audit/key").get_data(as_text=True).strip())
    answer = client.get("/audit/checkpoint")
    assert answer.content_type == "text/plain; charset=utf-8"
    return Checkpoint.read(opened(answer.get_data(as_text=True), [key])[0])


def events(house: House) -> list[tuple]:
    with house.service.pool.connection() as connection:
        return connection.execute(
            "SELECT position, originator_id, originator_version, topic, account_id, recorded_at, state"
            " FROM events ORDER BY position"
        ).fetchall()


def raw(hashes: list[str]) -> list[bytes]:
    return [base64.b64decode(each) for each in hashes]


def test_everybody_gets_the_days_checkpoint_and_an_auditor_a_fresh_one(house, auditor, clerk, daily):
    house.holder()
    caught_up(house)
    for client in (house.client(), clerk, house.holder()):
        assert checkpoint(house, client).size == daily.size
    caught_up(house)
    assert checkpoint(house, auditor).size == len(events(house)) > daily.size


def test_an_event_is_proved_against_the_checkpoint(house, auditor):
    caught_up(house)
    signed = checkpoint(house, auditor)
    for index, event in enumerate(events(house)[: signed.size]):
        proof = auditor.get(f"/audit/proofs/inclusion?position={event[0]}").json
        leaf = merkle.leaf_hash(leaf_bytes(index, *event))
        assert (proof["position"], proof["leaf_index"]) == (event[0], index)
        assert base64.b64decode(proof["leaf_hash"]) == leaf
        assert proof["size"] == signed.size
        assert merkle.includes(signed.root, signed.size, leaf, index, raw(proof["hashes"]))


def test_one_checkpoint_is_proved_to_be_the_beginning_of_another(house, auditor, daily):
    house.holder()
    caught_up(house)
    signed = checkpoint(house, auditor)
    proof = auditor.get(f"/audit/proofs/consistency?first={daily.size}&second={signed.size}").json
    assert (proof["first"], proof["second"]) == (daily.size, signed.size)
    assert merkle.extends(daily.root, daily.size, signed.root, signed.size, raw(proof["hashes"]))


def test_all_checkpoints_are_listed_page_by_page(house, auditor):
    house.holder()
    caught_up(house)
    checkpoint(house, auditor)
    sizes, cursor = [], ""
    while cursor is not None:
        page = auditor.get(f"/audit/checkpoints?limit=1{cursor and '&cursor=' + cursor}").json
        sizes += [item["size"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert sizes == sorted(set(sizes))
    assert len(sizes) > 1


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("position=1", 404, None),
        ("position=9007199254740991", 404, None),
        ("position=x", 422, "position"),
        ("position=0", 422, "position"),
        ("", 422, "position"),
        ("position={first}&size=9999999", 422, "size"),
        ("position={last}&size=1", 404, None),
    ],
)
def test_what_is_not_in_the_log_is_said_to_be_so(house, auditor, query, status, field):
    caught_up(house)
    first, last = events(house)[0][0], events(house)[-1][0]
    answer = auditor.get(f"/audit/proofs/inclusion?{query.format(first=first, last=last)}")
    assert answer.status_code == status
    assert answer.json["detail"]
    if field:
        assert list(answer.json["errors"]) == [field]
    else:
        assert answer.json["type"] == "/problems/not-in-log"


@pytest.mark.parametrize(
    ("query", "field"),
    [("first=3&second=2", "first"), ("first=1&second=9999999", "second"), ("first=0&second=1", "first")],
)
def test_sizes_that_never_were_are_refused(auditor, query, field):
    answer = auditor.get(f"/audit/proofs/consistency?{query}")
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_tiles_make_the_root_of_the_published_checkpoint(house, daily):
    answer = house.client().get(f"/audit/tile/0/000.p/{daily.size}")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (
        200,
        "public, max-age=31536000, immutable",
    )
    hashes = answer.get_data()
    edge = merkle.Edge()
    edge.grow(hashes[start : start + 32] for start in range(0, len(hashes), 32))
    assert (edge.size, edge.root()) == (daily.size, daily.root)


def test_fresher_tiles_and_entries_are_for_auditors(house, auditor, clerk, daily):
    house.holder()
    caught_up(house)
    for path in (f"0/000.p/{daily.size + 1}", f"entries/000.p/{daily.size}"):
        for client in (house.client(), clerk):
            assert client.get(f"/audit/tile/{path}").status_code == 404
        assert auditor.get(f"/audit/tile/{path}").status_code == 200


def test_entries_are_the_leaves_each_with_its_length(house, auditor, daily):
    entries = auditor.get(f"/audit/tile/entries/000.p/{daily.size}").get_data()
    leaves = []
    while entries:
        length = int.from_bytes(entries[:2], "big")
        leaves.append(entries[2 : 2 + length])
        entries = entries[2 + length :]
    edge = merkle.Edge()
    edge.grow(map(merkle.leaf_hash, leaves))
    assert (edge.size, edge.root()) == (daily.size, daily.root)


@pytest.mark.parametrize(
    "path",
    [
        "0/000.p/257",
        "0/999",
        "x/000",
        "9/000",
        "0/0",
        "0/000.p/0",
        "0/x001/000/",
        "entries/999",
        "99/x999/999",
    ],
)
def test_a_tile_that_does_not_exist_is_not_found(auditor, path):
    assert auditor.get(f"/audit/tile/{path}").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/audit/checkpoints",
        "/audit/proofs/inclusion?position=1",
        "/audit/proofs/consistency?first=1&second=1",
    ],
)
def test_all_else_wants_an_auditor(house, clerk, path):
    assert house.client().get(path).status_code == 401
    for client in (clerk, house.holder()):
        assert client.get(path).status_code == 403


def test_nothing_is_proved_of_a_log_that_is_not_the_signed_one(postgres, template, tmp_path):
    with new_database(postgres, template) as database, running(database, tmp_path) as house:
        auditor = house.staff("auditor", "audit@canton.example")
        caught_up(house)
        daily = house.service.checkpoints.publish()
        with house.service.pool.connection() as owner:
            owner.execute(
                "UPDATE tree SET hashes = set_byte(hashes, 3, 255 - get_byte(hashes, 3)) WHERE level = 0"
            )
        house.holder()
        caught_up(house)
        for path in ("/audit/checkpoint", f"/audit/accounts/{auditor.id}/bundle"):
            answer = auditor.get(path)
            assert (answer.status_code, answer.json["type"]) == (409, "/problems/log-differs"), path
        assert house.client().get("/audit/checkpoint").get_data(as_text=True) == daily.note
