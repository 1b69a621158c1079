"""Asking for the past of accounts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from write_side import WriteSide

from infrastructure.instants import Instants
from infrastructure.past import Past


@contextmanager
def remembering(database_url: str) -> Iterator[WriteSide]:
    """A write side whose clock shows the time that events are recorded at."""
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


def changed(here, account_id: UUID, since, until=None) -> list[tuple]:
    found = here.past.changes(account_id, here.instants.cut(since), here.instants.cut(until))
    return [(each.type, each.field, each.old, each.new) for each in found]
