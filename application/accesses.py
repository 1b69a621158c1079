"""Accesses are facts like all others: who was shown whose data, who signed in, and who failed to."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.ports import Clock, Effect, EventLog, FailedSignIn, Lookup, Saved
from domain.access import Access, Filter
from domain.fact import NOWHERE, Whence


@dataclass(frozen=True)
class Accesses:
    log: EventLog
    lookup: Lookup
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

    def note_failures(self, failed: Sequence[FailedSignIn], taken: Effect) -> Saved:
        """One fact for each account and place, and one for all addresses that are nobody's.

        taken: removes what was taken in; raises when another worker has noted it. Raises AccountErased where somebody
        was erased meanwhile: then try again.
        """
        moments: dict[tuple[UUID | None, Whence], list[datetime]] = {}
        for each in failed:
            account = self._whose(each.email)
            whence = Whence(each.device, each.network) if account else NOWHERE
            moments.setdefault((account, whence), []).append(each.at)
        facts = [
            Access.failed_sign_in(
                self.new_id(),
                account=account,
                attempts=len(made),
                since=min(made),
                whence=whence,
                now=max(made),
            )
            for (account, whence), made in moments.items()
        ]
        return self.log.record(*facts, effects=[taken])

    def _whose(self, email: str | None) -> UUID | None:
        return next(iter(self.lookup.find("email", email)), None) if email else None
