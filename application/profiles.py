"""What holders declare of themselves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from application.deciding import decided_again
from application.ports import Clock, EventLog, Lookup, Saved
from domain import errors
from domain.calendar import WorkingDays, linking_deadline
from domain.case import Question
from domain.profile import PersonalData, Profile

NONE_YET: Final = 0


@dataclass(frozen=True)
class Standing:
    """How a holder's data stand. is_unlinked: a link was taken back, and none is in its place."""

    data: PersonalData
    sent_at: datetime
    linked_at: datetime | None
    is_unlinked: bool
    rejected_for: str | None  # a code of the list «reject»
    question: Question | None  # of the secretariat, while it is open


@dataclass(frozen=True)
class Profiles:
    log: EventLog
    lookup: Lookup
    clock: Clock
    calendar: WorkingDays

    def of(self, account_id: UUID) -> tuple[PersonalData, int]:
        """The data and their version, which nothing but a correction raises. Raises AccountUnknown, ProfileMissing."""
        profile = self._complete(account_id)
        return profile.data, profile.data_version

    def known(self, account_id: UUID) -> PersonalData:
        """The same with gaps where a file left some. Raises AccountUnknown, ProfileMissing."""
        return self.log.profile(self.log.account(account_id).profile_id).data

    def standing(self, account_id: UUID) -> Standing:
        """What is declared, and what became of it. Raises AccountUnknown, ProfileMissing."""
        profile = self._complete(account_id)
        return Standing(
            profile.data,
            profile.sent_at,
            linked_at=profile.link and profile.link.linked_at,
            is_unlinked=bool(profile.unlinked) and profile.link is None,
            rejected_for=profile.rejected_for,
            question=profile.asked_case and profile.asked_case.question,
        )

    @decided_again
    def submit(
        self, account_id: UUID, data: PersonalData, *, actor: UUID, expected_version: int | None = None
    ) -> Saved:
        """The first submission or a correction; either is matched again. Raises StaleVersion.

        expected_version: of the data that the change was made to; `NONE_YET` where there were none; None for any.
        """
        account, now = self.log.account(account_id), self.clock.now()
        due = linking_deadline(now, self.calendar)
        try:
            profile = self.log.profile(account.profile_id)
        except errors.ProfileMissing:
            if expected_version not in (None, NONE_YET):
                raise errors.StaleVersion from None
            profile = Profile.submit(
                account.profile_id, data, account_id=account_id, due=due, actor=actor, now=now
            )
        else:
            seen = profile.data_version if profile.is_complete else NONE_YET
            if expected_version not in (None, seen):
                raise errors.StaleVersion
            profile.correct(data, due=due, actor=actor, now=now)
        effects = [self.lookup.release("ahv", account_id)]
        if data.ahv_number:
            effects.append(self.lookup.claim("ahv", data.ahv_number, account_id))
        return self.log.record(profile, effects=effects)

    def _complete(self, account_id: UUID) -> Profile:
        """Of what a file told in part the holder knows nothing: it is as if there were none."""
        profile = self.log.profile(self.log.account(account_id).profile_id)
        if not profile.is_complete:
            raise errors.ProfileMissing
        return profile
