"""An account as of any point of the log, from the log alone."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from erasing import ErasingSide
from past_side import as_of, changed, moved, points, remembering
from people import AURELIE, AURELIE_ADDRESS, CLERK, DAY, HOUR, OTHER_CLERK
from write_side import nothing

from domain.account import Account
from domain.errors import AccountUnknown, NotYet
from domain.fact import Whence
from domain.profile import PERSONAL_DATA
from domain.values import ERASED, OPERATOR
from infrastructure.instants import Instants
from infrastructure.past import Past, State

FIREFOX = Whence("Firefox · Windows", "192.0.2.7")
WHY = {"reason": "other", "note": "Noted."}
TICK = timedelta(microseconds=1)


@pytest.fixture
def here(database_url):
    with remembering(database_url) as here:
        yield here


def test_between_two_events_the_first_counts(here):
    account_id = here.submitted()
    moved(here, account_id)
    *_, (submitted, at), (corrected, later) = points(here)
    for moment in (submitted, submitted + 1, corrected - 1, at, later - TICK):
        assert as_of(here, account_id, moment)["city"] == "Delémont"
    for moment in (corrected, later, None, datetime.now(UTC)):
        assert as_of(here, account_id, moment)["city"] == "Moutier"


def test_before_the_first_event_there_is_no_account_yet(here):
    earlier = here.opened("earlier@example.org")
    account_id = here.opened()
    first, at = points(here)[1]
    for moment in (first - 1, at - TICK):
        with pytest.raises(NotYet):
            as_of(here, account_id, moment)
        assert as_of(here, earlier, moment)["state"] == "requested"


def test_what_is_no_account_is_unknown_at_every_point(here):
    account_id = here.submitted()
    profile_id = here.store.account(account_id).profile_id
    for moment in (None, 1, datetime.now(UTC) - DAY):
        for unknown in (uuid4(), profile_id):
            with pytest.raises(AccountUnknown):
                as_of(here, unknown, moment)


def test_a_link_and_its_case_are_told_as_they_stood(here):
    account_id = here.submitted()
    here.linking.match(account_id, settled=nothing)
    linked, _ = points(here)[-1]
    here.linking.unlink(account_id, reason="wrong-person", note="A mix-up.", actor=CLERK)
    state = here.past.state(account_id, here.instants.cut(linked))
    assert state.opened(state.link.record_number) == "R-000001"
    assert (state.profile.link_state, state.case) == ("linked", None)
    state = here.past.state(account_id, here.instants.cut(None))
    assert (state.link, state.profile.link_state, state.case.state) == (None, "waiting", "open")
    assert state.link_due == state.case.due


def test_what_is_pending_is_told_until_it_is_done(here):
    account_id = here.opened()
    account = here.store.account(account_id)
    now = here.clock.now()
    account.request_email_change("new@example.org", session_id=uuid4(), whence=FIREFOX, now=now)
    account.propose_recovery(uuid4(), email="new@example.org", **WHY, actor=CLERK, now=now + HOUR)
    account.close(reason=None, note=None, whence=FIREFOX, actor=account_id, now=now + 2 * HOUR)
    account.reopen(request=account.closure.request, whence=FIREFOX, now=now + 3 * HOUR)
    account.approve_recovery(account.recovery.id, actor=OTHER_CLERK, now=now + 4 * HOUR)
    here.store.record(account)
    kinds = {
        version: [(each.kind, each.since) for each in here.past.state(account_id, cut).pending(cut.instant)]
        for version, cut in enumerate((here.instants.cut(position) for position, _ in points(here)), 1)
    }
    change, recovery, closure = (
        ("email-change", now),
        ("recovery", now + HOUR),
        ("closure", now + 2 * HOUR),
    )
    assert kinds[2] == [change]
    assert kinds[3] == [change, recovery]
    assert kinds[4] == [recovery, closure]
    assert kinds[5] == [recovery]
    assert kinds[6] == []


def test_a_closing_is_pending_as_long_as_its_holder_may_come_back(here):
    account_id = here.opened()
    account, now = here.store.account(account_id), here.clock.now()
    account.close(reason=None, note=None, whence=FIREFOX, actor=account_id, now=now)
    here.store.record(account)
    state = here.past.state(account_id, here.instants.cut(None))
    assert [each.kind for each in state.pending(now + 30 * DAY)] == ["closure"]
    assert state.pending(now + 30 * DAY + TICK) == []


def test_a_mandate_that_was_over_is_no_role(here):
    account_id, _ = here.accounts.grant(
        "auditor", "auditor@canton.example", date(2026, 3, 31), actor=OPERATOR
    )
    state = here.past.state(account_id, here.instants.cut(None))
    assert state.roles(datetime(2026, 3, 31, 21, 59, tzinfo=UTC)) == ["auditor"]
    assert state.roles(datetime(2026, 3, 31, 22, 0, tzinfo=UTC)) == []  # midnight in Switzerland


def test_after_an_erasure_the_state_is_told_without_what_was_personal(here):
    account_id, other = (
        here.submitted(),
        here.submitted("other@example.org", replace(AURELIE, ahv_number=None)),
    )
    here.linking.match(account_id, settled=nothing)
    before = as_of(here, other)
    here.destroy_key(account_id)
    values = as_of(here, account_id)
    personal = set(PERSONAL_DATA) - {"canton"} | {"email", "record_number"}
    assert {name for name, value in values.items() if value is ERASED} == personal
    assert (values["canton"], values["link_state"], values["state"]) == ("JU", "linked", "requested")
    assert as_of(here, other) == before


def test_what_is_not_asked_for_is_not_opened(here):
    """A long life would take too long: only the last of many values is looked at."""
    account_id = here.submitted()
    moved(here, account_id)
    state: State = here.past.state(account_id, here.instants.cut(None))
    assert isinstance(state.account, Account)
    assert state.profile.data.city not in ("Moutier", "Delémont")
    assert state.opened(state.profile.data.city) == "Moutier"


def test_an_erasure_is_pending_from_its_proposal_until_it_is_carried_out(database_url, tmp_path):
    with ErasingSide(database_url, tmp_path, connections=6) as here:
        here.instants, here.past = Instants(here.pool), Past(here.store)
        account_id = here.submitted()
        due = as_of(here, account_id)["link_due"]
        erasure_id = here.proposed(account_id)
        proposed = as_of(here, account_id)
        here.erasures.approve(erasure_id, actor=OTHER_CLERK)
        approved, at = as_of(here, account_id), points(here)[-1][0]
        here.clock.goes_on(DAY)
        here.erase.carry_out_due()
        erased, before = as_of(here, account_id), as_of(here, account_id, at)
        assert [each["pending"] for each in (proposed, approved, before, erased)] == [["erasure"]] * 3 + [[]]
        assert [each["state"] for each in (proposed, before, erased)] == ["requested", "requested", "erased"]
        assert [each["email"] for each in (approved, before, erased)] == [AURELIE_ADDRESS, ERASED, ERASED]
        assert {each["link_due"] for each in (proposed, approved, before, erased)} == {due}
        found = changed(here, account_id, at)
        assert ("account.erased", "state", "requested", "erased") in found
