"""Evidence files as the service makes them, checked by the program that shares no code with it."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from uuid import uuid4

import pytest
from erasing import ErasingSide
from people import AURELIE, AURELIE_ADDRESS, DAY
from read_side import projecting
from services import new_database
from spec import until
from test_history import a_life, history_of
from tree_side import SIGNER, checkpoints_of, many_events
from write_side import WriteSide, nothing

from api import verify
from application.imports import AccountLine, Imports
from domain.errors import AccountUnknown
from domain.values import LOCALES, OPERATOR, SYSTEM
from infrastructure.doorbell import Doorbell
from infrastructure.evidence import Evidence, File
from infrastructure.instants import Cut
from infrastructure.past import Past
from infrastructure.proofs import Proofs
from infrastructure.watermark import Watermark
from projections.tree import Tree, tree

KEY = verify.Key.read(str(SIGNER.verifier))


@contextmanager
def gathering(database_url: str) -> Iterator[WriteSide]:
    """A life to which everything has happened, other people's events around it, and three published checkpoints."""
    with a_life(database_url) as here, projecting(here, (tree,)) as here.tree_projector:
        here.checkpoints = checkpoints_of(here)
        grow(here)
        for _ in range(3):
            here.checkpoints.publish()
            many_events(here, 5)
            grow(here)
            here.clock.goes_on(DAY)
        with closing(Doorbell(here.url)) as doorbell:
            here.evidence = evidence_of(here, doorbell)
            yield here


def grow(here: WriteSide) -> None:
    """Let the tree and the other read models catch up."""

    def caught_up() -> bool:
        for projector in (here.tree_projector, here.projector):
            projector.advance()
        ((behind,),) = here.rows("SELECT min(position) < (SELECT max(position) FROM events) FROM projections")
        return not behind

    until(caught_up)


def evidence_of(here: WriteSide, doorbell: Doorbell) -> Evidence:
    return Evidence(
        pool=here.pool,
        keyring=here.keyring,
        past=Past(here.store),
        tree=Tree(here.pool),
        checkpoints=here.checkpoints,
        watermark=Watermark(here.pool, doorbell, here.keyring.box("position")),
        history=here.history,
        clock=here.clock,
    )


@pytest.fixture(scope="module")
def here(postgres, template) -> Iterator[WriteSide]:
    with new_database(postgres, template) as database_url, gathering(database_url) as here:
        yield here


def checked(file: File, **options) -> verify.Report:
    report = verify.examine(file.content, KEY, **options)
    assert [finding.code for finding in report.findings] == []
    return report


def test_what_the_service_makes_holds_with_all_that_can_happen_to_an_account(here):
    file = here.evidence.of(here.account_id)
    report = checked(file)
    assert report.proven == file.events == len(here.history.of(here.account_id, "en"))
    assert len(report.bundle["earlier"]) == 3


def test_all_events_of_both_streams_are_in_it_in_the_order_of_the_log(here):
    content = json.loads(here.evidence.of(here.account_id).content)
    positions = [event["position"] for event in content["events"]]
    assert positions == [moment.position for moment in here.history.of(here.account_id, "en")]
    assert len({event["stream"] for event in content["events"]}) == 2


def test_a_number_is_in_it_only_when_it_is_disclosed(here):
    assert AURELIE.ahv_number.encode() not in here.evidence.of(here.account_id).content
    disclosing = here.evidence.of(here.account_id, disclosing=True)
    assert AURELIE.ahv_number.encode() in disclosing.content
    checked(disclosing)


def test_no_data_key_is_in_it(here):
    file = here.evidence.of(here.account_id, disclosing=True)
    ((generation, wrapped),) = here.rows(
        "SELECT generation, wrapped FROM data_keys WHERE person = %s", here.account_id
    )
    data_key = here.keyring.unwrap(generation, here.account_id.bytes, wrapped)
    keys = {key for event in json.loads(file.content)["events"] for key in event["keys"].values()}
    assert verify.base64.b64encode(data_key).decode() not in keys
    assert len(keys) > 50


def test_who_acted_is_named_in_every_language(here):
    actors = json.loads(here.evidence.of(here.account_id).content)["actors"]
    assert actors[str(SYSTEM)] == {"fr": "le service", "de": "der Dienst", "en": "the service"}
    assert actors[str(here.account_id)]["en"] == "the account holder"
    assert {"Kim Frei (clerk@example.org)"} < {names["en"] for names in actors.values()}
    assert all(set(names) == set(LOCALES) for names in actors.values())


@pytest.mark.parametrize("language", LOCALES)
def test_every_event_and_field_has_a_label(here, language):
    content = json.loads(here.evidence.of(here.account_id).content)
    assert {event["topic"] for event in content["events"]} <= content["words"][language].keys()
    assert content["words"][language]["record_number"] in ("Dossier", "Record")


def test_a_checkpoint_that_left_the_house_is_the_beginning_of_the_files_log(here):
    file = here.evidence.of(here.account_id)
    for published in here.checkpoints.published(10):
        assert checked(file, checkpoint=published.note).given == "given-proven"


def test_the_state_of_the_account_is_the_one_after_its_last_event(here):
    as_of = json.loads(here.evidence.of(here.account_id).content)["as_of"]
    assert as_of["account"]["email"] == "aurelie.favre@example.org"
    assert (as_of["account"]["state"], as_of["account"]["link_state"]) == ("erased", "linked")
    assert (as_of["link"] is None, as_of["case"]["state"]) == (False, "linked")
    assert as_of["profile"]["city"] == "Bienne"


def test_of_an_unknown_account_or_a_stream_that_is_none_there_is_no_evidence(here):
    ((profile_id,),) = here.rows(
        "SELECT originator_id FROM events WHERE topic = 'profile.submitted' AND account_id = %s",
        here.account_id,
    )
    for nobody in (uuid4(), profile_id, OPERATOR):
        with pytest.raises(AccountUnknown):
            here.evidence.of(nobody)


def test_of_an_erased_person_there_is_evidence_without_values(database_url):
    with gathering(database_url) as here:
        here.destroy_key(here.account_id)
        file = here.evidence.of(here.account_id, disclosing=True)
    report = checked(file)
    assert all(event["keys"] == {} for event in report.bundle["events"])
    for personal in (AURELIE_ADDRESS, "Delémont", "R-000001", "A mix-up.", AURELIE.ahv_number):
        assert personal.encode() not in file.content


def test_what_was_proven_before_an_erasure_is_proven_after_it(database_url, tmp_path):
    """A file, a checkpoint and the proof of one event that an auditor had taken before."""
    with (
        ErasingSide(database_url, tmp_path, connections=8) as here,
        projecting(here) as here.projector,
        projecting(here, (tree,)) as here.tree_projector,
        closing(Doorbell(here.url)) as doorbell,
    ):
        here.with_records()
        here.history, here.checkpoints = history_of(here), checkpoints_of(here)
        here.evidence = evidence_of(here, doorbell)
        account_id = here.submitted()
        here.linking.match(account_id, settled=nothing)
        grow(here)
        before, note = here.evidence.of(account_id), here.checkpoints.publish().note
        proofs = Proofs(here.pool, Tree(here.pool), here.checkpoints)
        proven = proofs.inclusion(json.loads(before.content)["events"][-1]["position"])

        here.erased(account_id)
        many_events(here, 5)
        grow(here)
        after, newer = here.evidence.of(account_id), here.checkpoints.publish().note
        assert proofs.inclusion(proven.position, proven.size) == proven
        leaf = proofs.leaf(proven)  # as the log has it now
    assert checked(before).known["account.email"][0] == AURELIE_ADDRESS
    assert verify.examine(before.content, KEY, newer).given == "given-newer"
    assert checked(after, checkpoint=note).given == "given-proven"
    assert checked(after).known["account.state"][0] == "erased"
    assert AURELIE_ADDRESS.encode() not in after.content
    lines = [f"extra {encoded(leaf)}", f"index {proven.leaf_index}", *map(encoded, proven.hashes)]
    proof = "\n".join(["c2sp.org/tlog-proof@v1", *lines, "", note]).encode()
    assert verify.examine(proof, KEY).findings == []


def encoded(raw: bytes) -> str:
    return verify.base64.b64encode(raw).decode()


def test_of_an_imported_account_there_is_evidence_and_what_changed_is_told(here):
    imports = Imports(here.store, here.lookup, here.linking.records, here.clock, uuid4)
    known = {"birth_date": date(1980, 2, 3), "city": "Moutier"}
    line = AccountLine(2, "brought@school.example", "Zoé", "Favre", "de", known, None)
    assert imports.take([line], actor=OPERATOR) == ["added"]
    since = end_of(here)
    again = {"family_name": "Frei", "locale": "fr", "told": known | {"city": "Tavannes"}}
    line = line._replace(**again, record_number="R-000003")
    assert imports.take([line], actor=OPERATOR) == ["changed"]
    grow(here)
    (account_id,) = here.lookup.find("email", line.email)
    report = checked(here.evidence.of(account_id))
    assert report.proven == 5
    assert report.known["profile.city"][0] == "Tavannes"
    assert report.known["link"][0]["record_number"] == "R-000003"
    changes = Past(here.store).changes(account_id, Cut(since, None), Cut(end_of(here), None))
    assert {(each.type, each.field, each.old, each.new) for each in changes} == {
        ("account.imported-again", "locale", "de", "fr"),
        ("profile.imported-again", "family_name", "Favre", "Frei"),
        ("profile.imported-again", "city", "Moutier", "Tavannes"),
        ("profile.link-imported", "link_state", "none", "linked"),
        ("profile.link-imported", "record_number", None, "R-000003"),
    }


def end_of(here) -> int:
    return here.rows("SELECT max(position) FROM events")[0][0]


def test_a_log_that_was_rewritten_behind_the_checkpoint_is_found(here):
    """The bytes of an event are read from the log: where they are not what the tree has, the file says so itself."""
    file = here.evidence.of(here.account_id)
    content = json.loads(file.content)
    state = json.loads(verify.unbase64(content["events"][0]["state"]))
    state["origin"] = "granted"
    content["events"][0]["state"] = verify.base64.b64encode(json.dumps(state).encode()).decode()
    report = verify.examine(verify.canonical(content), KEY)
    assert ("not-in-log", 0) in [(finding.code, finding.event) for finding in report.findings]
