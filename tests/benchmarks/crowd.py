"""People as they come: a log of lifelike events, sealed under keys of their own, many lives side by side."""

import heapq
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID

from clients import spawn
from people import AURELIE, CLERK
from write_side import KEYRING

from domain.account import Account
from domain.profile import PersonalData, Profile
from domain.values import SYSTEM
from infrastructure.database import open_pool
from infrastructure.event_mapper import SealedEvent, SealingMapper
from infrastructure.event_store import PLACES, LocklessRecorder

BEGIN = datetime(2025, 8, 4, 6, tzinfo=UTC)
EVERY = timedelta(minutes=2)  # somebody signs up
EVENTS_A_LIFE = 6.2  # on average
PROCESSES = 2


def fill(conninfo: str, events: int) -> None:
    """Append about so many events, in batches."""
    people = round(events / EVENTS_A_LIFE)
    _everywhere(_append_lives, conninfo, people)


def settle(conninfo: str, people: int) -> None:
    """Append accounts with a profile each, whose ids `account_id` and `profile_id` tell."""
    _everywhere(_append_beginnings, conninfo, people)


def account_id(number: int) -> UUID:
    return UUID(int=(0xACC << 112) | number)


def profile_id(number: int) -> UUID:
    return UUID(int=(0xF11E << 112) | number)


def an_account(number: int, now: datetime) -> Account:
    return Account.request(
        account_id(number),
        profile_id=profile_id(number),
        email=f"person.{number}@example.org",
        given_name=f"Aurélie {number}",
        family_name="Chappuis",
        locale=("fr", "de", "en")[number % 3],
        origin="sign-up",
        privacy_policy="2025-08",
        actor=account_id(number),
        now=now,
    )


def data_of(number: int) -> PersonalData:
    return PersonalData(
        **AURELIE.values()
        | {
            "given_name": f"Aurélie {number}",
            "birth_date": date(1960 + number % 40, 1 + number % 12, 1 + number % 28),
            "canton": ("BE", "JU", "NE")[number % 3],
            "street": f"Rue des Moulins {number % 200}",
        }
    )


def _everywhere(append: Callable[[str, range], None], conninfo: str, people: int) -> None:
    with spawn.Pool(PROCESSES) as pool:
        pool.starmap(append, [(conninfo, range(number, people, PROCESSES)) for number in range(PROCESSES)])


def _append_lives(conninfo: str, numbers: range) -> None:
    _append(conninfo, _in_order(_life(number) for number in numbers))


def _append_beginnings(conninfo: str, numbers: range) -> None:
    _append(conninfo, (event for number in numbers for event in _life(number) if _is_beginning(event)))


def _is_beginning(event: object) -> bool:
    return isinstance(event, Account.AccountRequested | Profile.ProfileSubmitted)


def _append(conninfo: str, events: Iterator[object]) -> None:
    mapper, batch = SealingMapper(KEYRING), []
    with open_pool(conninfo, size=1, name="crowd") as pool:
        recorder = LocklessRecorder(pool)

        def commit(batch: list[SealedEvent]) -> None:
            recorder.commit(batch)
            batch.clear()

        for event in events:
            batch.append(mapper.to_stored_event(event))
            if len(batch) == PLACES:
                commit(batch)
        commit(batch)


def _in_order(lives: Iterator[list]) -> Iterator[object]:
    """The events of all lives by their moments. A life begins after those before it began."""
    waiting: list[tuple[datetime, int, object]] = []
    count = 0
    for life in lives:
        while waiting and waiting[0][0] <= life[0].timestamp:
            yield heapq.heappop(waiting)[2]
        for event in life:
            count += 1
            heapq.heappush(waiting, (event.timestamp, count, event))
    while waiting:
        yield heapq.heappop(waiting)[2]


def _life(number: int) -> list:
    """Account and profile of one person, from sign-up to the link, as it mostly goes; in the order of time."""
    random = Random(number)
    now = BEGIN + number * EVERY
    account = an_account(number, now)
    now += timedelta(seconds=2)
    account.issue_password(expires_at=now + timedelta(days=3), actor=SYSTEM, now=now)
    now += _later(random)
    account.activate(now=now)
    if random.random() < 0.9:
        now += _later(random)
        account.change_password(actor=account.id, now=now)
    now += _later(random)
    profile = Profile.submit(
        profile_id(number),
        data_of(number),
        account_id=account.id,
        due=now.date(),
        actor=account.id,
        now=now,
    )
    _decide(profile, number, random, now)
    events = [*account.collect_events(), *profile.collect_events()]
    return sorted(events, key=lambda event: event.timestamp)


def _decide(profile: Profile, number: int, random: Random, now: datetime) -> None:
    now += timedelta(seconds=1)
    record_number = f"R-{number:06}"
    if random.random() < 0.7:
        profile.link_at_once(record_number, actor=SYSTEM, now=now)
        return
    case_id = UUID(int=(0xCA5E << 112) | number)
    profile.open_case_for(case_id, "no-record", [record_number], due=now.date(), actor=SYSTEM, now=now)
    now += _later(random)
    if random.random() < 0.8:
        profile.decide_link(case_id, record_number, reason="identity", note="Vu", actor=CLERK, now=now)
    else:
        profile.reject(case_id, reason="no-record", note=None, actor=CLERK, now=now)


def _later(random: Random) -> timedelta:
    return timedelta(minutes=random.uniform(1, 600))
