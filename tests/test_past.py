"""An account as of any point of the log, from the log alone, and what changed between two points."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

import pytest
from erasing import ErasingSide
from people import AURELIE, AURELIE_ADDRESS, CLERK, DAY, HOUR, OTHER_CLERK
from spec import replayed
from write_side import WriteSide, nothing

from domain.account import Account
from domain.errors import AccountUnknown, NotYet, Refused
from domain.fact import Whence
from domain.profile import PERSONAL_DATA
from domain.values import ERASED, OPERATOR
from infrastructure.event_mapper import SealedEvent
from infrastructure.instants import Cut, Instants
from infrastructure.past import Past, State

FIREFOX = Whence("Firefox · Windows", "192.0.2.7")
WHY = {"reason": "other", "note": "Noted."}
TICK = timedelta(microseconds=1)


@pytest.fixture
def here(database_url):
    with WriteSide(database_url) as here:
        here.clock.at = datetime.now(UTC)
        here.with_records()
        here.instants, here.past = Instants(here.pool), Past(here.store)
        yield here


def as_of(here, account_id: UUID, moment=None) -> dict:
    """All values at a point, opened."""
    cut = here.instants.cut(moment)
    state = here.past.state(account_id, cut)
    return {name: state.opened(value) for name, value in state.values(cut.instant).items()}


def points(here) -> list[tuple[int, datetime]]:
    """Position and instant of every event."""
    return here.rows("SELECT position, recorded_at FROM events ORDER BY position")


def moved(here, account_id: UUID) -> None:
    """Corrects the data from one address to another."""
    data, _ = here.profiles.of(account_id)
    here.profiles.submit(account_id, replace(data, city="Moutier"), actor=account_id)


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


# --- what changed


def changed(here, account_id: UUID, since, until=None) -> list[tuple]:
    found = here.past.changes(account_id, here.instants.cut(since), here.instants.cut(until))
    return [(each.type, each.field, each.old, each.new) for each in found]


def test_what_changed_is_told_field_by_field_with_the_event_that_did_it(here):
    account_id = here.submitted()
    since, _ = points(here)[-1]
    data, _ = here.profiles.of(account_id)
    here.profiles.submit(account_id, replace(data, city="Moutier", postal_code="2740"), actor=CLERK)
    moved_at, at = points(here)[-1]
    found = here.past.changes(account_id, here.instants.cut(since), here.instants.cut(None))
    assert [(each.field, each.old, each.new) for each in found if each.field != "link_due"] == [
        ("postal_code", "2800", "2740"),
        ("city", "Delémont", "Moutier"),
    ]
    assert {(each.position, each.type, each.actor, each.at) for each in found} == {
        (moved_at, "profile.corrected", CLERK, at)
    }


def test_a_field_that_changed_twice_is_told_twice(here):
    account_id = here.submitted()
    since, _ = points(here)[-1]
    for city in ("Moutier", "Tavannes"):
        data, _ = here.profiles.of(account_id)
        here.profiles.submit(account_id, replace(data, city=city), actor=account_id)
    assert changed(here, account_id, since) == [
        ("profile.corrected", "city", "Delémont", "Moutier"),
        ("profile.corrected", "city", "Moutier", "Tavannes"),
    ]


def test_the_event_at_the_beginning_is_before_and_the_one_at_the_end_within(here):
    account_id = here.opened()
    first, at = points(here)[0]
    assert changed(here, account_id, first, first) == changed(here, account_id, at, at) == []
    everything = changed(here, account_id, first - 1, first)
    assert ("account.requested", "email", None, "aurelie.chappuis@example.org") in everything
    assert everything == changed(here, account_id, at - TICK, at)


def test_what_changed_before_there_was_an_account_is_nothing_to_tell(here):
    here.opened("earlier@example.org")
    account_id = here.opened()
    with pytest.raises(NotYet):
        changed(here, account_id, 1, points(here)[0][0])


def test_after_an_erasure_it_is_still_told_which_fields_were_set_and_by_whom(here):
    account_id = here.submitted()
    since, _ = points(here)[-1]
    moved(here, account_id)
    here.destroy_key(account_id)
    found = here.past.changes(account_id, here.instants.cut(since), here.instants.cut(None))
    assert {each.field for each in found} == set(PERSONAL_DATA) - {"canton"}
    assert {(each.old, each.new, each.actor) for each in found} == {(ERASED, ERASED, account_id)}


# --- whatever happens


def deeds(here, random: Random, people: list[UUID]) -> None:
    """Something that may happen to somebody; what the rules refuse does not."""
    account_id, now = random.choice(people), here.clock.now()
    account = here.store.account(account_id)

    def declare() -> None:
        data = replace(
            AURELIE, ahv_number=None, city=random.choice("ABC"), phone=random.choice([None, "+41790000101"])
        )
        here.profiles.submit(account_id, data, actor=account_id)

    def decided(how: str) -> None:
        profile = here.store.profile(account.profile_id)
        case = profile.open_case
        if how == "link":
            profile.decide_link(case.id, f"R-{random.randrange(9)}", **WHY, actor=CLERK, now=now)
        elif how == "unlink":
            profile.unlink(uuid4(), **WHY, due=now.date(), actor=CLERK, now=now)
        else:
            profile.reject(case.id, **WHY, actor=CLERK, now=now)
        here.store.record(profile)

    def stands(deed: str, *given: object, **said: object) -> None:
        getattr(account, deed)(*given, **said, now=now)
        here.store.record(account)

    address = f"{random.randrange(10**6)}@example.org"
    possible = [
        declare,
        declare,
        lambda: here.linking.match(account_id, settled=nothing),
        lambda: decided("link"),
        lambda: decided("unlink"),
        lambda: decided("reject"),
        lambda: stands("activate"),
        lambda: stands("lock", **WHY, actor=CLERK),
        lambda: stands("unlock", **WHY, actor=CLERK),
        lambda: stands("request_email_change", address, session_id=uuid4(), whence=FIREFOX),
        lambda: stands("confirm_email_change", request=account.email_change.request, whence=FIREFOX),
        lambda: stands(
            "object_to_email_change", request=max(account.take_backs[-1].requests), whence=FIREFOX
        ),
        lambda: stands("propose_recovery", uuid4(), email=address, **WHY, actor=CLERK),
        lambda: stands("approve_recovery", account.recovery.id, actor=OTHER_CLERK),
        lambda: stands("close", reason=None, note=None, whence=FIREFOX, actor=account_id),
        lambda: stands("reopen", request=account.closure.request, whence=FIREFOX),
        lambda: stands("propose_erasure", uuid4(), reason="request-of-holder", actor=CLERK),
        lambda: stands("approve_erasure", account.erasure.id, due=now + HOUR, actor=OTHER_CLERK),
        lambda: stands("grant", "auditor", until=random.choice([None, date(2099, 1, 1)]), actor=OPERATOR),
        lambda: stands("revoke", "auditor", actor=OPERATOR),
    ]
    here.clock.goes_on(timedelta(seconds=1))
    with suppress(Refused, AttributeError, IndexError):  # nothing to decide on
        random.choice(possible)()


def folded(here, account_id: UUID, position: int) -> dict:
    """What the domain makes of the events up to a position, each opened as it is read: another way to the same."""
    rows = here.rows(
        "SELECT e.originator_id, e.originator_version, e.topic, e.state, e.account_id, k.generation, k.wrapped"
        " FROM events AS e LEFT JOIN data_keys AS k ON k.person = e.account_id"
        " WHERE e.account_id = %s AND e.position <= %s ORDER BY e.position",
        account_id,
        position,
    )
    events = [here.store.mapper.to_domain_event(SealedEvent(*row)) for row in rows]
    account = replayed([event for event in events if event.originator_id == account_id])
    profile = replayed([event for event in events if event.originator_id != account_id])
    pending = {
        "email-change": account.email_change,
        "recovery": account.recovery,
        "closure": account.closure and account.closure.by_holder,
        "erasure": account.erasure,
    }
    return {
        "email": account.email,
        "locale": account.locale,
        "state": account.state,
        "roles": set(account.roles),
        "given_name": profile.data.given_name if profile else account.given_name,
        "family_name": profile.data.family_name if profile else account.family_name,
        "profile_state": "submitted" if profile else "missing",
        "link_state": profile.link_state if profile else "none",
        "link_due": next(
            (
                each.due
                for each in reversed(events)
                if each.originator_id != account_id and hasattr(each, "due")
            ),
            None,
        ),
        **(profile.data.values() if profile else {}),
        "record_number": profile.link.record_number if profile and profile.link else None,
        **dict.fromkeys(("case_id", "case_state", "case_due")),
        **(of_case(list(profile.cases.values())[-1]) if profile and profile.cases else {}),
        "pending": {kind for kind, is_pending in pending.items() if is_pending},
    }


def of_case(case) -> dict:
    return {"case_id": case.id, "case_state": case.state, "case_due": case.due}


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_the_state_at_every_position_is_what_its_events_make(here, seed):
    """And so it is after others were erased, and what changed leads from each state to the next."""
    random = Random(seed)
    people = [here.opened(f"person-{number}@example.org") for number in range(3)]
    for _ in range(120):
        deeds(here, random, people)
    here.instants.keep_up(block=8)
    all_points = points(here)
    assert len(all_points) > 50
    before = {(who, where): at_position(here, who, where) for who in people for where, _ in all_points}
    for (who, where), found in before.items():
        assert found == (folded(here, who, where) if found else None)
    erased, *others = people
    here.destroy_key(erased)
    for who in others:
        assert [at_position(here, who, where) for where, _ in all_points] == [
            before[who, where] for where, _ in all_points
        ]
        leads_from_each_to_the_next(here, who, before, all_points)
    for where, _ in all_points:
        found = at_position(here, erased, where)
        assert found == (folded(here, erased, where) if found else None)
        assert not found or found["email"] is ERASED


def leads_from_each_to_the_next(here, who: UUID, before: dict, all_points: list) -> None:
    here_and_there = [(a, b) for a in range(0, len(all_points), 7) for b in range(a, len(all_points), 11)]
    for start, end in here_and_there:
        first, last = all_points[start][0], all_points[end][0]
        if not before[who, last]:
            continue
        state = dict(before[who, first] or {})
        for change in here.past.changes(who, Cut(first, None), Cut(last, None)):
            assert (state.get(change.field) or None) == (unordered(change.old) or None)
            state[change.field] = unordered(change.new)
        assert without_nothing(state) == without_nothing(before[who, last])


def unordered(value):
    return set(value) if isinstance(value, list) else value


def without_nothing(values: dict) -> dict:
    return {name: value for name, value in values.items() if value not in (None, [], set())}


def at_position(here, account_id: UUID, position: int) -> dict | None:
    try:
        found = as_of(here, account_id, position)
    except NotYet:
        return None
    return {name: unordered(value) for name, value in found.items()}


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
