"""Read models that follow the log, over a connection of their own."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import Connection
from spec import until
from write_side import KEYRING, WriteSide, nothing

from infrastructure.event_mapper import opener
from infrastructure.keys import Keyring
from projections.accesses import accesses, account_accesses
from projections.cases import cases
from projections.directory import directory
from projections.finder import finder
from projections.outbox import outbox
from projections.projector import Projector
from projections.read_model import ReadModel
from projections.statistics import statistics
from projections.timeline import timeline

MODELS = (directory, finder, cases, statistics, timeline, accesses, account_accesses, outbox)


@contextmanager
def own_connection(here: WriteSide) -> Iterator[Connection]:
    with psycopg.connect(here.url, autocommit=True, options="-c TimeZone=UTC") as connection:
        yield connection


@contextmanager
def projecting(
    here: WriteSide,
    models: Sequence[ReadModel] = MODELS,
    *,
    keyring: Keyring = KEYRING,
    after_batch: Callable[[list[str]], None] = nothing,
) -> Iterator[Projector]:
    """A projector that is prepared, and has folded nothing yet."""
    with own_connection(here) as connection:
        projector = Projector(connection, models, opener(keyring), after_batch=after_batch)
        projector.prepare()
        yield projector


def catch_up(here: WriteSide, projector: Projector) -> None:
    """Fold all that is in the log, also what readers may see only when others have ended their writing."""

    def caught_up() -> bool:
        projector.advance()
        ((behind,),) = here.rows("SELECT min(position) < (SELECT max(position) FROM events) FROM projections")
        return not behind

    until(caught_up)


def parked(here: WriteSide) -> list[tuple]:
    """Model, stream, position of the first event left out, its topic, and why."""
    return here.rows(
        "SELECT projection, originator_id, position, topic, error FROM parked_streams ORDER BY 1, 2"
    )
