"""What the institution publishes about a record, for the one account that is linked to it now."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from application.ports import Clock, EventLog, PortfolioItems
from domain import errors
from domain.account import Account
from domain.portfolio import Item, Place, Seen, Wanted
from domain.profile import Link


@dataclass(frozen=True)
class Portfolios:
    """Whose record it is, the log says at each question; no read model is asked.

    All methods but `seen` raise NotLinkedYet, AccountLocked and AccountClosed.
    """

    log: EventLog
    items: PortfolioItems
    clock: Clock

    def page(
        self, account_id: UUID, wanted: Wanted, *, after: Place | None, limit: int | None
    ) -> Sequence[Item]:
        """after: the last one of the page before. limit: None for all."""
        record_number = self._record_of(account_id)
        return self.items.page(record_number, wanted, reader=account_id, after=after, limit=limit)

    def whole(self, account_id: UUID) -> Sequence[Item]:
        """All of it; nothing where there is no link."""
        try:
            return self.page(account_id, Wanted(), after=None, limit=None)
        except errors.NotLinkedYet:
            return []

    def document(self, account_id: UUID, item_id: UUID) -> Item:
        """An item that has a file. Raises DocumentUnknown."""
        item = self.items.get(self._record_of(account_id), item_id, reader=account_id)
        if item is None or item.file is None:
            raise errors.DocumentUnknown
        return item

    def listed(self, account_id: UUID, shown: Iterable[Item]) -> None:
        """A list was shown: nothing of it is new any more, but for files that nobody has fetched."""
        new = [item for item in shown if item.new and not item.file]
        self.items.see(account_id, new, self.clock.now())

    def fetched(self, account_id: UUID, document: Item) -> None:
        self.items.see(account_id, [document] if document.new else [], self.clock.now())

    def seen(self, account_id: UUID) -> Sequence[Seen]:
        """What its holder has seen of the record to which the account is linked, for whoever takes that back."""
        link = self._link_of(self.log.account(account_id))
        return self.items.seen(link.record_number, reader=account_id) if link else []

    def _record_of(self, account_id: UUID) -> str:
        account = self.log.account(account_id)
        account.must_be_usable()
        link = self._link_of(account)
        if link is None:
            raise errors.NotLinkedYet
        return link.record_number

    def _link_of(self, account: Account) -> Link | None:
        try:
            return self.log.profile(account.profile_id).link
        except errors.ProfileMissing:
            return None
