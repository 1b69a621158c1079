"""Accounts that the institution had before, taken over from a file: many at once, and nobody is written to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from application.deciding import decided_again
from application.ports import BulkLog, BulkLookup, Clock, Effect, Records
from domain import errors
from domain.account import Account
from domain.imported import LineRefused
from domain.profile import PERSONAL_DATA, PersonalData, Profile
from domain.values import address_key

MOST = 1_000  # lines at once: at most four events each, and an append takes 4,096

Outcome = Literal["added", "changed", "unchanged"] | LineRefused


class AccountLine(NamedTuple):
    """One account of a file. told: the personal data that it knows besides, by field. line: as an editor counts."""

    line: int
    email: str
    given_name: str
    family_name: str
    locale: str
    told: Mapping[str, Any]
    record_number: str | None


@dataclass(frozen=True)
class Known:
    """What is there already, of the accounts that lines are about, by address key or record number."""

    accounts: Mapping[str, Account]
    reserved: frozenset[str]
    profiles: Mapping[UUID, Profile]
    holders: Mapping[str, UUID]
    records: frozenset[str]


@dataclass(frozen=True)
class Imports:
    log: BulkLog
    lookup: BulkLookup
    records: Records
    clock: Clock
    new_id: Callable[[], UUID]

    @decided_again
    def take(self, lines: Sequence[AccountLine], *, actor: UUID, dry_run: bool = False) -> list[Outcome]:
        """What became of each line, in their order: those that were not refused are written together, or none is.

        lines: at most MOST, each address and record number once. actor: who brings the file.
        """
        known, now = self._known(lines), self.clock.now()
        outcomes: list[Outcome] = []
        changed: list[Account | Profile] = []
        claims: list[tuple[str, str, UUID]] = []
        for line in lines:
            try:
                account, profile = self._decide(line, known, actor, now)
            except LineRefused as refused:
                outcomes.append(refused)
                continue
            pending = [each for each in (account, profile) if each and each.pending_events]
            new = any(isinstance(event, Account.AccountImported) for event in account.pending_events)
            outcomes.append("added" if new else "changed" if pending else "unchanged")
            changed += pending
            claims += _claims(line, account, profile, known, new=new)
        if changed and not dry_run:
            try:
                self.log.record(*changed, effects=self._effects(claims, changed, known))
            except (errors.EmailTaken, errors.RecordTaken):  # by somebody who was faster
                raise errors.Conflict from None
        return outcomes

    def _known(self, lines: Sequence[AccountLine]) -> Known:
        holders = self.lookup.holders_of("email", [address_key(line.email) for line in lines])
        numbers = [line.record_number for line in lines if line.record_number]
        accounts = self.log.accounts({holder for holder, _ in holders.values()})
        return Known(
            accounts={key: accounts[holder] for key, (holder, reserved) in holders.items() if not reserved},
            reserved=frozenset(key for key, (_, reserved) in holders.items() if reserved),
            profiles=self.log.profiles({account.profile_id for account in accounts.values()}),
            holders={number: who for number, (who, _) in self.lookup.holders_of("record", numbers).items()},
            records=self.records.known(numbers),
        )

    def _decide(
        self, line: AccountLine, known: Known, actor: UUID, now: datetime
    ) -> tuple[Account, Profile | None]:
        """Raises LineRefused."""
        key = address_key(line.email)
        if key in known.reserved:
            raise LineRefused("email", "address-reserved")
        account = known.accounts.get(key)
        self._may_link(line, known, account)
        named = {
            "given_name": line.given_name,
            "family_name": line.family_name,
            "locale": line.locale,
            "actor": actor,
            "now": now,
        }
        if account is None:
            account = Account.bring_along(self.new_id(), profile_id=self.new_id(), email=line.email, **named)
        else:
            _must_be_there(account)
            account.take_from_file(**named)
        profile = _told(line, account, known.profiles.get(account.profile_id), actor, now)
        return account, profile

    def _may_link(self, line: AccountLine, known: Known, account: Account | None) -> None:
        """Raises LineRefused."""
        number = line.record_number
        if number is None:
            return
        holder = known.holders.get(number)
        if holder and (account is None or holder != account.id):
            raise LineRefused("record_number", "record-taken")
        if number not in known.records:
            raise LineRefused("record_number", "record-unknown")

    def _effects(
        self, claims: Sequence[tuple[str, str, UUID]], changed: Sequence[Account | Profile], known: Known
    ) -> list[Effect]:
        again = [each.account_id for each in changed if each.id in known.profiles]
        return [self.lookup.release_all(["ahv", "record"], again), self.lookup.claim_all(claims)]


def _must_be_there(account: Account) -> None:
    if account.erased or account.erasure:
        raise LineRefused("email", "erased")


def _told(
    line: AccountLine, account: Account, profile: Profile | None, actor: UUID, now: datetime
) -> Profile | None:
    """What the line says of the person, and whose record it says is hers. Raises LineRefused."""
    told = {"given_name": line.given_name, "family_name": line.family_name, **line.told}
    by = {"actor": actor, "now": now}
    if profile is None:
        if not line.told and not line.record_number:
            return None
        account.must_be_untouched(next(iter(line.told), "record_number"))
        data = PersonalData(**dict.fromkeys(PERSONAL_DATA) | told)
        profile = Profile.bring_along(account.profile_id, data, account_id=account.id, **by)
    else:
        different = [name for name, value in told.items() if getattr(profile.data, name) != value]
        if different:
            account.must_be_untouched(different[0])
            profile.take_from_file(told, **by)
    if line.record_number and (profile.link is None or profile.link.record_number != line.record_number):
        account.must_be_untouched("record_number")
        profile.link_from_file(line.record_number, **by)
    return profile


def _claims(
    line: AccountLine, account: Account, profile: Profile | None, known: Known, *, new: bool
) -> list[tuple[str, str, UUID]]:
    """What the account is found by from now on."""
    claims = [("email", address_key(line.email), account.id)] if new else []
    if profile and profile.pending_events:
        if profile.data.ahv_number:
            claims.append(("ahv", profile.data.ahv_number, account.id))
        if profile.link:
            claims.append(("record", profile.link.record_number, account.id))
    return claims
