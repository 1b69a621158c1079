"""Whatever happens: the state at every position is what its events make, and changes lead from each to the next."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

import pytest
from erasing import ErasingSide
from past_side import as_of, points
from people import AURELIE, CLERK, DAY, OTHER_CLERK
from spec import replayed
from write_side import nothing

from application.imports import AccountLine, Imports
from domain.errors import NotYet, Refused
from domain.fact import Whence
from domain.values import ERASED, OPERATOR
from infrastructure.event_mapper import SealedEvent
from infrastructure.instants import Cut, Instants
from infrastructure.past import Past

FIREFOX = Whence("Firefox · Windows", "192.0.2.7")
WHY = {"reason": "other", "note": "Noted."}
BROUGHT = "brought@example.org"
SELDOM = {  # what chance alone may leave out
    "account.imported",
    "account.imported-again",
    "account.locale-changed",
    "account.noted",
    "profile.imported",
    "profile.imported-again",
    "profile.link-imported",
    "profile.record-created",
}


@pytest.fixture
def here(database_url, tmp_path):
    """Whose clock shows the time that events are recorded at."""
    with ErasingSide(database_url, tmp_path, connections=6) as here:
        here.clock.at = datetime.now(UTC)
        here.with_records({}, {"record_number": "R-7", "ahv_number": None, "email": None})
        here.instants, here.past = Instants(here.pool), Past(here.store)
        here.imports = Imports(here.store, here.lookup, here.linking.records, here.clock, uuid4)
        yield here


def deeds(here, random: Random, people: list[UUID]) -> None:
    """Something that may happen to somebody; what the rules refuse does not."""
    account_id, now = random.choice(people), here.clock.now()
    account = here.store.account(account_id)

    def declare(actor: UUID) -> None:
        data = replace(
            AURELIE, ahv_number=None, city=random.choice("ABC"), phone=random.choice([None, "+41790000101"])
        )
        here.profiles.submit(account_id, data, actor=actor)

    def brought() -> None:
        told = {"city": random.choice("ABC"), "birth_date": AURELIE.birth_date}
        number = random.choice([None, None, "R-7"])
        take_from_file(here, random.choice(["Ada", "Eve"]), random.choice(["fr", "de"]), told, number)

    def decided(how: str) -> None:
        profile = here.store.profile(account.profile_id)
        case = profile.open_case
        if how == "link":
            profile.decide_link(case.id, f"R-{random.randrange(9)}", **WHY, actor=CLERK, now=now)
        elif how == "create":
            profile.create_record(case.id, f"N-{random.randrange(9)}", **WHY, actor=CLERK, now=now)
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
        lambda: declare(account_id),
        lambda: declare(CLERK),
        brought,
        brought,
        lambda: here.linking.match(account_id, settled=nothing),
        lambda: decided("link"),
        lambda: decided("create"),
        lambda: decided("unlink"),
        lambda: decided("reject"),
        lambda: here.linking.answer(account_id, "Yes."),
        lambda: asked(),
        lambda: here.merges.merge(random.choice(people), account_id, **WHY, actor=CLERK),
        lambda: here.merges.separate(account_id, **WHY, actor=CLERK),
        lambda: stands("activate"),
        lambda: stands("change_locale", random.choice(["fr", "de", "en"]), whence=FIREFOX),
        lambda: stands("note_down", "Calls again.", actor=CLERK),
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
        lambda: here.proposed(account_id),
        lambda: here.erasures.approve(account.erasure.id, actor=OTHER_CLERK),
        lambda: stands("grant", "auditor", until=random.choice([None, date(2099, 1, 1)]), actor=OPERATOR),
        lambda: stands("revoke", "auditor", actor=OPERATOR),
    ]
    here.clock.goes_on(timedelta(seconds=1))
    with suppress(Refused, AttributeError, IndexError):  # nothing to decide on
        random.choice(possible)()


def take_from_file(here, given_name: str, locale: str, told: dict, number: str | None = None) -> UUID:
    line = AccountLine(2, BROUGHT, given_name, "Favre", locale, told, number)
    here.imports.take([line], actor=OPERATOR)
    return here.lookup.find("email", BROUGHT)[0]


def what_is_seldom(here, somebody: UUID) -> UUID:
    """It happens to somebody, and to whom a file brings along."""
    for given_name, told, number in (
        ("Ada", {}, None),
        ("Eve", {"city": "A"}, None),
        ("Eve", {"city": "B"}, "R-7"),
    ):
        brought = take_from_file(here, given_name, "fr", told, number)
    here.profiles.submit(somebody, replace(AURELIE, ahv_number=None), actor=CLERK)
    here.linking.match(somebody, settled=nothing)
    account, now = here.store.account(somebody), here.clock.now()
    profile = here.store.profile(account.profile_id)
    profile.create_record(profile.open_case.id, "N-9", **WHY, actor=CLERK, now=now)
    account.change_locale("de", whence=FIREFOX, now=now)
    account.note_down("Calls again.", actor=CLERK, now=now)
    here.store.record(account, profile)
    return brought


def erase(here, account_id: UUID) -> None:
    """Whatever was decided on before."""
    account = here.store.account(account_id)
    if not account.erasure:
        here.proposed(account_id)
    erasure = here.store.account(account_id).erasure
    if not erasure.approved_by:
        here.erasures.approve(erasure.id, actor=OTHER_CLERK)
    here.clock.goes_on(DAY)
    assert here.erase.carry_out_due()


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
        "profile_state": "submitted" if profile and profile.is_complete else "missing",
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
        "pending": {kind for kind, is_pending in pending.items() if is_pending and not account.erased},
    }


def of_case(case) -> dict:
    return {"case_id": case.id, "case_state": case.state, "case_due": case.due}


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_the_state_at_every_position_is_what_its_events_make(here, seed):
    """And so it is after others were erased, and what changed leads from each state to the next."""
    random = Random(seed)
    people = [here.opened(f"person-{number}@example.org") for number in range(2)]
    people.append(what_is_seldom(here, people[0]))
    for _ in range(110):
        deeds(here, random, people)
    here.instants.keep_up(block=8)
    all_points = points(here)
    assert set(sum(here.rows("SELECT DISTINCT topic FROM events"), ())) > SELDOM
    assert len(all_points) > 50
    before = {(who, where): at_position(here, who, where) for who in people for where, _ in all_points}
    for (who, where), found in before.items():
        assert found == (folded(here, who, where) if found else None)
    erase(here, random.choice([who for who in people if not here.store.account(who).merged]))
    gone = [
        who for who in people if here.store.account_or_remains(who).erased
    ]  # and who was merged into them
    assert gone
    for who in set(people) - set(gone):
        assert [at_position(here, who, where) for where, _ in all_points] == [
            before[who, where] for where, _ in all_points
        ]
        leads_from_each_to_the_next(here, who, before, all_points)
    for who in gone:
        for where, _ in points(here):
            found = at_position(here, who, where)
            assert found == (folded(here, who, where) if found else None)
            assert not found or found["email"] is ERASED
        assert (found["state"], found["pending"]) == ("erased", set())


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
