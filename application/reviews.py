"""What rests on the register is looked at again when the register changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from application.deciding import decided_again
from application.linking import Linking, declared_by
from application.ports import Effect, Saved
from domain import errors, matching
from domain.account import Account
from domain.calendar import linking_deadline
from domain.case import Case
from domain.profile import Profile
from domain.values import SYSTEM

ON_THE_REGISTERS_SIDE = ("record-changed", "record-merged", "record-gone")

Changes = Mapping[str, bool]
"""Records that are new, gone or changed. True: in what a link is decided on."""


@dataclass(frozen=True)
class Reviews:
    linking: Linking

    @decided_again
    def look_again(self, account_id: UUID, changes: Changes) -> Saved:
        """A link that is in doubt stays, and a case opens; whoever waits is linked or proposed to the secretariat.

        Raises AccountUnknown, AccountErased, ProfileMissing.
        """
        log = self.linking.log
        account = log.account(account_id)
        profile = log.profile(account.profile_id)
        effects = [log.unmoved(account_id, account)]  # it may be merged at this moment
        if profile.link:
            self._doubt(account, profile, changes)
        elif not account.merged:  # whose person has another account
            effects += self._match_again(account, profile, changes)
        if not profile.pending_events:
            return Saved(0, None)
        try:
            return log.record(profile, effects=effects)
        except errors.RecordTaken:  # since it was found free: decide again, as if it had been taken before
            raise errors.Conflict from None

    def _doubt(self, account: Account, profile: Profile, changes: Changes) -> None:
        number, case = profile.link.record_number, profile.open_case
        if not changes.get(number):
            return
        record = self.linking.records.get(number)
        if not record:
            survivor = self.linking.records.survivor(number)
            self._ask(profile, *(("record-merged", [survivor]) if survivor else ("record-gone", [])))
        elif matching.contradicts(self.linking.compare(account, profile, record)):
            self._ask(profile, "record-changed", [number])
        elif case and case.cause in ON_THE_REGISTERS_SIDE and case.is_untouched:
            profile.withdraw_case(actor=SYSTEM, now=self.linking.clock.now())

    def _match_again(self, account: Account, profile: Profile, changes: Changes) -> list[Effect]:
        case = profile.open_case
        if not case and profile.link_state != "rejected":
            return []  # the first match is under way, and will see the register as it is now
        if case and case.cause not in matching.UNCERTAIN:
            return []  # a clerk looks into it, whatever the register says; it is shown as it is now
        decision = self.linking.would_decide(declared_by(profile), account.email, account.id)
        if case:
            return self._settle(account, profile, case, decision, changes)
        self._reopen(profile, decision, changes)
        return []

    def _settle(
        self, account: Account, profile: Profile, case: Case, decision: matching.Decision, changes: Changes
    ) -> list[Effect]:
        numbers = [candidate.record_number for candidate in decision.candidates]
        if changes.keys().isdisjoint({*numbers, *case.candidates}):
            return []
        number, now = decision.record_number, self.linking.clock.now()
        if number in profile.unlinked:
            profile.renew_case("unlinked-before", numbers, actor=SYSTEM, now=now)
        elif number and case.is_untouched:
            profile.link_at_once(number, judgement=decision.judgement, actor=SYSTEM, now=now)
            return [self.linking.lookup.claim("record", number, account.id)]
        else:
            profile.renew_case(decision.cause or "record-appeared", numbers, actor=SYSTEM, now=now)
        return []

    def _reopen(self, profile: Profile, decision: matching.Decision, changes: Changes) -> None:
        """Where a clerk has found no record, a clerk decides on the one that has come."""
        known = {number for case in profile.cases.values() for number in case.candidates}
        new = [
            candidate.record_number
            for candidate in decision.candidates
            if matching.agrees(candidate)
            and candidate.record_number in changes
            and candidate.record_number not in known
        ]
        if new:
            self._ask(profile, "record-appeared", new)

    def _ask(self, profile: Profile, cause: str, candidates: list[str]) -> None:
        """A case of its own, or the open one, which is about this now."""
        now = self.linking.clock.now()
        due = linking_deadline(now, self.linking.calendar)
        profile.renew_case(cause, candidates, actor=SYSTEM, now=now)
        profile.open_case_for(self.linking.new_id(), cause, candidates, due=due, actor=SYSTEM, now=now)
