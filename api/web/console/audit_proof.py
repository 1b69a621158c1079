"""One event and the proof that it stands in the log: the way from its leaf to the signed root, as a picture."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Final, NamedTuple

from flask import Response

from api.context import service
from api.errors import Problem
from api.schemas.audit import GREATEST
from api.traces import traced
from api.web.console import audited
from api.web.console.audit import download, hash_text
from api.web.console.audit_telling import is_readable, place_of, told
from api.web.console.audited import AUDITORS
from api.web.feature import Feature
from api.web.page import page
from api.web.visitors import for_staff, reads
from domain import merkle
from infrastructure.audit_log import Wanted
from infrastructure.proofs import Inclusion, NotInTree
from projections.read_model import Fact

FORMAT: Final = "c2sp.org/tlog-proof@v1"
STEP, WIDTH, BOX = 72, 340, (104, 42)  # of the picture, in its own units
MIDDLE: Final = (WIDTH - BOX[0]) // 2

pages = Feature("console_audit_proof")


class Node(NamedTuple):
    """A hash, and the events that it is made of, from first to last. x, y: its box in the picture."""

    hash: bytes
    first: int
    last: int
    x: int
    y: int


@dataclass(frozen=True)
class Picture:
    """path: from the leaf up to the root, which must be the signed one. beside: the proof's own, the lowest first."""

    path: list[Node]
    beside: list[Node]

    @property
    def root(self) -> bytes:
        return self.path[-1].hash

    @property
    def height(self) -> int:
        return self.path[0].y + BOX[1]


@pages.get("/console/audit/events/<int:position>")
@for_staff(*AUDITORS)
@reads("tree", "directory")
def show(position: int) -> Response:
    fact, proof = _fact(position), _proof(position)
    (event,) = told([place_of(fact)], unreadable=frozenset() if is_readable(fact) else frozenset({position}))
    signed = service().checkpoints.of_size(proof.size)
    accounts = [fact.account_id] if fact.account_id else []
    traced("events", accounts=accounts, count=1, filters={"position": position})
    return page(
        "console/audit/proof.html",
        event=event,
        person_entry=audited.called(accounts).get(str(fact.account_id)),
        proof=proof,
        signed=signed,
        picture=picture(proof),
        key=str(service().checkpoints.verifier),
        box=BOX,
        width=WIDTH,
    )


@pages.get("/console/audit/events/<int:position>.tlog-proof")
@for_staff(*AUDITORS)
def fetch(position: int) -> Response:
    """The proof as a file of C2SP, which verify.py takes. What is personal in the event stays sealed in it."""
    fact, proof = _fact(position), _proof(position)
    signed = service().checkpoints.of_size(proof.size)
    traced(
        "events",
        accounts=filter(None, [fact.account_id]),
        count=1,
        filters={"position": position, "format": "tlog-proof"},
    )
    lines = [
        FORMAT,
        f"extra {b64encode(service().proofs.leaf(proof)).decode()}",
        f"index {proof.leaf_index}",
        *map(hash_text, proof.hashes),
    ]
    return download("\n".join(lines) + f"\n\n{signed.note}", f"event-{proof.leaf_index}.tlog-proof")


def picture(proof: Inclusion) -> Picture:
    """The way up, each hash on it made anew from the two below."""
    ranges = merkle.inclusion(proof.leaf_index, proof.size)
    y = STEP * len(ranges)
    path = [Node(proof.leaf_hash, proof.leaf_index, proof.leaf_index, MIDDLE, y)]
    beside = []
    for other, leaves in zip(proof.hashes, ranges, strict=True):
        here, on_left = path[-1], leaves.stop <= path[-1].first
        beside.append(Node(other, leaves.start, leaves.stop - 1, 0 if on_left else WIDTH - BOX[0], y))
        joined = merkle.node_hash(other, here.hash) if on_left else merkle.node_hash(here.hash, other)
        y -= STEP
        path.append(Node(joined, min(here.first, leaves.start), max(here.last, leaves.stop - 1), MIDDLE, y))
    return Picture(path, beside)


def _proof(position: int) -> Inclusion:
    try:
        return service().proofs.inclusion(position)
    except NotInTree:
        raise Problem("not-in-log") from None


def _fact(position: int) -> Fact:
    """Raises Problem `not-in-log`."""
    if not 0 < position <= GREATEST:
        raise Problem("not-in-log")
    found = service().audit_log.page(Wanted(after=position - 1, up_to=position), 1)
    if not found.facts:
        raise Problem("not-in-log")
    return found.facts[0]
