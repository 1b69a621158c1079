"""Accesses are facts like all others: who was shown whose data, who signed in, and who failed to."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from application.ports import Clock, EventLog, Saved
from domain.access import Access, Filter
from domain.fact import NOWHERE, Whence


@dataclass(frozen=True)
class Accesses:
    log: EventLog
    clock: Clock
    new_id: Callable[[], UUID]

    def note_read(
        self,
        what: str,
        *,
        reader: UUID,
        role: str,
        accounts: Iterable[UUID] = (),
        purpose: str | None = None,
        count: int | None = None,
        filters: Mapping[str, Filter] | None = None,
        whence: Whence = NOWHERE,
    ) -> Saved:
        """On disk when this returns; whoever cannot be noted is shown nothing.

        count: None for as many as there are accounts. Raises ValueError for what is no code and no plain filter.
        """
        access = Access.read(
            self.new_id(),
            what,
            reader=reader,
            role=role,
            accounts=accounts,
            purpose=purpose,
            count=count,
            filters=filters,
            whence=whence,
            now=self.clock.now(),
        )
        return self.log.record(access)
