"""An account of 1,000 events as of instants all over the log, amid the events of others."""

import time
from dataclasses import replace
from datetime import datetime
from random import Random

import crowd
from figures import Figure, at_most, percentile
from people import ADA_ID, AURELIE, CLERK, MINUTE, NOON, a_profile, an_account
from servers import migrated_database
from write_side import WriteSide

from infrastructure.instants import Instants
from infrastructure.past import Past

EVENTS = 1000
OTHERS = 100_000
READS = 2000


def measure(server: str) -> list[Figure]:
    with migrated_database(server) as database, WriteSide(database) as here:
        first = _live(here)
        crowd.fill(database, OTHERS)
        instants, past, random = Instants(here.pool), Past(here.store), Random(1)
        instants.keep_up()
        span = instants.cut(None).instant - first
        seconds = [_read(instants, past, first + span * random.random()) for _ in range(READS)]
        late = [_read(instants, past, first + span) for _ in range(READS)]
    return [
        Figure("as of an instant in its life, p50", 1000 * percentile(seconds, 0.5), "ms"),
        Figure(f"as of its end, {EVENTS:,} events, p50", 1000 * percentile(late, 0.5), "ms"),
        Figure(f"as of its end, {EVENTS:,} events, p99", 1000 * percentile(late, 0.99), "ms", at_most(30)),
    ]


def _live(here: WriteSide) -> datetime:
    """When the first event of Ada's life was recorded: half of it corrections, of all her data each."""
    account, profile, now = an_account(), a_profile(), NOON
    first = here.store.record(account, profile).recorded_at
    why = {"reason": "other", "note": "Seen."}
    for number in range((EVENTS - 2) // 4):
        now += MINUTE
        for city in (f"Moutier {number}", f"Tavannes {number}"):
            profile.correct(replace(AURELIE, city=city), due=now.date(), actor=ADA_ID, now=now)
        account.lock(**why, actor=CLERK, now=now)
        account.unlock(**why, actor=CLERK, now=now)
        here.store.record(account, profile)
    return first


def _read(instants: Instants, past: Past, at: datetime) -> float:
    begun = time.perf_counter()
    cut = instants.cut(at)
    state = past.state(ADA_ID, cut)
    for value in state.values(cut.instant).values():
        state.opened(value)
    return time.perf_counter() - begun
