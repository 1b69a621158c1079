"""Whatever happens: the state at every position is what its events make, and changes lead from each to the next."""

from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from uuid import UUID, uuid4

import pytest
from past_side import as_of, points, remembering
from people import AURELIE, CLERK, HOUR, OTHER_CLERK
from spec import replayed
from write_side import nothing

from domain.errors import NotYet, Refused
from domain.fact import Whence
from domain.values import ERASED, OPERATOR
from infrastructure.event_mapper import SealedEvent
from infrastructure.instants import Cut

FIREFOX = Whence("Firefox · Windows", "192.0.2.7")
WHY = {"reason": "other", "note": "Noted."}


@pytest.fixture
def here(database_url):
    with remembering(database_url) as here:
        yield here


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

    def asked() -> None:
        profile = here.store.profile(account.profile_id)
        profile.ask(profile.open_case.id, "Which name?", actor=CLERK, now=now)
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
        lambda: here.linking.answer(account_id, "Yes."),
        lambda: asked(),
        lambda: here.merges.merge(random.choice(people), account_id, **WHY, actor=CLERK),
        lambda: here.merges.separate(account_id, **WHY, actor=CLERK),
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
        "merged_into": account.merged and account.merged.into,
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
    for _ in range(140):
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
