"""Two accounts of one person are made one, and two again where that was a mistake."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from application.deciding import decided_again
from application.ports import Clock, Effect, EventLog, Lookup, Saved
from application.standings import Standings
from domain import errors
from domain.account import Account
from domain.calendar import WorkingDays, linking_deadline
from domain.merging import MERGED, SEPARATED
from domain.profile import Profile


class Related(NamedTuple):
    """merged_into: the account that goes on instead. merged: those that were merged into this one."""

    merged_into: UUID | None
    merged: list[UUID]


@dataclass(frozen=True)
class Merges:
    log: EventLog
    lookup: Lookup
    standings: Standings
    clock: Clock
    calendar: WorkingDays
    new_id: Callable[[], UUID]

    def of(self, account_id: UUID) -> Related:
        """Also of one that was erased. Raises AccountUnknown."""
        account = self.log.account_or_remains(account_id)
        return Related(account.merged and account.merged.into, list(account.absorbed))

    @decided_again
    def merge(self, kept_id: UUID, other_id: UUID, *, reason: str, note: str | None, actor: UUID) -> Saved:
        """Close the other account; the link comes along where only that one has it. Both addresses are told.

        Raises AccountUnknown, AccountErased, SameAccount, OwnAccount, AlreadyMerged, AlreadyDecided (an erasure),
        AccountLocked, AccountClosed (the one that is to go on), DataInOther.
        """
        kept, other, now = self.log.account(kept_id), self.log.account(other_id), self.clock.now()
        other.merge_into(kept, reason=reason, note=note, actor=actor, now=now)
        profile, others = self._profile(kept), self._profile(other)
        effects = self.standings.barred(other)
        changed: list[Profile] = []
        if others:
            if not profile:
                raise errors.DataInOther
            number = others.give_up(MERGED, actor=actor, now=now)
            changed = [others]
            effects.append(self.log.unmoved(other_id, others))
            effects.append(self.lookup.release("ahv", other_id))
            if number:
                effects.append(self.lookup.release("record", other_id))
            if number and not profile.link:
                profile.take_over(number, reason=MERGED, actor=actor, now=now)
                changed.append(profile)
                effects.append(self.lookup.claim("record", number, kept_id))
        return self._record(kept, other, *changed, effects=effects)

    @decided_again
    def separate(self, other_id: UUID, *, reason: str, note: str | None, actor: UUID) -> Saved:
        """Undo it: the account that was closed may be used again, and gets its link back where it is free by now.

        Where there is none, a case decides. Raises AccountUnknown, AccountErased, OwnAccount, NotMerged and
        AlreadyDecided (an erasure).
        """
        other, now = self.log.account(other_id), self.clock.now()
        if not other.merged:
            raise errors.NotMerged
        kept = self.log.account(other.merged.into)
        last = self._goes_on(kept)
        other.separate_from(kept, last, reason=reason, note=note, actor=actor, now=now)
        profile, others = self._profile(kept), self._profile(other)
        effects = [*self.standings.barred(other), self.log.unmoved(last.id, last)]
        changed: list[Profile] = []
        if others:
            number = others.given_up
            moved = profile and number and profile.link and profile.link.record_number == number
            if moved:
                profile.give_up(SEPARATED, actor=actor, now=now)
                changed.append(profile)
                effects.append(self.lookup.release("record", kept.id))
                self._decide_anew(profile, actor)
            if number and (moved or not self.lookup.find("record", number)):
                others.take_over(number, reason=SEPARATED, actor=actor, now=now)
                effects.append(self.lookup.claim("record", number, other_id))
            else:
                self._decide_anew(others, actor)
            changed.append(others)
            if others.data.ahv_number:
                effects.append(self.lookup.claim("ahv", others.data.ahv_number, other_id))
        return self._record(kept, other, *changed, effects=effects)

    def _goes_on(self, account: Account) -> Account:
        """The one in which all mergings end: what is decided there of the person reaches all the others."""
        while account.merged:
            account = self.log.account(account.merged.into)
        return account

    def _decide_anew(self, profile: Profile, actor: UUID) -> None:
        """Which record is this person's, a clerk decides, unless nobody found one before."""
        if profile.link_state == "waiting":
            now = self.clock.now()
            due = linking_deadline(now, self.calendar)
            profile.open_case_for(self.new_id(), SEPARATED, [], due=due, actor=actor, now=now)

    def _profile(self, account: Account) -> Profile | None:
        try:
            return self.log.profile(account.profile_id)
        except errors.ProfileMissing:
            return None

    def _record(self, *aggregates: Account | Profile, effects: list[Effect]) -> Saved:
        try:
            return self.log.record(*aggregates, effects=effects)
        except errors.RecordTaken:  # in this very moment
            raise errors.Conflict from None
