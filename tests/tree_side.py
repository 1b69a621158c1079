"""A tree over a log of any length, and what somebody does who owns the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import Connection
from write_side import WriteSide

from domain.account import Account
from infrastructure.checkpoints import Checkpoints
from infrastructure.event_mapper import SealedEvent
from infrastructure.signed_notes import Signer
from projections.tree import Tree

SIGNER = Signer(
    "account.school.example/log", Ed25519PrivateKey.from_private_bytes(b"a signing key of the tests, 32 b")
)


def checkpoints_of(here: WriteSide, signer: Signer = SIGNER) -> Checkpoints:
    return Checkpoints(here.pool, Tree(here.pool), signer, here.clock)


def many_events(here: WriteSide, count: int) -> UUID:
    """So many events of one account, appended at once; nothing of it is personal."""
    stream = uuid4()
    topic = Account.AccountRequestedAgain.TOPIC
    state = f'{{"timestamp":"2026-03-03T12:00:00.000000Z","actor":"{stream}"}}'.encode()
    here.store.recorder.commit(
        [SealedEvent(stream, version, topic, state, None, None, None) for version in range(1, count + 1)]
    )
    return stream


@contextmanager
def tampering(conninfo: str) -> Iterator[Connection]:
    """As the owner of the database, who can take back what keeps events as they are."""
    with psycopg.connect(conninfo) as connection:
        connection.execute(
            "GRANT ALL ON events TO CURRENT_USER; ALTER TABLE events DISABLE TRIGGER events_stay"
        )
        yield connection
        connection.execute("ALTER TABLE events ENABLE TRIGGER events_stay")
