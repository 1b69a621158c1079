"""The auditor's pages: what they show, to whom, and that all of it can be checked without them."""

import re
from base64 import b64decode
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from auditor_at_work import linked_by
from page_visitor import Visitor
from secretariat import at_the_console, secretariat
from tree_side import tampering

from api import as_of, verify
from domain.values import OPERATOR
from infrastructure.instants import Cut
from infrastructure.translations import LOCALES

CLERK, AUDITOR = "kim.frei@secretariat.example", "paul.audit@canton.example"
AHV, MASKED = "756.1234.5678.97", "756.••••.••••.97"
LAST_DAY = date(2099, 12, 31)


@pytest.fixture(scope="module")
def house(postgres, template, tmp_path_factory):
    with secretariat(postgres, template, tmp_path_factory.mktemp("home")) as house:
        yield house


@pytest.fixture(scope="module")
def clerk(house):
    return house.staff("secretariat", CLERK)


@pytest.fixture(scope="module")
def claire(house, clerk):
    return linked_by(house, clerk)


@pytest.fixture(scope="module")
def auditor(house):
    return house.staff("auditor", AUDITOR, LAST_DAY)


@pytest.fixture
def paul(house, auditor, claire) -> Visitor:
    seen_by_all(house)
    return at_the_console(house, auditor)


def seen_by_all(house) -> None:
    models = ("directory", "timeline", "tree", "accesses", "account_accesses")
    house.service.watermark.wait(models, house.service.watermark.open(house.position()))


def events_of(house, account_id) -> list:
    return house.service.past.events(account_id, house.service.instants.cut(None))


def linked(house, claire):
    return next(each for each in events_of(house, claire.id) if each.topic == "profile.record-linked")


def account(claire, rest: str = "") -> str:
    return f"/console/audit/accounts/{claire.id}{rest}"


def key(house) -> verify.Key:
    return verify.Key.read(str(house.service.checkpoints.verifier))


def test_every_page_is_for_auditors_alone_in_every_language_and_runs_nothing_inline(
    house, clerk, claire, paul
):
    position = linked(house, claire).position
    file = paul.get("/console/audit/events.jsonl")
    export = file.get_data() and file.headers["Export-Id"]
    paths = (
        "",
        "/log.key",
        "/log.checkpoint",
        "/verify.py",
        "/accounts",
        f"/accounts/{claire.id}",
        f"/accounts/{claire.id}/changes",
        f"/accounts/{claire.id}/changes?from_day=2020-01-01",
        f"/accounts/{claire.id}/evidence",
        f"/accounts/{claire.id}/evidence.json",
        "/events",
        "/events.csv",
        "/events.jsonl",
        f"/events/{position}",
        f"/events/{position}.tlog-proof",
        "/accesses",
        "/exports",
        f"/exports/{export}",
        f"/exports/{export}.manifest",
    )
    others = [at_the_console(house, person) for person in (clerk, claire)]
    nobody = Visitor(house)
    _, saved = house.service.accounts.grant("auditor", "new@canton.example", None, actor=OPERATOR)
    new = at_the_console(house, house._signed_in("new@canton.example", saved))
    for path in paths:
        path = f"/console/audit{path}"
        assert nobody.get(path).leads_to.startswith("/?next=/console/audit"), path
        assert new.get(path).leads_to == "/profile/second-factors", path
        assert [other.get(path).status_code for other in others] == [403, 403], path
        for locale in LOCALES:
            answer = paul.get(f"{path}{'&' if '?' in path else '?'}lang={locale}")
            assert answer.status_code == 200, (path, answer.words[:400])
            if answer.mimetype == "text/html":
                assert f'<html lang="{locale}">' in answer.html
                assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", answer.html), path
    house.service.accounts.grant("auditor", AUDITOR, date(2020, 1, 1), actor=OPERATOR)
    assert paul.get("/console/audit").status_code == 403  # the mandate is over
    house.service.accounts.grant("auditor", AUDITOR, LAST_DAY, actor=OPERATOR)


def test_the_overview_says_how_the_proof_stands_and_hands_out_what_checks_it(house, paul):
    note = paul.get("/console/audit/log.checkpoint").get_data(as_text=True)
    signed = verify.Checkpoint.read(note, key(house))
    page = paul.get("/console/audit")
    for told in ("Le journal continue ce qui a été signé", "31 décembre 2099", str(key(house).written)):
        assert told in page.words
    assert f'data-copy="{note.splitlines()[2]}"' in page.html
    assert f"les {signed.size} premiers événements" in page.words
    assert paul.get("/console/audit/log.key").get_data(as_text=True) == f"{key(house).written}\n"
    assert paul.get("/console/audit/verify.py").get_data() == Path(verify.__file__).read_bytes()


def test_an_account_is_found_by_what_is_typed_which_stands_in_no_address(house, claire, paul):
    for typed in (claire.email, claire.email.upper(), str(claire.id)):
        answer = paul.fill_in("/console/audit/accounts", account=typed)
        assert answer.leads_to == account(claire)
    answer = paul.shown(paul.fill_in("/console/audit/accounts", account="nobody@nowhere.example"))
    assert (answer.status_code, answer.faults["account"]) == (
        422,
        "Aucun compte n'a cette adresse ou cet identifiant.",
    )
    assert "nobody" not in answer.request.url
    filtered = paul.fill_in("/console/audit/events", account=claire.email, actor=CLERK, type="", to="")
    query = urlsplit(filtered.leads_to).query
    assert query == f"account={claire.id}&actor={house.account_id(CLERK)}"
    seen = paul.fill_in("/console/audit/accesses", account=claire.email, reader="operator", kind="read")
    assert f"reader={OPERATOR}" in seen.leads_to
    wrong = paul.shown(paul.fill_in("/console/audit/accesses", reader="x@nowhere.example", kind="read"))
    assert wrong.faults["reader"] == "Aucun compte n'a cette adresse ou cet identifiant."


def test_an_account_stands_as_it_stood_then_and_one_goes_from_event_to_event(house, claire, paul):
    now = paul.get(account(claire)).words
    for told in (
        "État du compte actif",
        f"Adresse e-mail {claire.email}",
        "Liaison lié",
        "Dossier R-1001",
        MASKED,
    ):
        assert told in now
    assert f"Par {CLERK}" in now
    assert "Remarque Carte vue." in now
    event = linked(house, claire)
    before = paul.get(account(claire, f"?at_position={event.position - 1}"))
    assert "Liaison en attente" in before.words
    assert "Le secrétariat doit décider" in before.words
    following = re.search(r'rel="next" href="([^"]+)"', before.html)[1]
    assert following == account(claire, f"?at_position={event.position}")
    there = paul.get(following).html
    assert 'rel="prev"' in there
    assert 'rel="next"' not in there
    assert re.search(r'<del><span class="unseen">avant : </span><bdi>en attente', there.replace("\xa0", " "))


def test_what_cannot_be_asked_is_said_beside_the_field(house, claire, paul):
    tomorrow = datetime.now(UTC).date() + timedelta(days=2)
    for query, field, said in (
        (f"day={tomorrow}", "day", "Ce moment est dans le futur."),
        ("day=2026-02-30", "day", "Cette date n'existe pas."),
        ("day=2026-02-03&time=25:00", "time", "Cette heure n'existe pas. Exemple : 14:03"),
        ("time=12:00", "day", "Ce champ est obligatoire."),
    ):
        answer = paul.get(account(claire, f"?{query}"))
        assert (answer.status_code, answer.faults[field].startswith(said)) == (422, True), query
    early = paul.get(account(claire, "?day=2020-01-01"))
    assert (early.status_code, "Le compte n'existait pas encore" in early.words) == (404, True)
    period = paul.get(account(claire, "/changes?from_day=2026-03-04&to_day=2026-03-01"))
    assert period.faults["from_day"] == "Ce moment est après la fin de la période. Inversez les deux."
    assert paul.get("/console/audit/events?from=2026-03-04&to=2026-03-01").status_code == 422
    assert paul.get("/console/audit/events?type=nothing").status_code == 422
    for address in (f"/accounts/{uuid4()}", f"/events/{10**17}", f"/events/{10**30}", f"/exports/{uuid4()}"):
        assert paul.get(f"/console/audit{address}").status_code == 404, address


def test_the_ahv_number_is_shown_for_a_purpose_which_is_noted(house, claire, paul, auditor):
    assert AHV not in paul.get(account(claire)).words
    for path in (
        account(claire, "?purpose=audit"),
        account(claire, "/changes?from_day=2020-01-01&purpose=audit"),
    ):
        page = paul.get(path).words
        assert AHV in page
        assert "But noté dans le journal : Contrôle dans le cadre d'un mandat." in page
    seen_by_all(house)
    reads = auditor.get(f"/audit/accesses?account={claire.id}&reader={auditor.id}&limit=200").json["items"]
    assert {(each["what"], each["purpose"]) for each in reads} >= {
        ("as-of", None),
        ("as-of", "audit"),
        ("diff", "audit"),
    }


def test_changes_stand_with_old_and_new_value_and_who_made_them(claire, paul):
    page = paul.get(account(claire, "/changes?from_day=2020-01-01")).words
    assert f"Liaison en attente lié Compte lié {CLERK}" in page
    assert f"Numéro AVS – {MASKED}" in page
    nothing = paul.get(account(claire, "/changes?from_day=2020-01-01&to_day=2020-01-02"))
    assert "Le compte n'existait pas encore" in nothing.words


def test_the_history_tells_every_event_once_and_the_same_comes_as_a_file_that_verifies(
    house, claire, paul, tmp_path, capsys
):
    with house.service.pool.connection() as connection:
        rows = connection.execute("SELECT position FROM events ORDER BY position").fetchall()
    told, path = [], "/console/audit/events"
    while path:
        page = paul.get(path).html
        told += [int(each) for each in re.findall(r'id="event-(\d+)"', page)]
        more = re.search(r'rel="next" href="([^"]+)"', page)
        path = more and unescape(more[1])
    assert told == [position for (position,) in rows]
    page = paul.get(f"/console/audit/events?account={claire.id}&type=profile.record-linked").words
    assert "Le compte a été lié au dossier R-1001" in page
    assert "avant : en attente → après : lié" in page
    assert paul.get("/console/audit/events?cursor=made-up").words.count("événement n°") == 0

    for format_ in ("csv", "jsonl"):
        answer = paul.get(f"/console/audit/events.{format_}?account={claire.id}")
        content, export = answer.get_data(), answer.headers["Export-Id"]
        assert sha256(content).hexdigest() in paul.get(f"/console/audit/exports/{export}").words
        assert export in paul.get("/console/audit/exports").words
        file, manifest = tmp_path / "events", tmp_path / "manifest"
        file.write_bytes(content)
        manifest.write_bytes(paul.get(f"/console/audit/exports/{export}.manifest").get_data())
        asked = [str(file), "--manifest", str(manifest), "--language", "fr"]
        given = ["--key", key(house).written]
        assert verify.main([*asked, *given]) == 0
        assert f"Ce fichier est l'export {export}" in capsys.readouterr().out
        assert verify.main(asked) == 2
        file.write_bytes(content.replace(b"R-1001", b"R-1002"))
        assert verify.main([*asked, *given]) == 1
        assert "n'est pas celui que le service a envoyé" in capsys.readouterr().out
        manifest.write_bytes(manifest.read_bytes().replace(b'"count"', b'"Count"'))
        assert verify.main([*asked, *given]) == 1
        assert "Le manifeste n'est pas signé" in capsys.readouterr().out


def test_an_event_s_proof_leads_to_the_signed_root_and_verifies_alone(house, claire, paul):
    position = linked(house, claire).position
    page = paul.get(f"/console/audit/events/{position}")
    assert "Le chemin mène à la racine du point de contrôle signé." in page.words
    proof = house.service.proofs.inclusion(position)
    assert page.html.count('class="tree-way"') == len(proof.hashes)
    file = paul.get(f"/console/audit/events/{position}.tlog-proof").get_data()
    assert verify.examine(file, key(house)).findings == []
    assert b64decode(re.search(rb"extra (\S+)", file)[1]).find(b"Carte vue") == -1
    broken = file.replace(b"\nindex ", b"\nindex 1")
    assert verify.examine(broken, key(house)).findings


def test_who_looked_at_somebody_and_at_what_somebody_looked(house, clerk, claire, paul):
    clerk.get(f"/accounts/{claire.id}?purpose=linking")
    seen_by_all(house)
    page = paul.get(f"/console/audit/accesses?account={claire.id}&reader={clerk.id}").words
    assert f"{CLERK} secrétariat fiche du compte Claire Rossel Liaison d'un compte à un dossier" in page
    page = paul.get(f"/console/audit/accesses?account={claire.id}").words
    assert "organe de révision" in page  # she herself
    page = paul.get(f"/console/audit/accesses?reader={clerk.id}").words
    assert "organe de révision" not in page
    assert "fiche du compte" in page
    assert "Connexion" in paul.get(f"/console/audit/accesses?reader={claire.id}&kind=sign-in").words


def test_an_event_that_was_tampered_with_is_told_as_such(house, paul):
    victim = house.holder()
    seen_by_all(house)
    with tampering(house.service.pool.conninfo) as connection:
        connection.execute(
            "UPDATE events SET state = overlay(state placing '!' from position('sealed'::bytea in state) + 60)"
            " WHERE originator_id = %s AND originator_version = 1",
            (victim.id,),
        )
    page = paul.get(f"/console/audit/events?account={victim.id}")
    assert page.status_code == 200
    assert "Cet événement ne peut pas être lu" in page.words
    (requested,) = (each for each in events_of(house, victim.id) if each.topic == "account.requested")
    assert (
        "Cet événement ne peut pas être lu" in paul.get(f"/console/audit/events/{requested.position}").words
    )
    assert paul.get(account(victim)).status_code == 200  # nothing of its state was touched


def test_an_erased_person_s_events_are_told_without_what_was_theirs(house, paul):
    gone = house.holder()
    seen_by_all(house)
    with house.service.pool.connection() as connection:
        connection.execute("DELETE FROM data_keys WHERE person = %s", (gone.id,))
    page = paul.get(account(gone)).words
    assert "Adresse e-mail (effacé)" in page
    assert "Adresse e-mail – (effacé)" in paul.get(account(gone, "/changes?from_day=2020-01-01")).words
    assert "Adresse e-mail après : (effacé)" in paul.get(f"/console/audit/events?account={gone.id}").words


def test_whose_name_or_address_stands_on_a_page_is_noted_also_where_nothing_was_asked_rightly(
    house, claire, paul, auditor
):
    def noted() -> list:
        seen_by_all(house)
        trail = house.service.access_trail
        return trail.page("fr", kind="read", reader=auditor.id, account=claire.id)

    for path, what in (
        (account(claire, "/changes"), "account"),
        (account(claire, "/changes?from_day=2026-03-04&to_day=2026-03-01"), "account"),
        (f"/console/audit/accesses?account={claire.id}&cursor=x", "account"),
        (f"/console/audit/accesses?reader={claire.id}&kind=x", "account"),
        (f"/console/audit/accesses?reader={claire.id}", "accesses"),
        (f"/console/audit/events?account={claire.id}&cursor=x", "account"),
        (f"/console/audit/events?actor={claire.id}&type=nothing", "account"),
        (f"/console/audit/events?actor={claire.id}&type=account.erased", "events"),
    ):
        before = noted()
        assert re.search(rf"{re.escape(claire.email)}|Claire Rossel", paul.get(path).html), path
        (last,) = noted()[len(before) :]
        assert (last.what, last.accounts) == (what, [claire.id]), path


def test_who_made_many_changes_is_looked_up_at_once(house, claire):
    def asked() -> int:
        return house.service.pool.get_stats()["requests_num"]

    before, now = asked(), house.service.instants.cut(None)
    found = as_of.changes(house.service, claire.id, Cut(0, None), now, "fr")["changes"]
    assert len(found) > 15
    assert asked() - before < len(found)
