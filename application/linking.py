"""Whose record is it: matched at once, or decided by the secretariat."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from uuid import UUID

from application.deciding import decided_again
from application.ports import Cases, Clock, Effect, EventLog, Lookup, Records, Saved
from domain import errors, matching
from domain.account import Account
from domain.calendar import WorkingDays, after_a_pause, linking_deadline
from domain.case import Case, Question
from domain.persons import Declared, Record
from domain.profile import Link, Profile
from domain.values import SYSTEM

CREATED_HERE = "N-"  # how the numbers of records begin that are made here


@dataclass(frozen=True)
class CaseSheet:
    """What a clerk decides on. version: of the profile, for `If-Match`. link: what the case led to, or is about.

    questions: all that the holder was ever asked, also about earlier cases.
    """

    case: Case
    account_id: UUID
    version: int
    link: Link | None
    candidates: tuple[matching.Comparison, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Linking:
    log: EventLog
    lookup: Lookup
    records: Records
    cases: Cases
    matcher: matching.Matcher
    clock: Clock
    calendar: WorkingDays
    new_id: Callable[[], UUID]

    @decided_again
    def match(self, account_id: UUID, *, settled: Effect) -> Saved:
        """Link a submitted profile at once, or open a case. settled: ends the work item in the same transaction."""
        account, now = self.log.account(account_id), self.clock.now()
        try:
            profile = self.log.profile(account.profile_id)
        except errors.ProfileMissing:  # invited, and nothing is known of her yet
            return self.log.record(effects=[settled])
        # A clerk was asked already, nobody wants to know any more, or the holder will be asked for the rest.
        if profile.open_case or account.merged or not profile.is_complete:
            return self.log.record(effects=[settled])
        due = profile.due or linking_deadline(now, self.calendar)  # imported data have waited for nobody
        decision = self._decide(account, profile)
        cause = self._cause(account, profile, decision)
        effects = [settled, self.log.unmoved(account_id, account)]  # it may be merged at this moment
        if cause:
            numbers = [candidate.record_number for candidate in decision.candidates]
            profile.open_case_for(self.new_id(), cause, numbers, due=due, actor=SYSTEM, now=now)
        elif not profile.link:
            profile.link_at_once(decision.record_number, judgement=decision.judgement, actor=SYSTEM, now=now)
            effects.append(self.lookup.claim("record", decision.record_number, account_id))
        try:
            return self.log.record(profile, effects=effects)
        except errors.RecordTaken:  # since it was found free: decide again, as if it had been taken before
            raise errors.Conflict from None

    def sheet(self, case_id: UUID) -> CaseSheet:
        """Raises CaseUnknown."""
        profile = self._profile_of(case_id)
        account = self.log.account(profile.account_id)
        case = profile.cases[case_id]
        candidates = self._decide(account, profile).candidates
        candidates += self._named(case, account, profile, candidates)
        link = profile.link if case.is_undecided else None
        if case.record_number:
            link = Link(case.record_number, case.at, case.by)
        return CaseSheet(case, account.id, profile.version, link, candidates, tuple(profile.questions))

    @decided_again
    def take(
        self,
        case_id: UUID,
        *,
        instead_of: UUID | None = None,
        actor: UUID,
        expected_version: int | None = None,
    ) -> Saved:
        """A clerk takes a case; it is released when it is decided. instead_of: the clerk to take it from.

        Raises CaseUnknown, OwnCase, AlreadyDecided, AlreadyTaken, StaleVersion.
        """
        profile = self._open_case(case_id, expected_version)
        profile.take_case(case_id, instead_of=instead_of, actor=actor, now=self.clock.now())
        return self.log.record(profile)

    @decided_again
    def ask(self, case_id: UUID, text: str, *, actor: UUID, expected_version: int | None = None) -> Saved:
        """A clerk asks the holder something; the clock stands still until it is answered.

        Raises CaseUnknown, OwnCase, AlreadyDecided, AlreadyAsked, StaleVersion, AccountLocked, AccountClosed: whoever
        cannot come in cannot answer.
        """
        profile = self._open_case(case_id, expected_version)
        profile.ask(case_id, text, actor=actor, now=self.clock.now())
        self.log.account(profile.account_id).must_be_usable()
        return self.log.record(profile)

    @decided_again
    def answer(self, account_id: UUID, text: str) -> Saved:
        """The holder answers the open question. Raises NothingAsked."""
        try:
            profile, now = self.log.profile(self.log.account(account_id).profile_id), self.clock.now()
        except errors.ProfileMissing:
            raise errors.NothingAsked from None
        case = profile.asked_case
        due = after_a_pause(case.due, case.question.asked_at, now, self.calendar) if case else profile.due
        profile.answer(text, due=due, now=now)
        return self.log.record(profile)

    def case_of(self, account_id: UUID) -> Case | None:
        """The holder's own: the undecided one, else the one opened last."""
        try:
            profile = self.log.profile(self.log.account(account_id).profile_id)
        except errors.ProfileMissing:
            return None
        return profile.open_case or next(reversed(profile.cases.values()), None)

    @decided_again
    def link(
        self,
        case_id: UUID,
        record_number: str,
        *,
        reason: str,
        note: str | None,
        actor: UUID,
        expected_version: int | None = None,
    ) -> Saved:
        """A clerk links. Raises CaseUnknown, AlreadyDecided, RecordUnknown, RecordTaken, StaleVersion."""
        profile = self._open_case(case_id, expected_version)
        former = profile.link.record_number if profile.link else None
        record = self.records.get(record_number)
        profile.decide_link(
            case_id,
            record_number,
            reason=reason,
            note=note,
            judgement=self._judged(profile, record) if record else matching.UNJUDGED,
            actor=actor,
            now=self.clock.now(),
        )
        if not record:
            raise errors.RecordUnknown
        effects = []
        if former != record_number:
            effects = [
                self.lookup.release("record", profile.account_id),
                self.lookup.claim("record", record_number, profile.account_id),
            ]
        try:
            return self.log.record(profile, effects=effects)
        except errors.RecordTaken:
            raise self._taken(record_number) from None

    @decided_again
    def create_record(
        self,
        case_id: UUID,
        *,
        reason: str,
        note: str | None,
        actor: UUID,
        expected_version: int | None = None,
    ) -> Saved:
        """A clerk has a record made of what was declared, at the account's address, and links it.

        Raises CaseUnknown, OwnCase, AlreadyDecided, StaleVersion, RecordsNotWritable, RecordExists.
        """
        profile = self._open_case(case_id, expected_version)
        declared, account = declared_by(profile), self.log.account(profile.account_id)
        number = f"{CREATED_HERE}{self.new_id().hex[:8].upper()}"
        record = Record(record_number=number, email=account.email, **vars(declared))
        profile.create_record(
            case_id,
            number,
            reason=reason,
            note=note,
            judgement=self.compare(account, profile, record).judgement,
            actor=actor,
            now=self.clock.now(),
        )
        made = self.records.create(record, profile.data.canton)
        effects = [
            made,
            self.lookup.release("record", account.id),
            self.lookup.claim("record", number, account.id),
        ]
        try:
            return self.log.record(profile, effects=effects)
        except errors.RecordTaken:  # somebody's import brought that very number
            raise errors.Conflict from None

    @decided_again
    def reject(
        self,
        case_id: UUID,
        *,
        reason: str,
        note: str | None,
        actor: UUID,
        expected_version: int | None = None,
    ) -> Saved:
        """A clerk finds no record. Raises CaseUnknown, AlreadyDecided, StaleVersion."""
        profile = self._open_case(case_id, expected_version)
        profile.reject(case_id, reason=reason, note=note, actor=actor, now=self.clock.now())
        return self.log.record(profile, effects=[self.lookup.release("record", profile.account_id)])

    @decided_again
    def unlink(self, account_id: UUID, *, reason: str, note: str | None, actor: UUID) -> Saved:
        """Take a link back; a new case decides. Raises AccountUnknown, ProfileMissing, NotLinked."""
        profile = self.log.profile(self.log.account(account_id).profile_id)
        now = self.clock.now()
        due = linking_deadline(now, self.calendar)
        profile.unlink(self.new_id(), reason=reason, note=note, due=due, actor=actor, now=now)
        return self.log.record(profile, effects=[self.lookup.release("record", account_id)])

    def _open_case(self, case_id: UUID, expected_version: int | None) -> Profile:
        """That a case is decided already, and by whom, says more than that it has changed."""
        profile = self._profile_of(case_id)
        profile.must_be_open(case_id)
        if expected_version not in (None, profile.version):
            raise errors.StaleVersion
        return profile

    def _profile_of(self, case_id: UUID) -> Profile:
        profile_id = self.cases.profile_of(case_id)
        if not profile_id:
            raise errors.CaseUnknown
        return self.log.profile(profile_id)

    def would_decide(
        self, declared: Declared, account_address: str, account_id: UUID | None = None
    ) -> matching.Decision:
        """What would be decided on such data now. account_id: whose they are; None: of nobody here."""
        others = set(self.lookup.find("ahv", declared.ahv_number)) if declared.ahv_number else set()
        others.discard(account_id)
        candidates = [
            matching.Candidate.of(
                record,
                # Of the other ones nobody asks, for they are never linked at once.
                self._other_holder(record.record_number, account_id)
                if matching.same_number(declared, record)
                else None,
                declared_by_others=bool(others),
            )
            for record in self.records.candidates(declared, account_address)
        ]
        census = self.records.census(declared)
        return matching.decide(declared, account_address, candidates, self.matcher, census)

    def _decide(self, account: Account, profile: Profile) -> matching.Decision:
        return self.would_decide(declared_by(profile), account.email, account.id)

    def compare(self, account: Account, profile: Profile, record: Record) -> matching.Comparison:
        declared = declared_by(profile)
        return self.matcher.compare(declared, account.email, record, self.records.census(declared))

    def _named(
        self, case: Case, account: Account, profile: Profile, shown: Sequence[matching.Comparison]
    ) -> tuple[matching.Comparison, ...]:
        """Records that the case is about, and that nobody would find by what the person declares."""
        numbers = [
            number for number in case.candidates if number not in {each.record_number for each in shown}
        ]
        records = filter(None, map(self.records.get, numbers))
        return tuple(self.compare(account, profile, record) for record in records)

    def _judged(self, profile: Profile, record: Record) -> matching.Judgement:
        return self.compare(self.log.account(profile.account_id), profile, record).judgement

    def _cause(self, account: Account, profile: Profile, decision: matching.Decision) -> str | None:
        """Why a clerk must look at a profile; None where nobody must."""
        if not profile.link:
            return "unlinked-before" if decision.record_number in profile.unlinked else decision.cause
        if profile.identity == profile.linked_identity:
            return None
        record = self.records.get(profile.link.record_number)
        doubted = not record or matching.contradicts(self.compare(account, profile, record))
        return "identity-corrected" if doubted else None

    def _other_holder(self, record_number: str, account_id: UUID | None) -> UUID | None:
        return next((each for each in self.lookup.find("record", record_number) if each != account_id), None)

    def _taken(self, record_number: str) -> errors.RecordTaken:
        """Says who was first, as far as it still holds."""
        for holder in self.lookup.find("record", record_number):
            link = self.log.profile(self.log.account(holder).profile_id).link
            if link:
                return errors.RecordTaken(by=link.by, at=link.linked_at)
        return errors.RecordTaken()


def declared_by(profile: Profile) -> Declared:
    return Declared(**{field.name: getattr(profile.data, field.name) for field in fields(Declared)})
