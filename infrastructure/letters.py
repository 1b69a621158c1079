"""Who is written to because of an event, and with what values: one entry a kind (infrastructure/messages.py)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from application.address_changes import AddressChanges
from application.ports import Clock, Roles
from application.recovery import Recovery
from application.standings import Standings
from domain import policies
from domain.account import Account
from domain.calendar import ZURICH
from domain.errors import ProfileMissing
from domain.merging import Merged
from domain.profile import Profile
from domain.standing import Closure, Lock
from domain.values import SYSTEM, address_key, mask_email
from infrastructure.checkpoints import Checkpoints
from infrastructure.digest import DIGEST, READERS, DigestContents
from infrastructure.erasure_book import LAST_MESSAGE
from infrastructure.event_store import EventStore
from infrastructure.outbox import OutboxItem
from infrastructure.places import Places
from infrastructure.records import Records
from infrastructure.settings import Settings

CHECKPOINT = "checkpoint"  # no event causes it


@dataclass(frozen=True)
class Letter:
    kind: str
    to: str
    values: Mapping[str, Any]


class Letters:
    """A token is made by the worker that mails it, and stands nowhere else."""

    def __init__(
        self,
        *,
        store: EventStore,
        recovery: Recovery,
        address_changes: AddressChanges,
        standings: Standings,
        records: Records,
        places: Places,
        checkpoints: Checkpoints,
        digest: DigestContents,
        roles: Roles,
        settings: Settings,
        clock: Clock,
        erasure_law: Mapping[str, str],
    ) -> None:
        self._store = store
        self._recovery = recovery
        self._address_changes = address_changes
        self._standings = standings
        self._records = records
        self._places = places
        self._checkpoints = checkpoints
        self._digest = digest
        self._roles = roles
        self._settings = settings
        self._clock = clock
        self._erasure_law = erasure_law
        self._kinds: dict[str, Callable[[Account, Any, OutboxItem], Letter | None]] = {
            "account-exists": self._account_exists,
            "link-confirmed": self._to_holder,
            "link-notice": self._link_notice,
            "question": self._to_holder,
            "rejected": self._with_reason,
            "password-changed": self._password_changed,
            "password-reset": self._password_reset,
            "email-change-confirm": self._email_change_confirm,
            "email-change-notice": self._email_change_notice,
            "email-changed": self._email_changed,
            "email-changed-previous": self._email_changed_previous,
            "email-change-cancelled": self._email_change_cancelled,
            "email-change-taken-back": self._to_holder,
            "email-change-undone": self._email_change_undone,
            "recovery-proposed": self._recovery_proposed,
            "account-locked": self._account_locked,
            "account-unlocked": self._to_holder,
            "account-closed": self._account_closed,
            "account-reopened": self._to_holder,
            "account-merged": self._account_merged,
            "other-account-merged": self._other_account,
            "accounts-separated": self._other_account,
            "second-factor-added": self._second_factor,
            "second-factor-removed": self._second_factor,
            "second-factor-reset": self._to_holder,
            "recovery-codes-issued": self._to_holder,
            "recovery-code-used": self._recovery_code_used,
            LAST_MESSAGE: self._erased,
        }
        self._of_days: dict[str, Callable[[Account, date], Letter | None]] = {
            CHECKPOINT: self._checkpoint,
            DIGEST: self._digest_of_day,
        }

    def kinds(self) -> tuple[str, ...]:
        return (*self._kinds, *self._of_days)

    def letter(self, account: Account, item: OutboxItem) -> Letter | None:
        """None where nobody needs to be told after all."""
        if item.kind in self._of_days:
            _, day, _ = item.cause.split(":")
            return self._of_days[item.kind](account, date.fromisoformat(day))
        cause = self._cause(item)
        letter = self._kinds[item.kind](account, cause, item)
        return letter and replace(letter, values={**self._said_of(account, cause), **letter.values})

    def said_of_each(self, account: Account, item: OutboxItem) -> dict[str, Any]:
        """When it was, and from where as far as it is known."""
        return self._said_of(account, self._cause(item))

    def _said_of(self, account: Account, cause: Any) -> dict[str, Any]:
        device, network = getattr(cause, "device", None), getattr(cause, "network", None)
        return {
            "at": cause.timestamp,
            "changed_at": cause.timestamp,
            "asked_at": cause.timestamp,
            "device": device,
            "place": self._places.name(network, account.locale),
        }

    def _cause(self, item: OutboxItem) -> Any:
        stream, version = item.cause.split(":")
        return self._store.events_at([(item.position, UUID(stream), int(version))])[0]

    def _checkpoint(self, account: Account, day: date) -> Letter | None:
        signed = self._checkpoints.of_day(day)
        if signed is None or not self._serves(account, "auditor"):
            return None
        origin, size, root, _, signature = signed.note.splitlines()
        values = {"day": signed.day, "origin": origin, "size": size, "root": root, "signature": signature}
        return Letter(CHECKPOINT, account.email, values)

    def _digest_of_day(self, account: Account, day: date) -> Letter | None:
        if not self._serves(account, READERS):
            return None
        values = self._digest.values(day, self._clock.now())
        return values and Letter(DIGEST, account.email, values)

    def _serves(self, account: Account, role: str) -> bool:
        """Whether it may be used, and has the role."""
        if account.locked or account.is_closed:
            return False
        return role in self._roles.of(account.id, self._clock.now())

    def _to_holder(self, account: Account, _cause: Any, item: OutboxItem) -> Letter:
        return Letter(item.kind, account.email, {})

    def _account_exists(self, account: Account, _cause: Any, item: OutboxItem) -> Letter:
        if account.merged:
            return self._told_again(self._account_merged, account, account.merged, item)
        return Letter(item.kind, account.email, {})

    def _account_merged(self, account: Account, cause: Any, _item: OutboxItem) -> Letter:
        return Letter("account-merged", account.email, self._naming(cause.into))

    def _other_account(self, account: Account, cause: Any, item: OutboxItem) -> Letter:
        return Letter(item.kind, account.email, self._naming(getattr(cause, "other", None) or cause.into))

    def _naming(self, other: UUID) -> dict[str, Any]:
        return {"other_email_masked": mask_email(self._store.account(other).email)}

    def _with_reason(self, account: Account, cause: Any, item: OutboxItem) -> Letter:
        return Letter(item.kind, account.email, {"reason": cause.reason})

    def _link_notice(self, account: Account, cause: Any, item: OutboxItem) -> Letter | None:
        """To the record's own address, where that is another than the account's."""
        number, at = self._linked(account, cause)
        record = number and self._records.get(number)
        if not record or not record.email or address_key(record.email) == address_key(account.email):
            return None
        return Letter(item.kind, record.email, {"at": at, "device": None, "place": None})

    def _linked(self, account: Account, cause: Any) -> tuple[str | None, datetime]:
        """To which record, and when; a link from a file counts when somebody comes in by it."""
        if isinstance(cause, Profile.RecordLinked):
            return cause.record_number, cause.timestamp
        try:
            link = self._store.profile(account.profile_id).link
        except ProfileMissing:
            link = None
        return (link.record_number, link.linked_at) if link and link.is_imported else (None, cause.timestamp)

    def _password_changed(self, account: Account, cause: Any, item: OutboxItem) -> Letter:
        how = "reset" if isinstance(cause, Account.PasswordReset) else "chosen"
        return Letter(item.kind, account.email, {"how": how})

    def _password_reset(self, account: Account, cause: Any, item: OutboxItem) -> Letter:
        if account.merged:
            return self._told_again(self._account_merged, account, account.merged, item)
        if account.closure:
            return self._told_again(self._account_closed, account, account.closure, item)
        if account.locked:
            return self._told_again(self._account_locked, account, account.locked, item)
        token = self._recovery.reset_link(account, cause.originator_version)
        values = {
            "link": self._page("password-reset", token),
            "minutes": int(self._settings.reset_lifetime.total_seconds() // 60),
        }
        return Letter(item.kind, account.email, values)

    def _told_again(
        self, kind: Callable[..., Letter], account: Account, bar: Lock | Closure | Merged, item: OutboxItem
    ) -> Letter:
        """Why there is no other letter. Where that one was asked for has nothing to do with it."""
        letter = kind(account, bar, item)
        return replace(letter, values={**letter.values, "at": bar.at, "device": None, "place": None})

    def _email_change_confirm(self, account: Account, cause: Any, _item: OutboxItem) -> Letter:
        """That the address is taken is told to its mailbox alone."""
        token = self._address_changes.confirmation_link(account, cause.originator_version)
        if token is None:
            return Letter("email-change-taken", cause.email, {})
        values = {
            "link": self._page("email-change", token),
            "hours": int(self._settings.email_change_lifetime.total_seconds() // 3600),
            "new_email": cause.email,
        }
        return Letter("email-change-confirm", cause.email, values)

    def _email_change_notice(self, account: Account, cause: Any, item: OutboxItem) -> Letter:
        values = self._objection(account, cause)
        return Letter(item.kind, self._address_then(account, cause), values)

    def _recovery_proposed(self, account: Account, cause: Any, item: OutboxItem) -> Letter:
        values = {"new_email_masked": mask_email(cause.email)}
        return Letter(item.kind, self._address_then(account, cause), values)

    def _email_changed(self, _account: Account, cause: Any, item: OutboxItem) -> Letter:
        return Letter(item.kind, cause.email, {"by_staff": _by_staff(cause)})

    def _email_changed_previous(self, account: Account, cause: Any, item: OutboxItem) -> Letter:
        values = {
            "by_staff": _by_staff(cause),
            "until": (cause.timestamp + policies.TAKE_BACK).astimezone(ZURICH).date(),
            **self._objection(account, cause),
        }
        return Letter(item.kind, cause.previous, values)

    def _email_change_cancelled(self, account: Account, cause: Any, item: OutboxItem) -> Letter:
        return Letter(item.kind, account.email, {"cause": cause.cause})

    def _email_change_undone(self, _account: Account, cause: Any, item: OutboxItem) -> Letter:
        return Letter(item.kind, cause.previous, {})

    def _account_locked(self, account: Account, cause: Any, _item: OutboxItem) -> Letter:
        return Letter("account-locked", account.email, {"reason": cause.reason})

    def _account_closed(self, account: Account, _cause: Any, _item: OutboxItem) -> Letter | None:
        closure = account.closure
        if not closure:  # opened again already
            return None
        token = self._standings.reopening_link(account)
        values: dict[str, Any] = {"at": closure.at, "reopen_link": None, "until": None}
        if token:
            values["reopen_link"] = self._page("reopen", token)
            values["until"] = (closure.at + policies.CLOSURE_GRACE).astimezone(ZURICH).date()
        return Letter("account-closed", account.email, values)

    def _second_factor(self, account: Account, cause: Any, item: OutboxItem) -> Letter:
        return Letter(item.kind, account.email, {"factor": cause.kind})

    def _recovery_code_used(self, account: Account, cause: Any, item: OutboxItem) -> Letter:
        return Letter(item.kind, account.email, {"left": cause.left})

    def _erased(self, account: Account, _cause: Any, item: OutboxItem) -> Letter:
        """until: no backup from before can be read after that day, however long this message takes."""
        erasure = account.erasure
        values = {
            "reason": erasure.reason,
            "law": self._erasure_law[account.locale],
            "until": (erasure.due + self._settings.backups_kept).astimezone(ZURICH).date(),
        }
        return Letter(item.kind, account.email, values)

    def _objection(self, account: Account, cause: Any) -> dict[str, Any]:
        token = self._address_changes.objection_link(account, cause.originator_version)
        return {
            "object_link": self._page("email-change/object", token),
            "new_email_masked": mask_email(cause.email),
        }

    def _address_then(self, account: Account, cause: Any) -> str:
        """The address at the time of an event: before a late mail the change that it speaks of may have been made."""
        later = (each for each in account.take_backs if max(each.requests) > cause.originator_version)
        back = next(later, None)
        return back.email if back else account.email

    def _page(self, path: str, token: str) -> str:
        return f"{self._settings.public_url}/{path}?token={token}"


def _by_staff(cause: Any) -> bool:
    return cause.actor not in (cause.originator_id, SYSTEM)
