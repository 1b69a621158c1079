"""Whether an account may be used: locked and unlocked by staff, closed and reopened; sessions ended by their holder."""

from dataclasses import dataclass
from uuid import UUID

from application.deciding import decided_again
from application.ports import Clock, Credentials, Devices, Effect, EventLog, Links, Saved, Sessions
from application.reauthentication import Evidence, Reauthentication, Shown
from domain import policies
from domain.account import Account
from domain.fact import NOWHERE, Whence

REOPEN = "reopening"  # the kind of link


@dataclass(frozen=True)
class Standings:
    log: EventLog
    links: Links
    credentials: Credentials
    sessions: Sessions
    devices: Devices
    reauthentication: Reauthentication
    clock: Clock

    @decided_again
    def lock(self, account_id: UUID, *, reason: str, note: str | None, actor: UUID) -> Saved:
        """All sessions end. Raises AccountUnknown, OwnAccount."""
        account = self.log.account(account_id)
        account.lock(reason=reason, note=note, actor=actor, now=self.clock.now())
        return self.log.record(account, effects=self.barred(account))

    @decided_again
    def unlock(self, account_id: UUID, *, reason: str, note: str | None, actor: UUID) -> Saved:
        """Raises AccountUnknown, OwnAccount."""
        account = self.log.account(account_id)
        account.unlock(reason=reason, note=note, actor=actor, now=self.clock.now())
        return self.log.record(account, effects=self.barred(account))

    @decided_again
    def close(self, account_id: UUID, *, reason: str, note: str | None, actor: UUID) -> Saved:
        """By staff. Raises AccountUnknown, OwnAccount."""
        account = self.log.account(account_id)
        account.close(reason=reason, note=note, whence=NOWHERE, actor=actor, now=self.clock.now())
        return self.log.record(account, effects=self.barred(account))

    def close_own(self, account_id: UUID, evidence: Evidence, *, session_id: UUID, whence: Whence) -> Saved:
        """Raises what `Reauthentication.then` does."""

        def close(account: Account, shown: Shown) -> Saved:
            account.close(reason=None, note=None, whence=whence, actor=account_id, now=self.clock.now())
            return self.log.record(account, effects=[*shown.effects, *self.barred(account)])

        return self.reauthentication.then(account_id, evidence, session_id, close)

    def reopening_link(self, account: Account) -> str | None:
        """The token for the mailbox of a closed account; None where nothing opens it again."""
        closure = account.closure
        if not closure or not closure.by_holder or account.merged:
            return None
        return self.links.make(REOPEN, account.id, closure.request, closure.at + policies.CLOSURE_GRACE)

    @decided_again
    def reopen(self, token: str, whence: Whence) -> Saved:
        """By the link of the closing message. Raises LinkDead."""
        now = self.clock.now()
        linked = self.links.find(REOPEN, token, now)
        account = self.log.account(linked.account_id)
        account.reopen(request=linked.request, whence=whence, now=now)
        return self.log.record(account, effects=self.barred(account))

    @decided_again
    def end_session(self, account_id: UUID, session_id: UUID, *, kept: UUID, whence: Whence) -> Saved:
        """Raises SessionUnknown, for another's too."""
        account = self.log.account(account_id)
        account.end_sessions(session_id, kept=kept, whence=whence, now=self.clock.now())
        return self.log.record(account, effects=[self.sessions.end_one(account_id, session_id)])

    @decided_again
    def end_other_sessions(self, account_id: UUID, *, kept: UUID, whence: Whence) -> Saved:
        account = self.log.account(account_id)
        account.end_sessions(None, kept=kept, whence=whence, now=self.clock.now())
        return self.log.record(account, effects=[self.sessions.end_others(account_id, kept)])

    def barred(self, account: Account) -> list[Effect]:
        """What makes it so that the account is let in, or not, as it stands now."""
        barred = account.state if account.state in ("locked", "closed") else None
        bar = self.credentials.bar(account.id, barred)
        if not barred:
            return [bar]
        # Who misused it may have done so from a browser that it knows.
        return [bar, self.sessions.end_all(account.id), self.devices.forget(account.id)]
