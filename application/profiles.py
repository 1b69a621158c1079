"""What holders declare of themselves."""

from dataclasses import dataclass
from uuid import UUID

from application.deciding import decided_again
from application.ports import Clock, EventLog, Lookup, Saved
from domain import errors
from domain.calendar import WorkingDays, linking_deadline
from domain.profile import PersonalData, Profile


@dataclass(frozen=True)
class Profiles:
    log: EventLog
    lookup: Lookup
    clock: Clock
    calendar: WorkingDays

    def of(self, account_id: UUID) -> tuple[PersonalData, int]:
        """The data and their version, which nothing but a correction raises. Raises AccountUnknown, ProfileMissing."""
        profile = self.log.profile(self.log.account(account_id).profile_id)
        return profile.data, profile.data_version

    @decided_again
    def submit(
        self, account_id: UUID, data: PersonalData, *, actor: UUID, expected_version: int | None = None
    ) -> Saved:
        """The first submission or a correction; either is matched again. Raises StaleVersion."""
        account, now = self.log.account(account_id), self.clock.now()
        due = linking_deadline(now, self.calendar)
        try:
            profile = self.log.profile(account.profile_id)
        except errors.ProfileMissing:
            if expected_version is not None:
                raise errors.StaleVersion from None
            profile = Profile.submit(
                account.profile_id, data, account_id=account_id, due=due, actor=actor, now=now
            )
        else:
            if expected_version not in (None, profile.data_version):
                raise errors.StaleVersion
            profile.correct(data, due=due, actor=actor, now=now)
        effects = [self.lookup.release("ahv", account_id)]
        if data.ahv_number:
            effects.append(self.lookup.claim("ahv", data.ahv_number, account_id))
        return self.log.record(profile, effects=effects)
