"""Erasing a person: decided by two, told to the person, noted outside, and nothing is left that could be opened."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import orjson
import pytest
from erasing import ErasingSide
from people import AURELIE_ADDRESS, CASE_ID, CLERK, DAY, HOUR, OTHER_CLERK
from read_side import MODELS, catch_up, own_connection, projecting
from signing_in import in_use, refused
from write_side import nothing

from application.ports import FailedSignIn
from domain import errors
from domain.fact import NOWHERE
from domain.values import ERASED
from infrastructure.erasure_register import RegisterFault
from infrastructure.event_mapper import opener
from infrastructure.forgetting import IN_ITS_OWN_WAY, OF_A_PERSON, STAYS
from projections.directory import Directory
from projections.rebuild import rebuild


@pytest.fixture
def here(database_url, tmp_path):
    with ErasingSide(database_url, tmp_path, connections=6) as here:
        yield here


@pytest.fixture
def account_id(here):
    return here.submitted()


def test_one_proposes_another_approves_and_then_the_person_is_gone(here, account_id):
    erasure_id = here.proposed(account_id)
    assert here.book.get(erasure_id).state == "proposed"
    here.erasures.approve(erasure_id, actor=OTHER_CLERK)
    assert here.book.get(erasure_id).state == "approved"
    assert here.erase.carry_out_due() == 0
    assert here.store.account(account_id).email == AURELIE_ADDRESS

    here.clock.goes_on(DAY)
    assert here.erase.carry_out_due() == 1
    assert here.book.get(erasure_id).state == "done"
    remains = here.store.account_or_remains(account_id)
    assert (remains.state, remains.email) == ("erased", ERASED)
    assert here.topics(account_id)[-3:] == [
        "account.erasure-proposed",
        "account.erasure-approved",
        "account.erased",
    ]
    assert here.rows("SELECT count(*) FROM data_keys") == [(0,)]
    assert here.erase.carry_out_due() == 0


def test_the_proposer_does_not_approve(here, account_id):
    erasure_id = here.proposed(account_id)
    with pytest.raises(errors.SamePerson):
        here.erasures.approve(erasure_id, actor=CLERK)
    assert here.book.get(erasure_id).state == "proposed"


def test_nobody_decides_about_herself(here, account_id):
    with pytest.raises(errors.OwnAccount):
        here.proposed(account_id, actor=account_id)
    erasure_id = here.proposed(account_id)
    with pytest.raises(errors.OwnAccount):
        here.erasures.approve(erasure_id, actor=account_id)


def test_a_newer_proposal_takes_the_place_of_an_older_one_with_its_proposer(here, account_id):
    older = here.proposed(account_id, actor=CLERK)
    newer = here.proposed(account_id, actor=OTHER_CLERK)
    with pytest.raises(errors.ErasureUnknown):
        here.erasures.approve(older, actor=OTHER_CLERK)
    here.erasures.approve(newer, actor=CLERK)


def test_what_is_approved_is_decided_for_good(here, account_id):
    erasure_id = here.approved(account_id)
    for decide in (
        lambda: here.proposed(account_id),
        lambda: here.erasures.approve(erasure_id, actor=OTHER_CLERK),
    ):
        with pytest.raises(errors.AlreadyDecided) as refusal:
            decide()
        assert refusal.value.details["by"] == OTHER_CLERK


def test_it_is_carried_out_as_soon_as_the_last_message_has_gone(here, account_id):
    here.approved(account_id)
    with projecting(here) as projector:
        catch_up(here, projector)
    assert here.rows("SELECT kind FROM outbox WHERE kind = 'erased' AND account_id = %s", account_id) == [
        ("erased",)
    ]
    assert here.erase.carry_out_due() == 0
    here.rows("UPDATE outbox SET state = 'sent' WHERE kind = 'erased' RETURNING 1")
    assert here.erase.carry_out_due() == 1


def test_a_message_that_is_on_its_way_lets_the_erasure_wait(here, account_id):
    here.approved(account_id)
    with projecting(here) as projector:
        catch_up(here, projector)
    here.rows(
        "UPDATE outbox SET leased_until = now() + interval '1 minute' WHERE kind = 'erased' RETURNING 1"
    )
    here.clock.goes_on(DAY)
    assert here.erase.carry_out_due() == 0
    assert here.store.account(account_id).state == "requested"
    assert here.rows("SELECT count(*) FROM credentials") != []
    here.rows("UPDATE outbox SET leased_until = now() RETURNING 1")
    assert here.erase.carry_out_due() == 1
    assert here.rows("SELECT count(*) FROM outbox") == [(0,)]


def test_commands_on_an_erased_account_are_refused(here, account_id):
    erasure_id = here.erased(account_id)
    for command in (
        lambda: here.proposed(account_id),
        lambda: here.erasures.approve(erasure_id, actor=OTHER_CLERK),
        lambda: here.standings.lock(account_id, reason="other", note=None, actor=CLERK),
        lambda: here.accounts.issue_initial_password(account_id),
        lambda: here.linking.match(account_id, settled=nothing),
    ):
        with pytest.raises(errors.AccountErased):
            command()


def test_whoever_asks_again_with_the_address_is_a_new_person(here, account_id):
    here.erased(account_id)
    newcomer = here.opened(AURELIE_ADDRESS)
    assert newcomer != account_id
    assert here.store.account(newcomer).email == AURELIE_ADDRESS
    assert here.rows("SELECT person FROM data_keys") == [(newcomer,)]
    assert here.store.account_or_remains(account_id).email is ERASED


def test_an_erased_person_signs_in_no_more(here):
    account_id = in_use(here)
    here.erased(account_id)
    assert refused(here, "anything at all")
    for table in ("credentials", "sessions", "lookup", "devices"):
        assert here.rows(f"SELECT count(*) FROM {table}") == [(0,)], table


def test_a_record_that_was_linked_can_be_linked_again(here, account_id):
    here.with_records()
    here.linking.match(account_id, settled=nothing)
    assert here.lookup.find("record", "R-000001") == [account_id]
    here.erased(account_id)
    assert here.rows("SELECT record_number FROM records") == [("R-000001",)]
    newcomer = here.submitted()
    here.linking.match(newcomer, settled=nothing)
    assert here.lookup.find("record", "R-000001") == [newcomer]


def test_what_was_asked_for_with_the_address_goes_and_what_others_asked_for_stays(here, account_id):
    here.approved(account_id)
    here.clock.goes_on(DAY)
    here.recovery.request_reset(AURELIE_ADDRESS.upper(), NOWHERE)
    here.recovery.request_reset("somebody@else.example", NOWHERE)
    assert here.erase.carry_out_due() == 1
    ((_, sealed),) = here.intake.waiting(10)
    assert here.intake.open(sealed).email == "somebody@else.example"


def test_what_was_appended_at_the_same_moment_makes_no_row_again(here, account_id):
    profile = here.store.profile(here.store.account(account_id).profile_id)
    profile.open_case_for(CASE_ID, "no-record", [], due=profile.due, actor=CLERK, now=here.clock.now())
    (stored,) = map(here.store.mapper.to_stored_event, profile.collect_events())
    with projecting(here) as projector:
        here.erased(account_id)
        here.store.recorder.commit(
            [replace(stored, wrapped=None)]
        )  # as if it had come before the key was gone
        catch_up(here, projector)
    assert here.rows("SELECT * FROM cases") == []


def test_what_staff_typed_at_the_console_goes_for_it_may_be_about_the_person(here, account_id):
    for path in ("/console/accounts?a-search", "/profile"):
        here.rows(
            "INSERT INTO kept_forms (account_id, browser, path, sealed, expires_at)"
            " VALUES (%s, 'x', %s, 'x', 'infinity') RETURNING 1",
            CLERK,
            path,
        )
    here.erased(account_id)
    assert here.rows("SELECT path FROM kept_forms") == [("/profile",)]


def test_failed_sign_ins_with_the_address_go_and_those_of_others_stay(here, account_id):
    for email in (AURELIE_ADDRESS, "somebody@else.example", None):
        here.failed_sign_ins.put(FailedSignIn(email, None, None, here.clock.now()))
    here.erased(account_id)
    left = [here.failed_sign_ins.open(sealed).email for _, sealed in here.failed_sign_ins.waiting(10)]
    assert left == ["somebody@else.example", None]


def test_the_register_says_who_when_why_and_by_whom_and_nothing_personal(here, account_id):
    profile_id = here.store.account(account_id).profile_id
    erasure_id = here.erased(account_id)
    (line,) = here.register.path.read_bytes().splitlines()
    assert orjson.loads(line) == {
        "account_id": str(account_id),
        "profile_id": str(profile_id),
        "erasure_id": str(erasure_id),
        "reason": "request-of-holder",
        "proposed_by": str(CLERK),
        "approved_by": str(OTHER_CLERK),
        "at": here.clock.now().isoformat(),
    }
    assert here.register.path.stat().st_mode & 0o777 == 0o600


def test_what_was_under_way_at_the_erasure_is_let_go_of_after_it(here, account_id):
    here.erased(account_id)
    here.links.make("password-reset", account_id, 1, here.clock.now() + HOUR)
    here.clock.goes_on(DAY)
    here.erase.carry_out_due()
    assert here.rows("SELECT count(*) FROM links") == [(0,)]
    here.links.make("password-reset", account_id, 1, here.clock.now() + HOUR)
    here.erase.carry_out_due()
    assert here.rows("SELECT count(*) FROM links") == [(1,)]  # swept once


def test_read_models_forget_at_once_and_a_rebuild_gives_the_same(here, account_id):
    gone = ("cases", "finder", "statistics")
    here.linking.match(account_id, settled=nothing)  # no record: a case
    with projecting(here) as projector:
        catch_up(here, projector)
        assert Directory(here.pool).get(account_id).email == AURELIE_ADDRESS
        assert len(here.rows("SELECT * FROM cases")) == 1
        for table in gone:
            assert here.rows(f"SELECT FROM {table} WHERE account_id = %s", account_id), table
        here.erased(account_id)
        catch_up(here, projector)
    entry = Directory(here.pool).get(account_id)
    assert entry.state == "erased"
    assert (entry.email, entry.given_name, entry.family_name, entry.canton, entry.link_state) == (
        None,
        None,
        None,
        None,
        "none",
    )
    models = [model for model in MODELS if model.rebuildable]
    live = {model.name: content(here, model) for model in models}
    assert [live[name] for name in gone] == [[], [], []]
    with own_connection(here) as connection:
        for model in models:
            rebuild(connection, model, opener(here.keyring))
    assert {model.name: content(here, model) for model in models} == live


def content(here, model) -> list[tuple]:
    return here.rows(f"SELECT {', '.join(model.columns)} FROM {model.name} ORDER BY {', '.join(model.key)}")


def test_two_processes_at_once_erase_once(here, account_id):
    here.approved(account_id)
    here.clock.goes_on(DAY)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: here.erase.carry_out_due(), range(4)))
    assert here.topics(account_id).count("account.erased") == 1
    assert len(here.register.entries()) == 1
    assert here.rows("SELECT state FROM erasures") == [("done",)]


def test_of_every_table_it_is_decided_what_an_erasure_does_to_it(here):
    known = {*OF_A_PERSON, *IN_ITS_OWN_WAY, *STAYS}
    tables = here.rows(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    assert {table for (table,) in tables} == known


def test_a_register_whose_last_line_was_cut_goes_on_behind_the_line_before(here, account_id):
    here.erased(account_id)
    whole = here.register.path.read_bytes()
    here.register.path.write_bytes(whole + whole[:50])
    assert [entry.account_id for entry in here.register.entries()] == [account_id]
    other = here.opened("other@example.org")
    here.erased(other)
    assert [entry.account_id for entry in here.register.entries()] == [account_id, other]


def test_a_register_that_is_broken_stops_the_erasure_and_says_where(here, account_id):
    here.register.path.write_bytes(b'{"account_id": 1}\n')
    here.approved(account_id)
    here.clock.goes_on(DAY)
    assert here.erase.carry_out_due() == 0
    assert here.store.account(account_id).email == AURELIE_ADDRESS
    with pytest.raises(RegisterFault, match="line 1"):
        here.register.entries()
