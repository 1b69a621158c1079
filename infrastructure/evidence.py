"""Gathers the evidence of one account: its events, its state, and the proofs that they stand in the log."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final
from uuid import UUID

import orjson
from psycopg_pool import ConnectionPool

from application.ports import Clock
from domain import merkle
from domain.account import Account
from domain.errors import AccountUnknown, NotVisibleYet
from domain.profile import PERSONAL_DATA
from domain.values import ERASED, LOCALES, format_ahv, mask_ahv
from infrastructure import evidence_format
from infrastructure.checkpoints import Checkpoints, Signed
from infrastructure.event_mapper import SealedEvent
from infrastructure.event_store import HORIZON
from infrastructure.evidence_format import MASKED, Leaf
from infrastructure.history import History
from infrastructure.instants import Cut
from infrastructure.keys import Keyring
from infrastructure.past import Past
from infrastructure.watermark import Watermark
from projections.tree import Tree

EARLIER: Final = 400  # published checkpoints from which the way to this one is shown: more than a year's
PEOPLE: Final = ("actor", "proposed_by", "approved_by")  # fields that name who did something
EVENTS = f"""
    SELECT e.originator_id, e.originator_version, e.topic, e.state, e.account_id, k.generation, k.wrapped,
           e.position, e.recorded_at
    FROM events AS e CROSS JOIN log_offset AS o LEFT JOIN data_keys AS k ON k.person = e.account_id
    WHERE e.originator_id = ANY(%s) AND e.position < {HORIZON} ORDER BY e.position
"""
ACCOUNT = (
    *("email", "given_name", "family_name", "locale", "state", "roles", "profile_state", "link_state"),
    "link_due",
)


@dataclass(frozen=True)
class Row:
    stored: SealedEvent
    position: int
    recorded_at: datetime


@dataclass(frozen=True)
class File:
    """An evidence file. size: of the log at its checkpoint."""

    name: str
    content: bytes
    events: int
    size: int


class Evidence:
    def __init__(
        self,
        *,
        pool: ConnectionPool,
        keyring: Keyring,
        past: Past,
        tree: Tree,
        checkpoints: Checkpoints,
        watermark: Watermark,
        history: History,
        clock: Clock,
    ) -> None:
        self._pool = pool
        self._keyring = keyring
        self._past = past
        self._tree = tree
        self._checkpoints = checkpoints
        self._watermark = watermark
        self._history = history
        self._clock = clock

    def of(self, account_id: UUID, *, disclosing: bool = False) -> File:
        """disclosing: what stays sealed without a purpose. Raises AccountUnknown, NotVisibleYet, TreeDisagrees."""
        rows, now = self._rows(account_id), self._clock.now()
        self._watermark.wait(("tree",), rows[-1].position)
        checkpoint = self._checkpoints.sign_now()
        leaves = self._leaves(rows, checkpoint)
        content = evidence_format.written(
            account_id,
            as_of=self._as_of(account_id, Cut(rows[-1].position, now), disclosing),
            leaves=leaves,
            checkpoint=checkpoint,
            earlier=self._earlier(checkpoint),
            actors=self._actors(account_id, rows),
            made_at=now,
            keyring=self._keyring,
            log=self._checkpoints,
            withheld=() if disclosing else MASKED,
        )
        return File(f"evidence-{account_id}-{checkpoint.size}.json", content, len(leaves), checkpoint.size)

    def _rows(self, account_id: UUID) -> list[Row]:
        """The events of both streams, in the order of the log."""
        own = self._of_streams([account_id])
        if not own or own[0].stored.topic not in Account.FIRST:
            raise AccountUnknown
        profile_id = UUID(orjson.loads(own[0].stored.state)["profile_id"])
        return self._of_streams([account_id, profile_id])

    def _of_streams(self, streams: list[UUID]) -> list[Row]:
        with self._pool.connection() as connection:
            rows = connection.execute(EVENTS, (streams,), binary=True).fetchall()
        return [Row(SealedEvent(*stored), position, at) for *stored, position, at in rows]

    def _leaves(self, rows: Sequence[Row], checkpoint: Signed) -> list[Leaf]:
        indices = self._tree.leaf_indices([row.position for row in rows])
        if any(index is None or index >= checkpoint.size for index in indices):
            raise NotVisibleYet  # signed by another process while the tree was behind
        proofs = self._hashes(merkle.inclusion(index, checkpoint.size) for index in indices)
        return [
            Leaf(row.stored, row.position, row.recorded_at, index, proof)
            for row, index, proof in zip(rows, indices, proofs, strict=True)
        ]

    def _earlier(self, checkpoint: Signed) -> Iterable[tuple[Signed, Sequence[bytes]]]:
        """The published ones, the smallest first."""
        known = [each for each in self._checkpoints.published(EARLIER) if each.size <= checkpoint.size][::-1]
        proofs = self._hashes(merkle.consistency(each.size, checkpoint.size) for each in known)
        return list(zip(known, proofs, strict=True))

    def _hashes(self, wanted: Iterable[list[range]]) -> list[list[bytes]]:
        """The hashes of several proofs, asked for at once."""
        ways = list(wanted)
        hashes = iter(self._tree.hashes([leaves for way in ways for leaves in way]))
        return [list(islice(hashes, len(way))) for way in ways]

    def _as_of(self, account_id: UUID, cut: Cut, disclosing: bool) -> dict[str, Any]:
        """The readable account; ids stand for those who acted."""
        state, at = self._past.state(account_id, cut), cut.instant
        values = {name: _unless_erased(state.opened(value)) for name, value in state.values(at).items()}
        if values.get("ahv_number"):
            values["ahv_number"] = (format_ahv if disclosing else mask_ahv)(values["ahv_number"])
        link, case = state.link, state.case
        return {
            "position": cut.position,
            "as_of": evidence_format.instant(at),
            "account": {"id": account_id, **{name: values[name] for name in ACCOUNT}},
            "profile": {name: values[name] for name in PERSONAL_DATA} if state.profile else None,
            "link": link
            and {"record_number": values["record_number"], "linked_at": link.linked_at, "by": link.by},
            "case": case and {"id": case.id, "state": case.state, "due": case.due},
            "pending": [vars(each) for each in state.pending(at)],
        }

    def _actors(self, account_id: UUID, rows: Sequence[Row]) -> dict[str, dict[str, str]]:
        states = (orjson.loads(row.stored.state) for row in rows)
        actors = {state[name] for state in states for name in PEOPLE if state.get(name)}
        return {
            actor: {locale: self._history.label(UUID(actor), account_id, locale) for locale in LOCALES}
            for actor in actors
        }


def _unless_erased(value: Any) -> Any:
    return None if value is ERASED else value
